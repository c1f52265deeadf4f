//! The worker lane: plugin code in a sandboxed child.
//!
//! What a plugin does to its process (a crash, an endless loop, `exit(0)`, memory without end, children left behind) it
//! does to a worker, and the host sees it, says so and goes on.
//!
//! - [`WorkerLane`] answers the host's lane trait: each instance of an operator has a worker of its own, taken from those that
//!   are idle or started anew; pixels that lie in frames are not copied.
//! - [`ProgramLane`] runs programs, in the Python that [`interpreter`] finds.
//! - [`serve()`] is the other end, inside the worker; the program `parfocal-worker` calls it.
//! - [`process`] starts, fences, kills and buries workers; it knows nothing of operators.
//!
//! The two ends speak `parfocal-worker-protocol`.
//!
//! # Deaths
//! A worker that dies, answers too late or does not stop when it is asked to is ended with everything that it started, and the
//! call fails with its plugin's name, the signal and its last lines. The next call gets a new worker, after a pause that grows;
//! after [`MOST_DEATHS`] in a row, without a tile that went well between them, there is none any more.

#![cfg(target_os = "linux")]

mod connection;
mod deaths;
mod instance;
pub mod interpreter;
mod lane;
mod memory;
mod notes;
pub mod process;
mod programs;
mod serve;
mod watch;

pub use deaths::{DeathListener, MOST_DEATHS};
pub use lane::{Runner, WorkerLane, WorkerOptions, fences_here};
pub use programs::ProgramLane;
pub use serve::serve;
