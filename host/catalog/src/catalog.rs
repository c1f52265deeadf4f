//! All plugins that were found, and what became of each.

use std::path::{Path, PathBuf};

use parfocal_core::{Artifact, Sha256};
use parfocal_types::error::{Error, ErrorKind, Result};

use crate::{
    check, duplicates,
    host::HostSupport,
    package::{Package, Status},
    quarantine::{Quarantine, Quarantined, warrants_quarantine},
    rejection::RejectionCode,
    search::{self, Searched},
    vouch::{self, Judge, Vouch},
};

/// What was found in the plugin folders.
#[derive(Debug)]
pub struct Catalog {
    pub(crate) packages: Vec<Package>,
    pub(crate) searched: Vec<Searched>,
    quarantine: Quarantine,
    warnings: Vec<Error>,
}

impl Catalog {
    /// Searches folders for plugins, two levels deep, and checks every file of code that is meant for this host.
    ///
    /// No plugin code runs: everything is read from the bytes of files. `state_dir` holds the quarantine; it need
    /// not exist. Never fails: what is wrong with a folder is in [`searched`](Self::searched), with a plugin in its
    /// [`Package`], with the state folder in [`warnings`](Self::warnings).
    #[must_use]
    pub fn scan(folders: &[PathBuf], host: &HostSupport, state_dir: &Path) -> Self {
        Self::scan_judged(folders, host, state_dir, &|_| Vouch::Unasked)
    }

    /// The same, with somebody who says of each plugin whether it may be used: who checks signatures, for example. One that
    /// may not be hides no other.
    #[must_use]
    pub fn scan_judged(folders: &[PathBuf], host: &HostSupport, state_dir: &Path, judge: Judge<'_>) -> Self {
        let mut warnings = Vec::new();
        let quarantine = Quarantine::open(state_dir).unwrap_or_else(|error| {
            warnings.push(error);
            Quarantine::empty(state_dir)
        });
        let (found, searched) = search::find(folders);
        let mut packages: Vec<_> =
            found.iter().map(|folder| check::package(folder, host, &quarantine)).collect();
        vouch::ask(&mut packages, judge);
        duplicates::refuse(&mut packages);
        offer_older_versions(&mut packages);
        Self { packages, searched, quarantine, warnings }
    }

    /// Every folder with a manifest, broken ones too, in the order of the search.
    #[must_use]
    pub fn plugins(&self) -> &[Package] {
        &self.packages
    }

    /// The folders that were searched, and what came of each.
    #[must_use]
    pub fn searched(&self) -> &[Searched] {
        &self.searched
    }

    /// What is wrong with the host's own state: it goes on, and the user should know.
    #[must_use]
    pub fn warnings(&self) -> &[Error] {
        &self.warnings
    }

    /// The quarantine as it is now.
    #[must_use]
    pub fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Puts a file of code into quarantine: it is not picked any more, in this run and in later ones, until it changes
    /// or is released.
    ///
    /// # Errors
    /// `not-found` for a digest of no plugin here; those of [`Quarantine::add`], after which the file is in quarantine
    /// for this run only.
    pub fn put_in_quarantine(&mut self, sha256: Sha256, reason: impl Into<String>) -> Result<()> {
        let mut entry = None;
        let candidates = self.packages.iter_mut().flat_map(|package| &mut package.candidates);
        let reason = reason.into();
        for candidate in candidates.filter(|candidate| candidate.sha256() == sha256) {
            let plugin = &candidate.manifest.plugin;
            let one = Quarantined {
                plugin: plugin.id.to_string(),
                version: plugin.version.to_string(),
                reason: reason.clone(),
            };
            if candidate.artifact().is_some() {
                candidate.status = Status::Quarantined(one.clone());
            }
            entry.get_or_insert(one);
        }
        match entry {
            Some(entry) => self.quarantine.add(sha256, entry),
            None => Err(Error::not_found(format!("no plugin here has a file with sha256 {sha256}"))),
        }
    }

    /// Notes that a file could not be loaded, and puts it into quarantine when that
    /// [is its own fault](warrants_quarantine). Tells whether it is there now.
    ///
    /// A file that is no longer the one that its manifest names is not blamed: the next [`scan`](Self::scan) refuses it,
    /// and the digest is that of the good one.
    ///
    /// # Errors
    /// As [`put_in_quarantine`](Self::put_in_quarantine).
    pub fn note_failure(&mut self, artifact: &Artifact, error: &Error) -> Result<bool> {
        let slow = matches!(error.kind(), ErrorKind::Timeout { .. });
        let warranted = warrants_quarantine(error, self.quarantine.was_slow(&artifact.sha256));
        if warranted && artifact.open_verified().is_ok() {
            self.put_in_quarantine(artifact.sha256, error.to_string())?;
            return Ok(true);
        }
        if slow {
            self.quarantine.set_slow(artifact.sha256, true)?;
        }
        Ok(false)
    }

    /// Notes that a file was loaded: that it was too slow the time before does not count any more.
    ///
    /// # Errors
    /// Those of [`Quarantine::set_slow`].
    pub fn note_success(&mut self, artifact: &Artifact) -> Result<()> {
        self.quarantine.set_slow(artifact.sha256, false)
    }

    /// Takes plugins back from quarantine, by id or by the digest of a file. The catalog itself changes with the next
    /// [`scan`](Self::scan).
    ///
    /// # Errors
    /// `not-found` when nothing of that name is in quarantine; those of [`Quarantine::release`].
    pub fn release(&mut self, digest_or_plugin: &str) -> Result<Vec<(Sha256, Quarantined)>> {
        let released = self.quarantine.release(digest_or_plugin)?;
        if !released.is_empty() {
            return Ok(released);
        }
        let held: Vec<_> = self.quarantine.iter().map(|(_, entry)| entry.plugin.as_str()).collect();
        let remedy = if held.is_empty() {
            "nothing is in quarantine".to_owned()
        } else {
            format!("in quarantine are: {}", held.join(", "))
        };
        Err(Error::not_found(format!("`{digest_or_plugin}` is not in quarantine")).with_remedy(remedy))
    }
}

/// Tells with a plugin that is too new which installed version of it could be used instead.
fn offer_older_versions(packages: &mut [Package]) {
    let usable: Vec<_> = packages
        .iter()
        .filter(|package| package.is_usable())
        .filter_map(|package| package.manifest.as_ref().ok())
        .map(|manifest| (manifest.plugin.id.clone(), manifest.plugin.version.clone()))
        .collect();
    for candidate in packages.iter_mut().flat_map(|package| &mut package.candidates) {
        let plugin = &candidate.manifest.plugin;
        let older = usable.iter().filter(|(id, version)| *id == plugin.id && *version < plugin.version).max();
        if let (Status::Rejected(rejection), Some((_, version))) = (&mut candidate.status, older)
            && rejection.code == RejectionCode::InterfaceTooNew
        {
            rejection.remedy =
                format!("update Parfocal; until then version {version}, which is installed, is used");
        }
    }
}
