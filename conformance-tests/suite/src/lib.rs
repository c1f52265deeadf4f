//! The conformance suite: does a plugin keep to the contract?
//!
//! What is here: the [cases](cases()) (data with one sentence each, and a function that can fail), the [runner](run) (one
//! child process for each case, operator and transport; the parent never maps plugin code), [reports](Report), waivers and
//! levels. A case sees a plugin through `dyn Lane` only, which the program that assembles the host provides ([`Lanes`]), so
//! that the suite compiles no runtime.
//!
//! What is not here: the lanes, the command line (`parfocal conform`), and the plugins that fail on purpose.
//!
//! Who calls it: `parfocal conform`, the CI of plugin authors, and this repository's own tests.
//!
//! # Verdicts
//! A case ends in one [`Status`]. What could not be tried is never silently green: `skip` and `na` are listed by name, and a
//! [`Level`] is granted only when none of its MUST cases failed, crashed, timed out, was skipped, or broke the suite.

#![cfg(unix)]

mod calibrate;
mod case;
mod cases;
mod child;
mod finding;
mod guard;
mod levels;
mod options;
mod report;
mod runner;
mod scene;
mod schema;
mod state;
mod status;
mod subject;
mod task;
mod transport;
mod waivers;
mod watch;

pub use case::{Applies, Case, Group, Run, Scope};
pub use cases::{case, cases};
pub use child::{CHILD_COMMAND, child_main, in_process};
pub use finding::{Check, Detail, Finding};
pub use levels::{LevelSummary, Summary, summarise};
pub use options::{Options, Profile, Program};
pub use report::{
    CaseResult, Configuration, FORMAT, Machine, Measured, PluginFacts, Report, SCHEMA_FILE, Timing, bundle,
    junit, markdown, schema_text,
};
pub use runner::{Event, Verdict, run};
pub use scene::{Bench, Feed, Scene, Shape};
pub use status::{Badge, Level, Severity, Status};
pub use subject::{Subject, find_plugins};
pub use task::{Code, Errand, Task};
pub use transport::{Lanes, Transport};
pub use waivers::{Date, Waiver, Waivers};
