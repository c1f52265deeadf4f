//! Faults of sizes of images.

use std::hint;

use parfocal_plugin::prelude::*;

use crate::fault::{Act, Fault, Planning, Running};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "divided-by-nothing",
        case: "OPR-11",
        also: &[],
        what: "divides by the number of pixels, which may be zero",
        operator: "subtract",
        act: Act::Plan(divided_by_nothing),
    },
    Fault {
        name: "second-column",
        case: "OPR-12",
        also: &["ROB-13"],
        what: "reads the second column of an image that has one only",
        operator: "subtract",
        act: Act::Run(second_column),
    },
    Fault {
        name: "short-index",
        case: "OPR-19",
        also: &[],
        what: "counts pixels of the image in 32 bits",
        operator: "subtract",
        act: Act::Run(short_index),
    },
];

fn divided_by_nothing(call: &mut Planning<'_>) -> Result<Plan> {
    let plan = call.proceed()?;
    for output in &plan.outputs {
        hint::black_box(1_000_000 / output.extent.count().unwrap_or(1));
    }
    Ok(plan)
}

fn second_column(call: &mut Running<'_, '_>) -> Result<()> {
    let columns: Vec<_> = (0..call.tiles.inputs[0].full[Axis::X]).collect();
    hint::black_box(columns[1]);
    call.proceed()
}

/// Counts pixels of the image in 32 bits: behind the last that it can count, it is wrong.
fn short_index(call: &mut Running<'_, '_>) -> Result<()> {
    let width = call.tiles.outputs[0].full[Axis::X].cast_signed();
    call.repaint(|[.., y, x], value| {
        let index = y * width + x;
        if i32::try_from(index).is_ok() { value } else { value + 1.0 }
    })
}
