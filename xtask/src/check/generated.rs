//! Files that a program of this repository writes and that are committed: the C header, the JSON Schemas.
//!
//! A generator is an example or binary of the crate that owns the source. Without arguments it writes its files in
//! place; with `--check` it changes nothing, says what differs, and fails when something does.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::Outcome;
use crate::process;

struct Generated {
    /// What it writes, below the root.
    path: &'static str,
    /// `cargo run --release` of what: the arguments that name the generator.
    generator: &'static [&'static str],
}

/// Every generated file or folder: a new one gets its line here and nowhere else.
const GENERATED: &[Generated] = &[
    Generated {
        path: "sdk/abi/include/parfocal.h",
        generator: &["--package", "parfocal-abi", "--example", "write-header"],
    },
    Generated {
        path: "manifests/schemas/plugin.schema.json",
        generator: &["--package", "parfocal-manifest", "--example", "write-schemas"],
    },
    Generated {
        path: "manifests/schemas/conformance-report.schema.json",
        generator: &["--package", "parfocal-conformance", "--example", "write-report-schema"],
    },
];

/// Asks every generator whether its files are what it would write.
///
/// # Errors
/// When one is not, or cannot tell: which ones, and what to run.
pub fn check(root: &Path) -> Result<Outcome> {
    let stale: Vec<String> = GENERATED
        .iter()
        .filter_map(|item| {
            let why = process::output(run(root, item).args(["--", "--check"])).err()?;
            Some(format!("{}: {why:#}", item.path))
        })
        .collect();
    if !stale.is_empty() {
        bail!("run `cargo xtask generate` and commit what it writes:\n  {}", stale.join("\n  "));
    }
    let paths: Vec<&str> = GENERATED.iter().map(|item| item.path).collect();
    Ok(Outcome::Ok(paths.join(", ")))
}

/// Writes every generated file in place.
///
/// # Errors
/// When a generator fails.
pub fn write(root: &Path) -> Result<()> {
    for item in GENERATED {
        process::run(&mut run(root, item))?;
        println!("wrote {}", item.path);
    }
    Ok(())
}

fn run(root: &Path, item: &Generated) -> Command {
    let mut cargo = process::cargo();
    cargo.current_dir(root).args(["run", "--release", "--quiet"]).args(item.generator);
    cargo
}
