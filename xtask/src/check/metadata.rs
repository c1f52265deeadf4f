//! What `cargo metadata` says, as far as the checks need it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// All packages of the workspace and its dependencies, for all platforms and features.
#[derive(Debug, Default, Deserialize)]
pub struct Metadata {
    /// Every package, members included.
    pub packages: Vec<Package>,
    /// Ids of the workspace's own packages.
    pub workspace_members: BTreeSet<String>,
    /// Who is built with whom, after features and versions were chosen.
    pub resolve: Resolve,
    /// The folder of the root manifest.
    pub workspace_root: PathBuf,
}

/// One package in one version.
#[derive(Debug, Default, Clone, Deserialize)]
pub struct Package {
    /// The id that the other tables use.
    pub id: String,
    /// The name.
    pub name: String,
    /// The version, as text.
    pub version: String,
    /// The SPDX expression of its licence, when it has one.
    pub license: Option<String>,
    /// Where it comes from; absent for packages of this workspace.
    pub source: Option<String>,
    /// Its manifest.
    pub manifest_path: PathBuf,
    /// What its manifest asks for: all kinds, all features, all platforms.
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependency tables.
#[derive(Debug, Default, Clone, Deserialize)]
pub struct Dependency {
    /// The package's name (not what it is renamed to).
    pub name: String,
    /// The folder, when it is a path dependency.
    pub path: Option<PathBuf>,
}

/// The resolved graph.
#[derive(Debug, Default, Deserialize)]
pub struct Resolve {
    /// One node per package.
    pub nodes: Vec<Node>,
}

/// A package in the resolved graph.
#[derive(Debug, Default, Deserialize)]
pub struct Node {
    /// The package.
    pub id: String,
    /// What it is built with.
    pub deps: Vec<Edge>,
}

/// One edge of the resolved graph.
#[derive(Debug, Default, Deserialize)]
pub struct Edge {
    /// The package that is depended on.
    pub pkg: String,
    /// Why: normal, build or development.
    pub dep_kinds: Vec<Kind>,
}

/// The kind of an edge.
#[derive(Debug, Default, Deserialize)]
pub struct Kind {
    /// Absent for a normal dependency, else `build` or `dev`.
    pub kind: Option<String>,
}

impl Edge {
    /// Whether building the package itself needs this one; its tests alone do not count.
    pub fn is_built(&self) -> bool {
        self.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"))
    }
}

impl Metadata {
    /// Asks cargo.
    ///
    /// # Errors
    /// When a manifest is wrong or a dependency cannot be fetched.
    pub fn read(root: &Path) -> Result<Self> {
        let mut cargo = process::cargo();
        cargo.current_dir(root).args(["metadata", "--format-version", "1", "--all-features"]);
        serde_json::from_str(&process::output(&mut cargo)?).context("could not understand `cargo metadata`")
    }

    /// The workspace's own packages, by name.
    pub fn members(&self) -> Vec<&Package> {
        let mut members: Vec<&Package> =
            self.packages.iter().filter(|package| self.workspace_members.contains(&package.id)).collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }

    /// The packages of other people, by name and version.
    pub fn foreign(&self) -> Vec<&Package> {
        let mut foreign: Vec<&Package> =
            self.packages.iter().filter(|package| !self.workspace_members.contains(&package.id)).collect();
        foreign.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        foreign
    }

    /// Packages by id.
    pub fn by_id(&self) -> BTreeMap<&str, &Package> {
        self.packages.iter().map(|package| (package.id.as_str(), package)).collect()
    }

    /// The folder below the root that a package's manifest is in, such as `host/io`; absent for other people's.
    pub fn room(&self, package: &Package) -> Option<String> {
        self.folder_in_house(package.manifest_path.parent()?)
    }

    /// A folder as a path below the root; absent when it lies elsewhere.
    pub fn folder_in_house(&self, folder: &Path) -> Option<String> {
        let inside = folder.strip_prefix(&self.workspace_root).ok()?;
        Some(inside.to_string_lossy().into_owned())
    }
}
