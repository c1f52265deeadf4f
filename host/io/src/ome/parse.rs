//! Reading OME-XML.
//!
//! Strict where pixels would be read wrongly (sizes, type, order, where planes lie), lenient where a fact is merely
//! lost: an unreadable wavelength is an unknown wavelength. Entities that a document defines itself are not expanded,
//! and every list has a limit, so that a small file cannot ask for much memory.

use parfocal_types::error::{Error, Result};
use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::{
    attributes::{Attributes, channel, detector_settings, pixels, plane, tiff_data},
    model::{
        Annotation, AnnotationValue, BinaryOnly, Detector, Document, Image, Instrument, LightSource,
        LightSourceSettings, Objective, ObjectiveSettings, Pixels,
    },
    units::power_in_milliwatts,
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

pub(super) fn bad_xml(error: &dyn std::fmt::Display) -> Error {
    Error::corrupt(format!("OME-XML: {error}"))
}

/// An image whose end has not come yet.
#[derive(Default)]
struct OpenImage {
    id: String,
    name: String,
    acquisition_date: Option<String>,
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
            ("Image", "AcquisitionDate") if grand == "OME" => {
                self.capture = Some(String::new());
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
                channel.detector = Some(detector_settings(id, attributes));
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
                    && let Some(pair) = pairs.last_mut()
                {
                    pair.1 = value;
                }
            }
            ("TiffData", "UUID") => {
                let uuid =
                    self.capture.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
                if let Some(data) = self.pixels().and_then(|pixels| pixels.tiff_data.last_mut()) {
                    data.uuid = uuid;
                }
            }
            ("Image", "AcquisitionDate") if self.path.len() == 2 => {
                let date = self.capture.take().map(|text| text.trim().to_owned());
                if let Some(image) = self.image.as_mut() {
                    image.acquisition_date = date.filter(|text| !text.is_empty());
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
            acquisition_date: image.acquisition_date,
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
