//! Files: reads TIFF, OME-TIFF, ImageJ stacks and PNG lazily, tile by tile; writes OME-TIFF, PNG and tables.
//!
//! What it is not: no processing, no tiling policy (that is `host/pipeline`), no plugin code.
//! Its sources implement [`parfocal_core::image::ImageSource`], its sinks `ImageSink`; the pipeline and the command
//! line call them.

pub mod ome;
pub mod read;
pub mod source;
pub mod table;
pub mod write;
