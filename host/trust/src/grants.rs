//! Which native code may run in the host's own process.

use std::path::Path;

use parfocal_core::Sha256;
use parfocal_types::Result;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    state::{self, Stored},
    time::Time,
};

/// A file of native code that the user lets into the host's own process: without the fences, and able to take the host down.
/// It is bound to the file's digest, so that another build of the plugin needs a grant of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Grant {
    /// The plugin's id.
    pub plugin: String,
    /// Its version.
    pub version: Version,
    /// The digest of the file.
    pub file: String,
    /// Who signed it.
    pub signed: String,
    /// The level of conformance that its report shows.
    pub level: String,
    /// When it was granted.
    pub granted: Time,
}

/// The grants of one user: `grants.toml` in the host's state folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(Vec<Grant>);

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Granted {
    #[serde(default)]
    in_process: Vec<Grant>,
}

impl Stored for Granted {
    const FILE: &'static str = "grants.toml";
    const WHAT: &'static str = "the list of grants";
    const LOSS: &'static str = "which takes every grant back";
}

impl Grants {
    /// Reads the grants; a folder without any has none.
    ///
    /// # Errors
    /// `corrupt` when the file is not what this crate writes.
    pub fn open(state_dir: &Path) -> Result<Self> {
        state::read::<Granted>(state_dir).map(|granted| Self(granted.in_process))
    }

    /// The grant for a file.
    #[must_use]
    pub fn in_process(&self, file: &Sha256) -> Option<&Grant> {
        let digest = file.to_string();
        self.0.iter().find(|grant| grant.file == digest)
    }

    /// All of them, in the order in which they were given.
    #[must_use]
    pub fn all(&self) -> &[Grant] {
        &self.0
    }

    /// Adds a grant; an earlier one for the same file is replaced.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when the file cannot be written.
    pub fn add(state_dir: &Path, grant: Grant) -> Result<()> {
        state::change(state_dir, |granted: &mut Granted| {
            granted.in_process.retain(|known| known.file != grant.file);
            granted.in_process.push(grant);
            Ok(())
        })
    }

    /// Takes back every grant of a plugin; those that were taken back.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn revoke(state_dir: &Path, plugin: &str) -> Result<Vec<Grant>> {
        state::change(state_dir, |granted: &mut Granted| {
            Ok(granted.in_process.extract_if(.., |grant| grant.plugin == plugin).collect())
        })
    }
}
