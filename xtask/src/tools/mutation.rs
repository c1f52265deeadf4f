//! cargo-mutants, which knows how Rust programs can be broken: compiled from its published source.
//!
//! Installed by `cargo xtask mutants` only; nothing else needs it, and it takes minutes to compile.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::pin;
use crate::process;

const VERSION: &str = "26.2.0";

/// Sha256 of the published source. Cargo refuses a file that differs from the index, and this refuses another index.
const CHECKSUM: &str = "aa3dbd84a177bb5e2740b1fbbe0d4dcb3a867a5adede3b725e6f0bd43939df1a";

/// About 200 crates on a slow computer.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// Installs cargo-mutants when it is missing or has another pin; returns the program.
///
/// # Errors
/// When the index knows the version with another checksum, or it cannot be fetched or compiled.
pub fn install(root: &Path) -> Result<PathBuf> {
    let folder = super::folder(root).join("cargo-mutants");
    let program = folder.join("bin").join("cargo-mutants");
    let pin = format!("cargo-mutants {VERSION} sha256 {CHECKSUM}");
    if pin::is_current(&folder, &pin) && program.is_file() {
        return Ok(program);
    }
    eprintln!("tools: cargo-mutants: compiling version {VERSION} into .tools/cargo-mutants");
    let logs = super::folder(root).join("log");
    pin::install(&folder, |folder| {
        verify(&folder.join("index"), &logs.join("cargo-mutants-index.txt"))?;
        let mut install = process::cargo();
        install.args(["install", "cargo-mutants", "--locked", "--version"]).arg(format!("={VERSION}"));
        install.arg("--root").arg(folder).current_dir(folder);
        process::run_logged(&mut install, &logs.join("cargo-mutants.txt"), LIMIT)
            .context("cargo-mutants could not be installed; it needs the registry once")?;
        Ok(pin)
    })?;
    Ok(program)
}

/// Asks the index, through the lock file of an empty project, which checksum the version has.
fn verify(folder: &Path, log: &Path) -> Result<()> {
    let source = folder.join("src");
    fs::create_dir_all(&source).with_context(|| format!("could not make {}", source.display()))?;
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"index\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         cargo-mutants = \"={VERSION}\"\n"
    );
    for (path, text) in [(folder.join("Cargo.toml"), manifest.as_str()), (source.join("lib.rs"), "")] {
        fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
    }
    let mut resolve = process::cargo();
    resolve.arg("generate-lockfile").current_dir(folder);
    process::run_logged(&mut resolve, log, Duration::from_secs(180))?;
    let lock = folder.join("Cargo.lock");
    let text = fs::read_to_string(&lock).with_context(|| format!("could not read {}", lock.display()))?;
    match checksum(&text)? {
        Some(found) if found == CHECKSUM => Ok(()),
        found => bail!(
            "cargo-mutants {VERSION} is not the one that was pinned: the index says sha256 {}, expected {CHECKSUM}; it is \
             not used",
            found.as_deref().unwrap_or("nothing")
        ),
    }
}

/// The checksum of cargo-mutants in a lock file.
fn checksum(lock: &str) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let lock: Lock = toml::from_str(lock).context("the lock file cannot be read")?;
    let mut packages = lock.package.into_iter();
    Ok(packages
        .find(|package| package.name == "cargo-mutants" && package.version == VERSION)
        .and_then(|package| package.checksum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_version_that_is_pinned() {
        let lock = format!(
            "version = 4\n[[package]]\nname = \"cargo-mutants\"\nversion = \"1.0.0\"\nchecksum = \"aa\"\n\
             [[package]]\nname = \"cargo-mutants\"\nversion = \"{VERSION}\"\nchecksum = \"bb\"\n"
        );
        assert_eq!(checksum(&lock).unwrap().as_deref(), Some("bb"));
        assert_eq!(checksum("version = 4\n").unwrap(), None);
    }
}
