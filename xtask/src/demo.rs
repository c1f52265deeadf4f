//! `cargo xtask demo`: the main job, on data with a known truth.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::plugins;
use crate::process;
use crate::tools::{self, Wanted};

/// Installs the tools, builds program and plugins, runs `parfocal demo` into `demo-output/`.
///
/// # Errors
/// When one of its parts fails.
pub fn command(root: &Path, wanted: &Wanted) -> Result<()> {
    let tools = tools::install(root, wanted)?;
    let built = plugins::build(root, &tools)?;
    let mut program = Command::new(&built.program);
    program.current_dir(root).arg("--plugins").arg(&built.plugins).args(["demo", "demo-output"]);
    process::run(&mut program)
}
