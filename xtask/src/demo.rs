//! `cargo xtask demo`: the main job, on data with a known truth.

use std::path::Path;

use anyhow::{Result, bail};

use crate::tools::Wanted;

/// Installs the tools, builds program and plugins, runs the demo into `demo-output/`.
///
/// # Errors
/// When one of its parts fails.
pub fn command(_root: &Path, _wanted: &Wanted) -> Result<()> {
    bail!("there is no demo before the operators are there")
}
