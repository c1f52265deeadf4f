//! How the suite runs.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    status::Level,
    transport::Transport,
    waivers::{Date, Waivers},
};

/// How much is tried.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Under a minute for an operator on two cores: few sizes, short fuzzing, no soak.
    #[default]
    Ci,
    /// Everything, with the soaks.
    Full,
}

impl Profile {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Full => "full",
        }
    }

    /// One of two values.
    #[must_use]
    pub fn pick<T>(self, ci: T, full: T) -> T {
        match self {
            Self::Ci => ci,
            Self::Full => full,
        }
    }
}

/// The program that runs one case: the one that [`child_main`](crate::child_main) is called in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments, the hidden subcommand among them.
    pub arguments: Vec<OsString>,
}

/// How the suite runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// What runs a case.
    pub program: Program,
    /// How much is tried.
    pub profile: Profile,
    /// Only these cases; all when empty. A weakening.
    pub cases: Vec<String>,
    /// Only this operator. A weakening.
    pub operator: Option<String>,
    /// Only these transports; all that the program has when empty.
    pub transports: Vec<Transport>,
    /// The transports that the program has.
    pub available: Vec<Transport>,
    /// The transports that it cannot have: they are not in this build, or this computer cannot run them. What a plugin has
    /// code for and cannot be tried here is in the report, and keeps levels from being granted.
    pub lacking: Vec<Transport>,
    /// What everything random follows from.
    pub seed: u64,
    /// How many children run at once.
    pub jobs: usize,
    /// Known deviations.
    pub waivers: Waivers,
    /// The day on which waivers are judged.
    pub today: Date,
    /// The level that is asked for.
    pub level: Level,
    /// How many times longer than declared a case may take, at least. Above 1 it is a weakening.
    pub patience: f64,
    /// Ends every case after this time, whatever it declares; for trying the runner itself. A weakening.
    pub time_limit: Option<Duration>,
    /// Ends the run at the first case that speaks against the plugin; cases of results come first then. A weakening.
    pub fail_fast: bool,
    /// Where children's folders are made; the system's place for temporary files when `None`.
    pub scratch: Option<PathBuf>,
}

impl Options {
    /// Every case in profile `ci`, on the native lane, seed 1, as many children as processors.
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self {
            program,
            profile: Profile::Ci,
            cases: Vec::new(),
            operator: None,
            transports: Vec::new(),
            available: vec![Transport::Native],
            lacking: Vec::new(),
            seed: 1,
            jobs: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            waivers: Waivers::default(),
            today: Date::today(),
            level: Level::L2,
            patience: 1.0,
            time_limit: None,
            fail_fast: false,
            scratch: None,
        }
    }

    /// Every way in which this run tries less than the suite can, for the report.
    #[must_use]
    pub fn weakenings(&self) -> Vec<String> {
        let mut found = self.left_out();
        if let Some(limit) = self.time_limit {
            found.push(format!("every case ends after {} s", limit.as_secs_f64()));
        }
        if self.fail_fast {
            found.push("it ends at the first failure".into());
        }
        if self.patience > 1.0 {
            found.push(format!("cases may take {} times their time", self.patience));
        }
        found
    }

    /// What these options leave out: cases, operators, transports. A run without them grants no level.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.cases.is_empty() {
            found.push(format!("only the cases {}", self.cases.join(", ")));
        }
        if let Some(operator) = &self.operator {
            found.push(format!("only the operator `{operator}`"));
        }
        let left_out: Vec<_> =
            self.available.iter().filter(|one| !self.uses(**one)).map(|one| one.name()).collect();
        if !left_out.is_empty() {
            found.push(format!("without the transports {}", left_out.join(", ")));
        }
        found
    }

    /// Whether a transport takes part.
    #[must_use]
    pub fn uses(&self, transport: Transport) -> bool {
        self.available.contains(&transport)
            && (self.transports.is_empty() || self.transports.contains(&transport))
    }
}
