//! Altered packages: SEC-09.

use std::{
    fs,
    path::{Path, PathBuf},
};

use parfocal_catalog::{Catalog, HostSupport, Package};

use super::SEC;
use crate::{
    case::{Case, Run, Scope},
    finding::{Check, Finding},
    scene::Scene,
};

pub(super) const CASES: &[Case] = &[Case {
    id: "SEC-09",
    sentence: "A package of which a byte was altered is refused.",
    demands: "In copies of the package one byte of each file of code is changed, at its beginning, in the middle, at its end: \
              the catalog refuses the file, and no lane would load it. Signatures of packages are checked when they are \
              installed, which the host's own tests prove.",
    why: "Whoever replaces a file runs in the lab.",
    fix: "Keep the digests that `parfocal package` writes; sign with `parfocal plugins sign`.",
    scope: Scope::Package,
    run: Run::Written(sec_09),
    ..SEC
}];

/// Copies a folder with its files, links followed.
pub(in crate::cases) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The packages that the host finds in a folder.
pub(in crate::cases) fn scan(folder: &Path) -> Vec<Package> {
    let nowhere = folder.join(".no-state");
    Catalog::scan(&[folder.to_owned()], &HostSupport::this_computer(), &nowhere).plugins().to_vec()
}

fn sec_09(scene: &mut Scene<'_>) -> Check {
    let broken =
        |error: std::io::Error| Finding::suite_error(format!("the package cannot be copied: {error}"));
    let package = scene.subject().package().ok_or_else(|| Finding::skip("there is no manifest"))?;
    if !package.is_usable() {
        return Err(Finding::fail("it is refused as it is").with("why", package.refusals().join("; ")));
    }
    let folder = scene.scratch().join("altered");
    copy(scene.subject().folder(), &folder).map_err(broken)?;
    let usable = |packages: &[Package]| -> Vec<PathBuf> {
        let candidates = packages.iter().flat_map(|package| &package.candidates);
        candidates
            .filter_map(|candidate| candidate.artifact())
            .map(|artifact| artifact.path.clone())
            .collect()
    };
    let files = usable(&scan(&folder));
    for file in &files {
        let bytes = fs::read(file).map_err(broken)?;
        for place in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let mut altered = bytes.clone();
            if let Some(byte) = altered.get_mut(place) {
                *byte ^= 1;
            }
            fs::write(file, &altered).map_err(broken)?;
            if usable(&scan(&folder)).contains(file) {
                return Err(Finding::fail("a file with an altered byte is used")
                    .with("file", file.strip_prefix(&folder).unwrap_or(file).display())
                    .with("byte", place));
            }
        }
        let artifact = package.candidates.iter().filter_map(|candidate| candidate.artifact());
        let mut artifacts = artifact.filter(|artifact| artifact.path.file_name() == file.file_name());
        if let Some(artifact) = artifacts.next() {
            let altered = parfocal_core::Artifact { path: file.clone(), ..artifact.clone() };
            if altered.open_verified().is_ok() {
                return Err(Finding::fail("a lane opens a file with an altered byte"));
            }
        }
        fs::write(file, &bytes).map_err(broken)?;
    }
    if usable(&scan(&folder)) != files {
        return Err(Finding::suite_error("the package is not what it was"));
    }
    let _ = fs::remove_dir_all(&folder);
    Ok(Finding::pass(format!("each of {} files is refused when a byte of it is altered", files.len())))
}
