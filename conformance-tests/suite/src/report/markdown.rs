//! A summary for people, in Markdown.

use std::fmt::Write;

use super::{CaseResult, Report};
use crate::{
    cases::case,
    status::{Severity, Status},
};

/// The report as Markdown: what was granted, what speaks against the plugin, what was not tried and why.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    let plugin = &report.plugin;
    let version = plugin.version.as_deref().unwrap_or("of unknown version");
    let _ = writeln!(text, "# Conformance of {} {version}\n", plugin.id);
    let reached = match report.summary.reached {
        Some(level) => format!("Level **{level}** ({})", level.word()),
        None => "No level".to_owned(),
    };
    let configuration = &report.configuration;
    let _ = writeln!(
        text,
        "{reached} was reached; {} was asked for. Suite {}, profile `{}`, seed {}.\n",
        configuration.level,
        report.suite,
        configuration.profile.name(),
        report.seed
    );
    for weakening in &configuration.weakened {
        let _ = writeln!(text, "- Weakened: {weakening}.");
    }
    let counts: Vec<_> =
        report.summary.counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let _ = writeln!(text, "\n{}.\n", counts.join(", "));
    levels(&mut text, report);
    let against = [Status::Fail, Status::Crash, Status::Timeout, Status::SuiteError];
    section(&mut text, report, "What does not hold", &against, true);
    section(&mut text, report, "Warnings", &[Status::Warn], true);
    section(&mut text, report, "Waived", &[Status::Waived], false);
    section(&mut text, report, "Not tried", &[Status::Skip], false);
    section(&mut text, report, "Does not apply", &[Status::Na], false);
    files(&mut text, report);
    text
}

fn levels(text: &mut String, report: &Report) {
    text.push_str("| level | | granted | why not |\n|---|---|---|---|\n");
    for level in &report.summary.levels {
        let granted = if level.granted { "yes" } else { "no" };
        let mut why = level.blocked_by.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        if level.blocked_by.len() > 8 {
            let _ = write!(why, " and {} more", level.blocked_by.len() - 8);
        }
        let _ = writeln!(text, "| {} | {} | {granted} | {} |", level.level, level.level.word(), cell(&why));
    }
    text.push('\n');
}

fn section(text: &mut String, report: &Report, title: &str, statuses: &[Status], with_fix: bool) {
    let results: Vec<_> = report.results.iter().filter(|result| statuses.contains(&result.status)).collect();
    if results.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n");
    for result in results {
        entry(text, result, with_fix);
    }
    text.push('\n');
}

fn entry(text: &mut String, result: &CaseResult, with_fix: bool) {
    let place = result.place();
    let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
    let should = if result.severity == Severity::Must { "" } else { ", not a MUST" };
    let _ = writeln!(text, "- **{}**{place}, {}{should}: {}", result.case, result.status, result.sentence);
    if let Some(waiver) = &result.waiver {
        let _ = writeln!(text, "  - waived until {}: {} ({})", waiver.until, waiver.reason, waiver.issue);
    }
    if with_fix {
        for detail in &result.details {
            let _ = writeln!(text, "  - {}: {}", detail.name, detail.value.replace('\n', " "));
        }
        if let Some(case) = case(&result.case) {
            let _ = writeln!(text, "  - fix: {}", case.fix);
        }
    }
}

fn files(text: &mut String, report: &Report) {
    text.push_str("## Files\n\n| file | sha256 |\n|---|---|\n");
    if let Some(digest) = &report.plugin.manifest_sha256 {
        let _ = writeln!(text, "| plugin.toml | `{digest}` |");
    }
    for (path, digest) in &report.plugin.files {
        let _ = writeln!(text, "| {} | `{digest}` |", cell(path));
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
