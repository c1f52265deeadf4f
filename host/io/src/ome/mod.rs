//! OME-XML, schema 2016-06: the part of it that a microscope image needs.
//!
//! [`parse`] reads what strangers wrote (older schemas too, as far as the names agree), [`write`](fn@write) makes a
//! document that the 2016-06 schema accepts. [`image_spec`] and [`document`] translate between OME's words and an
//! [`ImageSpec`](parfocal_image::ImageSpec); what OME has no place for travels in an annotation of the namespace
//! [`NAMESPACE`].
//!
//! What is not here: files and pixels, regions of interest, plates and wells, users and groups.
//!
//! ```
//! use parfocal_io::ome;
//! let text = r#"<OME><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16"
//!     SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="108" PhysicalSizeXUnit="nm"/></Image></OME>"#;
//! let document = ome::parse(text)?;
//! let pixels = &document.images[0].pixels;
//! assert_eq!(pixels.physical_size_x.unwrap().get(), 0.108);
//! # Ok::<(), parfocal_types::Error>(())
//! ```

mod annotation;
mod attributes;
mod date;
mod model;
mod parse;
mod spec;
mod text;
mod units;
mod write;

pub use annotation::{NAMESPACE, Note};
pub use model::{
    Annotation, AnnotationValue, BinaryOnly, Channel, Detector, DetectorSettings, DimensionOrder, Document,
    Image, Instrument, LightSource, LightSourceSettings, Objective, ObjectiveSettings, PixelType, Pixels,
    Plane, Position, TiffData,
};
pub use parse::{MAX_XML_BYTES, parse};
pub use spec::{document, image_spec, sample_channels, visible_name};
pub use units::{length_in_micrometers, power_in_milliwatts, time_in_seconds, voltage_in_volts};
pub use write::write;
