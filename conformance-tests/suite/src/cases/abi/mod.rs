//! ABI: handshake and lifecycle.

mod describe;
mod handshake;
mod lifecycle;
mod misuse;

pub(super) use describe::touched;

use crate::{
    case::{Case, Group, Scope},
    status::Level,
};

/// What the cases of the group have in common.
const ABI: Case = Case { group: Group::Abi, level: Level::L1, scope: Scope::Library, ..Case::USUAL };

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    [handshake::CASES, describe::CASES, lifecycle::CASES, misuse::CASES].concat()
}
