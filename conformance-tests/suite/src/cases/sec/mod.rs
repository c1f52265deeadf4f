//! SEC: capabilities are denied by default.

mod fences;
mod grants;
mod package;
mod words;

use crate::{
    case::{Case, Group, Scope},
    status::Level,
};

pub(super) use package::{copy, scan};
pub(crate) use words::words;

/// What the cases of the group have in common.
const SEC: Case = Case { group: Group::Sec, level: Level::L1, scope: Scope::Library, ..Case::USUAL };

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    [fences::CASES, grants::CASES, package::CASES, words::CASES].concat()
}
