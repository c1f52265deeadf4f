//! `parfocal plugins grant` and `revoke`: native code in the program's own process.

use std::process::ExitCode;

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef, Selection};
use parfocal_conformance::Level;
use parfocal_core::Sha256;
use parfocal_manifest::{LaneKind, PluginId};
use parfocal_trust::{Grant, Grants, Time, Verdict};
use parfocal_types::{Error, ErrorKind, Result};
use semver::VersionReq;

use super::reports;
use crate::{args::trust, folders::Folders, output::Output};

pub(super) fn grant(output: &Output, folders: &Folders, arguments: &trust::Grant) -> Result<ExitCode> {
    let catalog = crate::trust::scan(folders, &HostSupport::this_computer())?;
    let Selection { artifact, manifest, .. } = native(&catalog, &arguments.plugin)?;
    let label = manifest.label();
    let (package, verdict) = crate::trust::verdict(&crate::trust::open(folders)?, &catalog, &artifact)?;
    let signed = match verdict {
        Verdict::Signed { by, .. } => by,
        verdict => return Err(refused(&label, &verdict.to_string())),
    };
    let (report, _) = reports::read(&arguments.report)?;
    let digest = Sha256::of(package.text.as_bytes());
    let level = reports::proves(&report, &manifest, digest).and_then(enough);
    let level = level.map_err(|why| refused(&label, &why))?;
    let grant = Grant {
        plugin: artifact.plugin.clone(),
        version: artifact.version.clone(),
        file: artifact.sha256.to_string(),
        signed,
        level: level.to_string(),
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

/// The level that a report shows, when it is enough.
fn enough(level: Level) -> std::result::Result<Level, String> {
    if level >= Level::L3 {
        Ok(level)
    } else {
        Err(format!("the report shows level {level}, level L3 is needed"))
    }
}

fn refused(label: &str, why: &str) -> Error {
    let kind = ErrorKind::PermissionDenied { permission: "run in the program's own process".into() };
    Error::new(kind, format!("{label} cannot be granted the program's own process: {why}"))
        .with_remedy("it runs in a worker as well, which costs a fraction of a millisecond a tile")
}
