//! Faults of what operators mean, in files that are named as those of the cases.

mod buffers;
mod flow;
mod load;
mod meaning;
mod plan;
mod same;
mod sequences;
mod sizes;
mod tiles;
mod values;

use crate::fault::Fault;

/// Every fault, in the order of the cases.
pub(super) fn all() -> impl Iterator<Item = &'static Fault> {
    let files = [
        plan::FAULTS,
        same::FAULTS,
        tiles::FAULTS,
        buffers::FAULTS,
        sizes::FAULTS,
        values::FAULTS,
        sequences::FAULTS,
        flow::FAULTS,
        load::FAULTS,
        meaning::FAULTS,
    ];
    let mut all: Vec<_> = files.into_iter().flatten().collect();
    all.sort_by_key(|fault| fault.case);
    all.into_iter()
}
