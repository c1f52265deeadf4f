//! `cargo xtask bench`: the lanes against a memcpy, the operators against `scipy.ndimage`, as ratios.

use std::path::Path;

use anyhow::{Result, bail};

use crate::tools::Wanted;

/// Installs the tools, builds the plugins, measures, and prints ratios.
///
/// # Errors
/// When one of its parts fails.
pub fn command(_root: &Path, _wanted: &Wanted) -> Result<()> {
    bail!("there is nothing to measure before the operators are there")
}
