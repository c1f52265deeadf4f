//! `parfocal conform`.

mod show;
mod write;

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use parfocal_conformance::{
    CHILD_COMMAND, Finding, Lanes, Level, Options, Profile, Program, Report, Status, Subject, Task,
    Transport, Waivers, case, child_main, find_plugins, in_process, run,
};
use parfocal_core::Lane;
use parfocal_native::NativeLane;
use parfocal_types::{Error, Result};
use parfocal_worker::{ProgramLane, WorkerLane, WorkerOptions, interpreter::Python};

use crate::{
    args::{Conform, ProfileName, TransportName},
    folders::Folders,
    output::Output,
};

/// The level that was asked for is not reached.
const NOT_CONFORMANT: u8 = 1;
/// The command line, or this computer, is wrong.
const WRONG_USE: u8 = 2;
/// The suite itself broke.
const SUITE_BROKE: u8 = 3;

/// What lanes need to know of this computer; a child is told by its arguments, since its environment is empty.
#[derive(Default)]
struct Place {
    /// The folder for compiled code.
    cache: Option<PathBuf>,
    /// The Python that runs programs.
    python: Option<PathBuf>,
}

impl Place {
    fn new(folders: &Folders) -> Self {
        Self { cache: folders.cache.clone(), python: Python::find().ok().map(|python| python.program) }
    }

    fn of_child(arguments: impl Iterator<Item = OsString>) -> Self {
        let mut paths = arguments.map(|word| (!word.is_empty()).then(|| PathBuf::from(word)));
        Self { cache: paths.next().flatten(), python: paths.next().flatten() }
    }

    fn arguments(&self) -> Vec<OsString> {
        let paths = [&self.cache, &self.python].into_iter();
        paths.map(|path| path.clone().map(OsString::from).unwrap_or_default()).collect()
    }

    fn lanes(self) -> Lanes<'static> {
        Lanes::new(move |transport| self.open(transport))
    }

    fn open(&self, transport: Transport) -> Result<Box<dyn Lane>> {
        match transport {
            Transport::Native => Ok(Box::new(NativeLane::new())),
            #[cfg(feature = "wasm")]
            Transport::Wasm => {
                let options = parfocal_wasm::WasmOptions { cache_dir: self.cache.clone() };
                Ok(Box::new(parfocal_wasm::WasmLane::new(options)?))
            }
            #[cfg(not(feature = "wasm"))]
            Transport::Wasm => Err(Error::not_supported("the WASM lane in this build")),
            Transport::Worker => Ok(Box::new(WorkerLane::new(WorkerOptions::installed()?))),
            Transport::Program => {
                let workers = WorkerOptions::installed()?;
                Ok(Box::new(match &self.python {
                    Some(program) => ProgramLane::with_python(workers, Python::ask(program)?),
                    None => ProgramLane::new(workers),
                }))
            }
        }
    }
}

/// A child of the suite; its arguments are those of [`Place`].
pub(crate) fn child(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    child_main(&Place::of_child(arguments).lanes())
}

/// The transports of this build.
fn available() -> Vec<Transport> {
    let mut available = vec![Transport::Native];
    if cfg!(feature = "wasm") {
        available.push(Transport::Wasm);
    }
    if WorkerOptions::installed().is_ok() {
        // Without Python a program is not loaded, which the report says of it, and of no other plugin.
        available.extend([Transport::Worker, Transport::Program]);
    }
    available
}

pub(crate) fn command(output: &Output, folders: &Folders, arguments: &Conform) -> ExitCode {
    match conform(output, folders, arguments) {
        Ok(code) => code,
        Err(error) => {
            output.failure(&error);
            ExitCode::from(WRONG_USE)
        }
    }
}

fn conform(output: &Output, folders: &Folders, arguments: &Conform) -> Result<ExitCode> {
    if !arguments.explain.is_empty() {
        show::explain(output, &arguments.explain)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut plugins = Vec::new();
    for path in &arguments.paths {
        plugins.extend(find_plugins(path)?);
    }
    let subjects: Vec<_> = plugins.iter().map(|folder| Subject::read(folder)).collect();
    if arguments.list {
        show::list(output, &subjects)?;
        return Ok(ExitCode::SUCCESS);
    }
    if subjects.len() > 1 && (arguments.operator.is_some() || arguments.waivers.is_some()) {
        return Err(Error::invalid_argument(
            "`--operator` and `--waivers` are of one plugin, and several were found",
        )
        .with_remedy("name the folder of one"));
    }
    let mut options = options(folders, arguments)?;
    let partial = !options.left_out().is_empty();
    if arguments.in_process {
        return one_in_process(output, folders, &options, &subjects);
    }
    let mut events = arguments.events.as_deref().map(events_file).transpose()?;
    let mut reports = Vec::new();
    for subject in &subjects {
        options.waivers = match &arguments.waivers {
            Some(path) => Waivers::read(path)?,
            None => Waivers::beside(subject.folder())?,
        };
        let report = run_one(output, subject, &options, &mut events)?;
        show::summary(output, &report, partial);
        reports.push(report);
    }
    write::all(arguments, &subjects, &reports)?;
    output.document(&reports)?;
    Ok(verdict(&reports, partial))
}

fn verdict(reports: &[Report], partial: bool) -> ExitCode {
    if reports.iter().any(|report| report.of(Status::SuiteError).next().is_some()) {
        return ExitCode::from(SUITE_BROKE);
    }
    // With something left out no level can be granted: then what was tried has to hold.
    let fine = |report: &Report| report.is_reached() || (partial && !is_against(report));
    if reports.iter().all(fine) { ExitCode::SUCCESS } else { ExitCode::from(NOT_CONFORMANT) }
}

fn options(folders: &Folders, arguments: &Conform) -> Result<Options> {
    let program = env::current_exe()
        .map_err(|error| Error::internal("this program does not know its own file").with_source(error))?;
    let mut words = vec![OsString::from(CHILD_COMMAND)];
    words.extend(Place::new(folders).arguments());
    let mut options = Options::new(Program { path: program, arguments: words });
    options.profile = match arguments.profile {
        ProfileName::Ci => Profile::Ci,
        ProfileName::Full => Profile::Full,
    };
    options.cases = arguments.case.iter().map(|id| id.to_uppercase()).collect();
    options.operator.clone_from(&arguments.operator);
    let transports = arguments.transport.iter().map(|transport| match transport {
        TransportName::Native => Transport::Native,
        TransportName::Wasm => Transport::Wasm,
        TransportName::Worker => Transport::Worker,
        TransportName::Program => Transport::Program,
    });
    options.transports = transports.collect();
    options.available = available();
    options.lacking = Transport::ALL.into_iter().filter(|one| !options.available.contains(one)).collect();
    options.seed = arguments.reproduce.unwrap_or(arguments.seed);
    if let Some(jobs) = arguments.jobs {
        options.jobs = jobs.get();
    }
    if arguments.reproduce.is_some() {
        options.jobs = 1;
    }
    options.patience = arguments.patience;
    options.fail_fast = arguments.fail_fast;
    options.level = arguments.level;
    Ok(options)
}

type Events = BufWriter<File>;

fn events_file(path: &Path) -> Result<Events> {
    let file = File::create(path)
        .map_err(|error| Error::invalid_argument(format!("{} cannot be written: {error}", path.display())))?;
    Ok(BufWriter::new(file))
}

fn run_one(
    output: &Output,
    subject: &Subject,
    options: &Options,
    events: &mut Option<Events>,
) -> Result<Report> {
    let progress = show::Live::new(output);
    run(subject, options, &mut |event| {
        progress.hear(event);
        if let Some(file) = events {
            // Written at once: whoever reads along must see which case was running when all stopped.
            let line = serde_json::to_string(event).unwrap_or_default();
            let _ = writeln!(file, "{line}").and_then(|()| file.flush());
        }
    })
}

/// Runs one case here: a crash is this program's own, which is what a debugger wants.
fn one_in_process(
    output: &Output,
    folders: &Folders,
    options: &Options,
    subjects: &[Subject],
) -> Result<ExitCode> {
    let ([subject], [id]) = (subjects, options.cases.as_slice()) else {
        return Err(Error::invalid_argument("`--in-process` runs one case of one plugin"));
    };
    if case(id).is_none() {
        return Err(Error::invalid_argument(format!("there is no case `{id}`"))
            .with_remedy("`parfocal conform --list` shows them"));
    }
    let transports: Vec<_> = options.available.iter().copied().filter(|one| options.uses(*one)).collect();
    let operator =
        options.operator.clone().or_else(|| subject.operators().first().map(|operator| operator.id.clone()));
    let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let task = Task {
        case: id.clone(),
        folder: absolute(subject.folder()),
        operator,
        transport: transports.first().copied(),
        code: subject.code(&transports),
        seed: options.seed,
        profile: options.profile,
        factor: options.patience,
        scratch: env::temp_dir(),
        program: (
            options.program.path.clone(),
            options.program.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        ),
        errand: None,
    };
    let finding: Finding = in_process(&task, &Place::new(folders).lanes());
    show::finding(output, id, &finding);
    output.document(&finding)?;
    Ok(if finding.status.is_against() { ExitCode::from(NOT_CONFORMANT) } else { ExitCode::SUCCESS })
}

/// The first line of a summary.
fn headline(report: &Report, partial: bool) -> String {
    let wanted = report.configuration.level;
    let plugin = format!("{} {}", report.plugin.id, report.plugin.version.as_deref().unwrap_or(""));
    let reached = |level: Level| format!("{level} ({})", level.word());
    match report.summary.reached {
        Some(level) if level >= wanted => format!("{} reaches {}", plugin.trim(), reached(level)),
        Some(level) => format!("{} reaches {}, not {}", plugin.trim(), reached(level), reached(wanted)),
        None if partial && !is_against(report) => {
            format!("{}: what was tried holds, and no level is granted to a part", plugin.trim())
        }
        None => format!("{} reaches no level, {} was asked for", plugin.trim(), reached(wanted)),
    }
}

/// Whether something that was found speaks against the plugin, or the suite could not find out.
fn is_against(report: &Report) -> bool {
    report.results.iter().any(|result| result.status.is_against() || result.status == Status::SuiteError)
}
