//! A plugin as it lies in a folder: its manifest, its files, and what became of each.

use std::{path::PathBuf, sync::Arc};

use parfocal_core::{Artifact, Sha256};
use parfocal_manifest::{ArtifactEntry, Identity, Manifest};

use crate::{quarantine::Quarantined, rejection::Rejection, vouch::Vouch};

/// A folder with a manifest.
#[derive(Debug, Clone)]
pub struct Package {
    /// The folder.
    pub folder: PathBuf,
    /// The manifest's file.
    pub manifest_path: PathBuf,
    /// The text of the manifest, to show the place of an error in it; empty when it could not be read.
    pub text: String,
    /// Who it says it is, as far as that can be read.
    pub identity: Identity,
    /// The manifest, or why there is none.
    pub manifest: Result<Arc<Manifest>, Rejection>,
    /// One for each artifact of the manifest, in its order.
    pub candidates: Vec<Candidate>,
    /// Why the plugin as a whole is not used, though its manifest is valid.
    pub rejected: Option<Rejection>,
    /// What was said of its signature.
    pub vouch: Vouch,
}

impl Package {
    /// The name for messages: id and version, or the folder.
    #[must_use]
    pub fn label(&self) -> String {
        match (&self.identity.id, &self.identity.version) {
            (Some(id), Some(version)) => format!("{id} {version}"),
            (Some(id), None) => id.clone(),
            _ => self.folder.display().to_string(),
        }
    }

    /// Whether at least one file of it can be used.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.rejected.is_none() && self.candidates.iter().any(|candidate| candidate.artifact().is_some())
    }

    /// Why the plugin cannot be used at all: the refusals of its manifest, of itself, or of each of its files. Empty for a
    /// plugin that can be used.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        if self.is_usable() {
            return Vec::new();
        }
        match (&self.manifest, &self.rejected) {
            (Err(rejection), _) | (_, Some(rejection)) => vec![rejection.message.clone()],
            _ => self.candidates.iter().filter_map(|candidate| candidate.status.refusal()).collect(),
        }
    }
}

/// One file of code.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The manifest that names it.
    pub manifest: Arc<Manifest>,
    /// What the manifest says about it.
    pub entry: ArtifactEntry,
    /// The file.
    pub path: PathBuf,
    /// What became of it.
    pub status: Status,
}

impl Candidate {
    /// What a lane loads; `None` unless the file can be used.
    #[must_use]
    pub fn artifact(&self) -> Option<&Artifact> {
        match &self.status {
            Status::Usable(artifact) => Some(artifact),
            _ => None,
        }
    }

    /// The digest that the manifest gives.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        Sha256(self.entry.sha256.0)
    }
}

/// What became of a file of code.
#[derive(Debug, Clone)]
pub enum Status {
    /// It can be loaded.
    Usable(Artifact),
    /// It cannot be used here.
    Rejected(Rejection),
    /// It misbehaved, and is not used until it is released or changes.
    Quarantined(Quarantined),
}

impl Status {
    /// Why the file is not used, as a sentence.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Usable(_) => None,
            Self::Rejected(rejection) => Some(rejection.message.clone()),
            Self::Quarantined(entry) => {
                Some(format!("{} {} is in quarantine: {}", entry.plugin, entry.version, entry.reason))
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Usable(_) => None,
            Self::Rejected(rejection) => Some(rejection.remedy.clone()),
            Self::Quarantined(entry) => Some(format!(
                "install a version that does better, or try it again after `parfocal plugins release {}`",
                entry.plugin
            )),
        }
    }
}
