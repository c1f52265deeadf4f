//! Reading OME-XML.
//!
//! Strict where pixels would be read wrongly (sizes, type, order, where planes lie), lenient where a fact is merely
//! lost: an unreadable wavelength is an unknown wavelength. Entities that a document defines itself are not expanded,
//! and every list has a limit, so that a small file cannot ask for much memory.

use std::{num::IntErrorKind, str::FromStr};

use parfocal_types::{
    error::{Error, ErrorKind, Result},
    units::{Micrometers, Nanometers, Seconds},
};
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::{
    model::{
        Annotation, AnnotationValue, BinaryOnly, Channel, Detector, DetectorSettings, DimensionOrder,
        Document, Image, Instrument, LightSource, LightSourceSettings, Objective, ObjectiveSettings,
        PixelType, Pixels, Plane, Position, TiffData,
    },
    units::{length_in_micrometers, power_in_milliwatts, time_in_seconds, voltage_in_volts},
};

/// Longest document that is read: about 200 000 described planes.
pub const MAX_XML_BYTES: usize = 32 << 20;
/// Deepest nesting; the schema needs about ten.
const MAX_DEPTH: usize = 128;
/// Most planes, and most runs of planes, of all images together.
const MAX_PLANES: usize = 500_000;
/// Most of anything else: images of a plate, channels, lenses, annotations.
const MAX_ITEMS: usize = 50_000;

/// Reads a document.
///
/// # Errors
/// `corrupt` when the text is not OME-XML or lacks what the pixels need (type, sizes, order), `not-supported` when it
/// is larger than [`MAX_XML_BYTES`] or has more parts than a file of that kind can have.
pub fn parse(text: &str) -> Result<Document> {
    if text.len() > MAX_XML_BYTES {
        return Err(Error::not_supported(format!(
            "OME-XML of {} MiB; at most {} MiB are read",
            text.len() >> 20,
            MAX_XML_BYTES >> 20
        )));
    }
    let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\0', ' ', '\r', '\n', '\t']);
    let mut reader = Reader::from_str(text);
    let mut parser = Parser::default();
    loop {
        let before = position(&reader, text);
        match reader.read_event().map_err(|error| bad_xml(&error))? {
            Event::Start(element) => {
                parser.open(&element)?;
                if parser.xml_start == Some(usize::MAX) {
                    parser.xml_start = Some(position(&reader, text));
                }
            }
            Event::Empty(element) => {
                parser.open(&element)?;
                parser.close(text, before)?;
            }
            Event::End(_) => parser.close(text, before)?,
            Event::Text(part) => parser.text(&part.xml10_content()),
            Event::CData(part) => parser.text(&part.xml10_content()),
            Event::GeneralRef(entity) => {
                let character = entity.resolve_char_ref().map_err(|error| bad_xml(&error))?;
                match character {
                    Some(character) => parser.text(character.encode_utf8(&mut [0; 4])),
                    // An entity of the document's own definition stays unknown: expanding it could fill the memory.
                    None => {
                        parser.text(resolve_predefined_entity(&entity.xml10_content()).unwrap_or_default())
                    }
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    parser.finish()
}

fn position(reader: &Reader<&[u8]>, text: &str) -> usize {
    usize::try_from(reader.buffer_position()).map_or(text.len(), |position| position.min(text.len()))
}

fn bad_xml(error: &dyn std::fmt::Display) -> Error {
    Error::corrupt(format!("OME-XML: {error}"))
}

/// An image whose end has not come yet.
#[derive(Default)]
struct OpenImage {
    id: String,
    name: String,
    instrument: Option<String>,
    objective_settings: Option<ObjectiveSettings>,
    pixels: Option<Pixels>,
    annotation_refs: Vec<String>,
}

#[derive(Default)]
struct Parser {
    document: Document,
    path: Vec<String>,
    saw_root: bool,
    image: Option<OpenImage>,
    planes: usize,
    items: usize,
    /// Text of the innermost element that wants it.
    capture: Option<String>,
    /// Where the inner XML of an annotation's value starts; `usize::MAX` until its start tag is read.
    xml_start: Option<usize>,
}

impl Parser {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<()> {
        if self.path.len() >= MAX_DEPTH {
            return Err(Error::not_supported(format!("OME-XML nested deeper than {MAX_DEPTH} elements")));
        }
        let name = element.local_name().as_ref().to_owned();
        if self.path.is_empty() {
            if name != "OME" || self.saw_root {
                return Err(Error::corrupt(format!("OME-XML: the root element is `{name}`, not `OME`")));
            }
            self.saw_root = true;
        }
        // An annotation may carry any XML: what looks like an image in there is none.
        if self.xml_start.is_none() {
            let attributes = Attributes::of(element)?;
            let depth = self.path.len();
            let parent = self.path.last().cloned().unwrap_or_default();
            let grand = depth.checked_sub(2).and_then(|at| self.path.get(at)).cloned().unwrap_or_default();
            self.element(&grand, &parent, &name, &attributes)?;
        }
        self.path.push(name);
        Ok(())
    }

    fn element(&mut self, grand: &str, parent: &str, name: &str, attributes: &Attributes) -> Result<()> {
        match (parent, name) {
            ("", "OME") => {
                self.document.uuid = attributes.text("UUID");
                self.document.creator = attributes.text("Creator");
                Ok(())
            }
            ("OME", "BinaryOnly") => {
                let metadata_file = attributes.text("MetadataFile").unwrap_or_default();
                self.document.binary_only = Some(BinaryOnly { metadata_file, uuid: attributes.text("UUID") });
                Ok(())
            }
            ("OME", "Instrument") => {
                self.count_item()?;
                let id = attributes.text("ID").unwrap_or_default();
                self.document.instruments.push(Instrument { id, ..Instrument::default() });
                Ok(())
            }
            ("Instrument", _) if grand == "OME" => self.instrument_part(name, attributes),
            ("OME", "Image") => {
                self.count_item()?;
                self.image = Some(OpenImage {
                    id: attributes.text("ID").unwrap_or_default(),
                    name: attributes.text("Name").unwrap_or_default(),
                    ..OpenImage::default()
                });
                Ok(())
            }
            ("Image", _) if grand == "OME" => self.image_part(name, attributes),
            ("Pixels", _) => self.pixels_part(name, attributes),
            ("Channel", _) if grand == "Pixels" => self.channel_part(name, attributes),
            ("TiffData", "UUID") => {
                if let Some(data) = self.pixels().and_then(|pixels| pixels.tiff_data.last_mut()) {
                    data.file_name = attributes.text("FileName");
                    self.capture = Some(String::new());
                }
                Ok(())
            }
            ("StructuredAnnotations", _) => {
                self.count_item()?;
                self.document.annotations.push(Annotation {
                    id: attributes.text("ID").unwrap_or_default(),
                    kind: name.to_owned(),
                    namespace: attributes.text("Namespace").unwrap_or_default(),
                    value: AnnotationValue::Text(String::new()),
                });
                Ok(())
            }
            (_, "Value") if grand == "StructuredAnnotations" => {
                self.open_value(parent);
                Ok(())
            }
            ("Value", "M") => self.open_pair(attributes),
            _ => Ok(()),
        }
    }

    fn instrument_part(&mut self, name: &str, attributes: &Attributes) -> Result<()> {
        self.count_item()?;
        let id = attributes.text("ID").unwrap_or_default();
        let Some(instrument) = self.document.instruments.last_mut() else { return Ok(()) };
        match name {
            "Objective" => instrument.objectives.push(Objective {
                id,
                nominal_magnification: attributes.number("NominalMagnification"),
                calibrated_magnification: attributes.number("CalibratedMagnification"),
                lens_na: attributes.number("LensNA"),
                immersion: attributes.text("Immersion"),
            }),
            "Detector" => instrument.detectors.push(Detector {
                id,
                model: attributes.text("Model"),
                kind: attributes.text("Type"),
            }),
            "Laser" | "Arc" | "Filament" | "LightEmittingDiode" | "GenericExcitationSource" => {
                let power = attributes
                    .number("Power")
                    .and_then(|power| power_in_milliwatts(power, &attributes.unit("PowerUnit", "mW")));
                let wavelength = attributes.wavelength("Wavelength");
                instrument.light_sources.push(LightSource { id, kind: name.to_owned(), power, wavelength });
            }
            _ => {}
        }
        Ok(())
    }

    fn image_part(&mut self, name: &str, attributes: &Attributes) -> Result<()> {
        self.count_item()?;
        let Some(image) = self.image.as_mut() else { return Ok(()) };
        match name {
            "Pixels" if image.pixels.is_none() => image.pixels = Some(pixels(attributes)?),
            "InstrumentRef" => image.instrument = attributes.text("ID"),
            "ObjectiveSettings" | "ObjectiveRef" => {
                image.objective_settings = attributes.text("ID").map(|id| ObjectiveSettings {
                    id,
                    refractive_index: attributes.number("RefractiveIndex"),
                    medium: attributes.text("Medium"),
                });
            }
            "AnnotationRef" => image.annotation_refs.extend(attributes.text("ID")),
            _ => {}
        }
        Ok(())
    }

    fn pixels_part(&mut self, name: &str, attributes: &Attributes) -> Result<()> {
        match name {
            "Plane" | "TiffData" => self.planes += 1,
            _ => self.count_item()?,
        }
        if self.planes > MAX_PLANES {
            return Err(Error::not_supported(format!("OME-XML with more than {MAX_PLANES} planes")));
        }
        let Some(pixels) = self.pixels() else { return Ok(()) };
        match name {
            "Channel" => pixels.channels.push(channel(attributes)?),
            "TiffData" => pixels.tiff_data.push(tiff_data(attributes)?),
            "Plane" => pixels.planes.extend(plane(attributes)),
            "MetadataOnly" => pixels.metadata_only = true,
            "AnnotationRef" => pixels.annotation_refs.extend(attributes.text("ID")),
            _ => {}
        }
        Ok(())
    }

    fn channel_part(&mut self, name: &str, attributes: &Attributes) -> Result<()> {
        self.count_item()?;
        let Some(channel) = self.pixels().and_then(|pixels| pixels.channels.last_mut()) else {
            return Ok(());
        };
        let id = attributes.text("ID").unwrap_or_default();
        match name {
            "DetectorSettings" | "DetectorRef" => {
                channel.detector = Some(DetectorSettings {
                    id,
                    gain: attributes.number("Gain"),
                    offset: attributes.number("Offset"),
                    voltage: attributes
                        .number("Voltage")
                        .and_then(|voltage| voltage_in_volts(voltage, &attributes.unit("VoltageUnit", "V"))),
                    zoom: attributes.number("Zoom"),
                    binning: attributes.text("Binning").as_deref().and_then(binning),
                    integration: attributes.text("Integration").and_then(|text| text.parse().ok()),
                });
            }
            "LightSourceSettings" | "LightSourceRef" => {
                channel.light_source = Some(LightSourceSettings {
                    id,
                    attenuation: attributes.number("Attenuation"),
                    wavelength: attributes.wavelength("Wavelength"),
                });
            }
            "AnnotationRef" => channel.annotation_refs.push(id),
            _ => {}
        }
        Ok(())
    }

    fn open_value(&mut self, kind: &str) {
        let Some(annotation) = self.document.annotations.last_mut() else { return };
        match kind {
            "XMLAnnotation" => self.xml_start = Some(usize::MAX),
            "MapAnnotation" => annotation.value = AnnotationValue::Pairs(Vec::new()),
            _ => self.capture = Some(String::new()),
        }
    }

    fn open_pair(&mut self, attributes: &Attributes) -> Result<()> {
        self.count_item()?;
        if let Some(Annotation { value: AnnotationValue::Pairs(pairs), .. }) =
            self.document.annotations.last_mut()
        {
            pairs.push((attributes.text("K").unwrap_or_default(), String::new()));
            self.capture = Some(String::new());
        }
        Ok(())
    }

    fn text(&mut self, part: &str) {
        if let Some(capture) = self.capture.as_mut() {
            capture.push_str(part);
        }
    }

    /// The end of the innermost element; `end` is the byte before its end tag.
    fn close(&mut self, text: &str, end: usize) -> Result<()> {
        let Some(name) = self.path.pop() else {
            return Err(Error::corrupt("OME-XML: an end without a start"));
        };
        let parent = self.path.last().map(String::as_str).unwrap_or_default();
        // `OME`, `StructuredAnnotations`, the annotation: an element of this name deeper down is the annotation's own.
        match (parent, name.as_str()) {
            (_, "Value") if self.path.len() == 3 => {
                let value = match self.xml_start.take() {
                    Some(start) => {
                        Some(AnnotationValue::Xml(text.get(start..end).unwrap_or_default().trim().to_owned()))
                    }
                    None => self.capture.take().map(AnnotationValue::Text),
                };
                if let (Some(annotation), Some(value)) = (self.document.annotations.last_mut(), value) {
                    annotation.value = value;
                }
            }
            ("Value", "M") => {
                let value = self.capture.take().unwrap_or_default();
                if let Some(Annotation { value: AnnotationValue::Pairs(pairs), .. }) =
                    self.document.annotations.last_mut()
                {
                    if let Some(pair) = pairs.last_mut() {
                        pair.1 = value;
                    }
                }
            }
            ("TiffData", "UUID") => {
                let uuid =
                    self.capture.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
                if let Some(data) = self.pixels().and_then(|pixels| pixels.tiff_data.last_mut()) {
                    data.uuid = uuid;
                }
            }
            ("OME", "Image") => self.close_image()?,
            _ => {}
        }
        Ok(())
    }

    fn close_image(&mut self) -> Result<()> {
        let Some(image) = self.image.take() else { return Ok(()) };
        let Some(pixels) = image.pixels else {
            return Err(Error::corrupt(format!("OME-XML: image `{}` has no `Pixels`", image.id)));
        };
        self.document.images.push(Image {
            id: image.id,
            name: image.name,
            instrument: image.instrument,
            objective_settings: image.objective_settings,
            pixels,
            annotation_refs: image.annotation_refs,
        });
        Ok(())
    }

    fn pixels(&mut self) -> Option<&mut Pixels> {
        self.image.as_mut()?.pixels.as_mut()
    }

    fn count_item(&mut self) -> Result<()> {
        self.items += 1;
        if self.items > MAX_ITEMS {
            return Err(Error::not_supported(format!("OME-XML with more than {MAX_ITEMS} parts")));
        }
        Ok(())
    }

    fn finish(self) -> Result<Document> {
        if !self.saw_root {
            return Err(Error::corrupt("OME-XML: there is no `OME` element"));
        }
        if let Some(open) = self.path.last() {
            return Err(Error::corrupt(format!("OME-XML: it ends inside `{open}`")));
        }
        Ok(self.document)
    }
}

/// The attributes of one element.
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn of(element: &BytesStart<'_>) -> Result<Self> {
        let mut list = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| bad_xml(&error))?;
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| bad_xml(&error))?;
            list.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Ok(Self(list))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A finite number, or nothing.
    fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn unit(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or(default).trim().to_owned()
    }

    fn length(&self, name: &str, default_unit: &str) -> Option<Micrometers> {
        length_in_micrometers(self.number(name)?, &self.unit(&format!("{name}Unit"), default_unit))
    }

    /// A pixel size: zero and negative numbers, which some programs write, mean that it is unknown.
    fn pixel_size(&self, name: &str) -> Option<Micrometers> {
        self.length(name, "µm").filter(|size| size.0 > 0.0)
    }

    fn wavelength(&self, name: &str) -> Option<Nanometers> {
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

fn pixels(attributes: &Attributes) -> Result<Pixels> {
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

fn channel(attributes: &Attributes) -> Result<Channel> {
    let samples = attributes.whole("Channel", "SamplesPerPixel")?.unwrap_or(1_u64);
    Ok(Channel {
        id: attributes.text("ID").unwrap_or_default(),
        name: attributes.text("Name").unwrap_or_default(),
        samples_per_pixel: samples.max(1),
        excitation: attributes.wavelength("ExcitationWavelength"),
        emission: attributes.wavelength("EmissionWavelength"),
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

fn tiff_data(attributes: &Attributes) -> Result<TiffData> {
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
fn plane(attributes: &Attributes) -> Option<Plane> {
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
