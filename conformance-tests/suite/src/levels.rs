//! Which levels and badges a plugin gets from its results.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cases::{case, cases},
    options::Profile,
    report::{CaseResult, Configuration},
    status::{Badge, Level, Severity, Status},
};

/// What is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The highest level that is granted, with all below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Level>,
    /// Each level by itself.
    pub levels: Vec<LevelSummary>,
    /// Badges that are granted.
    pub badges: Vec<Badge>,
    /// How many results there are of each status.
    pub counts: BTreeMap<Status, usize>,
}

/// One level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LevelSummary {
    /// The level.
    pub level: Level,
    /// Whether it is granted; one that is not keeps those above from being granted.
    pub granted: bool,
    /// Why it is not: MUST cases, and conditions of the level.
    pub blocked_by: Vec<String>,
}

/// Judges results. `left_out` is what the user's options left out of the run: while there is something, no level is granted,
/// since a level says that everything of the plugin was tried.
#[must_use]
pub fn summarise(results: &[CaseResult], configuration: &Configuration, left_out: &[String]) -> Summary {
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for result in results {
        *counts.entry(result.status).or_default() += 1;
    }
    let mut levels = Vec::new();
    let mut reached = None;
    let mut open = true;
    for level in Level::ALL {
        let mut blocked_by = blocked(level, results, configuration);
        blocked_by.extend(left_out.iter().map(|what| format!("the run is partial: {what}")));
        let granted = open && blocked_by.is_empty();
        open = granted;
        if granted {
            reached = Some(level);
        }
        levels.push(LevelSummary { level, granted, blocked_by });
    }
    Summary { reached, levels, badges: badges(results), counts }
}

fn blocked(level: Level, results: &[CaseResult], configuration: &Configuration) -> Vec<String> {
    let of_level = || results.iter().filter(|result| result.level == level);
    let mut blocked: Vec<String> = of_level()
        .filter(|result| result.severity == Severity::Must && result.status.blocks())
        .map(|result| format!("{} ({})", result.case, result.status))
        .collect();
    blocked.dedup();
    let missing = cases().iter().filter(|case| case.level == level && case.severity == Severity::Must);
    let missing = missing.filter(|case| !results.iter().any(|result| result.case == case.id)).count();
    if missing > 0 {
        blocked.push(format!("{missing} of its cases were left out"));
    }
    if level == Level::L3 && configuration.profile != Profile::Full {
        blocked.push("it is granted from the profile `full` only".into());
    }
    // What is declared is held against the clock there; the other cases of the level measure, whoever declares what.
    let timed =
        |result: &CaseResult| result.case == "PRF-01" && matches!(result.status, Status::Pass | Status::Warn);
    if level == Level::L4 && !of_level().any(timed) {
        blocked.push("the manifest declares no performance".into());
    }
    blocked
}

/// A badge is granted when at least one case of it passed, and none ended otherwise where it applies.
fn badges(results: &[CaseResult]) -> Vec<Badge> {
    let mut tried: BTreeMap<Badge, bool> = BTreeMap::new();
    for result in results {
        let Some(badge) = case(&result.case).and_then(|case| case.badge) else { continue };
        if result.status != Status::Na {
            let good = tried.entry(badge).or_insert(true);
            *good &= result.status == Status::Pass;
        }
    }
    tried.into_iter().filter(|(_, good)| *good).map(|(badge, _)| badge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything(status: impl Fn(&str) -> Status) -> Vec<CaseResult> {
        cases()
            .iter()
            .map(|case| CaseResult {
                case: case.id.into(),
                operator: None,
                transport: None,
                level: case.level,
                severity: case.severity,
                status: status(case.id),
                sentence: String::new(),
                details: Vec::new(),
                waits_for: None,
                waiver: None,
            })
            .collect()
    }

    fn configured(profile: Profile) -> Configuration {
        Configuration { profile, level: Level::L2, transports: Vec::new(), weakened: Vec::new() }
    }

    #[test]
    fn a_level_needs_every_must_of_it_and_the_levels_below() {
        let full = configured(Profile::Full);
        assert_eq!(summarise(&everything(|_| Status::Pass), &full, &[]).reached, Some(Level::L4));
        assert_eq!(
            summarise(&everything(|_| Status::Pass), &configured(Profile::Ci), &[]).reached,
            Some(Level::L2)
        );
        for status in [Status::Fail, Status::Crash, Status::Timeout, Status::Skip, Status::SuiteError] {
            let spoiled = everything(|id| if id == "OPR-05" { status } else { Status::Pass });
            let summary = summarise(&spoiled, &full, &[]);
            assert_eq!(summary.reached, Some(Level::L1), "{status}");
            assert_eq!(summary.levels[2].blocked_by, [format!("OPR-05 ({status})")]);
            assert!(!summary.levels[3].granted, "a level above one that is missing");
        }
        for status in [Status::Warn, Status::Na, Status::Waived] {
            let spoiled = everything(|id| if id == "OPR-05" { status } else { Status::Pass });
            assert_eq!(summarise(&spoiled, &full, &[]).reached, Some(Level::L4), "{status}");
        }
    }

    #[test]
    fn a_should_blocks_nothing_and_a_case_that_was_left_out_blocks() {
        let full = configured(Profile::Full);
        let mut results = everything(|id| if id == "OPR-17" { Status::Warn } else { Status::Pass });
        assert_eq!(summarise(&results, &full, &[]).reached, Some(Level::L4));
        results.retain(|result| result.case != "MAN-04");
        assert_eq!(summarise(&results, &full, &[]).reached, None);
    }

    #[test]
    fn a_run_that_left_something_out_grants_no_level_whatever_passed() {
        let full = configured(Profile::Full);
        let summary = summarise(&everything(|_| Status::Pass), &full, &["only the operator `x`".to_owned()]);
        assert_eq!(summary.reached, None);
        assert_eq!(summary.levels[0].blocked_by, ["the run is partial: only the operator `x`"]);
    }

    #[test]
    fn performance_that_nobody_declared_grants_no_level() {
        let results = everything(|id| if id == "PRF-01" { Status::Na } else { Status::Pass });
        assert_eq!(summarise(&results, &configured(Profile::Full), &[]).reached, Some(Level::L3));
    }

    #[test]
    fn a_badge_needs_all_of_its_cases() {
        let all = everything(|_| Status::Pass);
        let full = configured(Profile::Full);
        assert!(summarise(&all, &full, &[]).badges.contains(&Badge::TileExact));
        let spoiled = everything(|id| if id == "OPR-07" { Status::Warn } else { Status::Pass });
        assert!(!summarise(&spoiled, &full, &[]).badges.contains(&Badge::TileExact));
        let silent = everything(|id| if id == "OPR-18" { Status::Na } else { Status::Pass });
        assert!(!summarise(&silent, &full, &[]).badges.contains(&Badge::Sequence));
    }
}
