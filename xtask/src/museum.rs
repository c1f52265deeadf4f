//! `cargo xtask museum`: keeps binaries of the interface version of today, for the hosts of tomorrow.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::plugins;
use crate::process;
use crate::tools::{self, Wanted};

const PACKAGE: &str = "parfocal-goldens";
const SOURCE: &str = "conformance-tests/goldens";
const MUSEUM: &str = "conformance-tests/museum";

/// Builds the goldens natively and as a component, and writes the entry of the interface version that the SDK describes.
///
/// # Errors
/// When something does not build, or the WASM toolchain is left out.
pub fn command(root: &Path, wanted: &Wanted) -> Result<()> {
    let tools = tools::install(root, wanted)?;
    plugins::compile_workspace(root)?;
    let Some(toolchain) = tools.wasm.ready() else {
        bail!("an entry of the museum has a component too: the WASM toolchain is needed");
    };
    let component = toolchain.build(PACKAGE, &root.join(SOURCE).join("Cargo.toml"))?;
    let library = stripped(root)?;
    let version = interface(root)?;
    let entry = root.join(MUSEUM).join(format!("operator-{version}"));
    if entry.is_dir() && !version.contains("-draft") {
        bail!("operator-{version} is released: its entry stays as it is");
    }
    let _ = fs::remove_dir_all(&entry);
    fs::create_dir_all(&entry).with_context(|| format!("could not make {}", entry.display()))?;
    let mut package = Command::new(root.join("target/release/parfocal"));
    package.arg("package").arg(root.join(SOURCE)).arg("--output").arg(&entry);
    package.arg("--native").arg(library).arg("--wasm").arg(component);
    process::run(&mut package)?;
    let built = entry.join("BUILT.md");
    fs::write(&built, recipe(root)?).with_context(|| format!("could not write {}", built.display()))?;
    // What the entry gives on this host, which the hosts to come are held against.
    let mut record = process::cargo();
    record.current_dir(root).args(["test", "--release", "--workspace", "--test", "it", "--", "museum::"]);
    record.env("PARFOCAL_MUSEUM_RECORD", "1");
    process::run(&mut record)
}

/// The library without its symbols for debugging.
fn stripped(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/museum");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let name = format!("lib{}.so", PACKAGE.replace('-', "_"));
    let library = folder.join(&name);
    let mut strip = Command::new("strip");
    strip.arg("--strip-all").arg("-o").arg(&library).arg(root.join("target/release").join(&name));
    process::run(&mut strip)?;
    Ok(library)
}

/// The version of the interface `operator` that the SDK describes, from its source.
fn interface(root: &Path) -> Result<String> {
    let file = root.join("sdk/operator/src/lib.rs");
    let text = fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
    let version = text.split_once("VERSION_TEXT: &str = \"").and_then(|(_, rest)| rest.split_once('"'));
    version.map(|(version, _)| version.to_owned()).context("sdk/operator does not say its version")
}

fn recipe(root: &Path) -> Result<String> {
    let said = |command: &mut Command| process::output(command).map(|text| text.trim().to_owned());
    let compiler = said(Command::new("rustc").arg("--version"))?;
    let commit = said(Command::new("git").current_dir(root).args(["rev-parse", "HEAD"]))?;
    Ok(format!(
        "# How this was built\n\n`cargo xtask museum` at commit `{commit}`, with {compiler}: `{SOURCE}`, profile release, \
         stripped.\n"
    ))
}
