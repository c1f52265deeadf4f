//! Saboteurs and cases: who notices what.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use parfocal_conformance::{
    Applies, Case, CaseResult, Options, Report, Status, Subject, Transport, case, cases, run,
};
use parfocal_saboteurs::{
    fault::{Act, Fault, Foreign, Language},
    faults,
};
use parfocal_types::Result;

use crate::{
    judge::{Column, Problems, column, is_written, unexpected, weight},
    packages,
    tools::Tools,
};

/// Which cases are tried on each saboteur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Width {
    /// Its own, and those that should notice it too.
    Own,
    /// These, all of its group, and a third of the others, in rotation by seed.
    Third,
    /// All.
    All,
}

impl Width {
    fn words(self) -> &'static str {
        match self {
            Self::Own => "each saboteur against its own case and those that should notice it too",
            Self::Third => {
                "each saboteur against its own case, those that should notice it too, the cases of its group, and a third \
                 of the others, in rotation by seed"
            }
            Self::All => "each saboteur against every case",
        }
    }
}

/// Where a saboteur is tried: in the case's own process, and where its own case runs when that is elsewhere only.
fn transports(fault: &Fault) -> Vec<Transport> {
    match fault.act {
        Act::Foreign(Foreign { language: Language::Python, .. }) => return vec![Transport::Program],
        Act::Component => return vec![Transport::Native, Transport::Wasm],
        _ => {}
    }
    let own = case(fault.case).map_or(&[][..], |case| case.transports);
    if own.contains(&Transport::Native) {
        return vec![Transport::Native];
    }
    let elsewhere = own.iter().copied().filter(|transport| *transport != Transport::Program);
    [Transport::Native].into_iter().chain(elsewhere).collect()
}

/// Whether a case was left out because this computer does not put up all fences: then nobody can say anything about it.
fn without_fences(result: &CaseResult) -> bool {
    result.case == "SEC-01" && result.status == Status::Skip
}

/// A saboteur that was tried.
struct Tried {
    fault: &'static Fault,
    column: Column,
    problems: Problems,
    /// What its own case says.
    sentence: String,
    took: Duration,
}

/// The matrix while it is filled.
pub(crate) struct Matrix {
    options: Options,
    width: Width,
    folder: PathBuf,
    tools: Tools,
    goldens: PathBuf,
    /// Of each golden operator that was needed.
    baselines: BTreeMap<&'static str, Column>,
    golden_problems: Vec<String>,
    golden_took: Duration,
    tried: Vec<Tried>,
}

impl Matrix {
    /// An empty one.
    ///
    /// # Errors
    /// When the goldens were not built, or the folder cannot be written.
    pub(crate) fn new(options: Options, width: Width, folder: &Path, tools: Tools) -> Result<Self> {
        let goldens = packages::goldens(folder)?;
        Ok(Self {
            options,
            width,
            folder: folder.to_owned(),
            tools,
            goldens,
            baselines: BTreeMap::new(),
            golden_problems: Vec::new(),
            golden_took: Duration::ZERO,
            tried: Vec::new(),
        })
    }

    /// Every case on every golden.
    ///
    /// # Errors
    /// When the suite cannot do its work.
    pub(crate) fn goldens(&mut self) -> Result<()> {
        let start = Instant::now();
        let report = run(&Subject::read(&self.goldens), &self.options, &mut |_| {})?;
        self.golden_took = start.elapsed();
        for result in &report.results {
            let written = cases().iter().any(|case| case.id == result.case && is_written(case));
            // A warning is shown and stops nobody.
            let without_fences = without_fences(result);
            if result.status == Status::Warn {
                println!("  warning: {} {}: {}", result.case, result.place(), result.sentence);
            } else if written
                && !without_fences
                && !matches!(result.status, Status::Pass | Status::Na)
                && !self.passes_alone(&result.case, result.operator.as_deref())?
            {
                let details: Vec<_> = result
                    .details
                    .iter()
                    .map(|detail| format!("{}: {}", detail.name, detail.value))
                    .collect();
                self.golden_problems.push(format!(
                    "{} {} {}: {} ({})",
                    result.case,
                    result.operator.as_deref().unwrap_or("-"),
                    result.status,
                    result.sentence,
                    details.join("; ")
                ));
            }
        }
        if let Some(measured) = &report.measured {
            let mut slowest: Vec<_> = measured.timings.iter().collect();
            slowest.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
            for timing in slowest.iter().take(8) {
                let operator = timing.operator.as_deref().unwrap_or("-");
                println!("  {:5.2} s  {} {operator}", timing.seconds, timing.case);
            }
        }
        Ok(())
    }

    /// Whether a case that a golden failed passes when nothing else runs: some cases measure time, and the machine may be busy.
    fn passes_alone(&self, case: &str, operator: Option<&str>) -> Result<bool> {
        let mut options = self.options.clone();
        options.jobs = 1;
        options.cases = vec![case.to_owned()];
        options.operator = operator.map(str::to_owned);
        let report = run(&Subject::read(&self.goldens), &options, &mut |_| {})?;
        let passes = report.results.iter().all(|result| matches!(result.status, Status::Pass | Status::Na));
        println!("  tried again alone: {case} {}: {passes}", operator.unwrap_or("-"));
        Ok(passes)
    }

    /// Every saboteur that was asked for.
    ///
    /// # Errors
    /// When the suite cannot do its work.
    pub(crate) fn saboteurs(&mut self, only: &[String]) -> Result<()> {
        let wanted = |fault: &&Fault| {
            only.is_empty() || only.iter().any(|word| word == fault.name || word == fault.case)
        };
        for (number, fault) in faults::all().enumerate().filter(|(_, fault)| wanted(fault)) {
            if let Some(why) = self.tools.lack(fault) {
                println!("  not tried: {} {}: {why}", fault.case, fault.name);
                continue;
            }
            let start = Instant::now();
            let cases = self.cases_for(fault, number);
            let package = packages::saboteur(&self.folder.join(fault.name), fault, &self.tools)?;
            let golden = self.baseline(fault, &cases)?;
            let transports = transports(fault);
            let mut report = self.report(&package, None, &cases, &transports)?;
            // Some faults are races, and some cases measure time: what was not noticed at once gets two more chances.
            for _ in 0..2 {
                let odd: Vec<_> = unexpected(fault, &column(&report), &golden).into_keys().collect();
                if odd.is_empty() {
                    break;
                }
                println!("  tried again: {} of {} {}", odd.join(", "), fault.case, fault.name);
                let again = self.report(&package, None, &odd, &transports)?;
                report.results.retain(|result| !odd.contains(&result.case.as_str()));
                report.results.extend(again.results);
            }
            let column = column(&report);
            let mut problems = unexpected(fault, &column, &golden);
            let own = report.results.iter().find(|result| result.case == fault.case);
            if let Some(result) = own.filter(|result| without_fences(result)) {
                println!("  not tried: {} {}: {}", result.case, fault.name, result.sentence);
                problems.remove(fault.case);
            }
            if !column.contains_key(fault.case) {
                problems
                    .insert(fault.case, format!("its case {} is not written, or does not run", fault.case));
            }
            for (id, problem) in &mut problems {
                let weighed = report.results.iter().filter(|result| result.case == *id);
                if let Some(result) = weighed.max_by_key(|result| weight(result.status)) {
                    let details: Vec<_> = result
                        .details
                        .iter()
                        .map(|detail| format!("{}: {}", detail.name, detail.value))
                        .collect();
                    problem.push_str(&format!(": {} ({})", result.sentence, details.join("; ")));
                }
            }
            let own = report.results.iter().find(|result| result.case == fault.case);
            let sentence =
                own.map(|result| format!("{}: {}", result.status, result.sentence)).unwrap_or_default();
            let mark = if problems.is_empty() { "ok  " } else { "NOT " };
            let took = start.elapsed();
            println!("{mark}{} {}: {sentence} [{:.1} s]", fault.case, fault.name, took.as_secs_f64());
            problems.values().for_each(|problem| println!("      {problem}"));
            self.tried.push(Tried { fault, column, problems, sentence, took });
        }
        Ok(())
    }

    fn report(
        &self,
        package: &Path,
        operator: Option<&str>,
        cases: &[&str],
        transports: &[Transport],
    ) -> Result<Report> {
        let mut options = self.options.clone();
        options.available = transports.to_vec();
        options.cases = cases.iter().map(|id| (*id).to_owned()).collect();
        options.operator = operator.map(str::to_owned);
        run(&Subject::read(package), &options, &mut |_| {})
    }

    fn cases_for(&self, fault: &Fault, number: usize) -> Vec<&'static str> {
        let own = |case: &Case| case.id == fault.case || fault.also.contains(&case.id);
        let turn = self.options.seed as usize + number;
        let taken = |(index, case): &(usize, &Case)| match self.width {
            Width::Own => own(case),
            Width::Third => own(case) || case.id[..3] == fault.case[..3] || (index + turn).is_multiple_of(3),
            Width::All => !faults::SLOW.contains(&fault.name) || case.id[..3] == fault.case[..3],
        };
        // What no plugin can change is asked of the goldens alone.
        let written =
            cases().iter().enumerate().filter(|(_, case)| is_written(case) && excuse(case.id).is_none());
        written.filter(taken).map(|(_, case)| case.id).collect()
    }

    /// How the cases end for the golden operator that a fault is about.
    fn baseline(&mut self, fault: &Fault, wanted: &[&'static str]) -> Result<Column> {
        let known = self.baselines.remove(fault.operator).unwrap_or_default();
        let missing: Vec<_> = wanted.iter().copied().filter(|id| !known.contains_key(id)).collect();
        let mut all = known;
        // A warning of the golden is the only thing that a saboteur is compared with; most cases have none.
        if self.width != Width::Own && !missing.is_empty() {
            let report = self.report(&self.goldens, Some(fault.operator), &missing, &transports(fault))?;
            all.extend(column(&report));
        }
        self.baselines.insert(fault.operator, all.clone());
        Ok(all)
    }

    /// Whether everything is as it has to be.
    pub(crate) fn holds(&self, complete: bool) -> bool {
        self.golden_problems.is_empty()
            && self.tried.iter().all(|tried| tried.problems.is_empty())
            && (!complete || without_saboteur() == faults::LACKING)
    }

    /// The figures.
    pub(crate) fn print(&self) {
        self.golden_problems.iter().for_each(|problem| println!("golden: {problem}"));
        println!("{}", self.figures().join("\n"));
        println!("goldens {:.0} s, saboteurs {:.0} s", self.golden_took.as_secs_f64(), self.seconds());
    }

    fn seconds(&self) -> f64 {
        self.tried.iter().map(|tried| tried.took.as_secs_f64()).sum()
    }

    fn figures(&self) -> Vec<String> {
        let subject = Subject::read(&self.goldens);
        let waiting: Vec<_> = cases()
            .iter()
            .filter_map(|case| {
                let operator = subject.operators().first();
                match (case.applies)(&subject, operator) {
                    Applies::NotYet(what) => Some(format!("{} ({what})", case.id)),
                    _ => None,
                }
            })
            .collect();
        let unwritten: Vec<_> = cases()
            .iter()
            .filter(|case| !is_written(case))
            .filter_map(|case| match (case.applies)(&subject, subject.operators().first()) {
                Applies::NotDeclared(why) => Some(format!("{} ({why})", case.id)),
                _ => None,
            })
            .collect();
        let fine = self.tried.iter().filter(|tried| tried.problems.is_empty()).count();
        let mut figures = vec![
            format!(
                "{} cases, {} applicable, {} not yet",
                cases().len(),
                cases().len() - waiting.len(),
                waiting.len()
            ),
            format!(
                "{} saboteurs tried, {fine} as their table says; {}",
                self.tried.len(),
                self.width.words()
            ),
        ];
        let mut list = |name: &str, items: Vec<String>| {
            if !items.is_empty() {
                figures.push(format!("{name}: {}", items.join(", ")));
            }
        };
        list("not yet applicable", waiting);
        list("without code of their own", unwritten);
        list("written, without a saboteur", without_saboteur().iter().map(ToString::to_string).collect());
        list(
            "tried on the cases of their own group only",
            faults::SLOW.iter().map(ToString::to_string).collect(),
        );
        list("cannot have one", faults::NONE.iter().map(|(case, why)| format!("{case} ({why})")).collect());
        figures
    }

    /// The matrix for people.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# Who notices what\n\nWritten by `parfocal-selftest --markdown`.\n\n");
        for figure in self.figures() {
            text.push_str(&format!("- {figure}\n"));
        }
        text.push_str("\n| case | saboteur | a plugin that | how the case ends | also noticed by |\n|---|---|---|---|---|\n");
        for Tried { fault, sentence, column, .. } in &self.tried {
            let also: Vec<_> = fault
                .also
                .iter()
                .map(|id| {
                    column.get(id).map_or_else(|| (*id).to_owned(), |status| format!("{id} ({status})"))
                })
                .collect();
            let place = match fault.act {
                Act::Package(_) => "the package",
                Act::Foreign(plugin) => match plugin.language {
                    Language::C => "a plugin in C",
                    Language::Python => "a plugin in Python",
                    Language::Wat => "a component in WAT",
                },
                Act::Component => "a component beside a library",
                _ => fault.operator,
            };
            text.push_str(&format!(
                "| {} | `{}` ({place}) | {} | {sentence} | {} |\n",
                fault.case,
                fault.name,
                fault.what,
                also.join(", ")
            ));
        }
        text
    }
}

/// Cases that are written, could have a saboteur, and have none.
fn without_saboteur() -> Vec<&'static str> {
    let sabotaged: BTreeSet<_> = faults::all().map(|fault| fault.case).collect();
    let lacking =
        |case: &&Case| is_written(case) && !sabotaged.contains(case.id) && excuse(case.id).is_none();
    cases().iter().filter(lacking).map(|case| case.id).collect()
}

/// Why a case cannot have a saboteur.
fn excuse(case: &str) -> Option<&'static str> {
    faults::NONE.iter().find(|(id, _)| *id == case).map(|(_, why)| *why)
}
