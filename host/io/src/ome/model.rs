//! The elements of an OME-XML document, with their values in Parfocal's units.
//!
//! Optional facts that are missing, or that a file states in a form that nobody can read, are `None`.

use parfocal_types::units::{Micrometers, Milliwatts, Nanometers, Seconds, Volts};

/// A whole document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// The identity of the file, `urn:uuid:...`, by which the files of a set name each other.
    pub uuid: Option<String>,
    /// The program that wrote the file.
    pub creator: Option<String>,
    /// Set when this file carries pixels only and another one of the set carries the document.
    pub binary_only: Option<BinaryOnly>,
    /// Microscopes.
    pub instruments: Vec<Instrument>,
    /// Images, in the order of the file.
    pub images: Vec<Image>,
    /// Structured annotations, in the order of the file.
    pub annotations: Vec<Annotation>,
}

/// Where the document of a file lies that carries pixels only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BinaryOnly {
    /// Name of the file with the document, beside this one.
    pub metadata_file: String,
    /// Identity of that file.
    pub uuid: Option<String>,
}

/// A microscope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Instrument {
    /// `Instrument:0`.
    pub id: String,
    /// Lenses.
    pub objectives: Vec<Objective>,
    /// Cameras and photomultipliers.
    pub detectors: Vec<Detector>,
    /// Lasers, lamps, diodes.
    pub light_sources: Vec<LightSource>,
}

/// A lens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Objective {
    /// `Objective:0`.
    pub id: String,
    /// Magnification printed on the lens.
    pub nominal_magnification: Option<f64>,
    /// Magnification that was measured.
    pub calibrated_magnification: Option<f64>,
    /// Numerical aperture.
    pub lens_na: Option<f64>,
    /// OME's word for the medium: `Oil`, `Water`, `Air`.
    pub immersion: Option<String>,
}

/// A camera or photomultiplier.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detector {
    /// `Detector:0`.
    pub id: String,
    /// The maker's name for it.
    pub model: Option<String>,
    /// OME's word for the type: `CMOS`, `PMT`.
    pub kind: Option<String>,
}

/// A laser, lamp or diode.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LightSource {
    /// `LightSource:0`.
    pub id: String,
    /// OME's element: `Laser`, `Arc`, `Filament`, `LightEmittingDiode`, `GenericExcitationSource`.
    pub kind: String,
    /// Power of the source, not at the sample.
    pub power: Option<Milliwatts>,
    /// Wavelength of a laser.
    pub wavelength: Option<Nanometers>,
}

/// Which lens an image was taken with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectiveSettings {
    /// The lens.
    pub id: String,
    /// Refractive index of the medium between lens and sample.
    pub refractive_index: Option<f64>,
    /// OME's word for the medium.
    pub medium: Option<String>,
}

/// One image.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// `Image:0`.
    pub id: String,
    /// Its name; empty when there is none.
    pub name: String,
    /// When it was taken, as the file says it: `2026-05-04T10:00:00`.
    pub acquisition_date: Option<String>,
    /// The instrument it was taken with.
    pub instrument: Option<String>,
    /// The lens it was taken with.
    pub objective_settings: Option<ObjectiveSettings>,
    /// Its pixels.
    pub pixels: Pixels,
    /// Annotations that belong to it.
    pub annotation_refs: Vec<String>,
}

/// The order in which planes follow each other in a file; X and Y always come first, the leftmost runs fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DimensionOrder {
    /// Depth fastest, then channels, then time.
    Xyzct,
    /// Depth, time, channels.
    Xyztc,
    /// Channels, time, depth.
    Xyctz,
    /// Channels, depth, time.
    Xyczt,
    /// Time, channels, depth.
    Xytcz,
    /// Time, depth, channels.
    Xytzc,
}

impl DimensionOrder {
    const NAMES: [(&'static str, Self); 6] = [
        ("XYZCT", Self::Xyzct),
        ("XYZTC", Self::Xyztc),
        ("XYCTZ", Self::Xyctz),
        ("XYCZT", Self::Xyczt),
        ("XYTCZ", Self::Xytcz),
        ("XYTZC", Self::Xytzc),
    ];

    /// The order with OME's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(text, _)| *text == name).map(|(_, order)| *order)
    }

    /// OME's name, for example `XYZCT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, order)| *order == self).map_or("XYZCT", |(text, _)| text)
    }

    /// The axes from fastest to slowest, as indices into `[z, c, t]`.
    #[must_use]
    pub const fn axes(self) -> [usize; 3] {
        match self {
            Self::Xyzct => [0, 1, 2],
            Self::Xyztc => [0, 2, 1],
            Self::Xyctz => [1, 2, 0],
            Self::Xyczt => [1, 0, 2],
            Self::Xytcz => [2, 1, 0],
            Self::Xytzc => [2, 0, 1],
        }
    }

    /// The position `[z, c, t]` of the plane with this running number, for sizes `[z, c, t]`; `None` when the number
    /// lies behind the last plane. For images of several samples a plane, `c` counts OME channels, not samples.
    #[must_use]
    pub fn position(self, number: u64, sizes: [u64; 3]) -> Option<[u64; 3]> {
        let mut rest = number;
        let mut position = [0; 3];
        for axis in self.axes() {
            position[axis] = rest.checked_rem(sizes[axis])?;
            rest /= sizes[axis];
        }
        (rest == 0).then_some(position)
    }

    /// The running number of the plane at `[z, c, t]`, for sizes `[z, c, t]`; `None` when it lies outside.
    #[must_use]
    pub fn number(self, position: [u64; 3], sizes: [u64; 3]) -> Option<u64> {
        let mut number = 0_u64;
        let mut step = 1_u64;
        for axis in self.axes() {
            if position[axis] >= sizes[axis] {
                return None;
            }
            number = number.checked_add(position[axis].checked_mul(step)?)?;
            step = step.checked_mul(sizes[axis])?;
        }
        Some(number)
    }
}

/// OME's pixel types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelType {
    /// Signed, 8 bits.
    Int8,
    /// Signed, 16 bits.
    Int16,
    /// Signed, 32 bits.
    Int32,
    /// Unsigned, 8 bits.
    Uint8,
    /// Unsigned, 16 bits.
    Uint16,
    /// Unsigned, 32 bits.
    Uint32,
    /// IEEE 754 single precision.
    Float,
    /// IEEE 754 double precision.
    Double,
    /// Pairs of single precision.
    Complex,
    /// Pairs of double precision.
    DoubleComplex,
    /// One bit a pixel.
    Bit,
}

impl PixelType {
    const NAMES: [(&'static str, Self); 11] = [
        ("int8", Self::Int8),
        ("int16", Self::Int16),
        ("int32", Self::Int32),
        ("uint8", Self::Uint8),
        ("uint16", Self::Uint16),
        ("uint32", Self::Uint32),
        ("float", Self::Float),
        ("double", Self::Double),
        ("complex", Self::Complex),
        ("double-complex", Self::DoubleComplex),
        ("bit", Self::Bit),
    ];

    /// The type with OME's name; old files write it with capitals.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(text, _)| text.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
    }

    /// OME's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("uint8", |(text, _)| text)
    }
}

/// The pixels of an image: sizes, calibration, where they lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    /// `Pixels:0`.
    pub id: String,
    /// How planes follow each other.
    pub dimension_order: DimensionOrder,
    /// Type of the pixels.
    pub pixel_type: PixelType,
    /// Bits that values really use.
    pub significant_bits: Option<u32>,
    /// Columns.
    pub size_x: u64,
    /// Rows.
    pub size_y: u64,
    /// Planes of a stack.
    pub size_z: u64,
    /// Channels, samples counted one by one: an RGB image has 3.
    pub size_c: u64,
    /// Time points.
    pub size_t: u64,
    /// Distance between columns; `None` also where the unit is `pixel` or `reference frame`.
    pub physical_size_x: Option<Micrometers>,
    /// Distance between rows.
    pub physical_size_y: Option<Micrometers>,
    /// Distance between planes.
    pub physical_size_z: Option<Micrometers>,
    /// Time between time points.
    pub time_increment: Option<Seconds>,
    /// Byte order the document claims; the TIFF header decides.
    pub big_endian: Option<bool>,
    /// Whether the samples of a pixel lie together; the TIFF decides.
    pub interleaved: Option<bool>,
    /// The channels that are described; may be fewer than there are.
    pub channels: Vec<Channel>,
    /// Where planes lie.
    pub tiff_data: Vec<TiffData>,
    /// Set by `MetadataOnly`: the document describes no pixels of this file.
    pub metadata_only: bool,
    /// Facts of single planes.
    pub planes: Vec<Plane>,
    /// Annotations that belong to the pixels.
    pub annotation_refs: Vec<String>,
}

/// One channel: one or several samples a pixel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Channel {
    /// `Channel:0:0`.
    pub id: String,
    /// Its name; empty when there is none.
    pub name: String,
    /// Samples a pixel: 3 for RGB, 1 where the file does not say.
    pub samples_per_pixel: u64,
    /// Excitation wavelength.
    pub excitation: Option<Nanometers>,
    /// Emission wavelength.
    pub emission: Option<Nanometers>,
    /// Diameter of the confocal pinhole.
    pub pinhole: Option<Micrometers>,
    /// Colour for display, red green blue.
    pub color: Option<[u8; 3]>,
    /// OME's word for the contrast: `Fluorescence`, `Phase`.
    pub contrast_method: Option<String>,
    /// OME's word for the microscope: `WideField`, `SpinningDiskConfocal`.
    pub acquisition_mode: Option<String>,
    /// The detector and how it was set.
    pub detector: Option<DetectorSettings>,
    /// The light source and how it was set.
    pub light_source: Option<LightSourceSettings>,
    /// Annotations that belong to it.
    pub annotation_refs: Vec<String>,
}

/// How a detector was set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetectorSettings {
    /// The detector.
    pub id: String,
    /// Gain, in a unit that OME does not define.
    pub gain: Option<f64>,
    /// Offset, in a unit that OME does not define.
    pub offset: Option<f64>,
    /// High voltage.
    pub voltage: Option<Volts>,
    /// Zoom of the scanner.
    pub zoom: Option<f64>,
    /// Sensor pixels joined into one.
    pub binning: Option<[u32; 2]>,
    /// Number of frames averaged into one.
    pub integration: Option<u32>,
}

/// How a light source was set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LightSourceSettings {
    /// The light source.
    pub id: String,
    /// Attenuation as OME has it: a share of 0 to 1 whose direction writers disagree about.
    pub attenuation: Option<f64>,
    /// Wavelength in use.
    pub wavelength: Option<Nanometers>,
}

/// A place of the stage; `None` also where the unit is `reference frame`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Position {
    /// Along X.
    pub x: Option<Micrometers>,
    /// Along Y.
    pub y: Option<Micrometers>,
    /// Of the focus drive.
    pub z: Option<Micrometers>,
}

/// Facts of one plane.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Plane {
    /// Depth.
    pub z: u64,
    /// Channel as OME counts: a channel of several samples is one.
    pub c: u64,
    /// Time point.
    pub t: u64,
    /// Time since the start of the experiment.
    pub delta_t: Option<Seconds>,
    /// Time the sensor integrated.
    pub exposure: Option<Seconds>,
    /// Where the stage stood.
    pub position: Position,
}

/// Where planes lie: a run of directories of this file or another one.
///
/// OME's rules for what is left out: no `ifd` and no `plane_count` means all directories from the first on; `ifd`
/// alone means one plane; `plane_count` alone starts at directory 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TiffData {
    /// First directory.
    pub ifd: Option<u64>,
    /// Depth of the first plane.
    pub first_z: u64,
    /// Channel of the first plane, as OME counts: a channel of several samples is one.
    pub first_c: u64,
    /// Time point of the first plane.
    pub first_t: u64,
    /// Number of planes.
    pub plane_count: Option<u64>,
    /// Identity of the file that has them.
    pub uuid: Option<String>,
    /// Name of that file, beside this one.
    pub file_name: Option<String>,
}

/// A structured annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// `Annotation:0`.
    pub id: String,
    /// OME's element, for example `CommentAnnotation`.
    pub kind: String,
    /// Who defined it; empty when nobody did.
    pub namespace: String,
    /// What it says.
    pub value: AnnotationValue,
}

/// What an annotation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnnotationValue {
    /// Text, numbers and truth values as their text.
    Text(String),
    /// The inner XML of an `XMLAnnotation`, as it stands in the file.
    Xml(String),
    /// The pairs of a `MapAnnotation`.
    Pairs(Vec<(String, String)>),
}

impl Document {
    /// The annotation with this id.
    #[must_use]
    pub fn annotation(&self, id: &str) -> Option<&Annotation> {
        self.annotations.iter().find(|annotation| annotation.id == id)
    }

    /// The lens with this id.
    #[must_use]
    pub fn objective(&self, id: &str) -> Option<&Objective> {
        self.instruments.iter().flat_map(|instrument| &instrument.objectives).find(|lens| lens.id == id)
    }

    /// The light source with this id.
    #[must_use]
    pub fn light_source(&self, id: &str) -> Option<&LightSource> {
        self.instruments
            .iter()
            .flat_map(|instrument| &instrument.light_sources)
            .find(|source| source.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plane_numbers_and_positions_are_inverse_in_every_order() {
        let sizes = [2, 3, 4];
        for (_, order) in DimensionOrder::NAMES {
            for number in 0..24 {
                let position = order.position(number, sizes).unwrap();
                assert_eq!(order.number(position, sizes), Some(number), "{order:?}");
            }
            assert_eq!(order.position(24, sizes), None);
            assert_eq!(order.number([2, 0, 0], sizes), None);
            assert_eq!(order.position(0, [0, 1, 1]), None);
        }
        assert_eq!(DimensionOrder::Xyczt.position(1, sizes), Some([0, 1, 0]));
        assert_eq!(DimensionOrder::Xytzc.position(1, sizes), Some([0, 0, 1]));
    }
}
