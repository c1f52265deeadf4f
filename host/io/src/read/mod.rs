//! Reading of image files, lazily: opening looks at headers only, pixels are decoded tile by tile when a source is
//! asked for them, and a bounded part of them is kept ([`CACHE_BYTES`] for each open file).
//!
//! What is read, and how pixel types that Parfocal has not are widened, is in `docs/formats.md`. No file makes the
//! reader panic or allocate more than its bytes can hold.

mod bytes;
mod cache;
mod file;
mod png;
mod tiff;

pub use cache::CACHE_BYTES;
pub use file::{Format, ImageFile};
