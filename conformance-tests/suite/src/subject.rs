//! What is tested: a plugin in its folder, as its files say. No code is loaded.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use parfocal_catalog::{Catalog, HostSupport, Package};
use parfocal_core::Sha256;
use parfocal_manifest::{FILE_NAME, Manifest};
use parfocal_operator::Descriptor;
use parfocal_types::{Error, Result};

use crate::{task::Code, transport::Transport};

/// A plugin in its folder.
#[derive(Debug)]
pub struct Subject {
    folder: PathBuf,
    bytes: std::io::Result<Vec<u8>>,
    manifest: Result<Arc<Manifest>, String>,
    table: Result<toml::Table, String>,
    package: OnceLock<Option<Package>>,
}

impl Subject {
    /// Reads the manifest in a folder. Whatever is wrong with it is found by the cases.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let bytes = fs::read(folder.join(FILE_NAME));
        let manifest = match &bytes {
            Ok(bytes) => Manifest::from_bytes(bytes).map(Arc::new).map_err(|error| error.to_string()),
            Err(error) => Err(format!("{FILE_NAME} cannot be read: {error}")),
        };
        let table = match bytes.as_deref().map(std::str::from_utf8) {
            Ok(Ok(text)) => {
                text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())
            }
            Ok(Err(error)) => Err(format!("{FILE_NAME} is no UTF-8 text: {error}")),
            Err(error) => Err(format!("{FILE_NAME} cannot be read: {error}")),
        };
        Self { folder: folder.to_owned(), bytes, manifest, table, package: OnceLock::new() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bytes of the manifest; `None` when it cannot be read.
    #[must_use]
    pub fn manifest_bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref().ok()
    }

    /// The digest of the manifest, as text.
    #[must_use]
    pub fn manifest_sha256(&self) -> Option<String> {
        self.manifest_bytes().map(|bytes| Sha256::of(bytes).to_string())
    }

    /// The manifest, or what its reader says.
    ///
    /// # Errors
    /// The reader's sentence.
    pub fn manifest(&self) -> Result<&Arc<Manifest>, &str> {
        self.manifest.as_ref().map_err(String::as_str)
    }

    /// The manifest as TOML, whether or not it is a valid one; or why it is none.
    ///
    /// # Errors
    /// What the TOML parser says.
    pub fn table(&self) -> Result<&toml::Table, &str> {
        self.table.as_ref().map_err(String::as_str)
    }

    /// The operators that the manifest declares.
    #[must_use]
    pub fn operators(&self) -> &[Descriptor] {
        self.manifest.as_ref().map_or(&[], |manifest| manifest.operators.as_slice())
    }

    /// The name for people: id and version, or the folder.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.manifest {
            Ok(manifest) => manifest.label(),
            Err(_) => self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// The plugin as the catalog sees it: every rule of the host is applied to its files. `None` without a manifest.
    #[must_use]
    pub fn package(&self) -> Option<&Package> {
        let scanned = self.package.get_or_init(|| {
            // A state folder that does not exist: quarantine of this computer's user says nothing about the plugin.
            let nowhere = self.folder.join(".no-state");
            let catalog =
                Catalog::scan(std::slice::from_ref(&self.folder), &HostSupport::this_computer(), &nowhere);
            catalog.plugins().first().cloned()
        });
        scanned.as_ref()
    }

    /// The code that this computer can load, one for each transport.
    #[must_use]
    pub fn code(&self, transports: &[Transport]) -> Vec<Code> {
        let Some(package) = self.package().filter(|package| package.rejected.is_none()) else {
            return Vec::new();
        };
        let of = |transport: &Transport| {
            let mut fitting = package
                .candidates
                .iter()
                .filter(|candidate| candidate.entry.lane == transport.artifact())
                .filter_map(|candidate| candidate.artifact());
            fitting.next().map(|artifact| Code::of(*transport, artifact))
        };
        transports.iter().filter_map(of).collect()
    }

    /// Whether the manifest names code for a transport, usable here or not.
    #[must_use]
    pub fn names_code(&self, transport: Transport) -> bool {
        let artifacts = self.manifest.as_ref().map_or(&[][..], |manifest| manifest.artifacts.as_slice());
        artifacts.iter().any(|artifact| artifact.lane == transport.artifact())
    }
}

/// The folders of plugins that a path names: itself, or those below it, two levels deep, as hosts search.
///
/// # Errors
/// `not-found` when there is none.
pub fn find_plugins(path: &Path) -> Result<Vec<PathBuf>> {
    if path.join(FILE_NAME).symlink_metadata().is_ok() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    look(path, 2, &mut found);
    if found.is_empty() {
        return Err(Error::not_found(format!("there is no plugin in {}", path.display()))
            .with_remedy("name a folder with a `plugin.toml`, or a folder of such folders"));
    }
    Ok(found)
}

fn look(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let mut folders: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir() && !hidden(path))
        .collect();
    folders.sort();
    for folder in folders {
        if folder.join(FILE_NAME).symlink_metadata().is_ok() {
            found.push(folder);
        } else if depth > 1 {
            look(&folder, depth - 1, found);
        }
    }
}
