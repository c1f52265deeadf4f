//! `cargo xtask sdk`: one archive with what an author outside this repository needs.

use std::path::Path;

use anyhow::{Result, bail};

/// Packs the sdk crates, `parfocal.h`, the WIT packages, the schemas and the examples.
///
/// # Errors
/// When one of its parts fails.
pub fn command(_root: &Path) -> Result<()> {
    bail!("there is nothing to pack before the plugin contract is there")
}
