//! A worker process: started, fenced, killed, and verified gone.
//!
//! Three processes stand behind one [`Process`], all of them the program `parfocal-worker`:
//!
//! - the **keeper** starts the worker and waits for it. A socket, the leash, ties it to the host: when the host lets go,
//!   or dies, the keeper kills all there is. It is a child subreaper, so a process that the plugin left behind becomes its
//!   child and cannot hide, whatever session it went to;
//! - **init** is process 1 of a process namespace of its own: when it ends, the kernel kills everything in there. Where the
//!   kernel refuses such a namespace there is no init, and the keeper kills what is left one by one;
//! - the **worker** puts up its fences ([`Fences`]) and then runs the plugin's code: a library, or another program.
//!
//! The end of a worker is known from the keeper alone ([`Process::ended`]): it is told once everything is gone, so a new
//! worker may reuse what the old one had. The end of the control socket says nothing: a child left behind may hold it.
//!
//! The lane calls [`Process`]; the program `parfocal-worker` calls [`child::enter`]. What the two sides of the leash say to
//! each other is private to this module: host and program are always of one version.

pub mod child;
mod ending;
mod fences;
mod files;
mod host;
mod keeper;
mod leash;
mod limits;
mod privileges;
mod raw;
mod spaces;
mod system_calls;
mod threads;
mod words;

use std::{os::fd::OwnedFd, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use ending::{Ending, How};
pub use fences::Fences;
pub use host::Process;
pub use threads::Threads;

/// What to start, and inside which fences.
#[derive(Debug)]
pub struct Launch {
    /// The program `parfocal-worker`.
    pub program: PathBuf,
    /// Its arguments: for a library what [`child::Inside::arguments`] then gives. They show in the system's list of processes.
    pub arguments: Vec<String>,
    /// What the worker runs.
    pub code: Code,
    /// Files and folders that the code may read, beside the system's libraries. A library may read both only until it is
    /// [sealed](child::Inside::seal): what it needs from there is other libraries.
    pub readable: Vec<PathBuf>,
    /// Memory of the code's own, in bytes. [`Code::allowance`] comes on top; shared frames do not count.
    pub memory: u64,
    /// Which fences to put up.
    pub policy: Policy,
}

/// What a worker runs.
#[derive(Debug)]
pub enum Code {
    /// A native plugin. The worker finds the descriptor as number 4, and maps it itself.
    Library {
        /// A sealed memfd with the library's bytes.
        descriptor: OwnedFd,
    },
    /// A program that speaks the protocol itself. It finds the control socket as descriptor 3, which the only variable of
    /// its environment, `PARFOCAL_WORKER`, says too, and the descriptor as number 4, also named `/proc/self/fd/4`.
    Program {
        /// The executable, by absolute path.
        interpreter: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// A sealed memfd with the program's text, when there is one.
        descriptor: Option<OwnedFd>,
    },
}

impl Code {
    /// What a worker may use beside the memory that its plugin asked for, in bytes: 64 MiB for the worker itself and the
    /// library's bytes while they are read, or 256 MiB for the runtime of a program and what that loads; and the stack of
    /// one thread a core, 8 MiB, which counts whole however little of it is used.
    #[must_use]
    pub fn allowance(&self) -> u64 {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        let itself = match self {
            Self::Library { .. } => 64 << 20,
            Self::Program { .. } => 256 << 20,
        };
        itself + threads * limits::STACK
    }
}

/// Which fences a worker puts up. Each is put up as far as the system allows, and [`Process::fences`] says how far; tests
/// leave some away to see the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Namespaces of its own: users, processes, network, System V memory, host name.
    pub namespaces: bool,
    /// Landlock: files, TCP, signals.
    pub landlock: bool,
    /// seccomp: new processes, sockets, and calls that concern other processes.
    pub seccomp: bool,
    /// Runs no plugin code unless [`Fences::is_full`]: the worker ends with [`child::UNFENCED`] instead.
    pub demand: bool,
}

impl Default for Policy {
    /// Every fence, and what the system refuses is reported only.
    fn default() -> Self {
        Self { namespaces: true, landlock: true, seccomp: true, demand: false }
    }
}
