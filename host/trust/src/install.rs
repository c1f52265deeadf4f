//! Installing and removing.
//!
//! What is installed appears whole or not at all: it is unpacked beside its place under a hidden name, judged there, and
//! renamed. What a process that died left behind is cleared by the next one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use parfocal_manifest::PluginId;
use parfocal_types::{Error, ErrorKind, Result};
use semver::Version;

use crate::{
    archive,
    installed::{Record, Records, Vouched},
    limits::Limits,
    package::Package,
    state,
    store::{Standing, TrustStore},
    time::Time,
    walk::cannot,
};

/// How the hidden folders of an installation under way are called.
const UNDER_WAY: &str = ".parfocal-installing-";

/// What somebody wants to install.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Where it comes from, for the record; the path by default.
    pub from: Option<String>,
    /// Take it though nobody vouches for it.
    pub allow_unsigned: bool,
    /// Take it in the place of other files of the same plugin and version.
    pub replace: bool,
    /// What it must be.
    pub expected: Option<(PluginId, Version)>,
}

/// What became of an installation.
#[derive(Debug, Clone)]
pub struct Done {
    /// The plugin.
    pub id: PluginId,
    /// Its version.
    pub version: Version,
    /// Its folder.
    pub folder: PathBuf,
    /// Who vouches for it.
    pub vouched: Vouched,
    /// Whether these very files were there before.
    pub was_there: bool,
    /// Whether other files of the same version were there before.
    pub replaced: bool,
}

/// What [`Installation::install`] did to the folder of a plugin.
#[derive(Debug, Clone, Copy)]
enum Appeared {
    /// Nothing: the very files were there.
    Nothing,
    /// It was not there.
    New,
    /// It changed its place with what was there.
    Swapped,
}

/// The place where one user's plugins are installed.
#[derive(Debug, Clone)]
pub struct Installation {
    plugins: PathBuf,
    state: PathBuf,
    limits: Limits,
}

impl Installation {
    /// Plugins go into `plugins`, the record of them into `state_dir`; both are made when they are needed.
    #[must_use]
    pub fn new(plugins: &Path, state_dir: &Path, limits: Limits) -> Self {
        Self { plugins: plugins.to_owned(), state: state_dir.to_owned(), limits }
    }

    /// The folder that a plugin is installed in.
    #[must_use]
    pub fn place(&self, id: &PluginId, version: &Version) -> PathBuf {
        self.plugins.join(format!("{id}-{version}"))
    }

    /// Installs an archive or a folder.
    ///
    /// # Errors
    /// `permission-denied` when nobody vouches for it and that was not allowed; `corrupt` when it was changed or is damaged;
    /// `invalid-argument` when it is another plugin than expected, or other files of the version are there and are not to be
    /// replaced; what the system says. In every case what was there before is there as it was.
    pub fn install(&self, source: &Path, request: &Request, now: Time) -> Result<Done> {
        let store = TrustStore::open(&self.state)?;
        let failed = |error| cannot("install into", &self.plugins, error);
        fs::create_dir_all(&self.plugins).map_err(failed)?;
        let _lock = state::lock(&self.state, "install").map_err(|error| cannot("use", &self.state, error))?;
        self.clear();
        let new = tempfile::Builder::new().prefix(UNDER_WAY).tempdir_in(&self.plugins).map_err(failed)?;
        if source.is_dir() {
            archive::copy(source, new.path(), &self.limits)?;
        } else {
            archive::unpack(source, new.path(), &self.limits)?;
        }
        let package =
            Package::read(new.path(), &self.limits).map_err(|error| hide(error, new.path(), source))?;
        expected(&package, request)?;
        let vouched = vouched(&store.judge(&package, now)?, &package, request)?;
        let plugin = &package.manifest().plugin;
        let done = Done {
            id: plugin.id.clone(),
            version: plugin.version.clone(),
            folder: self.place(&plugin.id, &plugin.version),
            vouched: vouched.clone(),
            was_there: false,
            replaced: false,
        };
        let (done, appeared) = self.appear(&new, &package, request, done)?;
        let record = Record {
            id: done.id.to_string(),
            version: done.version.clone(),
            files: package.files().digest().to_string(),
            installed: now,
            from: request.from.clone().unwrap_or_else(|| source.display().to_string()),
            vouched,
        };
        // After the files: a record of what is not there would allow what comes later.
        match Records::put(&self.state, record) {
            Ok(()) => Ok(done),
            Err(error) => Err(self.undo(new, &done.folder, appeared, error)),
        }
    }

    /// Takes back what [`appear`](Self::appear) did, and gives the error that it was done for.
    fn undo(&self, new: tempfile::TempDir, place: &Path, appeared: Appeared, error: Error) -> Error {
        let undone = match appeared {
            Appeared::Nothing => Ok(()),
            Appeared::New => fs::rename(place, new.path()),
            Appeared::Swapped => swap(new.path(), place),
        };
        sync(&self.plugins);
        match undone {
            Ok(()) => error,
            Err(failure) => {
                // Not cleared with this process: it is all that there is of what was installed before.
                let kept = new.keep();
                let message = format!(
                    "{}; and what was there before could not be put back: {failure}",
                    error.message()
                );
                Error::new(error.kind().clone(), message).with_source(error).with_remedy(format!(
                    "move {} to {} by hand",
                    kept.display(),
                    place.display()
                ))
            }
        }
    }

    /// Moves the new folder to its place. What was there before lies where the new one was until the caller lets go of it.
    fn appear(
        &self,
        new: &tempfile::TempDir,
        package: &Package,
        request: &Request,
        mut done: Done,
    ) -> Result<(Done, Appeared)> {
        let failed = |error| cannot("install into", &done.folder, error);
        if done.folder.symlink_metadata().is_err() {
            ordinary(new.path()).and_then(|()| fs::rename(new.path(), &done.folder)).map_err(failed)?;
            sync(&self.plugins);
            return Ok((done, Appeared::New));
        }
        let old = Package::read(&done.folder, &self.limits);
        let same = old.as_ref().is_ok_and(|old| old.files() == package.files());
        let better = same && old.is_ok_and(|old| old.signature().is_none()) && package.signature().is_some();
        if same && !better {
            done.was_there = true;
            return Ok((done, Appeared::Nothing));
        }
        if !same && !request.replace {
            let message = format!("{} is installed already, with other files", package.manifest().label());
            return Err(Error::invalid_argument(message).with_remedy(
                "a version that was given away does not change: ask its author which one is right, then give --replace",
            ));
        }
        ordinary(new.path()).and_then(|()| swap(new.path(), &done.folder)).map_err(failed)?;
        sync(&self.plugins);
        (done.was_there, done.replaced) = (same, !same);
        Ok((done, Appeared::Swapped))
    }

    /// The installed versions of a plugin, oldest first, with their folders. Broken ones too.
    ///
    /// # Errors
    /// What the system says when the folder cannot be read.
    pub fn versions(&self, id: &PluginId) -> Result<Vec<(Version, PathBuf)>> {
        let unreadable = |error| cannot("read", &self.plugins, error);
        let entries = match fs::read_dir(&self.plugins) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>().map_err(unreadable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unreadable(error)),
        };
        let beginning = format!("{id}-");
        let version = |name: &str| Version::parse(name.strip_prefix(&beginning)?).ok();
        let mut versions: Vec<_> = entries
            .iter()
            .filter_map(|entry| Some((version(entry.file_name().to_str()?)?, entry.path())))
            .collect();
        versions.sort();
        Ok(versions)
    }

    /// Removes a version of a plugin, or the only one that is installed. Gives the version.
    ///
    /// # Errors
    /// `not-found` when it is not installed; `invalid-argument` when several versions are and none was named; what the system
    /// says. When the record cannot be written it stays installed.
    pub fn remove(&self, id: &PluginId, version: Option<&Version>) -> Result<Version> {
        let _lock = state::lock(&self.state, "install").map_err(|error| cannot("use", &self.state, error))?;
        self.clear();
        let versions = self.versions(id)?;
        let list = versions.iter().map(|(version, _)| version.to_string()).collect::<Vec<_>>().join(", ");
        let chosen = match version {
            Some(wanted) => versions.into_iter().find(|(version, _)| version == wanted),
            None if versions.len() > 1 => {
                let message = format!("{id} is installed in several versions: {list}");
                return Err(Error::invalid_argument(message)
                    .with_remedy(format!("name the one to remove, for example {id}@{}", versions[0].0)));
            }
            None => versions.into_iter().next(),
        };
        let Some((version, folder)) = chosen else {
            let remedy = match list.as_str() {
                "" => format!("nothing of that name is in {}", self.plugins.display()),
                list => format!("installed is {list}"),
            };
            let wanted = version.map(|version| format!(" {version}")).unwrap_or_default();
            return Err(Error::not_found(format!("{id}{wanted} is not installed")).with_remedy(remedy));
        };
        let failed = |error| cannot("remove", &folder, error);
        // Out of sight first: a plugin that is half removed is found by nobody.
        let hidden = tempfile::Builder::new().prefix(UNDER_WAY).tempdir_in(&self.plugins).map_err(failed)?;
        let aside = hidden.path().join("removed");
        fs::rename(&folder, &aside).map_err(failed)?;
        if let Err(error) = Records::forget(&self.state, id, &version) {
            fs::rename(&aside, &folder).map_err(failed)?;
            return Err(error);
        }
        hidden.close().map_err(failed)?;
        Ok(version)
    }

    /// Clears what an installation left that died; nobody installs while the lock is held.
    fn clear(&self) {
        let entries = fs::read_dir(&self.plugins).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNDER_WAY)) {
            // What cannot be cleared is hidden, and in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Says the place that the user knows instead of the hidden one.
fn hide(error: Error, hidden: &Path, source: &Path) -> Error {
    let message = error.message().replace(&hidden.display().to_string(), &source.display().to_string());
    let remedy = error.remedy().unwrap_or("get the package again").to_owned();
    Error::new(error.kind().clone(), message).with_remedy(remedy)
}

fn expected(package: &Package, request: &Request) -> Result<()> {
    let plugin = &package.manifest().plugin;
    match &request.expected {
        Some((id, version)) if (id, version) != (&plugin.id, &plugin.version) => {
            let message =
                format!("{id} {version} was asked for, the package is {}", package.manifest().label());
            Err(Error::new(ErrorKind::Corrupt { what: "the index".into() }, message)
                .with_remedy("tell whoever keeps the index"))
        }
        _ => Ok(()),
    }
}

fn vouched(standing: &Standing, package: &Package, request: &Request) -> Result<Vouched> {
    let label = package.manifest().label();
    let (why, remedy) = match standing {
        Standing::Signed { name, key, expired: None } => {
            return Ok(Vouched::Signed { by: name.clone(), key: *key });
        }
        Standing::Signed { name, expired: Some(end), .. } => (
            format!("it is signed by {name}, a key that you trusted until {end}"),
            "ask its author for the new key".to_owned(),
        ),
        Standing::Unsigned { why, remedy } => (why.clone(), remedy.clone()),
    };
    if request.allow_unsigned {
        return Ok(Vouched::Unsigned { because: why });
    }
    let kind = ErrorKind::PermissionDenied { permission: "install a plugin that nobody vouches for".into() };
    Err(Error::new(kind, format!("{label} is not installed: {why}"))
        .with_remedy(format!("{remedy}; or give --allow-unsigned, which every result will say")))
}

/// Gives a temporary folder, which only its owner can read, the permissions of any folder that the user makes.
#[cfg(unix)]
fn ordinary(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // What the user's mask leaves of a new folder is what a new folder inside has.
    let probe = folder.join(".mask");
    fs::create_dir(&probe)?;
    let mode = fs::metadata(&probe)?.permissions().mode();
    fs::remove_dir(&probe)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn ordinary(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Lets two folders change their places, in one step where the system can.
fn swap(new: &Path, place: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(()),
            // Not every file system can.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let aside = new.with_extension("old");
    fs::rename(place, &aside)?;
    if let Err(error) = fs::rename(new, place) {
        fs::rename(&aside, place)?;
        return Err(error);
    }
    fs::rename(&aside, new)
}

/// Makes a rename last, where the system lets a folder be synced.
fn sync(folder: &Path) {
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
}
