//! What an image operator is.
//!
//! An operator declares itself with a [`Descriptor`] (ports, pixel types, kind, parameters, what it preserves),
//! answers a [`Plan`] before anything runs, and then works on tiles. The [`Operator`] trait is the whole
//! behaviour; plugins implement it, the lanes of the host (native, WASM, worker) answer it for them, and the
//! scheduler calls nothing else.
//!
//! # Kinds
//! - **map**: a tile in, a tile out.
//! - **reduce**: a partial result a tile ([`Operator::accumulate`]), joined ([`Operator::merge`]) in the order of the tiles
//!   and finished ([`Operator::finish`]) into tables and records. A reduce operator that also has image outputs gets
//!   a second pass: the host hands the conclusion to each instance ([`Operator::conclude`]) and runs it over the
//!   **same tiles** again. Otsu's threshold (histogram, then mask) and stitched components (borders, then labels) are such.
//! - **whole**: needs some axes whole, and says so in its plan.
//!
//! # What does not go in or come out yet
//! Tables and records as inputs, tables from other kinds than reduce, files, live streams without a known end, and buffers
//! that stay on a device: each waits for the first part of the host that would hand them over, because a contract that
//! nobody has used is a guess. [`PortKind`] and the native tiles (memory space and handle) have the room.
//!
//! # For authors
//! Start from `parfocal_plugin`, which has shorter traits for the common cases and the export macro. Read
//! [`Operator`] for the exact order of calls.
//!
//! # For users of an operator
//! The host tiles, pads, schedules, cancels and keeps memory inside the declared budget; see `parfocal-pipeline`.

pub mod descriptor;
pub mod operator;
pub mod plan;
pub mod registry;
pub mod rules;
pub mod services;

pub use descriptor::{Descriptor, InputPort, Kind, OutputPort, PortKind, ThreadSafety};
pub use operator::{Input, Operator, Output, Tiles};
pub use plan::{InputRegion, InputSpec, Padding, Plan, TileSize, Tiling};
pub use registry::Registry;
pub use services::{LogLevel, Services, Sink};

/// The interface that this crate describes, as its wire name.
pub const INTERFACE: &str = "operator";

/// The version of the interface that this crate describes.
pub const VERSION: parfocal_types::InterfaceVersion = parfocal_types::InterfaceVersion::draft(1, 2);

/// The same as text, for notes that are written at compile time.
pub const VERSION_TEXT: &str = "1-draft.2";

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_and_its_text_agree() {
        assert_eq!(super::VERSION.to_string(), super::VERSION_TEXT);
    }
}
