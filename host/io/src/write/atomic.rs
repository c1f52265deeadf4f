//! Files that appear whole or not at all.

use std::{
    collections::BTreeSet,
    fs::{File, Permissions},
    io::{self, ErrorKind as Io, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use parfocal_types::error::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;

/// The pending files of this process: somebody who ends it at once runs no destructors.
static PENDING: Mutex<Registry> = Mutex::new(Registry { paths: BTreeSet::new(), closed: false });

#[derive(Debug, Default)]
struct Registry {
    paths: BTreeSet<PathBuf>,
    /// The process ends: no file may be started that nobody would remove.
    closed: bool,
}

impl Registry {
    /// Starts a file and notes it, in one step for those who discard.
    fn start(&mut self, create: impl FnOnce() -> Result<NamedTempFile>) -> Result<(NamedTempFile, PathBuf)> {
        if self.closed {
            return Err(Error::cancelled());
        }
        let temporary = create()?;
        let path = temporary.path().to_owned();
        self.paths.insert(path.clone());
        Ok((temporary, path))
    }

    fn discard(&mut self) {
        self.closed = true;
        for path in std::mem::take(&mut self.paths) {
            // What cannot be removed stays: there is nobody left to tell.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn pending() -> MutexGuard<'static, Registry> {
    // A set of paths is whole after each change.
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every file of this process that is not whole yet, and lets none be started any more.
///
/// For a program that is about to end without running destructors (a second interrupt, a fatal signal). Writers that
/// are still at work fail from here on; what has its name already stays.
pub fn discard_all() {
    pending().discard();
}

/// A path in the registry, until it is dropped.
struct Noted(PathBuf);

impl Drop for Noted {
    fn drop(&mut self) {
        pending().paths.remove(&self.0);
    }
}

/// A file that is written beside its target under another name, and takes the target's place when it is whole.
/// Dropped before that, it leaves nothing behind.
pub(crate) struct PendingFile {
    temporary: NamedTempFile,
    target: PathBuf,
    /// Dropped after the file is gone.
    noted: Noted,
}

impl PendingFile {
    pub(crate) fn create(target: &Path) -> Result<Self> {
        if target.is_dir() {
            return Err(Error::invalid_argument(format!("{} is a folder, not a file", target.display()))
                .with_remedy("add the name of the file to write"));
        }
        let Some(name) = target.file_name() else {
            return Err(Error::invalid_argument(format!("`{}` names no file", target.display())));
        };
        let folder = folder_of(target);
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".partial");
        ordinary_permissions(&mut builder);
        let create = || builder.tempfile_in(folder).map_err(|error| store_error(error, target));
        let (temporary, path) = pending().start(create)?;
        Ok(Self { temporary, target: target.to_owned(), noted: Noted(path) })
    }

    pub(crate) fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Makes the file durable and gives it its name, in the place of what had it before.
    pub(crate) fn appear(self) -> Result<()> {
        let Self { temporary, target, noted } = self;
        temporary.as_file().sync_all().map_err(|error| store_error(error, &target))?;
        temporary.persist(&target).map_err(|error| store_error(error.error, &target))?;
        drop(noted);
        // The new name is durable once the folder is; not every file system lets a folder be synced.
        if let Ok(folder) = File::open(folder_of(&target)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Writes a small file that appears whole or not at all.
///
/// # Errors
/// `not-found` for a missing folder, `permission-denied`, `data-incomplete` for a full disk: each with what to do.
pub fn write_whole(target: &Path, bytes: &[u8]) -> Result<()> {
    let pending = PendingFile::create(target)?;
    pending.file().write_all(bytes).map_err(|error| store_error(error, target))?;
    pending.appear()
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are private by default; a result is as readable as any file that the user makes.
#[cfg(unix)]
fn ordinary_permissions(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn ordinary_permissions(_: &mut tempfile::Builder<'_, '_>) {}

/// What an error of the operating system means for somebody who writes `target`.
pub(crate) fn store_error(error: io::Error, target: &Path) -> Error {
    let shown = target.display();
    let place = folder_of(target);
    let folder = place.display();
    let (kind, why, remedy) = match error.kind() {
        Io::NotFound if !place.exists() => (
            ErrorKind::NotFound,
            format!("there is no folder `{folder}`"),
            format!("create it with `mkdir -p {folder}`, or choose another place"),
        ),
        Io::NotADirectory => (
            ErrorKind::InvalidArgument,
            format!("`{folder}` is not a folder"),
            "choose another place".to_owned(),
        ),
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (
            ErrorKind::PermissionDenied { permission: format!("write into {folder}") },
            format!("writing into `{folder}` is not allowed"),
            "choose another place, or ask for the right to write there".to_owned(),
        ),
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => (
            ErrorKind::DataIncomplete { missing: "space on the disk".to_owned() },
            format!("there is no space left in `{folder}`"),
            "free some space, or choose a place on another disk; nothing was left behind".to_owned(),
        ),
        _ => (ErrorKind::Internal, error.to_string(), "check the disk, then try again".to_owned()),
    };
    Error::new(kind, format!("{shown} cannot be written: {why}")).with_remedy(remedy).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_so_and_what_to_do() {
        let error = store_error(io::Error::from(Io::StorageFull), Path::new("out/cells.ome.tif"));
        assert_eq!(error.kind().name(), "data-incomplete");
        assert_eq!(error.to_string(), "out/cells.ome.tif cannot be written: there is no space left in `out`");
        assert!(error.remedy().unwrap().contains("free some space"));
    }

    #[test]
    fn a_file_appears_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("table.csv");
        std::fs::write(&target, "old").unwrap();
        let count = || std::fs::read_dir(folder.path()).unwrap().count();

        let dropped = PendingFile::create(&target).unwrap();
        dropped.file().write_all(b"half").unwrap();
        assert_eq!(count(), 2);
        drop(dropped);
        assert_eq!((count(), std::fs::read(&target).unwrap()), (1, b"old".to_vec()));

        let whole = PendingFile::create(&target).unwrap();
        whole.file().write_all(b"new").unwrap();
        whole.appear().unwrap();
        assert_eq!((count(), std::fs::read(&target).unwrap()), (1, b"new".to_vec()));
    }

    #[test]
    fn what_is_discarded_is_gone_and_nothing_is_started_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        let create = || Ok(tempfile::Builder::new().tempfile_in(folder.path()).unwrap());
        let mut registry = Registry::default();
        let (file, path) = registry.start(create).unwrap();
        assert!(path.exists() && registry.paths.contains(&path));
        registry.discard();
        assert!(count() == 0 && registry.paths.is_empty());
        assert_eq!(registry.start(create).unwrap_err().kind().name(), "cancelled");
        assert_eq!(count(), 0);
        drop(file);
    }

    #[test]
    fn a_file_is_noted_as_long_as_it_is_pending() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.csv");
        let known = |path: &Path| pending().paths.contains(path);
        let dropped = PendingFile::create(&target).unwrap();
        let path = dropped.noted.0.clone();
        assert!(known(&path));
        drop(dropped);
        assert!(!known(&path));
        let whole = PendingFile::create(&target).unwrap();
        let path = whole.noted.0.clone();
        assert!(known(&path));
        whole.appear().unwrap();
        assert!(!known(&path));
    }

    #[test]
    fn a_missing_folder_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let error = PendingFile::create(&folder.path().join("no/where.tif")).err().unwrap();
        assert_eq!(error.kind().name(), "not-found");
        assert!(error.remedy().unwrap().contains("mkdir"));
        let error = PendingFile::create(folder.path()).err().unwrap();
        assert_eq!(error.kind().name(), "invalid-argument");
    }
}
