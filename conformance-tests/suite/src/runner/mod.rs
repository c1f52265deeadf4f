//! Runs the cases that apply, each in a child of its own, and collects what became of them in a stable order.

mod child;
mod left;
mod mark;
mod plan;

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use parfocal_types::{Error, Result};
use serde::Serialize;

use crate::{
    calibrate,
    case::Run,
    finding::Finding,
    levels::summarise,
    options::Options,
    report::{CaseResult, Configuration, Machine, Measured, PluginFacts, Report, Timing},
    status::{Severity, Status},
    subject::Subject,
    waivers::Waiver,
};

pub use child::Verdict;
use child::run_child;
use plan::{Job, Planned, plan};

/// Something happened while the suite runs. One JSON line each in the stream of events.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// The suite begins with a plugin.
    Plugin {
        /// Id and version.
        plugin: &'a str,
        /// How many cases will run in children.
        cases: usize,
    },
    /// A child begins.
    Start {
        /// The number of the case.
        case: &'a str,
        /// The operator.
        operator: Option<&'a str>,
        /// The transport.
        transport: Option<&'a str>,
    },
    /// A case ended, with or without a child.
    End {
        /// The number of the case.
        case: &'a str,
        /// The operator.
        operator: Option<&'a str>,
        /// The transport.
        transport: Option<&'a str>,
        /// How it ended.
        status: Status,
        /// What was found.
        sentence: &'a str,
        /// What it took.
        seconds: f64,
    },
}

/// Runs the suite on a plugin. `listen` hears of each case as it starts and ends, in the order of events, from this thread.
///
/// # Errors
/// `invalid-argument` for a case or operator that does not exist; what the system says when no folder for children can be
/// made. What is wrong with the plugin is no error: it is in the report. Nor is a case that the system does not let the suite
/// run: it is a `suite-error` in the report, beside those that ran.
pub fn run(subject: &Subject, options: &Options, listen: &mut dyn FnMut(&Event<'_>)) -> Result<Report> {
    let start = Instant::now();
    let planned = plan(subject, options)?;
    let label = subject.label();
    let jobs = planned.iter().filter(|planned| matches!(planned, Planned::Run(_))).count();
    listen(&Event::Plugin { plugin: &label, cases: jobs });
    let factor = calibrate::factor() * options.patience.max(1.0);
    let folder = folder(options)?;
    let shared = Shared {
        subject,
        options,
        factor,
        folder: folder.path(),
        planned: &planned,
        order: order(&planned, options),
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
    };
    let verdicts = shared.all(listen);
    let mut results = Vec::new();
    let mut timings = Vec::new();
    for (planned, verdict) in planned.iter().zip(verdicts) {
        let job = planned.job();
        timings.extend(verdict.as_ref().map(|verdict| timing(job, verdict)));
        let finding = match (planned, verdict) {
            (Planned::Known(_, finding), _) => finding.clone(),
            (Planned::Run(_), Some(verdict)) => verdict.finding,
            (Planned::Run(_), None) if options.fail_fast => {
                Finding::skip("the run ended at the first case that failed")
            }
            (Planned::Run(_), None) => Finding::suite_error("the case was never run"),
        };
        results.push(judged(job, finding, options));
    }
    let mut weakened = options.weakenings();
    weakened.extend(
        results
            .iter()
            .filter(|result| result.status == Status::Waived)
            .map(|result| format!("{} is waived", result.case)),
    );
    weakened.sort();
    weakened.dedup();
    let configuration = Configuration {
        profile: options.profile,
        level: options.level,
        transports: options.available.iter().copied().filter(|one| options.uses(*one)).collect(),
        weakened,
    };
    let summary = summarise(&results, &configuration, &options.left_out());
    Ok(Report::new(
        PluginFacts::of(subject),
        options.seed,
        configuration,
        results,
        summary,
        Measured { machine: Machine::this(), factor, seconds: start.elapsed().as_secs_f64(), timings },
    ))
}

/// The order in which rows run. A run that ends at the first failure begins with what fails most often: wrong results.
fn order(planned: &[Planned], options: &Options) -> Vec<usize> {
    let mut order: Vec<usize> = (0..planned.len()).collect();
    if options.fail_fast {
        let results = |row: &Planned| row.job().case.id.starts_with("OPR");
        order.sort_by_key(|index| !planned.get(*index).is_some_and(results));
    }
    order
}

fn folder(options: &Options) -> Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("parfocal-conform-");
    let made = match &options.scratch {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    };
    made.map_err(|error| Error::internal("no folder for the children can be made").with_source(error))
}

fn timing(job: &Job, verdict: &Verdict) -> Timing {
    Timing {
        case: job.case.id.to_owned(),
        operator: job.operator.clone(),
        transport: job.transport,
        seconds: verdict.took.as_secs_f64(),
        metrics: verdict.finding.metrics.clone(),
        notes: verdict.finding.notes.clone(),
        log: verdict.log.clone(),
    }
}

/// Turns a finding into a result: a SHOULD that failed is a warning, and a waiver covers what speaks against the plugin.
fn judged(job: &Job, finding: Finding, options: &Options) -> CaseResult {
    let case = job.case;
    let mut status = finding.status;
    if status == Status::Fail && case.severity != Severity::Must {
        status = Status::Warn;
    }
    let mut sentence = finding.sentence;
    let mut waiver: Option<Waiver> = None;
    if status.is_against()
        && let Some(known) = options.waivers.find(case.id, job.operator.as_deref())
    {
        if known.until >= options.today {
            status = Status::Waived;
            waiver = Some(known.clone());
        } else {
            sentence = format!("{sentence} (its waiver expired on {})", known.until);
        }
    }
    CaseResult {
        case: case.id.to_owned(),
        operator: job.operator.clone(),
        transport: job.transport,
        level: case.level,
        severity: case.severity,
        status,
        sentence,
        details: finding.details,
        waits_for: job.waits_for.map(str::to_owned),
        waiver,
    }
}

/// What the threads of a run share.
struct Shared<'a> {
    subject: &'a Subject,
    options: &'a Options,
    factor: f64,
    folder: &'a std::path::Path,
    planned: &'a [Planned],
    order: Vec<usize>,
    next: AtomicUsize,
    failed: AtomicBool,
}

/// What a thread says.
enum Told {
    Start(usize),
    End(usize, Box<Verdict>),
}

impl Shared<'_> {
    /// A verdict for each planned case that runs.
    fn all(&self, listen: &mut dyn FnMut(&Event<'_>)) -> Vec<Option<Verdict>> {
        let mut verdicts = BTreeMap::new();
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..self.options.jobs.max(1) {
                let tell = tell.clone();
                scope.spawn(move || self.work(&tell));
            }
            drop(tell);
            for (index, planned) in self.planned.iter().enumerate() {
                if let Planned::Known(job, finding) = planned {
                    self.heard(index, job, finding, Duration::ZERO, listen);
                }
            }
            for message in told {
                match message {
                    Told::Start(index) => {
                        if let Some(planned) = self.planned.get(index) {
                            let Job { case, operator, transport, .. } = planned.job();
                            listen(&Event::Start {
                                case: case.id,
                                operator: operator.as_deref(),
                                transport: transport.map(|transport| transport.name()),
                            });
                        }
                    }
                    Told::End(index, verdict) => {
                        if let Some(planned) = self.planned.get(index) {
                            self.heard(index, planned.job(), &verdict.finding, verdict.took, listen);
                        }
                        verdicts.insert(index, *verdict);
                    }
                }
            }
        });
        (0..self.planned.len()).map(|index| verdicts.remove(&index)).collect()
    }

    fn heard(
        &self,
        _: usize,
        job: &Job,
        finding: &Finding,
        took: Duration,
        listen: &mut dyn FnMut(&Event<'_>),
    ) {
        let judged = judged(job, finding.clone(), self.options);
        listen(&Event::End {
            case: job.case.id,
            operator: job.operator.as_deref(),
            transport: job.transport.map(|transport| transport.name()),
            status: judged.status,
            sentence: &judged.sentence,
            seconds: took.as_secs_f64(),
        });
    }

    /// One thread's work: the next case that runs, until there is none.
    fn work(&self, tell: &mpsc::Sender<Told>) {
        loop {
            if self.options.fail_fast && self.failed.load(Ordering::Relaxed) {
                return;
            }
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&index) = self.order.get(turn) else { return };
            let Some(planned) = self.planned.get(index) else { return };
            let Planned::Run(job) = planned else { continue };
            let _ = tell.send(Told::Start(index));
            let verdict = match job.case.run {
                Run::NotWritten => Verdict::without_child(Finding::suite_error("not written yet")),
                Run::Written(_) => {
                    let scratch = self.folder.join(index.to_string());
                    run_child(self.subject, job, self.options, self.factor, &scratch).unwrap_or_else(
                        |error| Verdict::without_child(Finding::suite_error(error.message().to_owned())),
                    )
                }
            };
            if judged(job, verdict.finding.clone(), self.options).status.is_against() {
                self.failed.store(true, Ordering::Relaxed);
            }
            let _ = tell.send(Told::End(index, Box::new(verdict)));
        }
    }
}
