//! Image specs and channels.

use core::marker::PhantomData;

use parfocal_image::{
    Channel, DType, Extent, Finder, ImageSpec, LabelOrigin, Modality, PixelClass, PixelSize, Supports,
};
use parfocal_types::{
    Result,
    units::{Micrometers, Nanometers, Seconds},
};

use super::{
    basics::{check_size, known, or_nan, read_text, slice_of, wrong},
    conditions::{conditions_in, conditions_out, planes_out, read_planes},
};
use crate::operator_1 as raw;

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
