//! The plugins: the one that fails, and one that works.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parfocal_core::{Artifact, Lane, Library, Limits, Sha256};
use parfocal_types::{Error, Result};
use parfocal_worker::{WorkerLane, WorkerOptions, process::Policy};

/// How long a call of the plugin that fails may take.
pub const LIMIT: Duration = Duration::from_millis(500);

/// The plugin with the operator `culprit`, in workers with these fences.
///
/// # Errors
/// `not-found` when it was not built; else what the lane says.
pub fn culprit(policy: Policy) -> Result<Arc<dyn Library>> {
    let limits = Limits { memory: 16 << 20, call: LIMIT };
    load(&artifact("parfocal_saboteurs", "org.parfocal.saboteurs", limits)?, policy)
}

/// A plugin that works.
///
/// # Errors
/// As [`culprit`].
pub fn classical() -> Result<Arc<dyn Library>> {
    load(&classical_artifact()?, Policy::default())
}

/// The file of the plugin that works.
///
/// # Errors
/// `not-found` when it was not built.
pub fn classical_artifact() -> Result<Artifact> {
    artifact("parfocal_classical", "org.parfocal.classical", Limits::default())
}

fn load(artifact: &Artifact, policy: Policy) -> Result<Arc<dyn Library>> {
    WorkerLane::new(WorkerOptions { policy, ..WorkerOptions::installed()? }).load(artifact)
}

fn artifact(file: &str, id: &str, limits: Limits) -> Result<Artifact> {
    let path = built(&format!("lib{file}.so"))?;
    let bytes = fs::read(&path)
        .map_err(|error| Error::not_found(format!("{} cannot be read", path.display())).with_source(error))?;
    Ok(Artifact {
        plugin: id.to_owned(),
        version: semver::Version::new(0, 1, 0),
        path,
        sha256: Sha256::of(&bytes),
        interface: parfocal_operator::VERSION,
        limits,
    })
}

/// A library that cargo built into the folder of this program, or into the one above, when this is a test.
fn built(file: &str) -> Result<PathBuf> {
    let here = env::current_exe().unwrap_or_default();
    let folders = [here.parent(), here.parent().and_then(Path::parent)];
    folders.into_iter().flatten().map(|folder| folder.join(file)).find(|path| path.is_file()).ok_or_else(
        || {
            Error::not_found(format!("{file} is not beside {}", here.display()))
                .with_remedy("run `cargo build --release --workspace` first")
        },
    )
}
