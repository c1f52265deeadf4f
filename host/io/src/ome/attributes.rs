//! The attributes of an element, and the parts of the model that are made from them alone.

use std::{num::IntErrorKind, str::FromStr};

use parfocal_types::{
    error::{Error, ErrorKind, Result},
    units::{Micrometers, Nanometers, Seconds},
};
use quick_xml::{XmlVersion, events::BytesStart};

use super::{
    model::{Channel, DetectorSettings, DimensionOrder, PixelType, Pixels, Plane, Position, TiffData},
    parse::bad_xml,
    units::{length_in_micrometers, time_in_seconds, voltage_in_volts},
};

/// The attributes of one element.
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(super) fn of(element: &BytesStart<'_>) -> Result<Self> {
        let mut list = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| bad_xml(&error))?;
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| bad_xml(&error))?;
            list.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Ok(Self(list))
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A finite number, or nothing.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    pub(super) fn unit(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or(default).trim().to_owned()
    }

    fn length(&self, name: &str, default_unit: &str) -> Option<Micrometers> {
        length_in_micrometers(self.number(name)?, &self.unit(&format!("{name}Unit"), default_unit))
    }

    /// A pixel size or a pinhole: zero and negative numbers, which some programs write, mean that it is unknown.
    fn pixel_size(&self, name: &str) -> Option<Micrometers> {
        self.length(name, "µm").filter(|size| size.0 > 0.0)
    }

    pub(super) fn wavelength(&self, name: &str) -> Option<Nanometers> {
        let unit = self.unit(&format!("{name}Unit"), "nm");
        let value = self.number(name).filter(|value| *value > 0.0)?;
        // Kept as it stands where it is in nanometers already, so that it survives exactly.
        if unit == "nm" {
            return Some(Nanometers(value));
        }
        length_in_micrometers(value, &unit).map(|length| Nanometers(length.0 * 1000.0))
    }

    fn time(&self, name: &str) -> Option<Seconds> {
        time_in_seconds(self.number(name)?, &self.unit(&format!("{name}Unit"), "s"))
    }

    /// A whole number that the pixels depend on.
    fn whole<T: FromStr<Err = std::num::ParseIntError>>(
        &self,
        element: &str,
        name: &str,
    ) -> Result<Option<T>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
                let message =
                    format!("OME-XML: `{name}` of `{element}` is `{text}`, more than any file holds");
                Err(Error::new(ErrorKind::Corrupt { what: "OME-XML".to_owned() }, message))
            }
            Err(_) => Err(Error::corrupt(format!(
                "OME-XML: `{name}` of `{element}` is `{text}`, which is no whole number"
            ))),
        }
    }

    fn size(&self, name: &str) -> Result<u64> {
        match self.whole("Pixels", name)? {
            Some(0) => Err(Error::corrupt(format!("OME-XML: `{name}` is 0"))),
            Some(size) => Ok(size),
            None => Err(Error::corrupt(format!("OME-XML: `Pixels` has no `{name}`"))),
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)?.trim() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

pub(super) fn pixels(attributes: &Attributes) -> Result<Pixels> {
    let kind = attributes.text("Type").or_else(|| attributes.text("PixelType")).unwrap_or_default();
    let order = attributes.text("DimensionOrder").unwrap_or_default();
    Ok(Pixels {
        id: attributes.text("ID").unwrap_or_default(),
        dimension_order: DimensionOrder::from_name(&order)
            .ok_or_else(|| Error::corrupt(format!("OME-XML: `{order}` is no dimension order")))?,
        pixel_type: PixelType::from_name(&kind)
            .ok_or_else(|| Error::corrupt(format!("OME-XML: `{kind}` is no pixel type")))?,
        significant_bits: attributes.text("SignificantBits").and_then(|text| text.trim().parse().ok()),
        size_x: attributes.size("SizeX")?,
        size_y: attributes.size("SizeY")?,
        size_z: attributes.size("SizeZ")?,
        size_c: attributes.size("SizeC")?,
        size_t: attributes.size("SizeT")?,
        physical_size_x: attributes.pixel_size("PhysicalSizeX"),
        physical_size_y: attributes.pixel_size("PhysicalSizeY"),
        physical_size_z: attributes.pixel_size("PhysicalSizeZ"),
        time_increment: attributes.time("TimeIncrement"),
        big_endian: attributes.flag("BigEndian"),
        interleaved: attributes.flag("Interleaved"),
        channels: Vec::new(),
        tiff_data: Vec::new(),
        metadata_only: false,
        planes: Vec::new(),
        annotation_refs: Vec::new(),
    })
}

pub(super) fn channel(attributes: &Attributes) -> Result<Channel> {
    let samples = attributes.whole("Channel", "SamplesPerPixel")?.unwrap_or(1_u64);
    Ok(Channel {
        id: attributes.text("ID").unwrap_or_default(),
        name: attributes.text("Name").unwrap_or_default(),
        samples_per_pixel: samples.max(1),
        excitation: attributes.wavelength("ExcitationWavelength"),
        emission: attributes.wavelength("EmissionWavelength"),
        pinhole: attributes.pixel_size("PinholeSize"),
        color: attributes.get("Color").and_then(color),
        contrast_method: attributes.text("ContrastMethod"),
        acquisition_mode: attributes.text("AcquisitionMode"),
        detector: None,
        light_source: None,
        annotation_refs: Vec::new(),
    })
}

/// OME's colour, a signed 32-bit number of red, green, blue and opacity.
fn color(text: &str) -> Option<[u8; 3]> {
    let number: i64 = text.trim().parse().ok()?;
    let bits = i32::try_from(number).map(i32::cast_unsigned).or_else(|_| u32::try_from(number)).ok()?;
    let [red, green, blue, _] = bits.to_be_bytes();
    Some([red, green, blue])
}

fn binning(text: &str) -> Option<[u32; 2]> {
    let (x, y) = text.split_once('x')?;
    Some([x.trim().parse().ok()?, y.trim().parse().ok()?])
}

pub(super) fn tiff_data(attributes: &Attributes) -> Result<TiffData> {
    let number = |name| attributes.whole::<u64>("TiffData", name);
    Ok(TiffData {
        ifd: number("IFD")?,
        first_z: number("FirstZ")?.unwrap_or(0),
        first_c: number("FirstC")?.unwrap_or(0),
        first_t: number("FirstT")?.unwrap_or(0),
        plane_count: number("PlaneCount")?.or(number("NumPlanes")?),
        uuid: None,
        file_name: None,
    })
}

/// A plane's facts; nothing when it does not say which plane.
pub(super) fn plane(attributes: &Attributes) -> Option<Plane> {
    let index = |name: &str| attributes.get(name)?.trim().parse().ok();
    Some(Plane {
        z: index("TheZ")?,
        c: index("TheC")?,
        t: index("TheT")?,
        delta_t: attributes.time("DeltaT"),
        exposure: attributes.time("ExposureTime"),
        position: Position {
            x: attributes.length("PositionX", "reference frame"),
            y: attributes.length("PositionY", "reference frame"),
            z: attributes.length("PositionZ", "reference frame"),
        },
    })
}

pub(super) fn detector_settings(id: String, attributes: &Attributes) -> DetectorSettings {
    let volts = |voltage| voltage_in_volts(voltage, &attributes.unit("VoltageUnit", "V"));
    DetectorSettings {
        id,
        gain: attributes.number("Gain"),
        offset: attributes.number("Offset"),
        voltage: attributes.number("Voltage").and_then(volts),
        zoom: attributes.number("Zoom"),
        binning: attributes.get("Binning").and_then(binning),
        integration: attributes.get("Integration").and_then(|text| text.parse().ok()),
    }
}
