//! Faults of memory of tiles.

use parfocal_plugin::prelude::*;

use crate::fault::{Act, Fault, Running};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "written-input",
        case: "OPR-08",
        also: &["OPR-09"],
        what: "writes to the tile that it reads",
        operator: "subtract",
        act: Act::Run(written_input),
    },
    Fault {
        name: "beyond-the-row",
        case: "OPR-09",
        also: &[],
        what: "writes one pixel beyond the end of each row",
        operator: "subtract",
        act: Act::Run(beyond_the_row),
    },
];

fn written_input(call: &mut Running<'_, '_>) -> Result<()> {
    if let Some(input) = call.tiles.inputs.first().filter(|input| !input.pixels.bytes().is_empty()) {
        let place = input.pixels.bytes().as_ptr().cast_mut();
        // SAFETY: none: writing to what may only be read is the fault.
        unsafe { place.write_volatile(place.read_volatile()) };
    }
    call.proceed()
}

/// Writes one pixel beyond the end of each row. Where rows lie side by side, that is the first of the next row, and is
/// overwritten by what belongs there.
fn beyond_the_row(call: &mut Running<'_, '_>) -> Result<()> {
    for output in &mut *call.tiles.outputs {
        let size = output.pixels.dtype().size();
        let width = output.pixels.region().extent[Axis::X] as usize * size;
        let step = output.pixels.strides()[3] * size;
        let bytes = output.pixels.bytes_mut();
        for row in (0..bytes.len()).step_by(step.max(1)) {
            if let Some(byte) = bytes.get_mut(row + width) {
                *byte = 0x11;
            }
        }
    }
    call.proceed()
}
