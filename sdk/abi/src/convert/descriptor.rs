//! Descriptors, and the parameters of an instance.

use core::marker::PhantomData;

use parfocal_image::{PixelClass, Supports};
use parfocal_operator::{Descriptor, InputPort, Kind, OutputPort, PortKind, ThreadSafety};
use parfocal_types::{ParameterKind, ParameterSpec, ParameterValue, Parameters, Result, Scalar};

use super::{
    basics::{check_size, read_text, slice_of, wrong},
    image::read_dtype,
    results::{flag_out, integer_out, number_out, read_scalar, read_unit, text_out},
};
use crate::{
    codes::{ValueKind, role_code, role_from_code},
    operator_1 as raw,
};

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
        // SAFETY: as the caller vouches, for the reads below.
        inputs: inputs.iter().map(|port| unsafe { read_input_port(port) }).collect::<Result<_>>()?,
        // SAFETY: as the caller vouches.
        outputs: outputs.iter().map(|port| unsafe { read_output_port(port) }).collect::<Result<_>>()?,
        parameters: parameters
            .iter()
            // SAFETY: as the caller vouches.
            .map(|spec| unsafe { read_parameter_spec(spec) })
            .collect::<Result<_>>()?,
    })
}

fn read_port_kind(code: u32) -> Result<PortKind> {
    PortKind::from_code(code).ok_or_else(|| wrong(&format!("a port of kind {code}")))
}

/// # Safety
/// All pointers in `port` are null or valid for their counts.
unsafe fn read_input_port(port: &raw::InputPort) -> Result<InputPort> {
    // SAFETY: as the caller vouches.
    let (name, dtypes) =
        unsafe { (read_text(port.name), slice_of(port.dtypes, port.dtype_count, "pixel types")?) };
    Ok(InputPort {
        name,
        kind: read_port_kind(port.kind)?,
        dtypes: dtypes.iter().map(|code| read_dtype(*code)).collect::<Result<_>>()?,
        optional: port.optional != 0,
    })
}

/// # Safety
/// The name of `port` is null or valid.
unsafe fn read_output_port(port: &raw::OutputPort) -> Result<OutputPort> {
    Ok(OutputPort {
        // SAFETY: as the caller vouches.
        name: unsafe { read_text(port.name) },
        kind: read_port_kind(port.kind)?,
        yields: PixelClass::from_code(port.yields)
            .ok_or_else(|| wrong(&format!("pixel class {}", port.yields)))?,
        preserves: Supports::from_bits(port.preserves),
        network: port.network != 0,
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
    let kind = ValueKind::from_code(spec.kind)
        .ok_or_else(|| wrong(&format!("a parameter of kind {}", spec.kind)))?;
    let kind = match kind {
        ValueKind::Flag => ParameterKind::Flag { default: spec.integer_default != 0 },
        ValueKind::Integer => ParameterKind::Integer {
            default: spec.integer_default,
            min: spec.integer_min,
            max: spec.integer_max,
        },
        ValueKind::Number => {
            ParameterKind::Number { default: spec.number_default, min: spec.number_min, max: spec.number_max }
        }
        ValueKind::Text => ParameterKind::Text { default },
        ValueKind::Choice => ParameterKind::Choice {
            default,
            // SAFETY: as the caller vouches.
            options: options.iter().map(|option| unsafe { read_text(*option) }).collect(),
        },
    };
    let role =
        role_from_code(spec.role).ok_or_else(|| wrong(&format!("a parameter of role {}", spec.role)))?;
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
                kind: port.kind as u32,
                optional: u32::from(port.optional),
                dtypes: dtypes.as_ptr(),
                dtype_count: dtypes.len() as u64,
            })
            .collect(),
        outputs: descriptor
            .outputs
            .iter()
            .map(|port| raw::OutputPort {
                name: raw::Text::of(&port.name),
                kind: port.kind as u32,
                yields: port.yields as u32,
                preserves: port.preserves.bits(),
                network: u32::from(port.network),
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
        role: role_code(spec.role),
        unit: spec.unit as u32,
        kind: value_kind(&spec.kind) as u32,
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
        ParameterKind::Flag { default } => out.integer_default = i64::from(*default),
        ParameterKind::Integer { default, min, max } => {
            (out.integer_default, out.integer_min, out.integer_max) = (*default, *min, *max);
        }
        ParameterKind::Number { default, min, max } => {
            (out.number_default, out.number_min, out.number_max) = (*default, *min, *max);
        }
        ParameterKind::Choice { default, .. } | ParameterKind::Text { default } => {
            out.text_default = raw::Text::of(default);
        }
    }
    out
}

const fn value_kind(kind: &ParameterKind) -> ValueKind {
    match kind {
        ParameterKind::Flag { .. } => ValueKind::Flag,
        ParameterKind::Integer { .. } => ValueKind::Integer,
        ParameterKind::Number { .. } => ValueKind::Number,
        ParameterKind::Text { .. } => ValueKind::Text,
        ParameterKind::Choice { .. } => ValueKind::Choice,
    }
}

fn descriptor_out(descriptor: &Descriptor, parts: &Parts) -> raw::Descriptor {
    raw::Descriptor {
        struct_size: size_of::<raw::Descriptor>() as u64,
        id: raw::Text::of(&descriptor.id),
        summary: raw::Text::of(&descriptor.summary),
        kind: descriptor.kind as u32,
        threads: descriptor.threads as u32,
        deterministic: u32::from(descriptor.deterministic),
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
            let (name, value) = unsafe { (read_text(parameter.name), read_scalar(&parameter.value)?) };
            let value = match value {
                Scalar::Flag(value) => ParameterValue::Flag(value),
                Scalar::Integer(value) => ParameterValue::Integer(value),
                Scalar::Number(value) => ParameterValue::Number(value),
                Scalar::Text(value) => ParameterValue::Text(value),
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
            let value = match value {
                ParameterValue::Flag(value) => flag_out(*value),
                ParameterValue::Integer(value) => integer_out(*value),
                ParameterValue::Number(value) => number_out(*value),
                ParameterValue::Text(value) => text_out(value),
            };
            raw::Parameter { name: raw::Text::of(name), value }
        })
        .collect()
}
