//! The files of a folder.

use std::{collections::BTreeMap, fs, io, path::Path};

use parfocal_manifest::PackagePath;
use parfocal_types::{Error, ErrorKind, Result};

use crate::{
    limits::Limits,
    path::{Names, portable},
};

/// Every file of a folder by its path inside, with its size in bytes.
///
/// # Errors
/// `corrupt` for a link, a device, a name that not every system has, or more than the limits allow; what the system says
/// when something cannot be read.
pub(crate) fn files(folder: &Path, limits: &Limits) -> Result<BTreeMap<PackagePath, u64>> {
    let mut walk = Walk { limits, found: BTreeMap::new(), names: Names::default(), total: 0 };
    walk.look(folder, "")?;
    Ok(walk.found)
}

struct Walk<'a> {
    limits: &'a Limits,
    found: BTreeMap<PackagePath, u64>,
    names: Names,
    total: u64,
}

impl Walk<'_> {
    fn look(&mut self, folder: &Path, inside: &str) -> Result<()> {
        let unreadable = |error| cannot("read", folder, error);
        let mut entries: Vec<_> =
            fs::read_dir(folder).map_err(unreadable)?.collect::<io::Result<_>>().map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Some(name) = entry.file_name().to_str().map(|name| format!("{inside}{name}")) else {
                return Err(refused(format!("the name of {} is not UTF-8", path.display())));
            };
            let name = portable(&name, self.limits.depth)?;
            let metadata = path.symlink_metadata().map_err(|error| cannot("read", &path, error))?;
            if metadata.is_dir() {
                self.look(&path, &format!("{}/", name.as_str()))?;
            } else if metadata.is_file() {
                self.add(name, metadata.len())?;
            } else {
                let what = if metadata.is_symlink() { "a link" } else { "no ordinary file" };
                return Err(refused(format!("{} is {what}", path.display())));
            }
        }
        Ok(())
    }

    fn add(&mut self, name: PackagePath, size: u64) -> Result<()> {
        self.total = self.total.saturating_add(size);
        let Limits { files, file, total, .. } = *self.limits;
        if self.found.len() >= files {
            return Err(refused(format!("there are more than {files} files")));
        }
        if size > file {
            return Err(refused(format!("{name} has {size} bytes, more than the {file} of a file")));
        }
        if self.total > total {
            return Err(refused(format!("the files have more than {total} bytes together")));
        }
        self.names.add(&name)?;
        self.found.insert(name, size);
        Ok(())
    }
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::Corrupt { what: "the package".into() }, why)
        .with_remedy("a package has ordinary files only, and no data: take it out of the folder")
}

/// The error of a file or folder that could not be read, written or made.
pub(crate) fn cannot(verb: &str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorKind::PermissionDenied { permission: format!("{verb} {}", path.display()) }
        }
        _ => ErrorKind::Internal,
    };
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "name one that exists",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
        _ => "see that you may read and write there",
    };
    Error::new(kind, format!("cannot {verb} {}: {error}", path.display()))
        .with_source(error)
        .with_remedy(remedy)
}
