//! Writing images: OME-TIFF for everything, PNG for looking at one plane.
//!
//! [`OmeTiffWriter`] is an [`ImageSink`](parfocal_core::image::ImageSink): the pipeline hands it pieces in any order
//! from several threads. [`write_png`] takes pixels that are in memory already. Whatever is written appears whole
//! under its name or not at all; [`discard_all`] is for a program that must end at once.
//!
//! What is not here: OME-Zarr, colour overlays, any choice of what to write.

pub(crate) mod atomic;
mod chunks;
mod codec;
mod container;
mod directory;
mod ome_tiff;
mod png;
mod pyramid;

pub use atomic::{discard_all, write_whole};
pub use ome_tiff::{OmeTiffOptions, OmeTiffWriter};
pub use png::write_png;
