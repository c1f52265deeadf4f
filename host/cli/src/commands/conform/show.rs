//! What people see of the suite.

use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressStyle};
use parfocal_conformance::{
    Applies, Case, CaseResult, Event, Finding, Report, Scope, Severity, Status, Subject, case, cases,
};
use parfocal_types::{Error, Result};
use serde_json::json;

use crate::output::{Output, interactive};

/// The suite while it runs, on a terminal.
pub(super) struct Live(Option<ProgressBar>);

impl Live {
    pub(super) fn new(output: &Output) -> Self {
        if output.quiet || output.json || !interactive() {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("  {msg:44!}  {bar:24.cyan/blue}  {pos}/{len}  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏░"));
        Self(Some(bar))
    }

    pub(super) fn hear(&self, event: &Event<'_>) {
        let Some(bar) = &self.0 else { return };
        match event {
            Event::Plugin { cases, .. } => bar.set_length(*cases as u64),
            Event::Start { case, operator, transport } => {
                let place = [*operator, *transport].into_iter().flatten().collect::<Vec<_>>().join(", ");
                bar.set_message(format!("{case}  {place}"));
            }
            Event::End { seconds, .. } if *seconds == 0.0 => {}
            Event::End { case, operator, transport, status, sentence, .. } => {
                bar.inc(1);
                if status.is_against() || *status == Status::SuiteError {
                    let place = [*operator, *transport].into_iter().flatten().collect::<Vec<_>>().join(", ");
                    bar.suspend(|| eprintln!("  {status:<11} {case}  {place}  {sentence}"));
                }
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The end of a run, for one plugin.
pub(super) fn summary(output: &Output, report: &Report, partial: bool) {
    output.text(super::headline(report, partial));
    let counts: Vec<_> =
        report.summary.counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let seconds = report.measured.as_ref().map_or(0.0, |measured| measured.seconds);
    output.text(format!(
        "  {} in {seconds:.1} s, profile {}, seed {}",
        counts.join(", "),
        report.configuration.profile.name(),
        report.seed
    ));
    for weakening in &report.configuration.weakened {
        output.text(format!("  weakened: {weakening}"));
    }
    for result in &report.results {
        if result.status.is_against() || matches!(result.status, Status::SuiteError | Status::Warn) {
            entry(output, result);
        }
    }
    for (status, word) in
        [(Status::Waived, "waived"), (Status::Skip, "not tried"), (Status::Na, "does not apply")]
    {
        grouped(output, report, status, word);
    }
    for level in &report.summary.levels {
        let blocked = level.blocked_by.len();
        if !level.granted && blocked > 0 {
            let first = level.blocked_by.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
            let more = if blocked > 4 { format!(" and {} more", blocked - 4) } else { String::new() };
            output.text(format!("  {} is not granted: {first}{more}", level.level));
        }
    }
}

fn entry(output: &Output, result: &CaseResult) {
    let place = result.place();
    let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
    output.text(format!("  {:<11} {}{place}: {}", result.status.name(), result.case, result.sentence));
    for detail in &result.details {
        output.text(format!("              {}: {}", detail.name, detail.value));
    }
    if let Some(case) = case(&result.case).filter(|_| result.status.is_against()) {
        output.text(format!("              fix: {}", case.fix));
    }
}

/// One line for all results of a status with the same reason.
fn grouped(output: &Output, report: &Report, status: Status, word: &str) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for result in report.of(status) {
        let cases = reasons.entry(&result.sentence).or_default();
        if !cases.contains(&result.case.as_str()) {
            cases.push(&result.case);
        }
    }
    for (reason, cases) in reasons {
        output.text(format!("  {word}: {} ({reason})", cases.join(", ")));
    }
}

/// What one case found.
pub(super) fn finding(output: &Output, id: &str, finding: &Finding) {
    output.text(format!("{} {id}: {}", finding.status, finding.sentence));
    for detail in &finding.details {
        output.text(format!("  {}: {}", detail.name, detail.value));
    }
    for (name, value) in &finding.metrics {
        output.text(format!("  {name} = {value}"));
    }
    for note in &finding.notes {
        output.text(format!("  {note}"));
    }
}

/// The cases, or those that apply to plugins.
pub(super) fn list(output: &Output, subjects: &[Subject]) -> Result<()> {
    let mut documents = Vec::new();
    for case in cases() {
        let says: Vec<_> = subjects.iter().map(|subject| applies(case, subject)).collect();
        let note = if says.is_empty() || says.iter().any(Option::is_none) {
            None
        } else {
            says.into_iter().flatten().next()
        };
        let severity = match case.severity {
            Severity::Must => "must  ",
            Severity::Should => "should",
            Severity::Info => "info  ",
        };
        let tail = note.as_ref().map(|why| format!("  [{why}]")).unwrap_or_default();
        output.text(format!("{}  {}  {severity}  {}{tail}", case.id, case.level, case.sentence));
        documents.push(json!({
            "case": case.id, "level": case.level, "severity": case.severity, "sentence": case.sentence,
            "does-not-apply": note,
        }));
    }
    output.document(&documents)
}

/// Why a case has nothing to say about a plugin; `None` when it has.
fn applies(case: &Case, subject: &Subject) -> Option<String> {
    let why = |applies: Applies| match applies {
        Applies::Yes => None,
        Applies::NotDeclared(why) => Some(why),
        Applies::NotYet(what) => Some(format!("not yet: {what}")),
    };
    match case.scope {
        Scope::Package | Scope::Library => why((case.applies)(subject, None)),
        Scope::Operator | Scope::Transports => {
            let all: Vec<_> = subject
                .operators()
                .iter()
                .map(|operator| why((case.applies)(subject, Some(operator))))
                .collect();
            if all.iter().any(Option::is_none) { None } else { all.into_iter().flatten().next() }
        }
    }
}

/// What cases demand, why, and how to mend them.
pub(super) fn explain(output: &Output, ids: &[String]) -> Result<()> {
    let mut documents = Vec::new();
    for id in ids {
        let id = id.to_uppercase();
        let case = case(&id).ok_or_else(|| {
            Error::invalid_argument(format!("there is no case `{id}`"))
                .with_remedy("`parfocal conform --list` shows them")
        })?;
        output.text(format!("{}  {} ({}), {:?}", case.id, case.level, case.level.word(), case.severity));
        output.text(format!("  {}", case.sentence));
        for (word, text) in [("demands", case.demands), ("why", case.why), ("fix", case.fix)] {
            output.text(format!("  {word:<8} {}", wrapped(text, 11)));
        }
        documents.push(json!({
            "case": case.id, "level": case.level, "severity": case.severity, "sentence": case.sentence,
            "demands": case.demands, "why": case.why, "fix": case.fix,
        }));
    }
    output.document(&documents)
}

/// Text in lines of at most a hundred characters, those after the first indented.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|line| indent + line.chars().count() + word.chars().count() > 99);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}
