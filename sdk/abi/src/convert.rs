//! Between the structs of the border and the types of the SDK.
//!
//! To the border: [`Marshalled`] and [`MarshalledSpecs`] own the arrays that the structs point to; they borrow the texts.
//! From the border: the `read_*` functions copy everything, and check what they can: null with a length, UTF-8, codes.

#![allow(unsafe_code, reason = "this module reads what the other side's pointers point to")]

use core::marker::PhantomData;

use parfocal_image::{
    Channel, Conditions, DType, Extent, Finder, ImageSpec, LabelOrigin, Modality, Objective, PixelClass,
    PixelSize, PlaneConditions, Region, ScanMode, StagePosition, Supports,
};
use parfocal_operator::{
    Descriptor, InputPort, Kind, OutputKind, OutputPort, Padding, Plan, ThreadSafety, Tiling,
};
use parfocal_types::{
    Column, ColumnKind, Error, ErrorKind, Field, ParameterKind, ParameterRole, ParameterSpec, ParameterValue,
    Parameters, Result, Scalar, Unit,
    units::{
        Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels, JoulesPerSquareCentimeter, Micrometers,
        Milliwatts, Nanometers, Seconds, Volts,
    },
};

use crate::operator_1 as raw;

/// Longest array that is read from the other side; a larger count is taken for a defect.
const MAX_COUNT: u64 = 1 << 24;
/// Longest text that is read from the other side; the rest is cut.
const MAX_TEXT: u64 = 1 << 20;

impl raw::Text {
    /// The text as the border sees it. Valid as long as `text` is.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        Self { data: text.as_ptr(), len: text.len() as u64 }
    }
}

impl raw::Bytes {
    /// The bytes as the border sees them. Valid as long as `bytes` are.
    #[must_use]
    pub const fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() as u64 }
    }
}

impl From<Region> for raw::Region {
    fn from(region: Region) -> Self {
        Self { origin: region.origin, extent: region.extent.0 }
    }
}

impl From<raw::Region> for Region {
    fn from(region: raw::Region) -> Self {
        Self { origin: region.origin, extent: Extent(region.extent) }
    }
}

fn wrong(what: &str) -> Error {
    Error::new(
        ErrorKind::Protocol { raw: what.to_owned() },
        format!("the other side of the native interface gave {what}"),
    )
}

/// A slice of the other side's.
///
/// # Safety
/// When `data` is not null it points to `count` valid elements that live for `'a`.
pub(crate) unsafe fn slice_of<'a, T>(data: *const T, count: u64, what: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() || count > MAX_COUNT || !data.is_aligned() {
        return Err(wrong(&format!("{what} that cannot be read")));
    }
    // SAFETY: not null, aligned, of a plausible length; the caller vouches for the rest.
    Ok(unsafe { core::slice::from_raw_parts(data, count as usize) })
}

/// Copies a text of the other side; bytes that are not UTF-8 become replacement characters, and a text of more than a
/// mebibyte is cut.
///
/// # Safety
/// When `text.data` is not null it points to `text.len` valid bytes.
#[must_use]
pub unsafe fn read_text(text: raw::Text) -> String {
    if text.data.is_null() || text.len == 0 {
        return String::new();
    }
    // SAFETY: not null; the caller vouches for the length.
    let bytes = unsafe { core::slice::from_raw_parts(text.data, text.len.min(MAX_TEXT) as usize) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Copies bytes of the other side.
///
/// # Errors
/// `protocol` for null with a length.
///
/// # Safety
/// When `bytes.data` is not null it points to `bytes.len` valid bytes.
pub unsafe fn read_bytes(bytes: raw::Bytes) -> Result<Vec<u8>> {
    if bytes.len == 0 {
        return Ok(Vec::new());
    }
    let len = usize::try_from(bytes.len).map_err(|_| wrong("more bytes than memory has"))?;
    if bytes.data.is_null() {
        return Err(wrong("bytes that cannot be read"));
    }
    // SAFETY: not null; the caller vouches for the length.
    Ok(unsafe { core::slice::from_raw_parts(bytes.data, len) }.to_vec())
}

fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

fn nonzero(value: u32) -> Option<u32> {
    (value != 0).then_some(value)
}

fn conditions_out(c: &Conditions) -> raw::Conditions {
    let objective = c.objective.clone().unwrap_or_default();
    let stage = c.stage_position.unwrap_or_default();
    let length = |value: Option<Micrometers>| or_nan(value.map(Micrometers::get));
    raw::Conditions {
        magnification: or_nan(objective.magnification),
        numerical_aperture: or_nan(objective.numerical_aperture),
        immersion_index: or_nan(objective.immersion_index),
        zoom: or_nan(c.zoom),
        exposure_s: or_nan(c.exposure.map(Seconds::get)),
        dwell_s: or_nan(c.dwell.map(Seconds::get)),
        light_power_mw: or_nan(c.light_power.map(Milliwatts::get)),
        light_fraction: or_nan(c.light_fraction.map(Fraction::get)),
        detector_gain_v: or_nan(c.detector_gain.map(Volts::get)),
        detector_offset: or_nan(c.detector_offset.map(GreyLevels::get)),
        camera_gain: or_nan(c.camera_gain.map(ElectronsPerGreyLevel::get)),
        camera_offset: or_nan(c.camera_offset.map(GreyLevels::get)),
        read_noise_e: or_nan(c.read_noise.map(Electrons::get)),
        stage_um: [length(stage.x), length(stage.y), length(stage.z)],
        time_s: or_nan(c.time.map(Seconds::get)),
        dose_j_cm2: or_nan(c.dose.map(JoulesPerSquareCentimeter::get)),
        scan_mode: c.scan_mode.map_or(0, |mode| mode as u32),
        averaging: c.averaging.unwrap_or(0),
        binning: c.binning.unwrap_or_default(),
        bit_depth: c.bit_depth.unwrap_or(0),
        reserved: 0,
    }
}

fn conditions_in(c: &raw::Conditions) -> Conditions {
    let objective = Objective {
        magnification: known(c.magnification),
        numerical_aperture: known(c.numerical_aperture),
        immersion_index: known(c.immersion_index),
    };
    let [x, y, z] = c.stage_um.map(|value| known(value).map(Micrometers));
    let stage = StagePosition { x, y, z };
    Conditions {
        objective: (objective != Objective::default()).then_some(objective),
        zoom: known(c.zoom),
        scan_mode: ScanMode::from_code(c.scan_mode),
        averaging: nonzero(c.averaging),
        exposure: known(c.exposure_s).map(Seconds),
        dwell: known(c.dwell_s).map(Seconds),
        light_power: known(c.light_power_mw).map(Milliwatts),
        light_fraction: known(c.light_fraction).map(Fraction),
        detector_gain: known(c.detector_gain_v).map(Volts),
        detector_offset: known(c.detector_offset).map(GreyLevels),
        camera_gain: known(c.camera_gain).map(ElectronsPerGreyLevel),
        camera_offset: known(c.camera_offset).map(GreyLevels),
        read_noise: known(c.read_noise_e).map(Electrons),
        binning: (c.binning != [0, 0]).then_some(c.binning),
        bit_depth: nonzero(c.bit_depth),
        stage_position: (stage != StagePosition::default()).then_some(stage),
        time: known(c.time_s).map(Seconds),
        dose: known(c.dose_j_cm2).map(JoulesPerSquareCentimeter),
    }
}

fn planes_out(planes: &[PlaneConditions]) -> Vec<raw::PlaneConditions> {
    planes
        .iter()
        .map(|plane| raw::PlaneConditions {
            t: plane.t,
            z: plane.z,
            conditions: conditions_out(&plane.conditions),
        })
        .collect()
}

fn planes_in(planes: &[raw::PlaneConditions]) -> Vec<PlaneConditions> {
    planes
        .iter()
        .map(|plane| PlaneConditions { t: plane.t, z: plane.z, conditions: conditions_in(&plane.conditions) })
        .collect()
}

/// Plane facts of a tile, as the border sees them.
#[must_use]
pub fn marshal_planes(planes: &[PlaneConditions]) -> Vec<raw::PlaneConditions> {
    planes_out(planes)
}

/// Plane facts of a tile, from the border.
///
/// # Safety
/// When not null, `planes` points to `count` valid elements.
pub(crate) unsafe fn read_planes(
    planes: *const raw::PlaneConditions,
    count: u64,
) -> Result<Vec<PlaneConditions>> {
    // SAFETY: as the caller vouches.
    Ok(planes_in(unsafe { slice_of(planes, count, "plane conditions") }?))
}

/// Image specs as the border sees them; owns the arrays, borrows the texts.
#[derive(Debug)]
pub struct MarshalledSpecs<'a> {
    specs: Vec<raw::ImageSpec>,
    // The arrays that `specs` points into. Moving the outer vector does not move what the inner ones own.
    _channels: Vec<Vec<raw::Channel>>,
    _planes: Vec<Vec<raw::PlaneConditions>>,
    _texts: PhantomData<&'a str>,
}

impl<'a> MarshalledSpecs<'a> {
    /// The specs as the border sees them.
    #[must_use]
    pub fn new(specs: &'a [ImageSpec]) -> Self {
        let mut all_planes = Vec::new();
        let mut all_channels = Vec::with_capacity(specs.len());
        let mut out = Vec::with_capacity(specs.len());
        for spec in specs {
            let channels: Vec<_> = spec
                .channels
                .iter()
                .map(|channel| {
                    let planes = planes_out(&channel.planes);
                    let result = channel_out(channel, &planes);
                    all_planes.push(planes);
                    result
                })
                .collect();
            out.push(spec_out(spec, &channels));
            all_channels.push(channels);
        }
        Self { specs: out, _channels: all_channels, _planes: all_planes, _texts: PhantomData }
    }

    /// The structs, valid as long as this value.
    #[must_use]
    pub fn as_slice(&self) -> &[raw::ImageSpec] {
        &self.specs
    }
}

fn channel_out(channel: &Channel, planes: &[raw::PlaneConditions]) -> raw::Channel {
    let (basis, finder, operator, model) = match &channel.labels {
        None => (0, 0, "", ""),
        Some(origin) => {
            let basis = origin.basis as u32;
            match &origin.finder {
                Finder::Classical { operator } => (basis, 1, operator.as_str(), ""),
                Finder::Network { operator, model } => (basis, 2, operator.as_str(), model.as_str()),
                Finder::Manual => (basis, 3, "", ""),
            }
        }
    };
    raw::Channel {
        name: raw::Text::of(&channel.name),
        excitation_nm: or_nan(channel.excitation.map(Nanometers::get)),
        emission_nm: or_nan(channel.emission.map(Nanometers::get)),
        modality: channel.modality.map_or(0, |modality| modality as u32),
        color: channel.color.map_or(0, |[r, g, b]| u32::from_be_bytes([0xFF, r, g, b])),
        pixel_class: channel.class as u32,
        supports: channel.supports.bits(),
        labels_basis: basis,
        labels_finder: finder,
        finder_operator: raw::Text::of(operator),
        finder_model: raw::Text::of(model),
        conditions: conditions_out(&channel.conditions),
        planes: planes.as_ptr(),
        plane_count: planes.len() as u64,
    }
}

fn spec_out(spec: &ImageSpec, channels: &[raw::Channel]) -> raw::ImageSpec {
    let size = |value: Option<Micrometers>| or_nan(value.map(Micrometers::get));
    raw::ImageSpec {
        struct_size: size_of::<raw::ImageSpec>() as u64,
        name: raw::Text::of(&spec.name),
        extent: spec.extent.0,
        dtype: spec.dtype as u32,
        significant_bits: spec.significant_bits,
        pixel_size_um: [size(spec.pixel_size.x), size(spec.pixel_size.y), size(spec.pixel_size.z)],
        time_increment_s: or_nan(spec.time_increment.map(Seconds::get)),
        channels: channels.as_ptr(),
        channel_count: channels.len() as u64,
    }
}

/// Reads a pixel type.
pub(crate) fn read_dtype(code: u32) -> Result<DType> {
    DType::from_code(code).ok_or_else(|| wrong(&format!("pixel type {code}")))
}

/// Copies an image spec of the other side and checks it.
///
/// # Errors
/// `protocol` for pointers and codes that cannot be read; as [`ImageSpec::validate`].
///
/// # Safety
/// All pointers in `spec` are null or valid for their counts.
pub unsafe fn read_spec(spec: &raw::ImageSpec) -> Result<ImageSpec> {
    check_size(spec.struct_size, size_of::<raw::ImageSpec>(), "pf_image_spec")?;
    // SAFETY: as the caller vouches.
    let channels = unsafe { slice_of(spec.channels, spec.channel_count, "channels") }?;
    let [x, y, z] = spec.pixel_size_um.map(|value| known(value).map(Micrometers));
    let result = ImageSpec {
        // SAFETY: as the caller vouches.
        name: unsafe { read_text(spec.name) },
        extent: Extent(spec.extent),
        dtype: read_dtype(spec.dtype)?,
        significant_bits: spec.significant_bits,
        pixel_size: PixelSize { x, y, z },
        time_increment: known(spec.time_increment_s).map(Seconds),
        // SAFETY: as the caller vouches.
        channels: channels.iter().map(|channel| unsafe { read_channel(channel) }).collect::<Result<_>>()?,
    };
    result.validate()?;
    Ok(result)
}

/// # Safety
/// All pointers in `channel` are null or valid for their counts.
unsafe fn read_channel(channel: &raw::Channel) -> Result<Channel> {
    // SAFETY: as the caller vouches, for the four reads below.
    let (name, operator, model, planes) = unsafe {
        (
            read_text(channel.name),
            read_text(channel.finder_operator),
            read_text(channel.finder_model),
            read_planes(channel.planes, channel.plane_count)?,
        )
    };
    let class = |code| PixelClass::from_code(code).ok_or_else(|| wrong(&format!("pixel class {code}")));
    let finder = match channel.labels_finder {
        1 => Some(Finder::Classical { operator }),
        2 => Some(Finder::Network { operator, model }),
        3 => Some(Finder::Manual),
        _ => None,
    };
    let basis = class(channel.labels_basis)?;
    let [alpha, r, g, b] = channel.color.to_be_bytes();
    Ok(Channel {
        name,
        excitation: known(channel.excitation_nm).map(Nanometers),
        emission: known(channel.emission_nm).map(Nanometers),
        modality: Modality::from_code(channel.modality),
        color: (alpha != 0).then_some([r, g, b]),
        class: class(channel.pixel_class)?,
        supports: Supports::from_bits(channel.supports),
        labels: finder.map(|finder| LabelOrigin { basis, finder }),
        conditions: conditions_in(&channel.conditions),
        planes,
    })
}

fn check_size(found: u64, expected: usize, what: &str) -> Result<()> {
    if found == expected as u64 {
        return Ok(());
    }
    Err(wrong(&format!("a `{what}` of {found} bytes, where the interface has {expected}")))
}

/// Copies a plan of the other side.
///
/// # Errors
/// `protocol` for sizes, pointers and codes that cannot be read; as [`read_spec`].
///
/// # Safety
/// All pointers in `plan` are null or valid for their counts.
pub unsafe fn read_plan(plan: &raw::Plan) -> Result<Plan> {
    check_size(plan.struct_size, size_of::<raw::Plan>(), "pf_plan")?;
    // SAFETY: as the caller vouches.
    let outputs = unsafe { slice_of(plan.outputs, plan.output_count, "output specs") }?;
    let mut tiling = [Tiling::Split; 5];
    for (to, code) in tiling.iter_mut().zip(plan.tiling) {
        *to = Tiling::from_code(code).ok_or_else(|| wrong(&format!("tiling {code}")))?;
    }
    Ok(Plan {
        // SAFETY: as the caller vouches.
        outputs: outputs.iter().map(|spec| unsafe { read_spec(spec) }).collect::<Result<_>>()?,
        tiling,
        reduce_over: plan.reduce_over.map(|flag| flag != 0),
        padding: Padding::from_code(plan.padding)
            .ok_or_else(|| wrong(&format!("padding {}", plan.padding)))?,
        bytes_per_pixel: plan.bytes_per_pixel,
        bytes: plan.bytes,
    })
}

/// The plan as the border sees it; `outputs` are its output specs.
#[must_use]
pub(crate) fn plan_out(plan: &Plan, outputs: &MarshalledSpecs<'_>) -> raw::Plan {
    raw::Plan {
        struct_size: size_of::<raw::Plan>() as u64,
        outputs: outputs.as_slice().as_ptr(),
        output_count: outputs.as_slice().len() as u64,
        tiling: plan.tiling.map(|tiling| tiling as u32),
        reduce_over: plan.reduce_over.map(u32::from),
        padding: plan.padding as u32,
        bytes_per_pixel: plan.bytes_per_pixel,
        bytes: plan.bytes,
    }
}

/// Copies regions of the other side.
///
/// # Errors
/// `protocol` for null with a count.
///
/// # Safety
/// When not null, `regions` points to `count` valid elements.
pub unsafe fn read_regions(regions: *const raw::Region, count: u64) -> Result<Vec<Region>> {
    // SAFETY: as the caller vouches.
    let regions = unsafe { slice_of(regions, count, "regions") }?;
    Ok(regions.iter().map(|region| (*region).into()).collect())
}

/// Copies an error of the other side; `code` is what the function returned.
///
/// # Safety
/// `error` is null or valid, and so are its pointers.
#[must_use]
pub unsafe fn read_error(error: *const raw::ErrorInfo) -> Error {
    // SAFETY: null or valid, as the caller vouches.
    let Some(error) = (unsafe { error.as_ref() }) else { return wrong("an error without a description") };
    // SAFETY: as the caller vouches, for the reads below.
    let details: Vec<(String, String)> = unsafe { slice_of(error.details, error.detail_count, "details") }
        .unwrap_or_default()
        .iter()
        // SAFETY: as the caller vouches.
        .map(|detail| unsafe { (read_text(detail.key), read_text(detail.value)) })
        .collect();
    // SAFETY: as the caller vouches.
    let (message, remedy) = unsafe { (read_text(error.message), read_text(error.remedy)) };
    let kind = ErrorKind::from_wire(error.code, &details);
    let message = if message.is_empty() { kind.name().to_owned() } else { message };
    let result = Error::new(kind, message);
    if remedy.is_empty() { result } else { result.with_remedy(remedy) }
}

fn read_unit(code: u32) -> Result<Unit> {
    Unit::from_code(code).ok_or_else(|| wrong(&format!("unit {code}")))
}

/// # Safety
/// The text of `scalar` is null or valid.
unsafe fn read_scalar(scalar: &raw::Scalar) -> Result<Scalar> {
    Ok(match ColumnKind::from_code(scalar.kind) {
        Some(ColumnKind::Flag) => Scalar::Flag(scalar.integer != 0),
        Some(ColumnKind::Integer) => Scalar::Integer(scalar.integer),
        Some(ColumnKind::Number) => Scalar::Number(scalar.number),
        // SAFETY: as the caller vouches.
        Some(ColumnKind::Text) => Scalar::Text(unsafe { read_text(scalar.text) }),
        None => return Err(wrong(&format!("a scalar of kind {}", scalar.kind))),
    })
}

/// Copies column declarations of the other side.
///
/// # Errors
/// `protocol` for pointers and codes that cannot be read.
///
/// # Safety
/// When not null, `columns` points to `count` valid elements with valid names.
pub unsafe fn read_columns(columns: *const raw::Column, count: u64) -> Result<Vec<Column>> {
    // SAFETY: as the caller vouches.
    let columns = unsafe { slice_of(columns, count, "columns") }?;
    columns
        .iter()
        .map(|column| {
            let kind = ColumnKind::from_code(column.kind)
                .ok_or_else(|| wrong(&format!("a column of kind {}", column.kind)))?;
            // SAFETY: as the caller vouches.
            Ok(Column::new(unsafe { read_text(column.name) }, kind, read_unit(column.unit)?))
        })
        .collect()
}

/// Copies table rows of the other side: `row_count` rows of `width` scalars.
///
/// # Errors
/// `protocol` for pointers and codes that cannot be read.
///
/// # Safety
/// When not null, `scalars` points to `row_count * width` valid elements.
pub unsafe fn read_rows(
    scalars: *const raw::Scalar,
    row_count: u64,
    width: usize,
) -> Result<Vec<Vec<Scalar>>> {
    let count = row_count.checked_mul(width as u64).ok_or_else(|| wrong("too many rows"))?;
    // SAFETY: as the caller vouches.
    let scalars = unsafe { slice_of(scalars, count, "table rows") }?;
    if width == 0 {
        return Ok(Vec::new());
    }
    scalars
        .chunks_exact(width)
        // SAFETY: as the caller vouches.
        .map(|row| row.iter().map(|scalar| unsafe { read_scalar(scalar) }).collect())
        .collect()
}

/// Copies a record value of the other side.
///
/// # Errors
/// `protocol` for null and codes that cannot be read.
///
/// # Safety
/// `field` is null or valid, with valid texts.
pub unsafe fn read_field(field: *const raw::Field) -> Result<Field> {
    // SAFETY: null or valid, as the caller vouches.
    let field = unsafe { field.as_ref() }.ok_or_else(|| wrong("no field"))?;
    // SAFETY: as the caller vouches.
    let (name, value) = unsafe { (read_text(field.name), read_scalar(&field.value)?) };
    Ok(Field { name, unit: read_unit(field.unit)?, value })
}

/// The scalar as the border sees it. Valid as long as `scalar`.
pub(crate) fn scalar_out(scalar: &Scalar) -> raw::Scalar {
    let empty = raw::Scalar { kind: 0, reserved: 0, integer: 0, number: 0.0, text: raw::Text::of("") };
    match scalar {
        Scalar::Flag(value) => raw::Scalar { kind: 0, integer: i64::from(*value), ..empty },
        Scalar::Integer(value) => raw::Scalar { kind: 1, integer: *value, ..empty },
        Scalar::Number(value) => raw::Scalar { kind: 2, number: *value, ..empty },
        Scalar::Text(value) => raw::Scalar { kind: 3, text: raw::Text::of(value), ..empty },
    }
}

/// Copies a descriptor of the other side.
///
/// # Errors
/// `protocol` for sizes, pointers and codes that cannot be read.
///
/// # Safety
/// All pointers in `descriptor` are null or valid for their counts.
pub unsafe fn read_descriptor(descriptor: &raw::Descriptor) -> Result<Descriptor> {
    check_size(descriptor.struct_size, size_of::<raw::Descriptor>(), "pf_descriptor")?;
    // SAFETY: as the caller vouches, for the reads below.
    let (id, summary, inputs, outputs, parameters) = unsafe {
        (
            read_text(descriptor.id),
            read_text(descriptor.summary),
            slice_of(descriptor.inputs, descriptor.input_count, "input ports")?,
            slice_of(descriptor.outputs, descriptor.output_count, "output ports")?,
            slice_of(descriptor.parameters, descriptor.parameter_count, "parameters")?,
        )
    };
    let code = |what: &str, code: u32| wrong(&format!("{what} {code}"));
    Ok(Descriptor {
        id,
        summary,
        kind: Kind::from_code(descriptor.kind).ok_or_else(|| code("operator kind", descriptor.kind))?,
        threads: ThreadSafety::from_code(descriptor.threads)
            .ok_or_else(|| code("thread safety", descriptor.threads))?,
        deterministic: descriptor.deterministic != 0,
        temporal_window: descriptor.temporal_window,
        max_halo: descriptor.max_halo,
        yields: PixelClass::from_code(descriptor.yields)
            .ok_or_else(|| code("pixel class", descriptor.yields))?,
        preserves: Supports::from_bits(descriptor.preserves),
        inputs: inputs
            .iter()
            .map(|port| {
                // SAFETY: as the caller vouches.
                let (name, dtypes) = unsafe {
                    (read_text(port.name), slice_of(port.dtypes, port.dtype_count, "pixel types")?)
                };
                Ok(InputPort {
                    name,
                    dtypes: dtypes.iter().map(|code| read_dtype(*code)).collect::<Result<_>>()?,
                    labels: port.labels != 0,
                    optional: port.optional != 0,
                })
            })
            .collect::<Result<_>>()?,
        outputs: outputs
            .iter()
            .map(|port| {
                Ok(OutputPort {
                    // SAFETY: as the caller vouches.
                    name: unsafe { read_text(port.name) },
                    kind: OutputKind::from_code(port.kind).ok_or_else(|| code("output kind", port.kind))?,
                })
            })
            .collect::<Result<_>>()?,
        parameters: parameters
            .iter()
            // SAFETY: as the caller vouches.
            .map(|spec| unsafe { read_parameter_spec(spec) })
            .collect::<Result<_>>()?,
    })
}

/// # Safety
/// All pointers in `spec` are null or valid for their counts.
unsafe fn read_parameter_spec(spec: &raw::ParameterSpec) -> Result<ParameterSpec> {
    // SAFETY: as the caller vouches, for the reads below.
    let (name, doc, default, options) = unsafe {
        (
            read_text(spec.name),
            read_text(spec.doc),
            read_text(spec.text_default),
            slice_of(spec.options, spec.option_count, "options")?,
        )
    };
    let kind = match spec.kind {
        1 => ParameterKind::Flag { default: spec.integer_default != 0 },
        2 => ParameterKind::Integer {
            default: spec.integer_default,
            min: spec.integer_min,
            max: spec.integer_max,
        },
        3 => {
            ParameterKind::Number { default: spec.number_default, min: spec.number_min, max: spec.number_max }
        }
        4 => ParameterKind::Choice {
            default,
            // SAFETY: as the caller vouches.
            options: options.iter().map(|option| unsafe { read_text(*option) }).collect(),
        },
        5 => ParameterKind::Text { default },
        other => return Err(wrong(&format!("a parameter of kind {other}"))),
    };
    let role = match spec.role {
        1 => ParameterRole::Setting,
        2 => ParameterRole::Tunable,
        other => return Err(wrong(&format!("a parameter of role {other}"))),
    };
    Ok(ParameterSpec { name, doc, role, unit: read_unit(spec.unit)?, kind })
}

/// Reads parameter values of the other side.
///
/// # Safety
/// When not null, `parameters` points to `count` valid elements with valid texts.
pub(crate) unsafe fn read_parameters(parameters: *const raw::Parameter, count: u64) -> Result<Parameters> {
    // SAFETY: as the caller vouches.
    let parameters = unsafe { slice_of(parameters, count, "parameters") }?;
    parameters
        .iter()
        .map(|parameter| {
            // SAFETY: as the caller vouches.
            let (name, text) = unsafe { (read_text(parameter.name), read_text(parameter.text)) };
            let value = match parameter.kind {
                1 => ParameterValue::Flag(parameter.integer != 0),
                2 => ParameterValue::Integer(parameter.integer),
                3 => ParameterValue::Number(parameter.number),
                4 => ParameterValue::Text(text),
                other => return Err(wrong(&format!("a parameter value of kind {other}"))),
            };
            Ok((name, value))
        })
        .collect()
}

/// Parameters as the border sees them; borrows the texts.
#[must_use]
pub fn parameters_out(parameters: &Parameters) -> Vec<raw::Parameter> {
    parameters
        .iter()
        .map(|(name, value)| {
            let (kind, integer, number, text) = match value {
                ParameterValue::Flag(value) => (1, i64::from(*value), 0.0, ""),
                ParameterValue::Integer(value) => (2, *value, 0.0, ""),
                ParameterValue::Number(value) => (3, 0, *value, ""),
                ParameterValue::Text(value) => (4, 0, 0.0, value.as_str()),
            };
            let (name, text) = (raw::Text::of(name), raw::Text::of(text));
            raw::Parameter { name, kind, reserved: 0, integer, number, text }
        })
        .collect()
}

/// Descriptors as the border sees them; owns the arrays, borrows the texts.
#[derive(Debug)]
pub struct Marshalled<'a> {
    descriptors: Vec<raw::Descriptor>,
    _parts: Vec<Parts>,
    _texts: PhantomData<&'a str>,
}

#[derive(Debug)]
struct Parts {
    inputs: Vec<raw::InputPort>,
    outputs: Vec<raw::OutputPort>,
    parameters: Vec<raw::ParameterSpec>,
    _dtypes: Vec<Vec<u32>>,
    _options: Vec<Vec<raw::Text>>,
}

impl<'a> Marshalled<'a> {
    /// The descriptors as the border sees them.
    #[must_use]
    pub fn new(descriptors: &'a [Descriptor]) -> Self {
        let parts: Vec<Parts> = descriptors.iter().map(parts_out).collect();
        let descriptors = descriptors.iter().zip(&parts).map(|(d, parts)| descriptor_out(d, parts)).collect();
        Self { descriptors, _parts: parts, _texts: PhantomData }
    }

    /// The structs, valid as long as this value.
    #[must_use]
    pub fn as_slice(&self) -> &[raw::Descriptor] {
        &self.descriptors
    }
}

fn parts_out(descriptor: &Descriptor) -> Parts {
    let dtypes: Vec<Vec<u32>> = descriptor
        .inputs
        .iter()
        .map(|port| port.dtypes.iter().map(|dtype| *dtype as u32).collect())
        .collect();
    let options: Vec<Vec<raw::Text>> = descriptor
        .parameters
        .iter()
        .map(|spec| match &spec.kind {
            ParameterKind::Choice { options, .. } => options.iter().map(|text| raw::Text::of(text)).collect(),
            _ => Vec::new(),
        })
        .collect();
    Parts {
        inputs: descriptor
            .inputs
            .iter()
            .zip(&dtypes)
            .map(|(port, dtypes)| raw::InputPort {
                name: raw::Text::of(&port.name),
                dtypes: dtypes.as_ptr(),
                dtype_count: dtypes.len() as u64,
                labels: u32::from(port.labels),
                optional: u32::from(port.optional),
            })
            .collect(),
        outputs: descriptor
            .outputs
            .iter()
            .map(|port| raw::OutputPort {
                name: raw::Text::of(&port.name),
                kind: port.kind as u32,
                reserved: 0,
            })
            .collect(),
        parameters: descriptor
            .parameters
            .iter()
            .zip(&options)
            .map(|(spec, options)| parameter_spec_out(spec, options))
            .collect(),
        _dtypes: dtypes,
        _options: options,
    }
}

fn parameter_spec_out(spec: &ParameterSpec, options: &[raw::Text]) -> raw::ParameterSpec {
    let mut out = raw::ParameterSpec {
        name: raw::Text::of(&spec.name),
        doc: raw::Text::of(&spec.doc),
        role: match spec.role {
            ParameterRole::Setting => 1,
            ParameterRole::Tunable => 2,
        },
        unit: spec.unit as u32,
        kind: 0,
        reserved: 0,
        integer_default: 0,
        integer_min: 0,
        integer_max: 0,
        number_default: 0.0,
        number_min: 0.0,
        number_max: 0.0,
        text_default: raw::Text::of(""),
        options: options.as_ptr(),
        option_count: options.len() as u64,
    };
    match &spec.kind {
        ParameterKind::Flag { default } => (out.kind, out.integer_default) = (1, i64::from(*default)),
        ParameterKind::Integer { default, min, max } => {
            (out.kind, out.integer_default, out.integer_min, out.integer_max) = (2, *default, *min, *max);
        }
        ParameterKind::Number { default, min, max } => {
            (out.kind, out.number_default, out.number_min, out.number_max) = (3, *default, *min, *max);
        }
        ParameterKind::Choice { default, .. } => (out.kind, out.text_default) = (4, raw::Text::of(default)),
        ParameterKind::Text { default } => (out.kind, out.text_default) = (5, raw::Text::of(default)),
    }
    out
}

fn descriptor_out(descriptor: &Descriptor, parts: &Parts) -> raw::Descriptor {
    raw::Descriptor {
        struct_size: size_of::<raw::Descriptor>() as u64,
        id: raw::Text::of(&descriptor.id),
        summary: raw::Text::of(&descriptor.summary),
        kind: descriptor.kind as u32,
        threads: descriptor.threads as u32,
        deterministic: u32::from(descriptor.deterministic),
        yields: descriptor.yields as u32,
        preserves: descriptor.preserves.bits(),
        temporal_window: descriptor.temporal_window,
        max_halo: descriptor.max_halo,
        inputs: parts.inputs.as_ptr(),
        input_count: parts.inputs.len() as u64,
        outputs: parts.outputs.as_ptr(),
        output_count: parts.outputs.len() as u64,
        parameters: parts.parameters.as_ptr(),
        parameter_count: parts.parameters.len() as u64,
    }
}

/// Gives an error's parts to `send` as the border sees them.
pub(crate) fn with_error(error: &Error, send: impl FnOnce(&raw::ErrorInfo)) {
    let details = error.kind().details();
    let details: Vec<raw::Detail> = details
        .iter()
        .map(|(key, value)| raw::Detail { key: raw::Text::of(key), value: raw::Text::of(value) })
        .collect();
    let message = error.to_string();
    send(&raw::ErrorInfo {
        code: error.kind().code(),
        reserved: 0,
        message: raw::Text::of(&message),
        remedy: raw::Text::of(error.remedy().unwrap_or_default()),
        details: details.as_ptr(),
        detail_count: details.len() as u64,
    });
}
