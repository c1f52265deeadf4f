//! `cargo xtask check`: what a reviewer would ask of every change, in steps that all run even when one fails.

pub mod advisories;
pub mod contract;
pub mod dependencies;
pub mod generated;
pub mod licences;
pub mod metadata;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process;
use metadata::Metadata;

/// How a step that did not fail ended.
#[derive(Debug)]
pub enum Outcome {
    /// It found nothing wrong; in a few words what it looked at, or nothing.
    Ok(String),
    /// It could not look: why.
    Skipped(String),
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Path) -> Result<Outcome>,
}

/// The steps, cheap ones first.
const STEPS: &[Step] = &[
    Step { name: "format", what: "cargo fmt would change nothing", run: format },
    Step {
        name: "dependencies",
        what: "who may know whom: rooms, lanes, homes of the heavy libraries",
        run: |root| dependencies::check(&Metadata::read(root)?),
    },
    Step {
        name: "licences",
        what: "licences of all dependencies against the list of accepted ones",
        run: |root| licences::check(&Metadata::read(root)?),
    },
    Step {
        name: "advisories",
        what: "known vulnerabilities of the dependencies, where the database can be fetched",
        run: |root| advisories::check(root, &Metadata::read(root)?),
    },
    Step {
        name: "contract",
        what: "every rule of the contract has a case in the conformance suite, and every case a rule",
        run: contract::check,
    },
    Step {
        name: "reports",
        what: "every plugin has a kept conformance report of level 3 that belongs to its source",
        run: crate::reports::check,
    },
    Step { name: "clippy", what: "cargo clippy, warnings are errors", run: clippy },
    Step { name: "docs", what: "cargo doc, warnings are errors", run: docs },
    Step {
        name: "generated",
        what: "generated files are what their generators write",
        run: generated::check,
    },
];

/// Prints the steps.
pub fn list() {
    for step in STEPS {
        println!("{:<14}{}", step.name, step.what);
    }
}

/// Runs all steps, or those named in `only`, and prints one line for each.
///
/// # Errors
/// When `only` names an unknown step, or after the last step, when one failed.
pub fn command(root: &Path, only: &[String]) -> Result<()> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        bail!("there is no step {unknown:?}; `cargo xtask check --list` names them");
    }
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)) {
        let started = Instant::now();
        let result = (step.run)(root);
        let seconds = started.elapsed().as_secs_f64();
        let (verdict, detail) = match result {
            Ok(Outcome::Ok(detail)) => ("ok", detail),
            Ok(Outcome::Skipped(why)) => ("skipped", why),
            Err(error) => {
                failed.push(step.name);
                ("failed", format!("{error:#}"))
            }
        };
        println!("{verdict:<9}{:<14}{seconds:>7.1} s  {detail}", step.name);
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn format(root: &Path) -> Result<Outcome> {
    let mut cargo = process::cargo();
    cargo.current_dir(root).args(["fmt", "--all", "--", "--check", "-l"]);
    let output = cargo.output().context("could not start `cargo fmt`")?;
    if output.status.success() {
        return Ok(Outcome::Ok(String::new()));
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    bail!("run `cargo fmt --all`; it would change:\n{}", said.join("\n").trim())
}

fn clippy(root: &Path) -> Result<Outcome> {
    process::run(process::cargo().current_dir(root).args([
        "clippy",
        "--release",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Outcome::Ok(String::new()))
}

fn docs(root: &Path) -> Result<Outcome> {
    process::run(
        process::cargo()
            .current_dir(root)
            .args(["doc", "--release", "--quiet", "--no-deps", "--workspace"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    Ok(Outcome::Ok(String::new()))
}
