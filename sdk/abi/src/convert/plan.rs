//! Plans, and the parts of inputs that they need.

use parfocal_operator::{InputRegion, Padding, Plan, TileSize, Tiling};
use parfocal_types::Result;

use super::{
    basics::{sized, slice_of, wrong},
    image::{MarshalledSpecs, read_spec},
};
use crate::operator_1 as raw;

/// Copies a plan of the other side.
///
/// # Errors
/// `protocol` for sizes, pointers and codes that cannot be read; as [`read_spec`].
///
/// # Safety
/// `plan` points to a struct that begins with its size and has that many bytes; all pointers in it are null or valid for
/// their counts.
pub unsafe fn read_plan(plan: *const raw::Plan) -> Result<Plan> {
    // SAFETY: as the caller vouches; the size is read before anything that it promises.
    let plan = unsafe { sized(plan, "pf_plan") }?;
    // SAFETY: as the caller vouches.
    let outputs = unsafe { slice_of(plan.outputs, plan.output_count, "output specs") }?;
    let mut tiling = [Tiling::Split; 5];
    for (to, code) in tiling.iter_mut().zip(plan.tiling) {
        *to = Tiling::from_code(code).ok_or_else(|| wrong(&format!("tiling {code}")))?;
    }
    let mut tile_sizes = [TileSize::ANY; 5];
    for (to, (step, max)) in tile_sizes.iter_mut().zip(plan.tile_step.into_iter().zip(plan.tile_max)) {
        *to = TileSize { step: step.max(1), max: if max == 0 { u64::MAX } else { max } };
    }
    Ok(Plan {
        // SAFETY: as the caller vouches.
        outputs: outputs.iter().map(|spec| unsafe { read_spec(spec) }).collect::<Result<_>>()?,
        tiling,
        tile_sizes,
        reduce_over: plan.reduce_over.map(|flag| flag != 0),
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
        tile_step: plan.tile_sizes.map(|size| size.step),
        tile_max: plan.tile_sizes.map(|size| size.max),
        bytes_per_pixel: plan.bytes_per_pixel,
        reserved: 0,
        bytes: plan.bytes,
    }
}

/// Copies the answer of `required_input`.
///
/// # Errors
/// `protocol` for null with a count, and a padding that is none.
///
/// # Safety
/// When not null, `regions` points to `count` valid elements.
pub unsafe fn read_regions(regions: *const raw::InputRegion, count: u64) -> Result<Vec<InputRegion>> {
    // SAFETY: as the caller vouches.
    let regions = unsafe { slice_of(regions, count, "regions") }?;
    regions
        .iter()
        .map(|region| {
            let padding = Padding::from_code(region.padding)
                .ok_or_else(|| wrong(&format!("padding {}", region.padding)))?;
            Ok(InputRegion { port: region.port, region: region.region.into(), padding })
        })
        .collect()
}

/// The answer of `required_input` as the border sees it.
#[must_use]
pub(crate) fn regions_out(regions: &[InputRegion]) -> Vec<raw::InputRegion> {
    regions
        .iter()
        .map(|region| raw::InputRegion {
            port: region.port,
            padding: region.padding as u32,
            region: region.region.into(),
        })
        .collect()
}
