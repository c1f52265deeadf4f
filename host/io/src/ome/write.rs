//! Writing OME-XML that the 2016-06 schema accepts.
//!
//! Element and attribute order follow the schema; numbers that it forbids (a wavelength of 0, not-a-number) are left
//! out.

use std::fmt::{Display, Write as _};

use super::{
    model::{
        Annotation, AnnotationValue, Channel, DetectorSettings, Document, Image, Instrument, LightSource,
        Pixels, Plane, TiffData,
    },
    text::{escape, escape_element},
};

const SCHEMA: &str = "http://www.openmicroscopy.org/Schemas/OME/2016-06";

/// The document as text, UTF-8, lengths in raw `µm`.
#[must_use]
pub fn write(document: &Document) -> String {
    let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    xml.start("OME")
        .attribute("xmlns", SCHEMA)
        .attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
        .attribute("xsi:schemaLocation", &format!("{SCHEMA} {SCHEMA}/ome.xsd"))
        .maybe("UUID", document.uuid.as_deref())
        .maybe("Creator", document.creator.as_deref());
    xml.open();
    if let Some(binary) = &document.binary_only {
        xml.start("BinaryOnly")
            .attribute("MetadataFile", &binary.metadata_file)
            .maybe("UUID", binary.uuid.as_deref())
            .empty();
    } else {
        document.instruments.iter().for_each(|item| instrument(&mut xml, item));
        document.images.iter().for_each(|item| image(&mut xml, item));
        annotations(&mut xml, &document.annotations);
    }
    xml.end("OME");
    xml.0
}

struct Xml(String);

impl Xml {
    fn start(&mut self, name: &str) -> &mut Self {
        self.0.push('<');
        self.0.push_str(name);
        self
    }

    fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, " {name}=\"{}\"", escape(value));
        self
    }

    fn maybe(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.attribute(name, value);
        }
        self
    }

    fn number(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.attribute(name, &value.to_string())
    }

    /// A finite number, in its shortest form that is read back exactly.
    fn float(&mut self, name: &str, value: Option<f64>) -> &mut Self {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.number(name, value);
        }
        self
    }

    /// A number above 0 and its unit.
    fn positive(&mut self, name: &str, value: Option<f64>, unit: &str) -> &mut Self {
        self.quantity(name, value.filter(|value| *value > 0.0), unit)
    }

    /// A finite number and its unit.
    fn quantity(&mut self, name: &str, value: Option<f64>, unit: &str) -> &mut Self {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.number(name, value);
            self.attribute(&format!("{name}Unit"), unit);
        }
        self
    }

    fn open(&mut self) {
        self.0.push('>');
    }

    fn empty(&mut self) {
        self.0.push_str("/>");
    }

    fn text(&mut self, text: &str) {
        self.0.push_str(&escape_element(text));
    }

    fn end(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }

    fn references(&mut self, ids: &[String]) {
        for id in ids {
            self.start("AnnotationRef").attribute("ID", id).empty();
        }
    }
}

fn instrument(xml: &mut Xml, instrument: &Instrument) {
    xml.start("Instrument").attribute("ID", &instrument.id).open();
    for LightSource { id, kind, power, wavelength } in &instrument.light_sources {
        xml.start(kind).attribute("ID", id).quantity("Power", power.map(|power| power.0), "mW");
        if kind == "Laser" {
            xml.positive("Wavelength", wavelength.map(|length| length.0), "nm");
        }
        xml.empty();
    }
    for detector in &instrument.detectors {
        xml.start("Detector")
            .attribute("ID", &detector.id)
            .maybe("Model", detector.model.as_deref())
            .maybe("Type", detector.kind.as_deref())
            .empty();
    }
    for lens in &instrument.objectives {
        xml.start("Objective")
            .attribute("ID", &lens.id)
            .maybe("Immersion", lens.immersion.as_deref())
            .float("LensNA", lens.lens_na)
            .float("NominalMagnification", lens.nominal_magnification)
            .float("CalibratedMagnification", lens.calibrated_magnification)
            .empty();
    }
    xml.end("Instrument");
}

fn image(xml: &mut Xml, image: &Image) {
    xml.start("Image").attribute("ID", &image.id);
    if !image.name.is_empty() {
        xml.attribute("Name", &image.name);
    }
    xml.open();
    if let Some(date) = &image.acquisition_date {
        xml.start("AcquisitionDate").open();
        xml.text(date);
        xml.end("AcquisitionDate");
    }
    if let Some(id) = &image.instrument {
        xml.start("InstrumentRef").attribute("ID", id).empty();
    }
    if let Some(settings) = &image.objective_settings {
        xml.start("ObjectiveSettings")
            .attribute("ID", &settings.id)
            .maybe("Medium", settings.medium.as_deref())
            .float("RefractiveIndex", settings.refractive_index)
            .empty();
    }
    pixels(xml, &image.pixels);
    xml.references(&image.annotation_refs);
    xml.end("Image");
}

fn pixels(xml: &mut Xml, pixels: &Pixels) {
    xml.start("Pixels")
        .attribute("ID", &pixels.id)
        .attribute("DimensionOrder", pixels.dimension_order.name())
        .attribute("Type", pixels.pixel_type.name());
    if let Some(bits) = pixels.significant_bits.filter(|bits| *bits > 0) {
        xml.number("SignificantBits", bits);
    }
    xml.number("SizeX", pixels.size_x)
        .number("SizeY", pixels.size_y)
        .number("SizeZ", pixels.size_z)
        .number("SizeC", pixels.size_c)
        .number("SizeT", pixels.size_t)
        .positive("PhysicalSizeX", pixels.physical_size_x.map(|size| size.0), "µm")
        .positive("PhysicalSizeY", pixels.physical_size_y.map(|size| size.0), "µm")
        .positive("PhysicalSizeZ", pixels.physical_size_z.map(|size| size.0), "µm")
        .quantity("TimeIncrement", pixels.time_increment.map(|time| time.0), "s");
    if let Some(interleaved) = pixels.interleaved {
        xml.number("Interleaved", interleaved);
    }
    if let Some(big_endian) = pixels.big_endian {
        xml.number("BigEndian", big_endian);
    }
    xml.open();
    pixels.channels.iter().for_each(|item| channel(xml, item));
    if pixels.metadata_only {
        xml.start("MetadataOnly").empty();
    } else {
        pixels.tiff_data.iter().for_each(|item| tiff_data(xml, item));
    }
    pixels.planes.iter().for_each(|item| plane(xml, item));
    xml.end("Pixels");
}

fn channel(xml: &mut Xml, channel: &Channel) {
    xml.start("Channel").attribute("ID", &channel.id);
    if !channel.name.is_empty() {
        xml.attribute("Name", &channel.name);
    }
    xml.number("SamplesPerPixel", channel.samples_per_pixel)
        .maybe("AcquisitionMode", channel.acquisition_mode.as_deref())
        .maybe("ContrastMethod", channel.contrast_method.as_deref())
        .positive("ExcitationWavelength", channel.excitation.map(|length| length.0), "nm")
        .positive("EmissionWavelength", channel.emission.map(|length| length.0), "nm")
        .positive("PinholeSize", channel.pinhole.map(|diameter| diameter.0), "µm");
    if let Some([red, green, blue]) = channel.color {
        xml.number("Color", i32::from_be_bytes([red, green, blue, 255]));
    }
    xml.open();
    if let Some(settings) = &channel.light_source {
        xml.start("LightSourceSettings")
            .attribute("ID", &settings.id)
            .float("Attenuation", settings.attenuation)
            .positive("Wavelength", settings.wavelength.map(|length| length.0), "nm")
            .empty();
    }
    if let Some(settings) = &channel.detector {
        detector_settings(xml, settings);
    }
    xml.references(&channel.annotation_refs);
    xml.end("Channel");
}

fn detector_settings(xml: &mut Xml, settings: &DetectorSettings) {
    xml.start("DetectorSettings")
        .attribute("ID", &settings.id)
        .float("Offset", settings.offset)
        .float("Gain", settings.gain)
        .quantity("Voltage", settings.voltage.map(|voltage| voltage.0), "V")
        .float("Zoom", settings.zoom);
    if let Some(count) = settings.integration.filter(|count| *count > 0) {
        xml.number("Integration", count);
    }
    if let Some([x, y]) = settings.binning {
        // The schema's whole list; anything else has only this word.
        let listed = x == y && matches!(x, 1 | 2 | 4 | 8);
        xml.attribute("Binning", &if listed { format!("{x}x{y}") } else { "Other".to_owned() });
    }
    xml.empty();
}

fn tiff_data(xml: &mut Xml, data: &TiffData) {
    xml.start("TiffData");
    if let Some(ifd) = data.ifd {
        xml.number("IFD", ifd);
    }
    xml.number("FirstZ", data.first_z).number("FirstT", data.first_t).number("FirstC", data.first_c);
    if let Some(count) = data.plane_count {
        xml.number("PlaneCount", count);
    }
    match &data.uuid {
        Some(uuid) => {
            xml.open();
            xml.start("UUID").maybe("FileName", data.file_name.as_deref()).open();
            xml.text(uuid);
            xml.end("UUID");
            xml.end("TiffData");
        }
        None => xml.empty(),
    }
}

fn plane(xml: &mut Xml, plane: &Plane) {
    xml.start("Plane")
        .number("TheZ", plane.z)
        .number("TheT", plane.t)
        .number("TheC", plane.c)
        .quantity("DeltaT", plane.delta_t.map(|time| time.0), "s")
        .quantity("ExposureTime", plane.exposure.map(|time| time.0), "s")
        .quantity("PositionX", plane.position.x.map(|length| length.0), "µm")
        .quantity("PositionY", plane.position.y.map(|length| length.0), "µm")
        .quantity("PositionZ", plane.position.z.map(|length| length.0), "µm")
        .empty();
}

fn annotations(xml: &mut Xml, annotations: &[Annotation]) {
    if annotations.is_empty() {
        return;
    }
    xml.start("StructuredAnnotations").open();
    for annotation in annotations {
        xml.start(&annotation.kind).attribute("ID", &annotation.id);
        if !annotation.namespace.is_empty() {
            xml.attribute("Namespace", &annotation.namespace);
        }
        xml.open();
        xml.start("Value").open();
        match &annotation.value {
            AnnotationValue::Text(text) => xml.text(text),
            AnnotationValue::Xml(inner) => xml.0.push_str(inner),
            AnnotationValue::Pairs(pairs) => {
                for (key, value) in pairs {
                    xml.start("M").attribute("K", key).open();
                    xml.text(value);
                    xml.end("M");
                }
            }
        }
        xml.end("Value");
        xml.end(&annotation.kind);
    }
    xml.end("StructuredAnnotations");
}
