//! What was installed, and who vouched for it.

use std::path::Path;

use parfocal_core::Sha256;
use parfocal_manifest::PluginId;
use parfocal_types::Result;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    key::KeyId,
    state::{self, Stored},
    time::Time,
};

/// Who vouched for a plugin when it was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Vouched {
    /// A key that the user trusted.
    Signed {
        /// What the user called it.
        by: String,
        /// The key.
        key: KeyId,
    },
    /// Nobody; the user allowed it all the same.
    Unsigned {
        /// Why no signature counted.
        because: String,
    },
}

/// One plugin that was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Record {
    /// The plugin's id.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// The digest of its list of files, which stands for every byte of it.
    pub files: String,
    /// When it was installed.
    pub installed: Time,
    /// Where it came from.
    pub from: String,
    /// Who vouched for it.
    pub vouched: Vouched,
}

impl Record {
    /// Whether it is about these files.
    #[must_use]
    pub fn is_about(&self, files: &Sha256) -> bool {
        self.files == files.to_string()
    }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Records {
    #[serde(rename = "plugin", default)]
    plugins: Vec<Record>,
}

impl Stored for Records {
    const FILE: &'static str = "installed.toml";
    const WHAT: &'static str = "the record of installed plugins";
    const LOSS: &'static str = "after which unsigned plugins must be installed again";
}

impl Records {
    pub(crate) fn open(state_dir: &Path) -> Result<Self> {
        state::read(state_dir)
    }

    pub(crate) fn get(&self, id: &PluginId, version: &Version) -> Option<&Record> {
        self.plugins.iter().find(|record| record.id == id.as_str() && record.version == *version)
    }

    /// Puts a record in the place of the one of the same plugin and version.
    pub(crate) fn put(state_dir: &Path, record: Record) -> Result<()> {
        state::change(state_dir, |records: &mut Self| {
            records.plugins.retain(|old| (&old.id, &old.version) != (&record.id, &record.version));
            records.plugins.push(record);
            records.plugins.sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
            Ok(())
        })
    }

    pub(crate) fn forget(state_dir: &Path, id: &PluginId, version: &Version) -> Result<()> {
        state::change(state_dir, |records: &mut Self| {
            records.plugins.retain(|old| old.id != id.as_str() || old.version != *version);
            Ok(())
        })
    }
}
