//! What a vendor hands in: the report in all its forms, the manifest, and the statement of what was weakened.

use std::{fs, path::Path};

use parfocal_types::{Error, Result};

use super::{Report, junit, markdown};
use crate::subject::Subject;

/// Writes the bundle into a folder, which is made.
///
/// # Errors
/// `invalid-argument` when the folder cannot be written to.
pub fn bundle(report: &Report, subject: &Subject, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    let weakened = if report.configuration.weakened.is_empty() {
        "Nothing was weakened: every case that applies was tried, none was waived, none got more time.\n"
            .to_owned()
    } else {
        report.configuration.weakened.iter().map(|line| format!("- {line}\n")).collect()
    };
    let manifest = subject.manifest_bytes().unwrap_or_default().to_vec();
    let files = [
        ("report.json", report.to_json().into_bytes()),
        ("report.canonical.json", report.canonical().to_json().into_bytes()),
        ("junit.xml", junit(report).into_bytes()),
        ("report.md", markdown(report).into_bytes()),
        ("plugin.toml", manifest),
        ("weakened.md", weakened.into_bytes()),
    ];
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| cannot(&path, error))?;
    }
    Ok(())
}

fn cannot(path: &Path, error: std::io::Error) -> Error {
    Error::invalid_argument(format!("{} cannot be written: {error}", path.display())).with_source(error)
}
