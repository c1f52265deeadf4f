//! OPR: what operators mean.

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

use parfocal_testkit::{Difference, Outcome, Setting};
use parfocal_types::{Error, Result};

use crate::{
    case::Case,
    finding::{Finding, said},
    scene::Feed,
};

pub(crate) use same::digest;

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    [
        plan::CASES,
        same::CASES,
        tiles::CASES,
        buffers::CASES,
        sizes::CASES,
        values::CASES,
        sequences::CASES,
        flow::CASES,
        load::CASES,
        meaning::CASES,
    ]
    .concat()
}

/// The outcome of a run, or a finding that says with which parameters and input it failed.
fn ran(result: Result<Outcome>, setting: &Setting, feed: &Feed) -> Result<Outcome, Finding> {
    result.map_err(|error| failed(&error, setting, feed))
}

/// A run that failed though its plan was accepted.
fn failed(error: &Error, setting: &Setting, feed: &Feed) -> Finding {
    let finding = Finding::fail("it accepted the input in `plan`, and then failed");
    said(finding.with("parameters", &setting.name).with("input", &feed.name), error)
}

/// A finding for two outcomes that should be the same.
fn differs(sentence: &str, difference: &Difference, setting: &Setting, feed: &Feed) -> Finding {
    Finding::fail(sentence)
        .with("parameters", &setting.name)
        .with("input", &feed.name)
        .with("difference", difference)
}

/// Ends the case when the operator contradicted its own declarations, or wrote where nobody may.
fn honest(outcome: &Outcome, setting: &Setting, feed: &Feed) -> Result<(), Finding> {
    match outcome.contradictions.first() {
        None => Ok(()),
        Some(contradiction) => Err(Finding::fail(contradiction.clone())
            .with("parameters", &setting.name)
            .with("input", &feed.name)),
    }
}
