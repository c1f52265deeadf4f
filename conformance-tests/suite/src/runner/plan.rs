//! Which cases run for a plugin, and what is known about the others without running them.

use parfocal_catalog::HostSupport;
use parfocal_operator::Descriptor;
use parfocal_types::{Error, Result};

use crate::{
    case::{Applies, Case, Scope},
    cases::{case, cases},
    finding::Finding,
    options::{Options, Profile},
    subject::Subject,
    task::Code,
    transport::Transport,
};

/// One row of the report.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) case: &'static Case,
    pub(crate) operator: Option<String>,
    pub(crate) transport: Option<Transport>,
    /// The code that this computer can run.
    pub(crate) code: Vec<Code>,
    /// What Parfocal does not have yet, and the case needs.
    pub(crate) waits_for: Option<&'static str>,
}

/// What becomes of a row.
#[derive(Debug, Clone)]
pub(crate) enum Planned {
    /// It runs in a child.
    Run(Job),
    /// What it finds is known already: it does not apply, or cannot be tried.
    Known(Job, Finding),
}

impl Planned {
    pub(crate) fn job(&self) -> &Job {
        match self {
            Self::Run(job) | Self::Known(job, _) => job,
        }
    }
}

/// Every row, sorted by case, operator and transport.
///
/// # Errors
/// `invalid-argument` for a case or an operator that does not exist.
pub(crate) fn plan(subject: &Subject, options: &Options) -> Result<Vec<Planned>> {
    for id in &options.cases {
        if case(id).is_none() {
            return Err(Error::invalid_argument(format!("there is no case `{id}`"))
                .with_remedy("`parfocal conform --list` shows them"));
        }
    }
    let operators: Vec<&Descriptor> = match &options.operator {
        None => subject.operators().iter().collect(),
        Some(id) => subject.operators().iter().filter(|operator| operator.id == *id).collect(),
    };
    if let (Some(id), true, Ok(_)) = (&options.operator, operators.is_empty(), subject.manifest()) {
        return Err(Error::invalid_argument(format!("{} has no operator `{id}`", subject.label())));
    }
    let usable: Vec<_> = Transport::ALL.into_iter().filter(|transport| options.uses(*transport)).collect();
    let full = options.profile == Profile::Full;
    let absent = absent(subject, &usable, options);
    let planner = Planner { subject, code: subject.code(&usable), usable, absent, operators, full };
    let wanted =
        |case: &&'static Case| options.cases.is_empty() || options.cases.iter().any(|id| *id == case.id);
    let mut rows: Vec<Planned> = cases().iter().filter(wanted).flat_map(|case| planner.rows(case)).collect();
    rows.sort_by(|one, other| {
        let key = |planned: &Planned| {
            let job = planned.job();
            (job.case.id, job.operator.clone(), job.transport)
        };
        key(one).cmp(&key(other))
    });
    Ok(rows)
}

/// The transports that a manifest names code for and that cannot be run here, though the options do not leave them out; and
/// what is to be said of each.
fn absent(subject: &Subject, usable: &[Transport], options: &Options) -> Vec<(Transport, Finding)> {
    let Some(package) = subject.package().filter(|package| package.rejected.is_none()) else {
        return Vec::new();
    };
    let host = HostSupport::this_computer().target;
    let wanted = |transport: &Transport| {
        let lacking = options.transports.is_empty() || options.transports.contains(transport);
        usable.contains(transport) || (options.lacking.contains(transport) && lacking)
    };
    let of = |transport: Transport| {
        let mut code =
            package.candidates.iter().filter(|code| code.entry.lane == transport.artifact()).peekable();
        code.peek()?;
        let (elsewhere, here): (Vec<_>, Vec<_>) =
            code.partition(|code| code.entry.target.as_ref().is_some_and(|target| target.as_str() != host));
        let finding = if here.is_empty() {
            // No fault of the plugin's, and no weakness of a verdict about this computer.
            let targets = elsewhere.iter().filter_map(|code| code.entry.target.as_ref());
            let targets: Vec<_> = targets.map(|target| target.as_str()).collect();
            Finding::na(format!(
                "its {} code is for other computers: {}",
                transport.artifact(),
                targets.join(", ")
            ))
        } else if !usable.contains(&transport) {
            Finding::skip(format!(
                "its {} code cannot be tried through `{transport}`: this program has none",
                transport.artifact()
            ))
        } else if here.iter().all(|code| code.artifact().is_none()) {
            let why: Vec<_> = here.iter().filter_map(|code| code.status.refusal()).collect();
            Finding::skip(format!("its {} code cannot be run here: {}", transport.artifact(), why.join("; ")))
        } else {
            return None;
        };
        Some((transport, finding))
    };
    Transport::ALL.into_iter().filter(wanted).filter_map(of).collect()
}

struct Planner<'a> {
    subject: &'a Subject,
    usable: Vec<Transport>,
    code: Vec<Code>,
    /// The transports that the manifest names code for which cannot be run here.
    absent: Vec<(Transport, Finding)>,
    operators: Vec<&'a Descriptor>,
    /// Whether cases run on every transport that suits them.
    full: bool,
}

impl Planner<'_> {
    fn rows(&self, case: &'static Case) -> Vec<Planned> {
        match case.scope {
            Scope::Package => vec![self.row(case, None, None)],
            Scope::Library => self.each_transport(case, None),
            Scope::Operator if self.operators.is_empty() => vec![self.no_operator(case)],
            Scope::Operator => {
                self.operators.iter().flat_map(|operator| self.each_transport(case, Some(operator))).collect()
            }
            Scope::Transports if self.operators.is_empty() => vec![self.no_operator(case)],
            Scope::Transports => self
                .operators
                .iter()
                .flat_map(|operator| {
                    let row = self.row(case, Some(operator), None);
                    let tried = matches!(row, Planned::Run(_));
                    let absent = tried.then(|| self.absent_rows(case, Some(operator)));
                    std::iter::once(row).chain(absent.into_iter().flatten())
                })
                .collect(),
        }
    }

    /// Rows for the transports that suit the case and that the plugin has code for which cannot be run here: a plugin whose
    /// component passes has not shown that its library does.
    fn absent_rows(&self, case: &'static Case, operator: Option<&Descriptor>) -> Vec<Planned> {
        let suits = self.absent.iter().filter(|(transport, _)| self.suits(case, *transport));
        let row = |(transport, finding): &(Transport, Finding)| {
            Planned::Known(self.job(case, operator, Some(*transport)), finding.clone())
        };
        suits.map(row).collect()
    }

    fn suits(&self, case: &'static Case, transport: Transport) -> bool {
        case.transports.contains(&transport) && (self.full || case.quick.contains(&transport))
    }

    /// A row for each transport that has code and suits the case. One that applies nowhere, or can be tried nowhere, gets
    /// one row that says so.
    fn each_transport(&self, case: &'static Case, operator: Option<&Descriptor>) -> Vec<Planned> {
        if (case.applies)(self.subject, operator) != Applies::Yes {
            return vec![self.row(case, operator, None)];
        }
        let with_code = |transport: &&Transport| {
            self.suits(case, **transport) && self.code.iter().any(|code| code.transport == **transport)
        };
        let mut rows: Vec<_> = self
            .usable
            .iter()
            .filter(with_code)
            .map(|transport| self.row(case, operator, Some(*transport)))
            .collect();
        if !rows.is_empty() {
            rows.extend(self.absent_rows(case, operator));
            return rows;
        }
        let job = self.job(case, operator, None);
        let suits = |transport: &Transport| {
            case.transports.contains(transport) && self.subject.names_code(*transport)
        };
        let finding = if Transport::ALL.iter().any(suits) || self.subject.manifest().is_err() {
            Finding::skip(format!("no code of the plugin can be run here for it: {}", self.why_no_code()))
        } else {
            let names: Vec<_> = case.transports.iter().map(|transport| transport.name()).collect();
            Finding::na(format!("the plugin has no code that runs as {}", names.join(" or ")))
        };
        vec![Planned::Known(job, finding)]
    }

    fn why_no_code(&self) -> String {
        if let Err(why) = self.subject.manifest() {
            return why.to_owned();
        }
        let refusals = self.subject.package().map(|package| {
            let own = package.rejected.iter().map(|rejection| rejection.message.clone());
            own.chain(package.candidates.iter().filter_map(|candidate| candidate.status.refusal()))
                .collect::<Vec<_>>()
                .join("; ")
        });
        refusals
            .filter(|refusals| !refusals.is_empty())
            .unwrap_or_else(|| "this run leaves its transports out".into())
    }

    fn no_operator(&self, case: &'static Case) -> Planned {
        let job = self.job(case, None, None);
        let finding = match self.subject.manifest() {
            Err(why) => Finding::skip(format!("the manifest does not say which operators there are: {why}")),
            Ok(_) => Finding::na("the plugin has no operators"),
        };
        Planned::Known(job, finding)
    }

    fn row(
        &self,
        case: &'static Case,
        operator: Option<&Descriptor>,
        transport: Option<Transport>,
    ) -> Planned {
        let mut job = self.job(case, operator, transport);
        match (case.applies)(self.subject, operator) {
            Applies::Yes => Planned::Run(job),
            Applies::NotDeclared(why) => Planned::Known(job, Finding::na(why)),
            Applies::NotYet(what) => {
                job.waits_for = Some(what);
                Planned::Known(job, Finding::na(format!("not yet: Parfocal has no {what}")))
            }
        }
    }

    fn job(&self, case: &'static Case, operator: Option<&Descriptor>, transport: Option<Transport>) -> Job {
        let operator = operator.map(|operator| operator.id.clone());
        Job { case, operator, transport, code: self.code.clone(), waits_for: None }
    }
}
