//! What a child is asked to do, and what it answers: JSON, one line each.

use std::{path::PathBuf, time::Duration};

use parfocal_core::{Artifact, Limits, Sha256};
use parfocal_types::{Error, InterfaceVersion, Result};
use serde::{Deserialize, Serialize};

use crate::{finding::Finding, options::Profile, transport::Transport};

/// One case for one child.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The number of the case.
    pub case: String,
    /// The plugin's folder.
    pub folder: PathBuf,
    /// The operator, for cases about one.
    pub operator: Option<String>,
    /// The transport, for cases that load code.
    pub transport: Option<Transport>,
    /// The code of each transport.
    pub code: Vec<Code>,
    /// The seed of the run; the case mixes its own from it.
    pub seed: u64,
    /// How much is tried.
    pub profile: Profile,
    /// How much slower than the reference machine this one is.
    pub factor: f64,
    /// The child's own folder.
    pub scratch: PathBuf,
    /// The program that runs tasks, and its arguments, for cases that need another process.
    pub program: (PathBuf, Vec<String>),
    /// What another process does for a case, instead of the case itself.
    #[serde(default)]
    pub errand: Option<Errand>,
}

/// What another process does for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Errand {
    /// Runs the operator, and answers with the digest of what came out.
    Digest,
    /// Looks for the marker of its environment in all that the operators say.
    Words,
}

/// Code that can be loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// How it runs.
    pub transport: Transport,
    /// The plugin's id.
    pub plugin: String,
    /// The plugin's version.
    pub version: semver::Version,
    /// The file.
    pub path: PathBuf,
    /// Its digest.
    pub sha256: String,
    /// The version of the interface `operator`.
    pub interface: InterfaceVersion,
    /// Memory of one instance, in bytes.
    pub memory: u64,
    /// Time of one call.
    pub call: Duration,
}

impl Code {
    /// The code of an artifact.
    #[must_use]
    pub fn of(transport: Transport, artifact: &Artifact) -> Self {
        Self {
            transport,
            plugin: artifact.plugin.clone(),
            version: artifact.version.clone(),
            path: artifact.path.clone(),
            sha256: artifact.sha256.to_string(),
            interface: artifact.interface,
            memory: artifact.limits.memory,
            call: artifact.limits.call,
        }
    }

    /// What a lane loads.
    ///
    /// # Errors
    /// `invalid-argument` for a digest that is none.
    pub fn artifact(&self) -> Result<Artifact> {
        Ok(Artifact {
            plugin: self.plugin.clone(),
            version: self.version.clone(),
            path: self.path.clone(),
            sha256: self.sha256.parse::<Sha256>()?,
            interface: self.interface,
            limits: Limits { memory: self.memory, call: self.call },
        })
    }
}

/// One line from the child.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Said by the signal handler: the child is about to die.
    Fault {
        /// The signal.
        signal: i32,
        /// The address in hexadecimal digits.
        address: String,
        /// The code of the guard that was touched, -1 for none; see `guard::name`.
        guard: i64,
    },
    /// The result. Nothing comes after it.
    Found(Finding),
}

impl Answer {
    pub(crate) fn read(line: &str) -> Result<Self> {
        serde_json::from_str(line).map_err(|error| Error::corrupt("a child's answer").with_source(error))
    }
}
