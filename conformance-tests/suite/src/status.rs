//! How a case can end, how much it matters, and what a plugin reaches.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The plugin does what is demanded.
    Pass,
    /// A SHOULD is not met, or something was measured that depends on the machine.
    Warn,
    /// The plugin does not do what is demanded.
    Fail,
    /// The child died: a signal, an abort, or an end without a result, whatever its exit code.
    Crash,
    /// The child was killed because its time was over, and is verified to be gone.
    Timeout,
    /// The environment lacks something that the case needs.
    Skip,
    /// The plugin does not declare what the case is about, or Parfocal does not have it yet.
    Na,
    /// A known deviation, with an issue and an end.
    Waived,
    /// The suite itself broke: neither for nor against the plugin.
    SuiteError,
}

impl Status {
    /// All, in the order in which they are counted.
    pub const ALL: [Self; 9] = [
        Self::Pass,
        Self::Warn,
        Self::Fail,
        Self::Crash,
        Self::Timeout,
        Self::Skip,
        Self::Na,
        Self::Waived,
        Self::SuiteError,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Skip => "skip",
            Self::Na => "na",
            Self::Waived => "waived",
            Self::SuiteError => "suite-error",
        }
    }

    /// Whether it speaks against the plugin.
    #[must_use]
    pub const fn is_against(self) -> bool {
        matches!(self, Self::Fail | Self::Crash | Self::Timeout)
    }

    /// Whether a MUST that ended so keeps its level from being granted.
    #[must_use]
    pub const fn blocks(self) -> bool {
        self.is_against() || matches!(self, Self::Skip | Self::SuiteError)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much a case matters; fixed for each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Its level is not granted without it.
    Must,
    /// A violation is a warning.
    Should,
    /// For information.
    Info,
}

/// What is granted to a plugin; each level includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// Manifest and bytes are valid; nothing was executed.
    L0,
    /// Loads: handshake, lifecycle, errors, denial of permissions.
    L1,
    /// Conformant: every MUST of every declared capability.
    L2,
    /// Robust: faults, fuzzing, soak, memory; granted from the profile `full` only.
    L3,
    /// Meets the performance that its manifest declares, on a named machine.
    L4,
}

impl Level {
    /// All, lowest first.
    pub const ALL: [Self; 5] = [Self::L0, Self::L1, Self::L2, Self::L3, Self::L4];

    /// One word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::L0 => "readable",
            Self::L1 => "loads",
            Self::L2 => "conformant",
            Self::L3 => "robust",
            Self::L4 => "timed",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::str::FromStr for Level {
    type Err = parfocal_types::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| format!("{level}").eq_ignore_ascii_case(text)).ok_or_else(|| {
            parfocal_types::Error::invalid_argument(format!("there is no level `{text}`"))
                .with_remedy("write L0 to L4")
        })
    }
}

/// A property that users look for, granted by cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Badge {
    /// The same bytes every time and in every lane (OPR-04, OPR-30).
    Deterministic,
    /// Tiles give the pixels of the whole image (OPR-05, OPR-07).
    TileExact,
    /// Nothing beyond the declared halo counts (OPR-06).
    BoundedHalo,
    /// Sequences are kept apart and in order (OPR-18).
    Sequence,
    /// Stops within 100 ms (OPR-21).
    PromptCancel,
    /// Asks for no network (SEC-05).
    Offline,
}
