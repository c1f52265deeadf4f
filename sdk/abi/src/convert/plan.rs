//! Plans.

use parfocal_operator::{Padding, Plan, Tiling};
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
