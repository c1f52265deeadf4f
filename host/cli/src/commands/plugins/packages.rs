//! `parfocal plugins pack | sign | install | remove | index`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use parfocal_catalog::HostSupport;
use parfocal_core::Sha256;
use parfocal_manifest::{FILE_NAME, InterfaceRef, PluginId};
use parfocal_trust::{
    ARCHIVE_ENDING, Done, FoundReport, Index, Limits, Package, Place, Request, Time, TrustStore, Vouched,
    pack as pack_folder, sign as sign_folder, unpack,
};
use parfocal_types::{Error, Result};
use semver::{Version, VersionReq};
use serde::Serialize;

use super::reports;
use crate::{
    args::trust::{self as args, Install, Pack, Remove, Sign},
    folders::Folders,
    output::Output,
    package::cannot,
    trust,
};

#[derive(Debug, Serialize)]
struct Packed {
    plugin: String,
    archive: PathBuf,
    files: usize,
    size: u64,
    signed: bool,
}

pub(super) fn pack(output: &Output, arguments: &Pack) -> Result<ExitCode> {
    let limits = Limits::default();
    let package = Package::read(&arguments.folder, &limits)?;
    let plugin = &package.manifest().plugin;
    let name = format!("{}-{}.{ARCHIVE_ENDING}", plugin.id, plugin.version);
    let is_name = arguments.output.extension().is_some_and(|ending| ending == ARCHIVE_ENDING);
    let archive = match &arguments.output {
        archive if is_name => archive.clone(),
        here if here == Path::new(".") => PathBuf::from(name),
        folder => {
            fs::create_dir_all(folder).map_err(|error| cannot("make", folder, error))?;
            folder.join(name)
        }
    };
    pack_folder(&arguments.folder, &archive, &limits)?;
    let packed = Packed {
        plugin: package.manifest().label(),
        files: package.files().len(),
        size: fs::metadata(&archive).map_err(|error| cannot("read", &archive, error))?.len(),
        signed: package.signature().is_some(),
        archive,
    };
    output.text(format!("{} is packed in {}", packed.plugin, packed.archive.display()));
    output.text(format!("  {}, {} bytes", count(packed.files, "file"), packed.size));
    if !packed.signed {
        output.text(format!("Next:\n  parfocal plugins sign {}", packed.archive.display()));
    }
    output.document(&packed)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn sign(output: &Output, folders: &Folders, arguments: &Sign) -> Result<ExitCode> {
    let limits = Limits::default();
    let path = &arguments.package;
    let key = trust::secret_key(folders, arguments.key.as_deref())?;
    let package = if path.is_dir() {
        sign_folder(path, &key, &limits)?
    } else {
        let unpacked = temporary()?;
        unpack(path, unpacked.path(), &limits)?;
        let package = sign_folder(unpacked.path(), &key, &limits)?;
        pack_folder(unpacked.path(), path, &limits)?;
        package
    };
    let (label, files) = (package.manifest().label(), package.files().len());
    let all = count(files, "file");
    output.text(format!("{label} is signed with the key {}: {all} in {}", key.id(), path.display()));
    output.text(format!("Next:\n  parfocal plugins install {}", path.display()));
    let document = serde_json::json!({ "plugin": label, "key": key.id(), "files": files, "package": path });
    output.document(&document)?;
    Ok(ExitCode::SUCCESS)
}

/// `1 file`, `2 files`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

pub(super) fn temporary() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|error| cannot("write", &std::env::temp_dir(), error))
}

#[derive(Debug, Serialize)]
struct Report {
    plugin: String,
    folder: PathBuf,
    vouched: Vouched,
    was_there: bool,
    replaced: bool,
}

pub(super) fn install(output: &Output, folders: &Folders, arguments: &Install) -> Result<ExitCode> {
    let installation = trust::installation(folders)?;
    let mut request = Request {
        allow_unsigned: arguments.allow_unsigned,
        replace: arguments.replace,
        ..Request::default()
    };
    let now = Time::now();
    let done = match &arguments.from {
        None => {
            let path = Path::new(&arguments.package);
            if !path.exists() {
                return Err(Error::not_found(format!(
                    "there is no archive and no folder {}",
                    path.display()
                ))
                .with_remedy("to install a plugin by its id, say from where with --from"));
            }
            request.from = path.canonicalize().ok().map(|path| path.display().to_string());
            installation.install(path, &request, now)?
        }
        Some(place) => {
            let (id, range) = wanted(&arguments.package)?;
            let store = TrustStore::open(&folders.state)?;
            let index = Index::open(place, &store, &folders.state, now)?;
            let entry = index.newest(&id, &range, &speaks)?;
            let offered = Index::fetch(place, entry, &Limits::default())?;
            request.from = Some(format!("{} number {} of {}", index.name, index.serial, full(place)));
            request.expected = Some((id, entry.version.clone()));
            installation.install(offered.archive.path(), &request, now)?
        }
    };
    show(output, &done);
    output.document(&Report {
        plugin: format!("{} {}", done.id, done.version),
        folder: done.folder,
        vouched: done.vouched,
        was_there: done.was_there,
        replaced: done.replaced,
    })?;
    Ok(ExitCode::SUCCESS)
}

fn full(place: &Place) -> String {
    match place {
        Place::Folder(folder) => {
            folder.canonicalize().unwrap_or_else(|_| folder.clone()).display().to_string()
        }
        Place::Web(address) => address.clone(),
    }
}

fn show(output: &Output, done: &Done) {
    let what = match (done.was_there, done.replaced) {
        (true, _) => "was installed already",
        (_, true) => "replaces what was installed",
        _ => "is installed",
    };
    output.text(format!("{} {} {what} in {}", done.id, done.version, done.folder.display()));
    match &done.vouched {
        Vouched::Signed { by, key } => output.text(format!("  signed by {by} ({key})")),
        Vouched::Unsigned { because } => {
            output.text(format!("  unsigned, allowed by you: {because}. Every result will say so"));
        }
    }
}

/// `id` or `id@range`.
fn wanted(text: &str) -> Result<(PluginId, VersionReq)> {
    let (id, range) = text.split_once('@').unwrap_or((text, "*"));
    let range = VersionReq::parse(range).map_err(|error| {
        Error::invalid_argument(format!("`{range}` is no range of versions: {error}"))
            .with_remedy("write for example ^1, =0.1.0 or >=1.2, <2")
    })?;
    Ok((id.parse()?, range))
}

/// `id` or `id@version`.
pub(super) fn exact(text: &str) -> Result<(PluginId, Option<Version>)> {
    let (id, version) = match text.split_once('@') {
        Some((id, version)) => (id, Some(version.trim_start_matches('='))),
        None => (text, None),
    };
    let version = version.map(Version::parse).transpose().map_err(|error| {
        Error::invalid_argument(format!("`{text}` does not end in a version: {error}"))
            .with_remedy("write for example org.example.smooth@0.1.0")
    })?;
    Ok((id.parse()?, version))
}

/// Whether this host speaks an interface version.
fn speaks(interface: &InterfaceRef) -> bool {
    let support = HostSupport::this_computer();
    support.interfaces.get(&interface.name).is_some_and(|versions| versions.contains(&interface.version))
}

pub(super) fn remove(output: &Output, folders: &Folders, arguments: &Remove) -> Result<ExitCode> {
    let (id, version) = exact(&arguments.package)?;
    let removed = trust::installation(folders)?.remove(&id, version.as_ref())?;
    output.text(format!("{id} {removed} is removed"));
    output.document(&serde_json::json!({ "id": id, "version": removed }))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn index(output: &Output, folders: &Folders, arguments: &args::Index) -> Result<ExitCode> {
    let key = trust::secret_key(folders, arguments.key.as_deref())?;
    let expires = Time::now().plus(arguments.expires_in)?;
    let index =
        Index::write(&arguments.folder, &arguments.name, expires, &key, &report_of, &Limits::default())?;
    output.text(format!(
        "index {} number {} of {}: {}, until {}, signed with the key {}",
        index.name,
        index.serial,
        arguments.folder.display(),
        count(index.packages.len(), "package"),
        index.expires,
        key.id()
    ));
    for entry in &index.packages {
        let level = entry.report.as_ref().map(|report| format!(", conformance {}", report.level));
        output.text(format!("  {} {}{}", entry.id, entry.version, level.unwrap_or_default()));
    }
    output.document(&index)?;
    Ok(ExitCode::SUCCESS)
}

/// The conformance report beside an archive, and the level that it proves for this very package.
fn report_of(archive: &Path, package: &Package) -> Result<Option<FoundReport>> {
    let path = archive.with_extension("report.json");
    if !path.is_file() {
        return Ok(None);
    }
    let (report, bytes) = reports::read(&path)?;
    let digest = package.files().get(FILE_NAME).unwrap_or(Sha256([0; 32]));
    let level = reports::proves(&report, package.manifest(), digest).map_err(|why| {
        Error::corrupt(format!("{} is not put into an index: {why}", path.display())).with_remedy(
            "write it with `parfocal conform <the folder of this build> --report <file>`, or take the file away",
        )
    })?;
    Ok(Some(FoundReport { path, bytes, level: level.to_string() }))
}
