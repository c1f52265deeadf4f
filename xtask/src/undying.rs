//! `cargo xtask undying`: plugins die in every way while images stream through others.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::plugins;
use crate::process;

/// Builds the program, the worker and the plugins, and runs the harness; prints its counts.
///
/// # Errors
/// When something does not build, or anything did not hold.
pub fn command(root: &Path, injections: u32, seed: u64) -> Result<()> {
    plugins::compile_workspace(root)?;
    let mut harness = Command::new(root.join("target/release/parfocal-undying"));
    harness.arg("--injections").arg(injections.to_string()).arg("--seed").arg(seed.to_string());
    process::run(&mut harness)
}
