//! A compressed archive whose bytes depend on nothing but its files.

use std::io::Write;
#[cfg(test)]
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::Files;

/// 2020-01-01. Some tools take the year 1970 for a mistake.
const TIME: u64 = 1_577_836_800;

/// The archive: every file below one folder, sorted, with one date and no owner.
///
/// # Errors
/// When a path is too long for an archive.
pub(super) fn bytes(folder: &str, files: &Files) -> Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut archive = Builder::new(gzip);
    for (path, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        let path = format!("{folder}/{path}");
        archive
            .append_data(&mut header, &path, bytes.as_slice())
            .with_context(|| format!("could not add {path} to the archive"))?;
    }
    let mut gzip = archive.into_inner().context("could not finish the archive")?;
    gzip.flush().context("could not finish the archive")?;
    gzip.finish().context("could not finish the archive")
}

/// A path of the archive, from a folder in it and the way from there.
#[cfg(test)]
pub(super) fn resolved(folder: &Path, way: &str) -> String {
    let mut parts: Vec<String> =
        folder.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    for part in way.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            part => parts.push(part.to_owned()),
        }
    }
    parts.join("/")
}
