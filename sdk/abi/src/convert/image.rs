//! Image specs and channels.

use core::marker::PhantomData;

use parfocal_image::{
    Channel, ClockReading, DType, Extent, Finder, ImageSpec, LabelOrigin, Modality, PixelClass, PixelSize,
    Supports, TimeAnchor,
};
use parfocal_operator::InputSpec;
use parfocal_types::{
    Result,
    units::{Micrometers, Nanometers, Seconds},
};

use super::{
    basics::{check_size, known, or_nan, read_text, slice_of, wrong},
    conditions::{conditions_in, conditions_out, planes_out, read_planes},
};
use crate::{codes::FinderCode, operator_1 as raw};

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
    pub fn new(specs: impl IntoIterator<Item = &'a ImageSpec>) -> Self {
        let mut all_planes = Vec::new();
        let mut all_channels = Vec::new();
        let mut out = Vec::new();
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

/// The specs of connected inputs as the border sees them; owns the arrays, borrows the texts.
#[derive(Debug)]
pub struct MarshalledInputs<'a> {
    inputs: Vec<raw::InputSpec>,
    // The arrays that the specs point into.
    _specs: MarshalledSpecs<'a>,
}

impl<'a> MarshalledInputs<'a> {
    /// The inputs as the border sees them.
    #[must_use]
    pub fn new(inputs: &[InputSpec<'a>]) -> Self {
        let specs = MarshalledSpecs::new(inputs.iter().map(|input| input.spec));
        let inputs = inputs.iter().zip(specs.as_slice());
        let inputs = inputs
            .map(|(input, spec)| raw::InputSpec { port: input.port, reserved: 0, spec: *spec })
            .collect();
        Self { inputs, _specs: specs }
    }

    /// The structs, valid as long as this value.
    #[must_use]
    pub fn as_slice(&self) -> &[raw::InputSpec] {
        &self.inputs
    }
}

fn channel_out(channel: &Channel, planes: &[raw::PlaneConditions]) -> raw::Channel {
    let (basis, finder, operator, model) = match &channel.labels {
        None => (0, 0, "", ""),
        Some(origin) => {
            let basis = origin.basis as u32;
            match &origin.finder {
                Finder::Classical { operator } => {
                    (basis, FinderCode::Classical as u32, operator.as_str(), "")
                }
                Finder::Network { operator, model } => {
                    (basis, FinderCode::Network as u32, operator.as_str(), model.as_str())
                }
                Finder::Manual => (basis, FinderCode::Manual as u32, "", ""),
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

fn anchor_out(anchor: Option<&TimeAnchor>) -> raw::TimeAnchor {
    let clock = anchor.and_then(|anchor| anchor.clock.as_ref());
    raw::TimeAnchor {
        known: u32::from(anchor.is_some()),
        clock_known: u32::from(clock.is_some()),
        unix_ns: anchor.map_or(0, |anchor| anchor.unix_ns),
        clock_ns: clock.map_or(0, |clock| clock.ns),
        clock_id: raw::Text::of(clock.map_or("", |clock| &clock.id)),
    }
}

/// # Safety
/// The text of `anchor` is null or valid.
unsafe fn read_anchor(anchor: &raw::TimeAnchor) -> Option<TimeAnchor> {
    (anchor.known != 0).then(|| TimeAnchor {
        unix_ns: anchor.unix_ns,
        clock: (anchor.clock_known != 0).then(|| ClockReading {
            // SAFETY: as the caller vouches.
            id: unsafe { read_text(anchor.clock_id) },
            ns: anchor.clock_ns,
        }),
    })
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
        acquired: anchor_out(spec.acquired.as_ref()),
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
        acquired: unsafe { read_anchor(&spec.acquired) },
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
    let finder = FinderCode::from_code(channel.labels_finder).map(|code| match code {
        FinderCode::Classical => Finder::Classical { operator },
        FinderCode::Network => Finder::Network { operator, model },
        FinderCode::Manual => Finder::Manual,
    });
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
