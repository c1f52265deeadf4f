//! PRF: speed, as declared. Nothing here fails a plugin: figures of a machine are warnings at most.

mod memory;
mod time;

use std::time::Duration;

use crate::{
    case::{Case, Group},
    status::{Level, Severity},
    transport::Transport,
};

/// What the cases of the group have in common.
const PRF: Case = Case {
    group: Group::Prf,
    level: Level::L4,
    severity: Severity::Should,
    transports: &[Transport::Native, Transport::Wasm],
    budget: Duration::from_secs(40),
    ..Case::USUAL
};

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    [time::CASES, memory::CASES].concat()
}
