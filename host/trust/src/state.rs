//! Small TOML files in the state folder, changed whole and one at a time.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use parfocal_types::{Error, ErrorKind, Result};
use serde::{Serialize, de::DeserializeOwned};

use crate::package::tempfile_beside;

/// The format of all files of the state that this crate writes.
const FORMAT: u32 = 1;

/// What a file of the state holds.
pub(crate) trait Stored: Serialize + DeserializeOwned + Default {
    /// The file's name.
    const FILE: &'static str;
    /// What it is called in messages.
    const WHAT: &'static str;
    /// What it means to delete it.
    const LOSS: &'static str;
}

#[derive(Serialize)]
struct Whole<'a, T> {
    format: u32,
    #[serde(flatten)]
    content: &'a T,
}

/// Reads a file; none is an empty one.
pub(crate) fn read<T: Stored>(folder: &Path) -> Result<T> {
    let path = folder.join(T::FILE);
    let damaged = |why: String| {
        Error::new(
            ErrorKind::Corrupt { what: path.display().to_string() },
            format!("{} in {} cannot be read: {why}", T::WHAT, path.display()),
        )
        .with_remedy(format!("put it right, or delete it, {}", T::LOSS))
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
        Err(error) => return Err(damaged(error.to_string())),
    };
    let mut table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))?;
    match table.remove("format").and_then(|format| format.as_integer()) {
        Some(format) if format == i64::from(FORMAT) => {}
        Some(format) => {
            return Err(damaged(format!("it is of format {format}, this program reads {FORMAT}")));
        }
        None => return Err(damaged("it does not say its format".to_owned())),
    }
    table.try_into().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))
}

/// Reads a file, changes it and writes it again, while nobody else does.
pub(crate) fn change<T: Stored, R>(folder: &Path, change: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
    let path = folder.join(T::FILE);
    let failed = |error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                ErrorKind::PermissionDenied { permission: format!("write {}", path.display()) }
            }
            _ => ErrorKind::Internal,
        };
        Error::new(kind, format!("{} in {} cannot be written: {error}", T::WHAT, path.display()))
            .with_source(error)
            .with_remedy("see that you may write there, and that the disk is not full")
    };
    let _lock = lock(folder, T::FILE).map_err(failed)?;
    let mut content: T = read(folder)?;
    let result = change(&mut content)?;
    let text = toml::to_string(&Whole { format: FORMAT, content: &content })
        .map_err(|error| failed(io::Error::other(error)))?;
    let mut new = tempfile_beside(&path).map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(&path).map_err(|error| failed(error.error))?;
    Ok(result)
}

/// Waits until nobody else holds the lock of this name. It is free again when the file is dropped, also when the process
/// dies.
pub(crate) fn lock(folder: &Path, name: &str) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(format!("{name}.lock")))?;
    lock.lock()?;
    Ok(lock)
}
