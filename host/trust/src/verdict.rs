//! What is to be thought of a folder.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use parfocal_core::Sha256;
use parfocal_manifest::FILE_NAME;
use parfocal_types::{Error, Result};
use serde::Serialize;

use crate::{
    files::LIST_FILE,
    installed::{Records, Vouched},
    key::KeyId,
    limits::Limits,
    package::{Package, SIGNATURE_FILE, broken},
    store::{Standing, TrustStore},
    time::Time,
};

/// Why a plugin that nobody vouches for may be loaded all the same, or that it may not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allowance {
    /// It lies in a folder that the user named, or that came with the program: a developer's own business.
    Named,
    /// The user allowed it at its installation, and it is as it was then.
    Installed(Time),
    /// It lies where plugins are installed, and nobody allowed it.
    Missing,
}

/// What is to be thought of a plugin's folder. `Display` says it in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// A trusted key signed it, every byte.
    Signed {
        /// What the user calls the key.
        by: String,
        /// The key.
        key: KeyId,
    },
    /// No signature counts.
    Unsigned {
        /// Whether it may be loaded all the same.
        allowance: Allowance,
        /// Why none counts, as a clause: `it has no signature`.
        why: String,
        /// What to do about it.
        remedy: String,
    },
    /// It was changed or is damaged; it is never loaded.
    Broken {
        /// The sentence.
        why: String,
        /// What to do.
        remedy: String,
    },
}

impl Verdict {
    /// Whether the plugin may be loaded.
    #[must_use]
    pub fn may_load(&self) -> bool {
        match self {
            Self::Signed { .. } => true,
            Self::Unsigned { allowance, .. } => *allowance != Allowance::Missing,
            Self::Broken { .. } => false,
        }
    }

    /// Whether a trusted key signed it.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        matches!(self, Self::Signed { .. })
    }

    /// What to do, where something can be done.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Self::Signed { .. } => None,
            Self::Unsigned { remedy, .. } | Self::Broken { remedy, .. } => Some(remedy),
        }
    }

    fn broken(error: &Error) -> Self {
        let remedy = error.remedy().unwrap_or("get the plugin again").to_owned();
        Self::Broken { why: error.message().to_owned(), remedy }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { by, key } => write!(f, "signed by {by} ({key})"),
            Self::Unsigned { allowance: Allowance::Named, why, .. } => {
                write!(f, "unsigned, from a folder that the user named: {why}")
            }
            Self::Unsigned { allowance: Allowance::Installed(when), why, .. } => {
                write!(f, "unsigned, allowed by the user on {when}: {why}")
            }
            Self::Unsigned { allowance: Allowance::Missing, why, .. } => {
                write!(f, "unsigned, and nobody allowed it: {why}")
            }
            Self::Broken { why, .. } => f.write_str(why),
        }
    }
}

/// The trusted keys, the record of installations and the present: what a verdict follows from.
#[derive(Debug, Clone)]
pub struct Trust {
    store: TrustStore,
    records: Records,
    installed: Option<PathBuf>,
    limits: Limits,
    now: Time,
}

impl Trust {
    /// Reads what is known. `installed` is the folder where plugins are installed; folders elsewhere are the user's own
    /// business.
    ///
    /// # Errors
    /// `corrupt` when the trust store or the record cannot be read: without them nothing can be said.
    pub fn open(state_dir: &Path, installed: Option<&Path>, now: Time) -> Result<Self> {
        Ok(Self {
            store: TrustStore::open(state_dir)?,
            records: Records::open(state_dir)?,
            installed: installed.map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.to_owned())),
            limits: Limits::default(),
            now,
        })
    }

    /// The trusted keys.
    #[must_use]
    pub fn store(&self) -> &TrustStore {
        &self.store
    }

    /// What is to be thought of a plugin's folder.
    #[must_use]
    pub fn of(&self, folder: &Path) -> Verdict {
        match fs::read(folder.join(FILE_NAME)) {
            Ok(manifest) => self.of_read(folder, &manifest),
            Err(error) => Verdict::broken(&crate::walk::cannot("read", &folder.join(FILE_NAME), error)),
        }
    }

    /// The same for a folder whose manifest was read already: the verdict is on these bytes of the manifest, so that what
    /// they say of the code (its digests, above all) is what was signed, whatever is written there in between.
    #[must_use]
    pub fn of_read(&self, folder: &Path, manifest: &[u8]) -> Verdict {
        let there = |name: &str| folder.join(name).symlink_metadata().is_ok();
        let installed = self.is_installed(folder);
        if !installed && !there(LIST_FILE) && !there(SIGNATURE_FILE) {
            return Verdict::Unsigned {
                allowance: Allowance::Named,
                why: "it has no signature".into(),
                remedy: "`parfocal plugins sign` signs it before you give it away".into(),
            };
        }
        let judged = Package::read(folder, &self.limits).and_then(|package| {
            if package.files().get(FILE_NAME) != Some(Sha256::of(manifest)) {
                return Err(broken(&package.manifest().label(), "its manifest changed just now".into()));
            }
            let standing = self.store.judge(&package, self.now)?;
            self.verdict(&package, standing, installed)
        });
        judged.unwrap_or_else(|error| Verdict::broken(&error))
    }

    fn is_installed(&self, folder: &Path) -> bool {
        let Some(installed) = &self.installed else { return false };
        // A link in the folder of installed plugins lies there too, wherever it leads to.
        let place = |folder: &Path| Some(folder.parent()?.canonicalize().ok()?.join(folder.file_name()?));
        folder.canonicalize().is_ok_and(|folder| folder.starts_with(installed))
            || place(folder).is_some_and(|folder| folder.starts_with(installed))
    }

    fn verdict(&self, package: &Package, standing: Standing, installed: bool) -> Result<Verdict> {
        let plugin = &package.manifest().plugin;
        let record = self.records.get(&plugin.id, &plugin.version).filter(|_| installed);
        let about_these = record.filter(|record| record.is_about(&package.files().digest()));
        let (why, remedy) = match standing {
            Standing::Signed { name, key, expired: None } => return Ok(Verdict::Signed { by: name, key }),
            Standing::Signed { name, key, expired: Some(end) } => {
                // The end of a key is the end of new installations, not of a running experiment.
                let before =
                    |vouched: &Vouched| matches!(vouched, Vouched::Signed { key: then, .. } if *then == key);
                if about_these.is_some_and(|record| before(&record.vouched)) {
                    return Ok(Verdict::Signed { by: name, key });
                }
                let why = format!("it is signed by {name}, a key that you trusted until {end}");
                (why, "ask its author for the new key".to_owned())
            }
            Standing::Unsigned { why, remedy } => (why, remedy),
        };
        if record.is_some() && about_these.is_none() {
            let why = "it is not what was installed".to_owned();
            return Err(broken(&package.manifest().label(), why));
        }
        let allowance = match about_these {
            Some(record) if matches!(record.vouched, Vouched::Unsigned { .. }) => {
                Allowance::Installed(record.installed)
            }
            _ if installed => Allowance::Missing,
            _ => Allowance::Named,
        };
        let remedy = match allowance {
            Allowance::Missing => format!("{remedy}; or install it with --allow-unsigned"),
            _ => remedy,
        };
        Ok(Verdict::Unsigned { allowance, why, remedy })
    }
}
