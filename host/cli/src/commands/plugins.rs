//! `parfocal plugins`.

mod grants;
mod keys;
mod packages;
mod reports;
mod verify;

use std::process::ExitCode;

use parfocal_catalog::{Catalog, HostSupport, Inspection, LaneOrder, OperatorRef, Package, Status};
use parfocal_operator::{Descriptor, PortKind};
use parfocal_types::Result;
use serde::Serialize;

use crate::{args::Plugins, folders::Folders, output::Output, trust};

pub(crate) fn command(output: &Output, folders: &Folders, command: &Plugins) -> Result<ExitCode> {
    let scan = || trust::scan(folders, &HostSupport::this_computer());
    match command {
        Plugins::List => list(output, &scan()?),
        Plugins::Why { id } => {
            let explanation = scan()?.why(id);
            output.text(&explanation);
            output.document(&explanation)?;
            Ok(ExitCode::SUCCESS)
        }
        Plugins::Inspect { file } => {
            let inspection = parfocal_catalog::inspect(file)?;
            output.text(inspected(&inspection));
            output.document(&inspection)?;
            Ok(if inspection.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Plugins::Release { id } => {
            let released = scan()?.release(id)?;
            for (sha256, entry) in &released {
                output.text(format!(
                    "{} {} is out of quarantine (sha256 {sha256})",
                    entry.plugin, entry.version
                ));
            }
            output.document(&released.iter().map(|(_, entry)| entry).collect::<Vec<_>>())?;
            Ok(ExitCode::SUCCESS)
        }
        Plugins::Pack(arguments) => packages::pack(output, arguments),
        Plugins::Sign(arguments) => packages::sign(output, folders, arguments),
        Plugins::Verify(arguments) => verify::command(output, folders, arguments),
        Plugins::Install(arguments) => packages::install(output, folders, arguments),
        Plugins::Remove(arguments) => packages::remove(output, folders, arguments),
        Plugins::Index(arguments) => packages::index(output, folders, arguments),
        Plugins::Grant(arguments) => grants::grant(output, folders, arguments),
        Plugins::Revoke(arguments) => grants::revoke(output, folders, arguments),
        Plugins::Keys(command) => keys::keys(output, folders, command),
        Plugins::Trust(command) => keys::trust(output, folders, command),
        Plugins::Describe { operator } => describe(output, &scan()?, operator),
    }
}

fn inspected(inspection: &Inspection) -> String {
    let mut lines = vec![
        format!("{}  {}, {} bytes", inspection.path.display(), inspection.format, inspection.size),
        format!("  sha256      {}", inspection.sha256),
    ];
    if let Some(processor) = &inspection.processor {
        lines.push(format!("  processor   {processor}"));
    }
    if let Some(note) = &inspection.note {
        lines.push(format!("  plugin      {} {}, written in {}", note.id, note.version, note.language));
        lines.push(format!("  interfaces  {}", note.interfaces.join(", ")));
        lines.extend(note.layout_differences.iter().map(|difference| format!("  layout      {difference}")));
    }
    if !inspection.exports.is_empty() {
        let shown: Vec<_> = inspection.exports.iter().take(8).map(String::as_str).collect();
        lines.push(format!("  exports     {}", shown.join(", ")));
    }
    lines.extend(inspection.problems.iter().map(|problem| format!("  problem     {problem}")));
    lines.join("\n")
}

#[derive(Debug, Serialize)]
struct Listed {
    plugin: String,
    folder: std::path::PathBuf,
    usable: bool,
    /// Who vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<String>,
    lanes: Vec<&'static str>,
    operators: Vec<String>,
    refusals: Vec<String>,
}

fn listed(package: &Package) -> Listed {
    let usable = package.candidates.iter().filter(|candidate| candidate.artifact().is_some());
    let operators = package.manifest.iter().flat_map(|manifest| &manifest.operators);
    Listed {
        plugin: package.label(),
        folder: package.folder.clone(),
        usable: package.is_usable(),
        trust: package.vouch.accepted().map(str::to_owned),
        lanes: usable.map(|candidate| candidate.entry.lane.name()).collect(),
        operators: operators.map(|operator| operator.id.clone()).collect(),
        refusals: package.refusals(),
    }
}

fn list(output: &Output, catalog: &Catalog) -> Result<ExitCode> {
    for warning in catalog.warnings() {
        output.warning(warning);
    }
    if catalog.plugins().is_empty() {
        output.text("no plugins were found. Searched:");
        for searched in catalog.searched() {
            output.text(format!("  {}", searched.path.display()));
        }
        output.text("name a folder with --plugins, or in PARFOCAL_PLUGINS");
    }
    for package in catalog.plugins() {
        let line = listed(package);
        if line.usable {
            output.text(format!("{}  ({})", line.plugin, line.lanes.join(", ")));
            if let Some(trust) = &line.trust {
                output.text(format!("  {trust}"));
            }
            for operator in package.manifest.iter().flat_map(|manifest| &manifest.operators) {
                output.text(format!("  {:22} {}", operator.id, operator.summary));
            }
        } else {
            output.text(format!("{}  cannot be used", line.plugin));
        }
        refusals(output, package);
    }
    output.document(&catalog.plugins().iter().map(listed).collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

fn refusals(output: &Output, package: &Package) {
    if let Err(rejection) = &package.manifest {
        output.refusal(package, rejection);
    }
    if let Some(rejection) = &package.rejected {
        output.refusal(package, rejection);
    }
    for candidate in &package.candidates {
        match &candidate.status {
            Status::Usable(_) => {}
            Status::Rejected(rejection) => output.refusal(package, rejection),
            Status::Quarantined(_) => {
                output.text(format!("  {}", candidate.status.refusal().unwrap_or_default()));
                output.text(format!("  {}", candidate.status.remedy().unwrap_or_default()));
            }
        }
    }
}

fn describe(output: &Output, catalog: &Catalog, operator: &str) -> Result<ExitCode> {
    let selection = catalog.pick(&OperatorRef::parse(operator)?, &LaneOrder::default())?;
    let Descriptor { id, summary, inputs, outputs, parameters, .. } = &selection.descriptor;
    output.text(format!("{id}  {} ({})\n  {summary}", selection.artifact.label(), selection.lane));
    for port in inputs {
        let dtypes: Vec<_> = port.dtypes.iter().map(|dtype| dtype.name()).collect();
        let labels = if port.kind == PortKind::Labels { ", labels" } else { "" };
        let optional = if port.optional { ", optional" } else { "" };
        output.text(format!("  in   {:14} {}{labels}{optional}", port.name, dtypes.join(" ")));
    }
    for port in outputs {
        let network = if port.network { ", by a network" } else { "" };
        output.text(format!("  out  {:14} {:?}{network}", port.name, port.kind).to_lowercase());
        output.text(format!("       keeps support for: {}", port.preserves));
    }
    for parameter in parameters {
        output.text(format!("  --param {}={}", parameter.name, parameter.default_value()));
        output.text(format!("       {} ({})", parameter.doc, parameter.usage()));
    }
    output.document(&selection.descriptor)?;
    Ok(ExitCode::SUCCESS)
}
