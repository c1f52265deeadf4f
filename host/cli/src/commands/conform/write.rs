//! Reports as files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use parfocal_conformance::{Report, Subject, bundle, junit, markdown};
use parfocal_types::{Error, Result};

use crate::args::Conform;

/// Writes what was asked for. With several plugins each gets a file of its own: the plugin's name stands before the
/// ending, and a bundle is a folder for each.
pub(super) fn all(arguments: &Conform, subjects: &[Subject], reports: &[Report]) -> Result<()> {
    let several = reports.len() > 1;
    for (subject, report) in subjects.iter().zip(reports) {
        let texts = [
            (&arguments.report, report.to_json()),
            (&arguments.junit, junit(report)),
            (&arguments.markdown, markdown(report)),
        ];
        for (path, text) in texts {
            let Some(path) = path else { continue };
            let path = if several { named(path, report) } else { path.clone() };
            fs::write(&path, text).map_err(|error| {
                Error::invalid_argument(format!("{} cannot be written: {error}", path.display()))
                    .with_source(error)
            })?;
        }
        if let Some(folder) = &arguments.bundle {
            let folder = if several { folder.join(label(report)) } else { folder.clone() };
            bundle(report, subject, &folder)?;
        }
    }
    Ok(())
}

fn label(report: &Report) -> String {
    let plugin = &report.plugin;
    let name = format!("{}-{}", plugin.id, plugin.version.as_deref().unwrap_or("unknown"));
    // A manifest that cannot be read may be called anything.
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' }).collect()
}

fn named(path: &Path, report: &Report) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{}{ending}", label(report)))
}
