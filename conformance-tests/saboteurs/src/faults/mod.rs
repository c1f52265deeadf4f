//! All faults, case by case.

pub mod abi;
pub mod man;
pub mod opr;
pub mod prf;
pub mod rob;
pub mod sec;

use crate::fault::Fault;

/// Every fault, in the order of the cases' groups.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    let before = man::FAULTS.iter().chain(abi::FAULTS);
    before.chain(opr::all()).chain([sec::FAULTS, rob::FAULTS, prf::FAULTS].into_iter().flatten())
}

/// Cases that could have a saboteur and do not yet: none. The self-test fails when the list is not exactly this.
pub const LACKING: &[&str] = &[];

/// Cases that no plugin can fail, and why.
pub const NONE: &[(&str, &str)] = &[
    ("ROB-14", "it tries how the host searches folders: a plugin cannot hide another"),
    ("MAN-12", "it tries the host's own readers with damaged bytes: a plugin cannot make them panic"),
];

/// Faults that make every case wait, and are tried on the cases of their own group only.
pub const SLOW: &[&str] = &["late-first-frame"];
