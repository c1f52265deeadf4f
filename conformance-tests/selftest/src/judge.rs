//! What a report says of each case, and whether that is what was expected.

use std::collections::{BTreeMap, BTreeSet};

use parfocal_conformance::{Case, Report, Run, Status, cases};
use parfocal_saboteurs::fault::{Act, Fault};

/// The worst status of each case.
pub(crate) type Column = BTreeMap<&'static str, Status>;

/// The worst status of each case of a report; those that nobody has written yet are left out.
pub(crate) fn column(report: &Report) -> Column {
    let mut column = Column::new();
    for result in &report.results {
        let Some(case) = cases().iter().find(|case| case.id == result.case) else { continue };
        if !is_written(case) {
            continue;
        }
        let status = column.entry(case.id).or_insert(result.status);
        if weight(result.status) > weight(*status) {
            *status = result.status;
        }
    }
    column
}

/// How bad a status is.
pub(crate) fn weight(status: Status) -> usize {
    const ORDER: [Status; 9] = [
        Status::Na,
        Status::Pass,
        Status::Waived,
        Status::Skip,
        Status::Warn,
        Status::Fail,
        Status::Timeout,
        Status::Crash,
        Status::SuiteError,
    ];
    ORDER.iter().position(|one| *one == status).unwrap_or(ORDER.len())
}

/// Whether somebody has written the case.
pub(crate) fn is_written(case: &Case) -> bool {
    matches!(case.run, Run::Written(_))
}

/// Whether a case noticed something: a MUST that fails, a SHOULD that warns. Where the golden warns too, it is about the
/// golden or the machine.
fn notices(status: Status, golden: Option<Status>) -> bool {
    status.is_against() || (status == Status::Warn && golden != Some(Status::Warn))
}

/// What is not as the fault's table says, by case.
pub(crate) type Problems = BTreeMap<&'static str, String>;

/// What is not as the fault's table says.
pub(crate) fn unexpected(fault: &Fault, column: &Column, golden: &Column) -> Problems {
    let expected: BTreeSet<_> = fault.also.iter().chain([&fault.case]).copied().collect();
    let mut problems = Problems::new();
    for (id, status) in column {
        let mut wrong = |sentence| problems.insert(*id, sentence);
        let golden = golden.get(id).copied();
        if expected.contains(id) {
            if !notices(*status, None) {
                wrong(format!("{id} ends as {status}, and should notice that it {}", fault.what));
            }
        } else if !fault.loads() && matches!(*status, Status::Fail | Status::Warn) {
            // A case that needs its code cannot pass.
        } else if id.starts_with("PRF") && *status == Status::Warn {
            // What takes long depends on what else this machine does.
        } else if notices(*status, golden) {
            wrong(format!("{id} ends as {status}, and has nothing to do with it"));
        } else if *status == Status::SuiteError {
            wrong(format!("{id} broke the suite"));
        } else if *status == Status::Skip && *id != "SEC-01" && !matches!(fault.act, Act::Package(_)) {
            wrong(format!("{id} was not tried"));
        }
    }
    problems
}
