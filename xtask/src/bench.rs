//! `cargo xtask bench`: the lanes against a memcpy, the operators against `scipy.ndimage`, as ratios; and what a worker costs.

use std::path::Path;

use anyhow::Result;

use crate::plugins;
use crate::process;
use crate::tools::{self, Wanted};

/// Installs the tools, builds the plugins, measures, and prints ratios.
///
/// # Errors
/// When one of its parts fails.
pub fn command(root: &Path, wanted: &Wanted) -> Result<()> {
    let tools = tools::install(root, wanted)?;
    plugins::build(root, &tools)?;
    for (package, bench) in [("parfocal-cli", "speed"), ("parfocal-undying", "workers")] {
        let mut cargo = process::cargo();
        cargo.current_dir(root).args(["bench", "--quiet", "--profile", "release", "-p", package]);
        cargo.args(["--bench", bench]);
        if let Some(python) = tools.python.ready() {
            cargo.env("PARFOCAL_BENCH_PYTHON", python);
        }
        process::run(&mut cargo)?;
    }
    Ok(())
}
