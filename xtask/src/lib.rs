//! The repository's tasks, behind `cargo xtask`.
//!
//! What it is: the one program that installs what the project's own tests need ([`tools`]), builds the plugins
//! ([`plugins`]), runs the tests ([`mod@test`]) and asks the questions that a reviewer would ask of every change
//! ([`check`]). What it is not: part of the product. It uses no crate of this workspace, so that it compiles first and
//! fast, and nothing depends on it.
//!
//! Called by people, by `.ci/run`, and by nothing else. Tests of other crates learn where the judges are from
//! `.tools/tools.json`, which [`tools::install`] writes.

pub mod bench;
pub mod check;
pub mod demo;
pub mod museum;
pub mod mutants;
pub mod plugins;
pub mod process;
pub mod python_tests;
pub mod reports;
pub mod sdk;
pub mod source;
pub mod test;
pub mod tools;
pub mod undying;

use std::path::{Path, PathBuf};

/// The workspace root: the folder above this crate's manifest.
///
/// Cargo names the manifest at run time, so a checkout that was moved after it was built still finds itself.
pub fn workspace_root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let manifest = if manifest.join("judges.txt").is_file() {
        manifest
    } else {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    };
    manifest.parent().map_or_else(|| manifest.clone(), Path::to_path_buf)
}
