//! Faults of what is kept.

use std::hint;

use parfocal_plugin::prelude::*;

use crate::fault::{Act, Fault, Running};

/// The faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "leak",
        case: "OPR-24",
        also: &[],
        what: "keeps a copy of each tile for ever",
        operator: "subtract",
        act: Act::Run(leak),
    },
];

fn leak(call: &mut Running<'_, '_>) -> Result<()> {
    let copies: Vec<Vec<u8>> = call.tiles.inputs.iter().map(|input| input.pixels.bytes().to_vec()).collect();
    hint::black_box(Vec::leak(copies));
    call.proceed()
}
