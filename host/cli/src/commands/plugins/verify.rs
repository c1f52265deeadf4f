//! `parfocal plugins verify`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use parfocal_trust::{Allowance, LIST_FILE, Limits, Package, Trust, Verdict, unpack};
use parfocal_types::{Error, Result};
use serde::Serialize;

use super::packages::{count, exact, temporary};
use crate::{args::trust::Verify, folders::Folders, output::Output, trust};

#[derive(Debug, Serialize)]
struct Report {
    package: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<String>,
    /// What was found, in sentences.
    found: Vec<String>,
    #[serde(flatten)]
    verdict: Verdict,
    good: bool,
}

pub(super) fn command(output: &Output, folders: &Folders, arguments: &Verify) -> Result<ExitCode> {
    let knowledge = trust::open(folders)?;
    let path = Path::new(&arguments.package);
    let mut report = if path.is_file() {
        let unpacked = temporary()?;
        match unpack(path, unpacked.path(), &Limits::default()) {
            Ok(()) => look(&knowledge, unpacked.path(), path),
            Err(error) => broken(path, &error),
        }
    } else if path.is_dir() {
        look(&knowledge, path, path)
    } else {
        let folder = installed(folders, &arguments.package)?;
        look(&knowledge, &folder, &folder)
    };
    report.good = report.verdict.is_signed()
        || arguments.allow_unsigned && !matches!(report.verdict, Verdict::Broken { .. });
    show(output, &report);
    output.document(&report)?;
    Ok(if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder of an installed plugin.
fn installed(folders: &Folders, text: &str) -> Result<PathBuf> {
    let unknown = |remedy: String| {
        Error::not_found(format!("there is no folder, archive or installed plugin `{text}`"))
            .with_remedy(remedy)
    };
    let (id, version) =
        exact(text).map_err(|_| unknown("name a folder, an archive, or a plugin by its id".to_owned()))?;
    let versions = trust::installation(folders)?.versions(&id)?;
    let list = versions.iter().map(|(version, _)| version.to_string()).collect::<Vec<_>>().join(", ");
    match version {
        Some(wanted) => versions.into_iter().find(|(version, _)| *version == wanted),
        None if versions.len() > 1 => {
            return Err(Error::invalid_argument(format!("{id} is installed in several versions: {list}"))
                .with_remedy(format!("name one, for example {id}@{}", versions[0].0)));
        }
        None => versions.into_iter().next(),
    }
    .map(|(_, folder)| folder)
    .ok_or_else(|| match list.as_str() {
        "" => unknown("`parfocal plugins list` shows what is installed".to_owned()),
        list => unknown(format!("installed is {list}")),
    })
}

fn broken(shown: &Path, error: &Error) -> Report {
    let remedy = error.remedy().unwrap_or("get it again").to_owned();
    Report {
        package: shown.to_owned(),
        plugin: None,
        found: Vec::new(),
        verdict: Verdict::Broken { why: error.message().to_owned(), remedy },
        good: false,
    }
}

fn look(knowledge: &Trust, folder: &Path, shown: &Path) -> Report {
    let package = match Package::read(folder, &Limits::default()) {
        Ok(package) => package,
        Err(error) => return broken(shown, &error),
    };
    let (files, code) = (package.files().len(), package.manifest().artifacts.len());
    let mut found = Vec::new();
    match package.signature() {
        None => found.push(format!("files      {files}, no list of them")),
        Some(signature) => {
            found.push(format!("files      {files}, each as {LIST_FILE} says, and no other"));
            found.push(format!("signature  says it is by the key {}, over that list", signature.key()));
            let key = knowledge.store().keys().iter().find(|key| key.public.id() == signature.key());
            found.push(match key {
                Some(key) => {
                    let prefixes = key.prefixes.iter().map(ToString::to_string).collect::<Vec<_>>();
                    format!("key        {}, which you trust for {}", key.name, prefixes.join(", "))
                }
                None => "key        not one that you trust".to_owned(),
            });
        }
    }
    found.push(format!("manifest   names {}, each with the digest it has", count(code, "artifact")));
    Report {
        package: shown.to_owned(),
        plugin: Some(package.manifest().label()),
        found,
        verdict: knowledge.of(folder),
        good: false,
    }
}

fn show(output: &Output, report: &Report) {
    match &report.plugin {
        Some(plugin) => output.text(format!("{plugin} in {}", report.package.display())),
        None => output.text(report.package.display()),
    }
    for line in &report.found {
        output.text(format!("  {line}"));
    }
    let sentence = match &report.verdict {
        // Where it lies says nothing about who made it.
        Verdict::Unsigned { allowance: Allowance::Named | Allowance::Missing, why, .. } => {
            format!("unsigned: {why}")
        }
        verdict => verdict.to_string(),
    };
    output.text(format!("{}: {sentence}", if report.good { "good" } else { "not good" }));
    if let (false, Some(remedy)) = (report.good, report.verdict.remedy()) {
        output.text(format!("  what to do: {remedy}"));
    }
}
