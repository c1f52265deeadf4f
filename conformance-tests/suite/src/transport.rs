//! The ways in which plugin code can run, and who opens them.

use std::fmt;

use parfocal_core::Lane;
use parfocal_manifest::LaneKind;
use parfocal_types::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way in which plugin code runs while it is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Native code in the case's own process.
    Native,
    /// A WASM component.
    Wasm,
    /// Native code behind `worker/1`, in a process of its own.
    Worker,
    /// A program that speaks `worker/1` itself, such as one in Python.
    Program,
}

impl Transport {
    /// All, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Native, Self::Wasm, Self::Worker, Self::Program];

    /// The name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Worker => "worker",
            Self::Program => "program",
        }
    }

    /// Which artifacts of a plugin run so.
    #[must_use]
    pub const fn artifact(self) -> LaneKind {
        match self {
            Self::Native | Self::Worker => LaneKind::Native,
            Self::Wasm => LaneKind::Wasm,
            Self::Program => LaneKind::Program,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Opens a lane.
type Open<'a> = dyn Fn(Transport) -> Result<Box<dyn Lane>> + Sync + 'a;

/// The lanes of the program that runs the suite. Opened in children only.
pub struct Lanes<'a> {
    open: Box<Open<'a>>,
}

impl<'a> Lanes<'a> {
    /// Lanes that this function opens.
    #[must_use]
    pub fn new(open: impl Fn(Transport) -> Result<Box<dyn Lane>> + Sync + 'a) -> Self {
        Self { open: Box::new(open) }
    }

    /// Opens the lane of a transport.
    ///
    /// # Errors
    /// `not-supported` when the program was built without it.
    pub fn open(&self, transport: Transport) -> Result<Box<dyn Lane>> {
        (self.open)(transport)
    }
}

impl fmt::Debug for Lanes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lanes")
    }
}
