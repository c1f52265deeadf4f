//! Faults of results that are not the same again.

use std::{env, process};

use parfocal_plugin::prelude::*;

use crate::fault::{Act, Fault, Running};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "process-number",
        case: "OPR-04",
        also: &["OPR-31"],
        what: "adds a number that each process draws for itself",
        operator: "subtract",
        act: Act::Run(process_number),
    },
    Fault {
        name: "half-as-component",
        case: "OPR-30",
        also: &[],
        what: "adds half as much where it is a WASM component",
        operator: "subtract",
        act: Act::Component,
    },
    Fault {
        name: "language",
        case: "OPR-31",
        also: &[],
        what: "adds one where people speak German",
        operator: "subtract",
        act: Act::Run(language),
    },
];

fn process_number(call: &mut Running<'_, '_>) -> Result<()> {
    let number = f64::from(process::id() % 97);
    // Away from the limits of all types, so that the difference is the same in each.
    call.repaint(|_, value| if (100.0..200.0).contains(&value) { value - number } else { value })
}

fn language(call: &mut Running<'_, '_>) -> Result<()> {
    let german = env::var("LANG").is_ok_and(|language| language.starts_with("de"));
    call.repaint(|_, value| if german { value + 1.0 } else { value })
}
