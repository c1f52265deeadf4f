//! Descriptors, and the parameters of an instance.

use core::marker::PhantomData;

use parfocal_image::{PixelClass, Supports};
use parfocal_operator::{Descriptor, InputPort, Kind, OutputKind, OutputPort, ThreadSafety};
use parfocal_types::{ParameterKind, ParameterRole, ParameterSpec, ParameterValue, Parameters, Result};

use super::{
    basics::{check_size, read_text, slice_of, wrong},
    image::read_dtype,
    results::read_unit,
};
use crate::operator_1 as raw;

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
