//! OME-XML: what is written is read back, what strangers write is read or refused, and nothing panics.

use parfocal_image::{
    Axis, Channel, ClockReading, Conditions, DType, Extent, Finder, ImageSpec, LabelOrigin, Modality,
    Objective, PixelClass, PixelSize, PlaneConditions, ScanMode, StagePosition, Support, Supports,
    TimeAnchor,
};
use parfocal_io::ome::{self, AnnotationValue, Note};
use parfocal_types::units::{
    Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels, JoulesPerSquareCentimeter, Micrometers,
    Milliwatts, Nanometers, Seconds, Volts,
};

/// A spec with a value in every field, and values that are hard to write as text.
pub(crate) fn full_spec() -> ImageSpec {
    let mut spec = ImageSpec::new(Extent::new(2, 3, 2, 40, 50), DType::U16);
    spec.name = "well A1 <\"µ\" & 'β'>\n2nd line".to_owned();
    spec.significant_bits = 12;
    spec.pixel_size = PixelSize::voxel(Micrometers(0.108_333_333_333_333_34), Micrometers(0.3));
    spec.time_increment = Some(Seconds(0.1 + 0.2));
    let clock = ClockReading { id: "monotonic of boot 5a".to_owned(), ns: 17 };
    spec.acquired = Some(TimeAnchor { unix_ns: 1_777_888_800_123_456_789, clock: Some(clock) });
    spec.channels[0] = measured_channel();
    spec.channels[1] = Channel {
        name: "DAPI".to_owned(),
        class: PixelClass::Predicted,
        supports: Supports::of(&[Support::Localisation]),
        modality: Some(Modality::PhaseContrast),
        conditions: Conditions { exposure: Some(Seconds(0.02)), ..Conditions::default() },
        ..Channel::default()
    };
    spec.channels[2] = Channel {
        class: PixelClass::Labels,
        supports: Supports::of(&[Support::Counting, Support::GrossMorphology]),
        labels: Some(LabelOrigin {
            basis: PixelClass::Restored,
            finder: Finder::Network {
                operator: "a.b/segment 1.0.0".to_owned(),
                model: "m 1.2 sha256:00".to_owned(),
            },
        }),
        ..Channel::default()
    };
    spec
}

fn measured_channel() -> Channel {
    let place = |x| StagePosition {
        x: Some(Micrometers(x)),
        y: Some(Micrometers(-12.5)),
        z: Some(Micrometers(1e-3)),
    };
    let plane = |t, z, dose| PlaneConditions {
        t,
        z,
        conditions: Conditions {
            dose: Some(JoulesPerSquareCentimeter(dose)),
            time: Some(Seconds(dose * 7.0)),
            stage_position: Some(place(dose)),
            ..Conditions::default()
        },
    };
    Channel {
        name: "GFP \u{fffe}\u{1}\u{7f}".to_owned(),
        excitation: Some(Nanometers(488.0)),
        emission: Some(Nanometers(509.123_456_789)),
        modality: Some(Modality::SpinningDisk),
        color: Some([1, 200, 3]),
        class: PixelClass::Measured,
        supports: Supports::ALL,
        labels: None,
        conditions: Conditions {
            objective: Some(Objective {
                magnification: Some(60.0),
                numerical_aperture: Some(1.42),
                immersion_index: Some(1.518),
            }),
            pinhole: Some(Micrometers(42.5)),
            zoom: Some(1.5),
            scan_mode: Some(ScanMode::SpinningDisk),
            averaging: Some(4),
            exposure: Some(Seconds(0.123)),
            dwell: Some(Seconds(1.2e-6)),
            light_power: Some(Milliwatts(0.33)),
            light_fraction: Some(Fraction(0.7)),
            detector_gain: Some(Volts(650.0)),
            detector_offset: Some(GreyLevels(3.4)),
            camera_gain: Some(ElectronsPerGreyLevel(0.47)),
            camera_offset: Some(GreyLevels(100.0)),
            read_noise: Some(Electrons(1.6)),
            binning: Some([2, 2]),
            bit_depth: Some(12),
            stage_position: Some(place(0.1)),
            time: Some(Seconds(0.0)),
            dose: Some(JoulesPerSquareCentimeter(1.0 / 3.0)),
        },
        planes: vec![plane(0, 1, 0.1), plane(1, 0, 0.7)],
    }
}

fn read_back(spec: &ImageSpec, notes: &[Note]) -> (ome::Document, ImageSpec) {
    let text = ome::write(&ome::document(spec, notes, None).unwrap());
    let document = ome::parse(&text).unwrap();
    let on_disk = if spec.dtype == DType::Mask { DType::U8 } else { spec.dtype };
    let back = ome::image_spec(&document, 0, spec.extent, on_disk).unwrap();
    (document, back)
}

#[test]
fn a_spec_with_every_field_survives_exactly() {
    let spec = full_spec();
    let (document, back) = read_back(&spec, &[]);
    assert_eq!(back, spec);
    // What is written is what is read: nothing is lost between the two.
    assert_eq!(ome::parse(&ome::write(&document)).unwrap(), document);
}

#[test]
fn the_date_and_the_pinhole_stand_where_other_programs_look_and_their_edits_count() {
    let spec = full_spec();
    let text = ome::write(&ome::document(&spec, &[], None).unwrap());
    assert!(text.contains("<AcquisitionDate>2026-05-04T10:00:00.123</AcquisitionDate>"), "{text}");
    assert!(text.contains(r#"PinholeSize="42.5" PinholeSizeUnit="µm""#), "{text}");
    let edited =
        text.replace("T10:00:00.123<", "T11:30:00<").replace(r#"PinholeSize="42.5""#, r#"PinholeSize="50""#);
    let back = ome::image_spec(&ome::parse(&edited).unwrap(), 0, spec.extent, spec.dtype).unwrap();
    assert_eq!(back.acquired, Some(TimeAnchor { unix_ns: 1_777_894_200_000_000_000, clock: None }));
    assert_eq!(back.channels[0].conditions.pinhole, Some(Micrometers(50.0)));
}

#[test]
fn a_mask_comes_back_as_a_mask() {
    let mut spec = ImageSpec::new(Extent::plane(3, 4), DType::Mask);
    spec.channels[0].class = PixelClass::Derived;
    assert_eq!(read_back(&spec, &[]).1, spec);
}

#[test]
fn what_a_network_estimated_says_so_in_the_visible_name() {
    let (document, back) = read_back(&full_spec(), &[]);
    let names: Vec<_> =
        document.images[0].pixels.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names[1], "DAPI (predicted)");
    assert_eq!(back.channels[1].name, "DAPI");
    assert_eq!(
        ome::visible_name(&Channel { class: PixelClass::Restored, ..Channel::default() }),
        "(restored)"
    );
}

#[test]
fn the_words_of_ome_are_used_where_it_has_them() {
    let text = ome::write(&ome::document(&full_spec(), &[], None).unwrap());
    for part in [
        "PhysicalSizeX=\"0.10833333333333334\" PhysicalSizeXUnit=\"µm\"",
        "SignificantBits=\"12\"",
        "ContrastMethod=\"Fluorescence\"",
        "AcquisitionMode=\"SpinningDiskConfocal\"",
        "ExcitationWavelength=\"488\" ExcitationWavelengthUnit=\"nm\"",
        "LensNA=\"1.42\" NominalMagnification=\"60\"",
        "Immersion=\"Oil\"",
        "RefractiveIndex=\"1.518\"",
        "Voltage=\"650\" VoltageUnit=\"V\" Zoom=\"1.5\" Integration=\"4\" Binning=\"2x2\"",
        "TheZ=\"1\" TheT=\"0\" TheC=\"0\" DeltaT=\"0.7000000000000001\" DeltaTUnit=\"s\" ExposureTime=\"0.123\"",
        "Namespace=\"parfocal.org/image/1\"",
        "ContrastMethod=\"Phase\"",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("&#181;"));
}

#[test]
fn notes_are_kept_beside_the_image() {
    let note = Note {
        namespace: "parfocal.org/run-record/1".to_owned(),
        text: "{\"a\": \"<µ>\\r\\n\"}\r\nx\ty".to_owned(),
    };
    let (document, _) = read_back(&full_spec(), std::slice::from_ref(&note));
    let found: Vec<_> = document.notes(&document.images[0], &note.namespace).collect();
    assert_eq!(found, [note.text.as_str()]);
}

#[test]
fn an_edit_by_another_program_counts_and_stripped_marks_are_unknown() {
    let spec = full_spec();
    let text = ome::write(&ome::document(&spec, &[], None).unwrap());
    let edited = text
        .replace("PhysicalSizeZ=\"0.3\"", "PhysicalSizeZ=\"0.5\"")
        .replace("Name=\"DAPI (predicted)\"", "Name=\"nuclei (predicted)\"");
    let spec_of =
        |text: &str| ome::image_spec(&ome::parse(text).unwrap(), 0, spec.extent, spec.dtype).unwrap();
    let back = spec_of(&edited);
    assert_eq!(back.pixel_size.z, Some(Micrometers(0.5)));
    assert_eq!(back.channels[1].name, "nuclei");
    assert_eq!(back.channels[1].class, PixelClass::Predicted);

    let stripped = spec_of(&text.replace("parfocal.org/image/1", "somebody.else"));
    assert!(stripped.channels.iter().all(|channel| channel.class == PixelClass::Unknown));
    assert!(stripped.channels.iter().all(|channel| channel.supports == Supports::NONE));
    assert_eq!(stripped.pixel_size, spec.pixel_size);
    let told = &stripped.channels[0];
    assert_eq!((told.excitation, told.modality), (spec.channels[0].excitation, Some(Modality::SpinningDisk)));
    assert_eq!(told.conditions.objective, spec.channels[0].conditions.objective);
    assert_eq!(told.conditions.exposure, Some(Seconds(0.123)));
    assert_eq!(told.conditions_at(1, 0).time, Some(Seconds(0.7 * 7.0)));

    // Marks of other pixels say nothing about these.
    let document = ome::parse(&text).unwrap();
    let mut cropped = spec.extent;
    cropped[Axis::X] -= 1;
    let foreign = ome::image_spec(&document, 0, cropped, spec.dtype).unwrap();
    assert_eq!(foreign.channels[0].class, PixelClass::Unknown);
    assert!(ome::image_spec(&document, 1, spec.extent, spec.dtype).is_err());
}

const FOREIGN: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="no"?><!-- a comment -->
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1" Creator="x">
<Instrument ID="Instrument:0"><Laser ID="LightSource:0" Power="2" PowerUnit="W" Wavelength="0.488" WavelengthUnit="µm"/>
<Detector ID="Detector:0" Type="PMT" Model="R6357"/><Objective ID="Objective:0" NominalMagnification="20" LensNA="0.8" Immersion="Air"/></Instrument>
<Image ID="Image:0" Name="rgb"><AcquisitionDate>2020-01-01T00:00:00</AcquisitionDate><InstrumentRef ID="Instrument:0"/>
<ObjectiveSettings ID="Objective:0"/>
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="Uint8" SizeX="6" SizeY="5" SizeZ="2" SizeC="4" SizeT="1"
 PhysicalSizeX="108" PhysicalSizeXUnit="nm" PhysicalSizeY="1" PhysicalSizeYUnit="pixel" PhysicalSizeZ="0" TimeIncrement="500" TimeIncrementUnit="ms" BigEndian="true">
<Channel ID="Channel:0:0" Name="stain" SamplesPerPixel="3"/><Channel ID="Channel:0:1" Name="A&amp;B" Color="16711935" EmissionWavelength="-1">
<LightSourceSettings ID="LightSource:0" Attenuation="0.5"/><DetectorSettings ID="Detector:0" Voltage="0.65" VoltageUnit="kV" Binning="4x4"/></Channel>
<TiffData FirstC="0" FirstT="0" FirstZ="0" IFD="0" PlaneCount="1"><UUID FileName="a b.ome.tif">urn:uuid:2</UUID></TiffData>
<TiffData IFD="1"/>
<Plane TheC="0" TheZ="1" TheT="0" ExposureTime="5" ExposureTimeUnit="ms" PositionX="3"/><Plane TheC="1" TheZ="0" TheT="0" PositionX="1" PositionXUnit="mm"/><Plane TheZ="x"/>
</Pixels></Image>
<StructuredAnnotations><XMLAnnotation ID="Annotation:1" Namespace="ns"><Value><Image ID="no"><Pixels/></Image>t&lt;</Value></XMLAnnotation>
<MapAnnotation ID="Annotation:2"><Value><M K="a">1 &#181; &amp; 2</M><M K="b"/></Value></MapAnnotation>
<LongAnnotation ID="Annotation:3"><Value>7</Value></LongAnnotation><CommentAnnotation ID="Annotation:4"><Value><![CDATA[<raw>]]></Value></CommentAnnotation></StructuredAnnotations>
</OME>
"#;

#[test]
fn what_strangers_write_is_understood() {
    let document = ome::parse(FOREIGN).unwrap();
    assert_eq!(document.images.len(), 1);
    let image = &document.images[0];
    let pixels = &image.pixels;
    assert_eq!(pixels.dimension_order.name(), "XYCZT");
    assert_eq!(pixels.physical_size_x, Some(Micrometers(0.108)));
    assert_eq!((pixels.physical_size_y, pixels.physical_size_z), (None, None));
    assert_eq!(pixels.time_increment, Some(Seconds(0.5)));
    assert_eq!(pixels.tiff_data[0].uuid.as_deref(), Some("urn:uuid:2"));
    assert_eq!(pixels.tiff_data[0].file_name.as_deref(), Some("a b.ome.tif"));
    assert_eq!((pixels.tiff_data[1].ifd, pixels.tiff_data[1].plane_count), (Some(1), None));
    assert_eq!(pixels.planes.len(), 2);
    assert_eq!(document.light_source("LightSource:0").unwrap().power, Some(Milliwatts(2000.0)));
    assert_eq!(document.light_source("LightSource:0").unwrap().wavelength, Some(Nanometers(488.0)));
    let values: Vec<_> = document.annotations.iter().map(|annotation| annotation.value.clone()).collect();
    assert_eq!(
        values,
        [
            AnnotationValue::Xml("<Image ID=\"no\"><Pixels/></Image>t&lt;".to_owned()),
            AnnotationValue::Pairs(vec![
                ("a".to_owned(), "1 µ & 2".to_owned()),
                ("b".to_owned(), String::new())
            ]),
            AnnotationValue::Text("7".to_owned()),
            AnnotationValue::Text("<raw>".to_owned()),
        ]
    );
    assert_eq!(ome::parse(&ome::write(&document)).unwrap(), document);

    let spec = ome::image_spec(&document, 0, Extent::new(1, 4, 2, 5, 6), DType::U8).unwrap();
    let names: Vec<_> = spec.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["stain red", "stain green", "stain blue", "A&B"]);
    assert_eq!(spec.channels[3].color, Some([0, 255, 0]));
    assert_eq!(spec.channels[3].emission, None);
    assert_eq!(spec.channels[3].conditions.detector_gain, Some(Volts(650.0)));
    assert_eq!(spec.channels[3].conditions.binning, Some([4, 4]));
    assert_eq!(spec.channels[0].conditions.objective.as_ref().unwrap().immersion_index, Some(1.0));
    assert_eq!(spec.channels[1].conditions_at(0, 1).exposure, Some(Seconds(0.005)));
    // "reference frame" is no length.
    assert_eq!(spec.channels[1].conditions_at(0, 1).stage_position, None);
    assert_eq!(spec.channels[3].conditions_at(0, 0).stage_position.unwrap().x, Some(Micrometers(1000.0)));
}

#[test]
fn documents_that_pixels_cannot_be_read_by_are_refused_with_a_reason() {
    let pixels = r#"<OME><Image ID="i"><Pixels DimensionOrder="XYZCT" Type="uint8" SizeX="1" SizeY="1" SizeZ="1" SizeC="1" SizeT="1"/></Image></OME>"#;
    ome::parse(pixels).unwrap();
    for (from, to, reason) in [
        ("XYZCT", "XYZ", "is no dimension order"),
        ("uint8", "uint7", "is no pixel type"),
        ("SizeX=\"1\"", "SizeX=\"0\"", "`SizeX` is 0"),
        ("SizeX=\"1\"", "SizeX=\"-1\"", "is no whole number"),
        ("SizeX=\"1\"", "SizeX=\"99999999999999999999999\"", "more than any file holds"),
        ("SizeT=\"1\"", "", "has no `SizeT`"),
        ("</Image></OME>", "", "ends inside"),
        ("</Image>", "</Imag>", "OME-XML"),
        ("<OME>", "<HTML><OME>", "not `OME`"),
        (pixels, "", "no `OME` element"),
        (pixels, "<OME><Image ID=\"i\"/></OME>", "has no `Pixels`"),
    ] {
        let error = ome::parse(&pixels.replace(from, to)).unwrap_err();
        assert_eq!(error.kind().name(), "corrupt", "{error}");
        assert!(error.to_string().contains(reason), "{error} does not say `{reason}`");
    }
}

#[test]
fn a_small_document_cannot_ask_for_much() {
    let many = |inner: &str, count: usize| {
        format!(
            r#"<OME><Image ID="i"><Pixels DimensionOrder="XYZCT" Type="uint8" SizeX="1" SizeY="1" SizeZ="1" SizeC="1" SizeT="1">{}</Pixels></Image></OME>"#,
            inner.repeat(count)
        )
    };
    for (inner, count) in [("<Channel/>", 60_000), ("<TiffData/>", 600_000)] {
        assert_eq!(ome::parse(&many(inner, count)).unwrap_err().kind().name(), "not-supported");
    }
    let deep = format!("<OME>{}", "<a>".repeat(100_000));
    assert_eq!(ome::parse(&deep).unwrap_err().kind().name(), "not-supported");
    let large = " ".repeat(ome::MAX_XML_BYTES + 1);
    assert_eq!(ome::parse(&large).unwrap_err().kind().name(), "not-supported");
    // An entity of the document's own definition is not expanded.
    let bomb = format!("<!DOCTYPE OME [<!ENTITY a \"{}\">]>{}", "x".repeat(1000), many("", 0));
    ome::parse(&bomb).unwrap();
}

#[test]
fn no_change_of_a_document_makes_the_reader_panic() {
    let own = ome::write(&ome::document(&full_spec(), &[], None).unwrap());
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % below
    };
    let snippets = [
        "<",
        ">",
        "\"",
        "&",
        "/>",
        "</",
        "<Value>",
        "</Value>",
        "<Pixels",
        "<!--",
        "<![CDATA[",
        "&#0;",
        "-1",
        "1e999",
        "µ",
    ];
    let (mut read, mut refused) = (0, 0);
    for text in [FOREIGN, own.as_str()] {
        for _ in 0..3000 {
            let mut characters: Vec<char> = text.chars().collect();
            for _ in 0..=random(4) {
                let at = random(characters.len());
                match random(4) {
                    0 => drop(characters.drain(at..(at + random(40)).min(characters.len()))),
                    1 => {
                        let part: Vec<char> =
                            characters[at..(at + random(60)).min(characters.len())].to_vec();
                        characters.splice(at..at, part);
                    }
                    2 => drop(characters.splice(at..=at, snippets[random(snippets.len())].chars())),
                    _ => characters.truncate(at + 1),
                }
            }
            let changed: String = characters.into_iter().collect();
            match ome::parse(&changed) {
                Ok(document) => {
                    read += 1;
                    for index in 0..document.images.len() {
                        ome::image_spec(&document, index, Extent::new(2, 3, 2, 40, 50), DType::U16).unwrap();
                    }
                    assert!(!ome::write(&document).is_empty());
                }
                Err(error) => {
                    refused += 1;
                    assert!(matches!(error.kind().name(), "corrupt" | "not-supported"), "{error}");
                }
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused: the changes do not test much");
}
