//! The side of the host: a worker, from its start to its verified end.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use parfocal_types::{Error, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    net::{Shutdown, shutdown},
    pipe::{PipeFlags, pipe_with},
};

use super::{
    Code, Ending, Fences, How, Launch,
    leash::{self, Report, Role, Setup},
    words::Words,
};

/// How long the keeper may take to kill and verify. It takes a millisecond; a worker in the middle of a system call that
/// cannot be interrupted, on a bad disk say, takes as long as that does.
const PATIENCE: Duration = Duration::from_secs(5);

/// A worker, with its keeper. Dropping it kills the worker and all that it started, and waits until they are gone.
#[derive(Debug)]
pub struct Process {
    keeper: Child,
    leash: OwnedFd,
    socket: UnixStream,
    words: Words,
    fences: Option<Fences>,
    /// Why there never was a worker.
    failure: Option<String>,
    ended: Option<Ending>,
}

impl Process {
    /// Starts a worker. Returns when the keeper was started; whether the worker comes to life is seen from
    /// [`fences`](Self::fences) and [`ended`](Self::ended).
    ///
    /// The cost does not grow with the host: nothing of it is copied. Every descriptor of the host that is closed on `exec`
    /// stays here, so those of the host's own must be, as Rust opens them.
    ///
    /// # Errors
    /// `not-found` when the program is not there, `internal` when the system starts no process or gives no descriptors.
    pub fn start(launch: Launch) -> Result<Self> {
        let data = launch.memory.saturating_add(launch.code.allowance());
        let (role, code) = match launch.code {
            Code::Library { descriptor } => (Role::Library, Some(descriptor)),
            Code::Program { interpreter, args, descriptor } => {
                (Role::Program { interpreter, args }, descriptor)
            }
        };
        let setup = Setup { role, readable: launch.readable, data, policy: launch.policy };
        spawn(&launch.program, &launch.arguments, &setup, code.as_ref())
            .map_err(|error| not_started(&launch.program, error))
    }

    /// The control socket to the worker. That it ended says nothing of the worker: see [`ended`](Self::ended).
    #[must_use]
    pub fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// To poll for reading: ready when there is something to [listen](Self::listen) to, for good once the worker
    /// [ended](Self::ended).
    #[must_use]
    pub fn leash(&self) -> BorrowedFd<'_> {
        self.leash.as_fd()
    }

    /// To poll for reading: standard output and error of the worker. `None` once nobody can write there any more. A worker
    /// whose words nobody hears stops at 64 KiB of them.
    #[must_use]
    pub fn words(&self) -> Option<BorrowedFd<'_>> {
        self.words.pipe()
    }

    /// Takes in what keeper and worker said. Does not block.
    pub fn listen(&mut self) {
        self.words.drain();
        while self.ended.is_none() {
            match leash::hear(&self.leash, false) {
                Ok(Some((Report::Fences(fences), _))) => self.fences = Some(fences),
                Ok(Some((Report::Failed(why), _))) => self.failure = Some(why),
                Ok(Some((Report::Ended(status), _))) => {
                    let how = self.failure.take().map_or_else(|| How::of(status), How::Unknown);
                    self.bury(Ending { how, gone: true });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(None) | Err(_) => self.lose_keeper(),
            }
        }
    }

    /// How the worker ended; `None` as long as [`listen`](Self::listen) did not learn of it.
    #[must_use]
    pub fn ended(&self) -> Option<&Ending> {
        self.ended.as_ref()
    }

    /// The last 20 lines that the worker wrote to its standard output and error, without control characters.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        self.words.last()
    }

    /// Which fences stand; `None` until the worker reported, which it does before it runs any plugin code.
    #[must_use]
    pub fn fences(&self) -> Option<&Fences> {
        self.fences.as_ref()
    }

    /// Waits until it is known which fences stand, or that the worker ended.
    pub fn wait_for_report(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            self.listen();
            let left = deadline.saturating_duration_since(Instant::now());
            if self.fences.is_some() || self.ended.is_some() || left.is_zero() {
                return;
            }
            let timeout = Timespec::try_from(left).ok();
            let _ = poll(&mut [PollFd::new(&self.leash, PollFlags::IN)], timeout.as_ref());
        }
    }

    /// Kills the worker and everything that it started, and waits until they are verified gone, for 5 s at most. Of a worker
    /// that had ended before, tells how it had.
    pub fn kill(&mut self) -> Ending {
        // The keeper takes it for the end of the host, which is what it must be good at.
        let _ = shutdown(&self.leash, Shutdown::Write);
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.listen();
            if let Some(ending) = &self.ended {
                return ending.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Its death takes init and worker along; what they left behind nobody sees.
                let _ = self.keeper.kill();
                let why = "nobody knows how it ended, for its keeper did not answer";
                self.bury(Ending { how: How::Unknown(why.into()), gone: false });
                continue;
            }
            let timeout = Timespec::try_from(left).ok();
            let _ = poll(&mut [PollFd::new(&self.leash, PollFlags::IN)], timeout.as_ref());
        }
    }

    /// The keeper ended without a report: somebody killed it.
    fn lose_keeper(&mut self) {
        let _ = self.keeper.kill();
        let how = match (self.failure.take(), self.keeper.wait()) {
            (Some(why), _) => why,
            (None, Ok(status)) => format!("nobody knows how it ended, for its keeper was lost ({status})"),
            (None, Err(error)) => format!("nobody knows how it ended, for its keeper was lost ({error})"),
        };
        self.bury(Ending { how: How::Unknown(how), gone: false });
    }

    fn bury(&mut self, ending: Ending) {
        // All who could write are gone: what is there now is all.
        self.words.drain();
        // It ends right after its report.
        let _ = self.keeper.wait();
        self.ended = Some(ending);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Path, arguments: &[String], setup: &Setup, code: Option<&OwnedFd>) -> io::Result<Process> {
    let (leash, leash_end) = leash::pair()?;
    let (socket, socket_end) = UnixStream::pair()?;
    let (words, words_end) = pipe_with(PipeFlags::CLOEXEC)?;
    // Ours alone: a program that found its standard error not to block would lose words.
    fcntl_setfl(&words, OFlags::NONBLOCK)?;
    // The three descriptors go where each system can put them without a copy of this process: to the standard ones.
    let mut command = Command::new(std::path::absolute(program)?);
    command.args(arguments).env_clear().current_dir("/").process_group(0);
    command.stdin(leash_end).stdout(OwnedFd::from(socket_end)).stderr(words_end);
    let keeper = command.spawn()?;
    // Our copies of the keeper's ends.
    drop(command);
    let process =
        Process { keeper, leash, socket, words: Words::new(words), fences: None, failure: None, ended: None };
    leash::say(&process.leash, setup, code.map(AsFd::as_fd))?;
    Ok(process)
}

fn not_started(program: &Path, error: io::Error) -> Error {
    let program = program.display();
    if error.kind() == io::ErrorKind::NotFound {
        return Error::not_found(format!("the program that runs plugins, {program}, is not there"))
            .with_source(error)
            .with_remedy("install Parfocal again: the program `parfocal-worker` belongs beside `parfocal`");
    }
    Error::internal(format!("the program that runs plugins, {program}, cannot be started: {error}"))
        .with_remedy("close other programs, and try again")
        .with_source(error)
}
