//! The side of the worker: what the program `parfocal-worker` calls.

use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Command, exit},
};

use parfocal_types::Error;

use super::{
    Fences, files,
    keeper::{self, Ends, Newborn, own},
    leash::{self, Report, Role, Setup},
    limits, privileges, raw, system_calls,
    threads::Threads,
};

/// Exit code of a worker that ran no plugin code since a fence was missing and [`demand`](super::Policy::demand) was set.
pub const UNFENCED: i32 = 77;

/// Exit code of a worker whose program cannot be executed.
const NOT_EXECUTED: i32 = 126;

/// Descriptor of the control socket.
const CONTROL: i32 = 3;
/// Descriptor of the code.
const CODE: i32 = 4;

/// Inside a worker for a library: all fences stand, no plugin code has run.
#[derive(Debug)]
pub struct Inside {
    /// What the host passed on.
    pub arguments: Vec<String>,
    /// To the host.
    pub socket: UnixStream,
    /// The sealed bytes of the library, to be found at [`Inside::CODE_PATH`] too.
    pub code: OwnedFd,
    /// Counts the threads, where the system lets them be counted.
    pub threads: Option<Threads>,
    landlock: bool,
}

impl Inside {
    /// Where the library's bytes can be read.
    pub const CODE_PATH: &'static str = "/proc/self/fd/4";

    /// Takes away what was needed to load the library: from now on no file can be opened or written, the system's
    /// libraries included.
    ///
    /// # Errors
    /// `internal` when the system refuses. Nothing was taken away then.
    pub fn seal(&self) -> parfocal_types::Result<()> {
        let refused = |error: Box<dyn core::error::Error + Send + Sync>| {
            Error::internal(format!("the worker cannot give up the system's libraries: {error}"))
                .with_remedy("start the worker without Landlock, and run only plugins that you trust")
        };
        limits::no_files().map_err(|error| refused(error.into()))?;
        if self.landlock {
            files::close_all().map_err(|error| refused(error.into()))?;
        }
        Ok(())
    }
}

/// Becomes what the host asked for. Returns in a worker for a library; the keeper, init, and a worker for another program
/// end in here. Must be called first, before a thread is started.
///
/// # Errors
/// A sentence for whoever started the program by hand.
pub fn enter() -> Result<Inside, String> {
    let by_hand = |_| "this program is started by Parfocal, to run a plugin in it".to_owned();
    raw::reset_signals();
    // Standard input is the leash, standard output the control socket, standard error the pipe of words.
    let leash = own(io::stdin()).map_err(by_hand)?;
    let (setup, code) = leash::hear::<Setup>(&leash, true)
        .and_then(|heard| heard.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof)))
        .map_err(by_hand)?;
    let newborn = ends(code)
        .and_then(|ends| keeper::start(leash, setup.policy, ends))
        .map_err(|error| format!("no worker can be started: {error}"))?;
    become_worker(setup, newborn)
}

/// Moves what the host gave to numbers of our own; what lay there becomes nothing.
fn ends(code: Option<OwnedFd>) -> io::Result<Ends> {
    let ends =
        Ends { control: own(io::stdout())?, code: code.map(own).transpose()?, words: own(io::stderr())? };
    let null = own(fs::File::options().read(true).write(true).open("/dev/null")?)?;
    raw::place(null.as_fd(), 0)?;
    raw::place(null.as_fd(), 1)?;
    Ok(ends)
}

fn become_worker(setup: Setup, newborn: Newborn) -> Result<Inside, String> {
    let Newborn { fences, ends, leash } = newborn;
    let (report, threads) = match put_up(&setup, fences, ends, &leash) {
        Ok((fences, threads)) => (Report::Fences(fences), threads),
        Err(error) => (Report::Failed(format!("the worker cannot be set up: {error}")), None),
    };
    leash::say(&leash, &report, None).map_err(|error| format!("the host cannot be told: {error}"))?;
    // The code must not be able to speak for the keeper.
    drop(leash);
    let fences = match report {
        Report::Fences(fences) => fences,
        Report::Failed(sentence) => return Err(sentence),
        Report::Ended(_) => return Err("the worker ended before it began".to_owned()),
    };
    if setup.policy.demand && !fences.is_full() {
        eprintln!("no plugin code was run: {fences}");
        exit(UNFENCED);
    }
    match setup.role {
        Role::Library => Ok(Inside {
            arguments: std::env::args().skip(1).collect(),
            socket: raw::taken(CONTROL).into(),
            code: raw::taken(CODE),
            threads,
            landlock: fences.landlock.is_some(),
        }),
        Role::Program { interpreter, args } => {
            let mut command = Command::new(&interpreter);
            let error = command.args(args).env_clear().env("PARFOCAL_WORKER", CONTROL.to_string()).exec();
            eprintln!("{} cannot be executed: {error}", interpreter.display());
            exit(NOT_EXECUTED)
        }
    }
}

/// Gives the descriptors their numbers, and puts up every fence that the host asked for.
fn put_up(
    setup: &Setup,
    mut fences: Fences,
    ends: Ends,
    leash: &OwnedFd,
) -> io::Result<(Fences, Option<Threads>)> {
    // A terminal of the host's is none of the worker's.
    rustix::process::setsid()?;
    raw::place(ends.control.as_fd(), CONTROL)?;
    raw::place(ends.words.as_fd(), 1)?;
    raw::place(ends.words.as_fd(), 2)?;
    let used = if let Some(code) = &ends.code {
        raw::place(code.as_fd(), CODE)?;
        CODE
    } else {
        CONTROL
    };
    drop(ends);
    raw::close_from(used + 1, leash)?;
    // Before files are out of reach. Where it fails, outputs are closed after every call.
    let threads = Threads::count().ok();

    let program = match &setup.role {
        Role::Library => None,
        Role::Program { interpreter, .. } => Some(interpreter.as_path()),
    };
    fences.program = program.map(Into::into);
    limits::set(&mut fences, &setup.role, setup.data);
    privileges::drop_all(&mut fences);
    if setup.policy.landlock {
        files::close(&mut fences, &setup.readable, program);
    } else {
        fences.note("Landlock", "left away by the host");
    }
    if setup.policy.seccomp {
        system_calls::forbid(&mut fences, program.is_some());
    } else {
        fences.note("seccomp", "left away by the host");
    }
    Ok((fences, threads))
}
