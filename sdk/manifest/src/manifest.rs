//! The manifest as a whole and its smaller tables.

use std::time::Duration;

use parfocal_operator::Descriptor;
use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::Serialize;

use crate::{
    permission::Permission,
    words::{ByteSize, FileDigest, InterfaceRef, License, PackagePath, PluginId, Target},
};

/// A plugin's manifest, schema version 1. Only a valid one exists: [`Manifest::parse`] makes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "plugin.toml", description = "Manifest of a Parfocal plugin, schema version 1.")]
pub struct Manifest {
    /// The version of this schema: 1.
    #[schemars(range(min = 1, max = 1))]
    pub manifest_version: u32,
    /// What the plugin is.
    pub plugin: PluginInfo,
    /// Its files of code; `parfocal build` writes them.
    #[serde(rename = "artifact", default)]
    pub artifacts: Vec<ArtifactEntry>,
    /// What its code offers; `parfocal build` writes it.
    #[serde(rename = "operator", default)]
    pub operators: Vec<Descriptor>,
    /// What it may use beyond pixels and the host's services; nothing else is allowed.
    #[serde(rename = "permission", default)]
    pub permissions: Vec<Permission>,
    /// What it needs at most.
    #[serde(default)]
    pub limits: Limits,
    /// How far it wants to be kept apart.
    #[serde(default)]
    pub isolation: Isolation,
    /// Models that it uses.
    #[serde(rename = "model", default)]
    pub models: Vec<ModelNeed>,
}

impl Manifest {
    /// Id and version, for messages: `org.example.smooth 0.1.0`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.plugin.id, self.plugin.version)
    }

    /// The operator of this id.
    #[must_use]
    pub fn operator(&self, id: &str) -> Option<&Descriptor> {
        self.operators.iter().find(|operator| operator.id == id)
    }
}

/// What a plugin is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginInfo {
    /// The id, the same over all versions.
    pub id: PluginId,
    /// The name shown to people.
    pub name: String,
    /// The version of the product, semver 2.
    #[schemars(with = "String", extend("pattern" = SEMVER))]
    pub version: Version,
    /// The licence.
    pub license: License,
    /// One sentence for people.
    pub description: String,
    /// Who made it, for example `Ada Lovelace <ada@example.org>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Where to read more: an `https` address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
}

/// The form of a semver, loosely: an editor's hint, the parser is the judge.
const SEMVER: &str = r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$";

/// How a file of code runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// A shared library for one system.
    Native,
    /// A WASM component for every system.
    Wasm,
    /// A program that an interpreter runs in a process of its own, for every system.
    Program,
}

impl LaneKind {
    /// The name in manifests and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Program => "program",
        }
    }
}

impl std::fmt::Display for LaneKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What runs a program.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Interpreter {
    /// Python 3.11 or newer with numpy.
    Python3,
}

impl Interpreter {
    /// The name in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python3 => "python3",
        }
    }
}

/// A file of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArtifactEntry {
    /// How it runs.
    pub lane: LaneKind,
    /// The system it is built for; native code only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What runs it; programs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<Interpreter>,
    /// The file, relative to the manifest.
    pub path: PackagePath,
    /// The digest of the file.
    pub sha256: FileDigest,
    /// Every interface version that the code speaks.
    #[schemars(length(min = 1))]
    pub interfaces: Vec<InterfaceRef>,
}

/// What a plugin needs at most; the host's own limits hold where they are lower.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Memory of one instance, besides the pixels that the host hands over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// Time of one call in seconds, at most a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 86400), extend("exclusiveMinimum" = 0))]
    pub call_seconds: Option<f64>,
}

impl Limits {
    /// Time of one call.
    #[must_use]
    pub fn call(&self) -> Option<Duration> {
        self.call_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

/// How far a plugin wants to be kept apart. A manifest can only ask for more than the host does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Isolation {
    /// Native code runs in a process of its own, whatever the user granted.
    #[serde(default)]
    #[schemars(extend("const" = true))]
    pub own_process: bool,
}

/// A model that a plugin uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelNeed {
    /// The model's id.
    #[schemars(regex(pattern = "^[a-z0-9]([a-z0-9./-]*[a-z0-9])?$"), length(max = 128))]
    pub id: String,
    /// The versions that it works with, for example `^1`.
    #[schemars(with = "String")]
    pub version: VersionReq,
}
