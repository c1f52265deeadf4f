//! The child's side: one case, one result, then the end.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use parfocal_types::{Error, Result};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::{
    case::Run,
    finding::Finding,
    guard,
    scene::Scene,
    subject::Subject,
    task::{Answer, Errand, Task},
    transport::Lanes,
};

/// The hidden subcommand of the program that runs a case.
pub const CHILD_COMMAND: &str = "__conform-case";

/// Where the answer's descriptor is moved to: away from those that plugins like to close or to write to.
const HIGH: i32 = 200;

/// Memory that a child may allocate, in bytes: enough for every case, too little to take the machine down.
const MOST_MEMORY: u64 = 6 << 30;

/// Runs the one case that comes as a line on standard input, a socket, and answers there. Standard input is
/// the null device afterwards.
pub fn child_main(lanes: &Lanes<'_>) -> ExitCode {
    match prepare() {
        Ok((task, mut answers)) => {
            guard::listen(answers.as_raw_fd());
            let finding = in_process(&task, lanes);
            let line = serde_json::to_string(&Answer::Found(finding)).unwrap_or_default();
            match answers.write_all(format!("{line}\n").as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn prepare() -> Result<(Task, File)> {
    let lost = |what: &str, error: std::io::Error| {
        Error::internal(format!("{what}: {error}"))
            .with_remedy("this command is for the conformance suite only")
    };
    let moved: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), HIGH)
        .map_err(|error| lost("no answer can be given", error.into()))?;
    let null = File::open("/dev/null").map_err(|error| lost("/dev/null", error))?;
    rustix::stdio::dup2_stdin(null.as_fd()).map_err(|error| lost("/dev/null", error.into()))?;
    let answers = File::from(moved);
    let mut line = String::new();
    let reading = answers.try_clone().map_err(|error| lost("no task can be read", error))?;
    BufReader::new(reading).read_line(&mut line).map_err(|error| lost("no task can be read", error))?;
    let task: Task = serde_json::from_str(&line).map_err(|error| {
        Error::invalid_argument(format!("this is no task: {error}"))
            .with_remedy("this command is for the conformance suite only")
    })?;
    if task.errand.is_none() {
        // A session of its own: whatever it starts, keepers of workers too, is known by it. An errand stays in that of its case.
        let _ = rustix::process::setsid();
    }
    limit(Resource::Core, 0);
    limit(Resource::Data, MOST_MEMORY);
    limit(Resource::Nofile, 512);
    limit(Resource::Fsize, 256 << 20);
    Ok((task, answers))
}

/// Sets a limit; one that the system does not have, or that is lower already, is no reason to stop.
fn limit(resource: Resource, most: u64) {
    let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
}

/// Runs a case in this process: what a child does, and what a debugger wants.
#[must_use]
pub fn in_process(task: &Task, lanes: &Lanes<'_>) -> Finding {
    let Some(case) = crate::case(&task.case) else {
        return Finding::suite_error(format!("there is no case `{}`", task.case));
    };
    let run = match case.run {
        Run::Written(run) => run,
        Run::NotWritten => return Finding::suite_error("not written yet"),
    };
    let subject = Subject::read(&task.folder);
    let mut scene = Scene::new(task, &subject, lanes);
    let run = match task.errand {
        Some(Errand::Digest) => crate::cases::digest,
        Some(Errand::Words) => crate::cases::words,
        None => run,
    };
    // A panic here is the suite's own: plugins' are caught at the border, and those that are not end the process.
    match catch_unwind(AssertUnwindSafe(|| run(&mut scene))) {
        Ok(Ok(finding) | Err(finding)) => finding,
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            Finding::suite_error(format!("the case panicked: {text}"))
        }
    }
}
