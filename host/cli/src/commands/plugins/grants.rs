//! `parfocal plugins grant` and `revoke`: native code in the program's own process.

use std::{fs, path::Path, process::ExitCode};

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef, Selection};
use parfocal_conformance::{Level, Profile, Report};
use parfocal_core::Sha256;
use parfocal_manifest::{LaneKind, PluginId};
use parfocal_trust::{Grant, Grants, Time, Verdict};
use parfocal_types::{Error, ErrorKind, Result};
use semver::VersionReq;

use crate::{args::trust, folders::Folders, output::Output, package::cannot};

pub(super) fn grant(output: &Output, folders: &Folders, arguments: &trust::Grant) -> Result<ExitCode> {
    let catalog = crate::trust::scan(folders, &HostSupport::this_computer())?;
    let Selection { artifact, manifest, .. } = native(&catalog, &arguments.plugin)?;
    let label = manifest.label();
    let signed = match crate::trust::verdict(&crate::trust::open(folders)?, &catalog, &artifact)? {
        Verdict::Signed { by, .. } => by,
        verdict => return Err(refused(&label, &verdict.to_string())),
    };
    let report = read(&arguments.report)?;
    fits(&report, &artifact.sha256).map_err(|why| refused(&label, &why))?;
    let grant = Grant {
        plugin: artifact.plugin.clone(),
        version: artifact.version.clone(),
        file: artifact.sha256.to_string(),
        signed,
        level: report.summary.reached.unwrap_or(Level::L3).to_string(),
        granted: Time::now(),
    };
    Grants::add(&folders.state, grant.clone())?;
    output.text(format!("{label} may run in the program's own process: `parfocal run --in-process`"));
    output.document(&grant)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn revoke(output: &Output, folders: &Folders, arguments: &trust::Revoke) -> Result<ExitCode> {
    let revoked = Grants::revoke(&folders.state, &arguments.plugin)?;
    for Grant { plugin, version, .. } in &revoked {
        output.text(format!("{plugin} {version} runs in workers only"));
    }
    if revoked.is_empty() {
        output.text(format!("{} had no grant", arguments.plugin));
    }
    output.document(&revoked)?;
    Ok(ExitCode::SUCCESS)
}

/// The newest native code of a plugin in a range of versions.
fn native(catalog: &Catalog, text: &str) -> Result<Selection> {
    let (id, range) = text.split_once('@').unwrap_or((text, "*"));
    let plugin: PluginId = id.parse()?;
    let range = VersionReq::parse(range)
        .map_err(|error| Error::invalid_argument(format!("`{range}` is no range of versions: {error}")))?;
    let packages = catalog.plugins().iter().filter_map(|package| package.manifest.as_ref().ok());
    let manifest =
        packages.filter(|manifest| manifest.plugin.id == plugin).max_by_key(|m| m.plugin.version.clone());
    let operator = manifest.and_then(|manifest| manifest.operators.first()).ok_or_else(|| {
        Error::not_found(format!("there is no plugin `{plugin}`"))
            .with_remedy("`parfocal plugins list` shows those that are there")
    })?;
    let wanted = OperatorRef { plugin: Some(plugin), operator: operator.id.clone(), range };
    catalog.pick(&wanted, &LaneOrder::only(LaneKind::Native))
}

fn read(path: &Path) -> Result<Report> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, error))?;
    serde_json::from_str(&text).map_err(|error| {
        Error::corrupt(format!("{} is no report of the conformance suite: {error}", path.display()))
            .with_remedy("`parfocal conform <plugin> --profile full --report <file>` writes one")
    })
}

/// Whether a report shows level 3 for this file, without anything left out.
fn fits(report: &Report, file: &Sha256) -> std::result::Result<(), String> {
    let digest = file.to_string();
    if !report.plugin.files.values().any(|known| *known == digest) {
        return Err("the report is about other files than this build".to_owned());
    }
    if report.configuration.profile != Profile::Full || !report.configuration.weakened.is_empty() {
        return Err("the report is not of a whole run with `--profile full`".to_owned());
    }
    match report.summary.reached {
        Some(level) if level >= Level::L3 => Ok(()),
        Some(level) => Err(format!("the report shows level {level}, level L3 is needed")),
        None => Err("the report shows no level".to_owned()),
    }
}

fn refused(label: &str, why: &str) -> Error {
    let kind = ErrorKind::PermissionDenied { permission: "run in the program's own process".into() };
    Error::new(kind, format!("{label} cannot be granted the program's own process: {why}"))
        .with_remedy("it runs in a worker as well, which costs a fraction of a millisecond a tile")
}
