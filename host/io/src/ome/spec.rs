//! Between OME's words and an [`ImageSpec`].

use parfocal_image::{
    Axis, Channel, Conditions, DType, Extent, ImageSpec, Modality, Objective, PixelClass, PixelSize,
    PlaneConditions, StagePosition,
};
use parfocal_types::{
    error::{Error, Result},
    units::Seconds,
};

use super::{
    annotation::{Note, annotation_of, carried_spec},
    date,
    model::{
        self, Annotation, AnnotationValue, DimensionOrder, Document, Image, PixelType, Pixels, TiffData,
    },
    text::cleaned,
};

/// Above so many planes, only those with facts of their own are described one by one.
const MAX_REPEATED_PLANES: u64 = 50_000;

/// What the image `index` of a document is, given what its pixels are on disk.
///
/// Facts that only Parfocal's annotation carries (class, supports, conditions, mask) come from there, when the
/// annotation belongs to pixels of this extent and type; names and calibration come from OME's own fields, so that an
/// edit by another program counts. Without the annotation the class is `unknown`. A `dtype` of `u8` becomes
/// [`DType::Mask`] when the annotation says so: values other than 0 are then 1.
///
/// # Errors
/// `not-found` when the document has no such image.
pub fn image_spec(document: &Document, index: usize, extent: Extent, dtype: DType) -> Result<ImageSpec> {
    let image = document.images.get(index).ok_or_else(|| {
        let count = document.images.len();
        Error::not_found(format!("image {index} was asked for, the document describes {count}"))
    })?;
    let told = told_by_ome(document, image, extent, dtype);
    let carried = carried_spec(document, image).filter(|carried| {
        carried.extent == extent
            && (carried.dtype == dtype || (carried.dtype, dtype) == (DType::Mask, DType::U8))
    });
    Ok(match carried {
        Some(carried) => merged(carried, told),
        None => told,
    })
}

/// The carried spec, with what OME's own fields say differently by now.
fn merged(carried: ImageSpec, told: ImageSpec) -> ImageSpec {
    let mut spec = carried;
    if cleaned(&spec.name) != told.name {
        spec.name = told.name;
    }
    spec.pixel_size = told.pixel_size;
    spec.time_increment = told.time_increment;
    if spec.acquired.as_ref().and_then(date::text) != told.acquired.as_ref().and_then(date::text) {
        spec.acquired = told.acquired;
    }
    for (channel, told) in spec.channels.iter_mut().zip(told.channels) {
        if cleaned(&visible_name(channel)) != told.name {
            let mark = format!(" ({})", channel.class);
            channel.name = told.name.strip_suffix(&mark).map_or(told.name.clone(), str::to_owned);
        }
        channel.conditions.pinhole = told.conditions.pinhole;
        channel.excitation = told.excitation;
        channel.emission = told.emission;
        channel.color = told.color;
    }
    spec
}

fn told_by_ome(document: &Document, image: &Image, extent: Extent, dtype: DType) -> ImageSpec {
    let pixels = &image.pixels;
    let mut spec = ImageSpec::new(extent, dtype);
    spec.name.clone_from(&image.name);
    spec.pixel_size =
        PixelSize { x: pixels.physical_size_x, y: pixels.physical_size_y, z: pixels.physical_size_z };
    spec.time_increment = pixels.time_increment;
    spec.acquired = image.acquisition_date.as_deref().and_then(date::anchor);
    if let Some(bits) = pixels.significant_bits {
        spec.significant_bits = bits.clamp(1, dtype.bits());
    }
    let lens = objective(document, image);
    let described = pixels.channels.iter().enumerate().flat_map(|(index, channel)| {
        let mut base = channel_of(channel);
        base.conditions.objective.clone_from(&lens);
        planes_into(&mut base, pixels, index as u64, extent);
        sample_channels(&base, channel.samples_per_pixel.min(extent[Axis::C]))
    });
    for (place, channel) in spec.channels.iter_mut().zip(described) {
        *place = channel;
    }
    for place in spec.channels.iter_mut().skip(pixels.channels.len()) {
        if place.conditions.objective.is_none() {
            place.conditions.objective.clone_from(&lens);
        }
    }
    spec
}

/// One channel for each sample of a pixel: of three or four, red, green, blue and opacity.
#[must_use]
pub fn sample_channels(channel: &Channel, samples: u64) -> Vec<Channel> {
    const COLORS: [(&str, Option<[u8; 3]>); 4] = [
        ("red", Some([255, 0, 0])),
        ("green", Some([0, 255, 0])),
        ("blue", Some([0, 0, 255])),
        ("opacity", None),
    ];
    if samples <= 1 {
        return vec![channel.clone()];
    }
    let named = |suffix: String, color| {
        let name = if channel.name.is_empty() { suffix } else { format!("{} {suffix}", channel.name) };
        Channel { name, color, ..channel.clone() }
    };
    match samples {
        3 | 4 => {
            let colors = COLORS.into_iter().zip(0..samples);
            colors.map(|((name, color), _)| named(name.to_owned(), color)).collect()
        }
        _ => (1..=samples).map(|sample| named(format!("sample {sample}"), channel.color)).collect(),
    }
}

fn channel_of(channel: &model::Channel) -> Channel {
    let settings = channel.detector.clone().unwrap_or_default();
    Channel {
        name: channel.name.clone(),
        excitation: channel.excitation,
        emission: channel.emission,
        modality: modality(channel.contrast_method.as_deref(), channel.acquisition_mode.as_deref()),
        color: channel.color,
        conditions: Conditions {
            pinhole: channel.pinhole,
            zoom: settings.zoom,
            averaging: settings.integration,
            binning: settings.binning,
            detector_gain: settings.voltage,
            ..Conditions::default()
        },
        ..Channel::default()
    }
}

/// The modality that a contrast method and an acquisition mode mean together.
fn modality(contrast: Option<&str>, mode: Option<&str>) -> Option<Modality> {
    let by_mode = match mode {
        Some("LaserScanningConfocalMicroscopy" | "SlitScanConfocal" | "SweptFieldConfocal" | "LCM") => {
            Some(Modality::Confocal)
        }
        Some("SpinningDiskConfocal") => Some(Modality::SpinningDisk),
        Some("MultiPhotonMicroscopy") => Some(Modality::Multiphoton),
        Some("SPIM") => Some(Modality::LightSheet),
        Some("BrightField") => Some(Modality::Brightfield),
        _ => None,
    };
    match (contrast, by_mode, mode) {
        (Some("Brightfield"), _, _) => Some(Modality::Brightfield),
        (Some("Phase"), _, _) => Some(Modality::PhaseContrast),
        (Some("DIC"), _, _) => Some(Modality::Dic),
        (_, Some(modality), _) => Some(modality),
        (Some("Fluorescence"), None, None | Some("WideField")) => Some(Modality::WidefieldFluorescence),
        (None, None, None | Some("WideField")) => None,
        _ => Some(Modality::Other),
    }
}

fn words(modality: Modality) -> (&'static str, &'static str) {
    match modality {
        Modality::WidefieldFluorescence => ("Fluorescence", "WideField"),
        Modality::Confocal => ("Fluorescence", "LaserScanningConfocalMicroscopy"),
        Modality::SpinningDisk => ("Fluorescence", "SpinningDiskConfocal"),
        Modality::Multiphoton => ("Fluorescence", "MultiPhotonMicroscopy"),
        Modality::LightSheet => ("Fluorescence", "SPIM"),
        Modality::Brightfield => ("Brightfield", "WideField"),
        Modality::PhaseContrast => ("Phase", "WideField"),
        Modality::Dic => ("DIC", "WideField"),
        Modality::Other => ("Other", "Other"),
    }
}

/// Immersion media and their usual refractive index.
const MEDIA: [(&str, f64); 4] = [("Air", 1.0), ("Water", 1.33), ("Glycerol", 1.47), ("Oil", 1.515)];

fn objective(document: &Document, image: &Image) -> Option<Objective> {
    let settings = image.objective_settings.as_ref()?;
    let lens = document.objective(&settings.id);
    let medium = || {
        let word = lens?.immersion.as_deref().or(settings.medium.as_deref())?;
        MEDIA.iter().find(|(name, _)| *name == word).map(|(_, index)| *index)
    };
    let objective = Objective {
        magnification: lens.and_then(|lens| lens.nominal_magnification),
        numerical_aperture: lens.and_then(|lens| lens.lens_na),
        immersion_index: settings.refractive_index.or_else(medium),
    };
    (objective != Objective::default()).then_some(objective)
}

/// Puts the facts of OME's planes into a channel: those that all planes share once, the rest plane by plane.
fn planes_into(channel: &mut Channel, pixels: &Pixels, index: u64, extent: Extent) {
    let mut planes: Vec<PlaneConditions> = pixels
        .planes
        .iter()
        .filter(|plane| plane.c == index && plane.z < extent[Axis::Z] && plane.t < extent[Axis::T])
        .map(|plane| PlaneConditions { t: plane.t, z: plane.z, conditions: plane_conditions(plane) })
        .collect();
    planes.sort_by_key(|plane| (plane.t, plane.z));
    planes.dedup_by_key(|plane| (plane.t, plane.z));
    let all_described = extent[Axis::T].checked_mul(extent[Axis::Z]) == Some(planes.len() as u64);
    let first = planes.first().filter(|_| all_described).map(|plane| plane.conditions.clone());
    if let Some(first) = first {
        if planes.iter().all(|plane| plane.conditions.exposure == first.exposure) {
            channel.conditions.exposure = first.exposure;
            planes.iter_mut().for_each(|plane| plane.conditions.exposure = None);
        }
        if planes.iter().all(|plane| plane.conditions.stage_position == first.stage_position) {
            channel.conditions.stage_position = first.stage_position;
            planes.iter_mut().for_each(|plane| plane.conditions.stage_position = None);
        }
    }
    planes.retain(|plane| !plane.conditions.is_unknown());
    channel.planes = planes;
}

fn plane_conditions(plane: &model::Plane) -> Conditions {
    let place = plane.position;
    let known = place != model::Position::default();
    Conditions {
        exposure: plane.exposure,
        time: plane.delta_t,
        stage_position: known.then_some(StagePosition { x: place.x, y: place.y, z: place.z }),
        ..Conditions::default()
    }
}

/// The name of a channel as other programs show it: what a network estimated says so in its name.
#[must_use]
pub fn visible_name(channel: &Channel) -> String {
    match channel.class {
        PixelClass::Restored | PixelClass::Predicted if channel.name.is_empty() => {
            format!("({})", channel.class)
        }
        PixelClass::Restored | PixelClass::Predicted => format!("{} ({})", channel.name, channel.class),
        _ => channel.name.clone(),
    }
}

/// A document that describes one image whose planes are the directories of the file, depth fastest, then channels,
/// then time; `notes` become annotations.
///
/// # Errors
/// `invalid-argument` when the spec is not valid.
pub fn document(spec: &ImageSpec, notes: &[Note], uuid: Option<String>) -> Result<Document> {
    spec.validate()?;
    let mut annotations = vec![annotation_of("Annotation:0".to_owned(), spec)?];
    annotations.extend(notes.iter().enumerate().map(|(index, note)| Annotation {
        id: format!("Annotation:{}", index + 1),
        kind: "CommentAnnotation".to_owned(),
        namespace: note.namespace.clone(),
        value: AnnotationValue::Text(note.text.clone()),
    }));
    let lens = spec.channels.iter().find_map(|channel| channel.conditions.objective.clone());
    let mut instrument = model::Instrument { id: "Instrument:0".to_owned(), ..model::Instrument::default() };
    instrument.objectives.extend(lens.as_ref().map(objective_element));
    let channels: Vec<_> =
        spec.channels.iter().enumerate().map(|(index, channel)| channel_element(index, channel)).collect();
    instrument.detectors.extend(
        channels
            .iter()
            .filter_map(|channel| channel.detector.as_ref())
            .map(|settings| model::Detector { id: settings.id.clone(), ..model::Detector::default() }),
    );
    let known = !instrument.objectives.is_empty() || !instrument.detectors.is_empty();
    let image = Image {
        id: "Image:0".to_owned(),
        name: spec.name.clone(),
        acquisition_date: spec.acquired.as_ref().and_then(date::text),
        instrument: known.then(|| instrument.id.clone()),
        objective_settings: lens.map(|lens| model::ObjectiveSettings {
            id: "Objective:0".to_owned(),
            refractive_index: lens.immersion_index,
            medium: None,
        }),
        pixels: pixels_element(spec, channels),
        annotation_refs: annotations.iter().map(|annotation| annotation.id.clone()).collect(),
    };
    Ok(Document {
        uuid,
        creator: Some(concat!("Parfocal ", env!("CARGO_PKG_VERSION")).to_owned()),
        binary_only: None,
        instruments: known.then_some(instrument).into_iter().collect(),
        images: vec![image],
        annotations,
    })
}

fn pixels_element(spec: &ImageSpec, channels: Vec<model::Channel>) -> Pixels {
    let [size_t, size_c, size_z, size_y, size_x] = spec.extent.0;
    Pixels {
        id: "Pixels:0".to_owned(),
        dimension_order: DimensionOrder::Xyzct,
        pixel_type: match spec.dtype {
            DType::U8 | DType::Mask => PixelType::Uint8,
            DType::I8 => PixelType::Int8,
            DType::U16 => PixelType::Uint16,
            DType::I16 => PixelType::Int16,
            DType::U32 => PixelType::Uint32,
            DType::F32 => PixelType::Float,
        },
        // A mask is 0 and 255 on disk.
        significant_bits: Some(if spec.dtype == DType::Mask { 8 } else { spec.significant_bits }),
        size_x,
        size_y,
        size_z,
        size_c,
        size_t,
        physical_size_x: spec.pixel_size.x,
        physical_size_y: spec.pixel_size.y,
        physical_size_z: spec.pixel_size.z,
        time_increment: spec.time_increment.filter(|time| time.0.is_finite()),
        big_endian: Some(false),
        interleaved: None,
        channels,
        tiff_data: vec![TiffData {
            ifd: Some(0),
            plane_count: Some(spec.extent.planes()),
            ..TiffData::default()
        }],
        metadata_only: false,
        planes: plane_elements(spec),
        annotation_refs: Vec::new(),
    }
}

fn objective_element(lens: &Objective) -> model::Objective {
    let immersion = lens.immersion_index.map(|index| {
        let near = MEDIA.iter().find(|(_, usual)| (usual - index).abs() < 0.012);
        near.map_or("Other", |(name, _)| name).to_owned()
    });
    model::Objective {
        id: "Objective:0".to_owned(),
        nominal_magnification: lens.magnification,
        calibrated_magnification: None,
        lens_na: lens.numerical_aperture,
        immersion,
    }
}

fn channel_element(index: usize, channel: &Channel) -> model::Channel {
    let facts = &channel.conditions;
    let settings = model::DetectorSettings {
        id: format!("Detector:{index}"),
        gain: None,
        offset: None,
        voltage: facts.detector_gain,
        zoom: facts.zoom,
        binning: facts.binning,
        integration: facts.averaging,
    };
    let known = settings.voltage.is_some()
        || settings.zoom.is_some()
        || settings.binning.is_some()
        || settings.integration.is_some();
    let (contrast, mode) = channel.modality.map(words).unzip();
    model::Channel {
        id: format!("Channel:0:{index}"),
        name: visible_name(channel),
        samples_per_pixel: 1,
        excitation: channel.excitation,
        emission: channel.emission,
        pinhole: facts.pinhole,
        color: channel.color,
        contrast_method: contrast.map(str::to_owned),
        acquisition_mode: mode.map(str::to_owned),
        detector: known.then_some(settings),
        light_source: None,
        annotation_refs: Vec::new(),
    }
}

fn plane_elements(spec: &ImageSpec) -> Vec<model::Plane> {
    let [size_t, _, size_z, _, _] = spec.extent.0;
    let repeat = spec.extent.planes() <= MAX_REPEATED_PLANES;
    let mut planes = Vec::new();
    for (c, channel) in spec.channels.iter().enumerate() {
        let mut add = |t, z| {
            let facts = channel.conditions_at(t, z);
            let place = facts.stage_position.unwrap_or_default();
            let plane = model::Plane {
                z,
                c: c as u64,
                t,
                delta_t: facts.time.filter(|time: &Seconds| time.0.is_finite()),
                exposure: facts.exposure.filter(|time: &Seconds| time.0.is_finite()),
                position: model::Position { x: place.x, y: place.y, z: place.z },
            };
            let empty = model::Plane { z, c: plane.c, t, ..model::Plane::default() };
            if plane != empty {
                planes.push(plane);
            }
        };
        if repeat {
            (0..size_t).for_each(|t| (0..size_z).for_each(|z| add(t, z)));
        } else {
            channel.planes.iter().for_each(|plane| add(plane.t, plane.z));
        }
    }
    planes
}
