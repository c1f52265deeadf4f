//! The Python judges: a virtual environment from a list in which every file has its sha256.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::{digest, pin};
use crate::process;

/// The pinned packages, with the sha256 of every file pip may take.
const REQUIREMENTS: &str = include_str!("../../judges.txt");

/// pip on a slow network: about 150 MB, and it retries by itself.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// What a Python must be able to do to become the judges' home.
const PROBE: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.executable)";

/// Interpreters tried, in this order; the first with version 3.11 or newer and `venv` wins.
const CANDIDATES: &[&str] = &["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// Makes the virtual environment when it is missing or its list changed; returns its interpreter.
///
/// # Errors
/// When there is no Python 3.11, or pip fails: no network, no package for this Python, or a file with another hash.
pub fn install(root: &Path) -> Result<PathBuf> {
    let folder = super::folder(root).join("python");
    let python = folder.join("bin").join("python");
    let pin = format!("judges.txt sha256 {}", digest::of_bytes(REQUIREMENTS));
    if pin::is_current(&folder, &pin) && python.exists() {
        return Ok(python);
    }
    let base = find()?;
    eprintln!("tools: python: installing the judges of xtask/judges.txt into .tools/python");
    let logs = super::folder(root).join("log");
    pin::install(&folder, |folder| {
        process::run_logged(
            Command::new(&base).args(["-m", "venv"]).arg(folder),
            &logs.join("python-venv.txt"),
            LIMIT,
        )?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-input"])
            .args(["--disable-pip-version-check", "--retries", "5", "--timeout", "60", "-r"])
            .arg(root.join("xtask").join("judges.txt"));
        process::run_logged(&mut pip, &logs.join("python-pip.txt"), LIMIT).context(
            "the Python judges could not be installed: pip needs the package index once; check the network and run \
             `cargo xtask tools` again, or pass --without-judges",
        )?;
        Ok(pin)
    })?;
    Ok(python)
}

/// The first Python that can make the virtual environment.
///
/// # Errors
/// When there is none; the sentence says what to install.
pub(super) fn find() -> Result<PathBuf> {
    CANDIDATES
        .iter()
        .filter(|name| process::in_path(name))
        .find_map(|name| process::output(Command::new(name).args(["-c", PROBE])).ok())
        .map(|path| PathBuf::from(path.trim()))
        .ok_or_else(|| {
            anyhow!(
                "there is no Python 3.11 or newer with the module `venv` in PATH, and the judges need one; install \
                 it (on Debian: `apt install python3 python3-venv`) or pass --without-judges"
            )
        })
}
