//! ROB: host and suite survive what plugins do.
//!
//! Faults are the host's to survive, and are proved there with plugins that have them. What a plugin under test owes is that
//! it leaves the process as it found it, ends when it is told to, and takes any order of calls.

mod company;
mod faults;
mod fuzz;
mod traces;

use crate::{
    case::{Case, Group, Scope},
    status::Level,
};

/// What the cases of the group have in common.
const ROB: Case = Case { group: Group::Rob, level: Level::L3, scope: Scope::Library, ..Case::USUAL };

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    [faults::CASES, traces::CASES, fuzz::CASES, company::CASES].concat()
}
