//! Writes the index of a folder.

use std::{
    collections::BTreeSet,
    fs,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
};

use parfocal_core::Sha256;
use parfocal_manifest::PluginId;
use parfocal_types::Result;

use super::{FORMAT, INDEX_FILE, Index, IndexEntry, IndexReport};
use crate::{
    archive::{ARCHIVE_ENDING, unpack_from},
    key::SecretKey,
    limits::Limits,
    package::{Package, broken, tempfile_beside},
    time::Time,
    walk::cannot,
};

/// A conformance report that was found beside an archive, and was held against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReport {
    /// The file.
    pub path: PathBuf,
    /// What was read of it.
    pub bytes: Vec<u8>,
    /// The level that it proves for the package.
    pub level: String,
}

/// Finds the conformance report of a package by the archive's file. What it refuses is not put into an index.
pub type ReportOf<'a> = &'a dyn Fn(&Path, &Package) -> Result<Option<FoundReport>>;

impl Index {
    /// Writes the index of a folder of archives and signs it, with a serial after the one that is there.
    ///
    /// # Errors
    /// `corrupt` for an archive that is damaged or was changed; `invalid-argument` when the name is none or two archives are
    /// one version; what the system says when something cannot be read or written.
    pub fn write(
        folder: &Path,
        name: &str,
        expires: Time,
        key: &SecretKey,
        report: ReportOf<'_>,
        limits: &Limits,
    ) -> Result<Self> {
        name.parse::<PluginId>().map_err(|error| error.context("the name of an index"))?;
        let path = folder.join(INDEX_FILE);
        let serial = match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text)?.serial.saturating_add(1),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 1,
            Err(error) => return Err(cannot("read", &path, error)),
        };
        let mut packages = archives(folder)?
            .iter()
            .map(|file| entry(folder, file, report, limits))
            .collect::<Result<Vec<_>>>()?;
        packages.sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
        let index = Self { format: FORMAT, name: name.to_owned(), serial, expires, packages };
        let text = index.to_toml()?;
        // What cannot be read again is not given away.
        Self::parse(&text)?;
        let signature = key.sign(text.as_bytes(), &index.comment())?;
        put(&path, &text)?;
        put(&folder.join(format!("{INDEX_FILE}.minisig")), &signature)?;
        Ok(index)
    }
}

/// The archives of a folder, sorted by name.
fn archives(folder: &Path) -> Result<Vec<String>> {
    let unreadable = |error| cannot("read", folder, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(&format!(".{ARCHIVE_ENDING}")) && !name.starts_with('.') {
            names.push(name.into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn entry(folder: &Path, file: &str, report: ReportOf<'_>, limits: &Limits) -> Result<IndexEntry> {
    let path = folder.join(file);
    let unpacked = tempfile::tempdir().map_err(|error| cannot("write", &std::env::temp_dir(), error))?;
    // Read once: what is vouched for is what was looked at.
    let mut bytes = Vec::new();
    fs::File::open(&path)
        .and_then(|file| file.take(limits.archive.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| cannot("read", &path, error))?;
    if bytes.len() as u64 > limits.archive {
        return Err(broken(file, format!("it has more than {} bytes", limits.archive)));
    }
    unpack_from(&path, Cursor::new(&bytes), unpacked.path(), limits)?;
    let package = Package::read(unpacked.path(), limits).map_err(|error| error.context(file))?;
    let manifest = package.manifest();
    let interfaces: BTreeSet<_> = manifest
        .artifacts
        .iter()
        .flat_map(|artifact| &artifact.interfaces)
        .map(ToString::to_string)
        .collect();
    let report = report(&path, &package).map_err(|error| error.context(file))?;
    let report = report.map(|FoundReport { path, bytes, level }| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        IndexReport { file, sha256: Sha256::of(&bytes).to_string(), level }
    });
    Ok(IndexEntry {
        id: manifest.plugin.id.to_string(),
        version: manifest.plugin.version.clone(),
        file: file.to_owned(),
        sha256: Sha256::of(&bytes).to_string(),
        size: bytes.len() as u64,
        interfaces: interfaces.into_iter().collect(),
        report,
    })
}

fn put(path: &Path, text: &str) -> Result<()> {
    let failed = |error| cannot("write", path, error);
    let mut new = tempfile_beside(path).map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
