//! Faults of what is kept.

use std::hint;

use parfocal_plugin::prelude::*;

use super::values::add_one;
use crate::fault::{Act, Fault, Foreign, Language, Running};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "leak",
        case: "OPR-24",
        also: &[],
        what: "keeps a copy of each tile for ever",
        operator: "subtract",
        act: Act::Run(leak),
    },
    Fault {
        name: "leak-in-sequence",
        case: "OPR-24",
        also: &[],
        what: "keeps a copy of each frame of a sequence for ever",
        operator: "change",
        act: Act::Run(leak),
    },
    Fault {
        name: "album",
        case: "OPR-24",
        also: &[],
        what: "keeps each image in a list of its class",
        operator: "subtract",
        act: Act::Foreign(Foreign {
            language: Language::Python,
            source: include_str!("../../../foreign/album.py"),
            declared: add_one,
        }),
    },
];

fn leak(call: &mut Running<'_, '_>) -> Result<()> {
    let copies: Vec<Vec<u8>> = call.tiles.inputs.iter().map(|input| input.pixels.bytes().to_vec()).collect();
    hint::black_box(Vec::leak(copies));
    call.proceed()
}
