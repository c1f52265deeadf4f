//! `plugin.toml`: what a plugin says about itself before any of its code runs.
//!
//! What is here: the types of the manifest (schema version 1), [`Manifest::parse`], which reads it at the edge so that
//! an invalid one does not exist inside, a [`ManifestError`] that points at the character, the writer that
//! `parfocal build` uses ([`Manifest::to_toml`], [`Manifest::update_toml`]), and the [JSON Schema](schema()) that editors
//! complete from.
//!
//! What is not here: files, hashes, folders, versions side by side (`parfocal-catalog`), and trust.
//!
//! Who writes manifests: plugin authors, by hand as far as `[plugin]`, `[[permission]]`, `[limits]`, `[isolation]` and
//! `[[model]]` go; `parfocal build` adds `[[artifact]]` and `[[operator]]` from the built code. Who reads them: the
//! catalog, the conformance suite, people.
//!
//! ```
//! use parfocal_manifest::Manifest;
//! let manifest = Manifest::parse(r#"
//! manifest-version = 1
//!
//! [plugin]
//! id = "org.example.smooth"
//! name = "Smooth"
//! version = "0.1.0"
//! license = "MIT OR Apache-2.0"
//! description = "Smooths images."
//!
//! [[artifact]]
//! lane = "wasm"
//! path = "smooth.wasm"
//! sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
//! interfaces = ["operator/1-draft.2"]
//!
//! [[operator]]
//! id = "smooth"
//! summary = "Smooths with a 3 x 3 mean."
//! kind = "map"
//! deterministic = true
//! max-halo = [0, 0, 0, 1, 1]
//!
//! [[operator.input]]
//! name = "image"
//! kind = "image"
//! dtypes = ["u8", "u16"]
//!
//! [[operator.output]]
//! name = "image"
//! kind = "image"
//! yields = "derived"
//! preserves = ["localisation", "counting"]
//!
//! [limits]
//! memory = "512 MiB"
//! "#)?;
//! assert_eq!(manifest.operators[0].id, "smooth");
//!
//! let wrong = Manifest::parse("manifest-version = 1\n[plugn]\n").unwrap_err();
//! assert_eq!(wrong.to_string(), "2:2: there is no key `plugn` at the top of the manifest");
//! assert_eq!(wrong.remedy(), "did you mean `plugin`?");
//! # Ok::<(), parfocal_manifest::ManifestError>(())
//! ```
//!
//! # Rules
//! Keys are kebab-case. Unknown keys are errors, so that a typo does not become a default; keys that start with `x-`
//! belong to vendors and are passed over, in every table. Text has no control characters, so that a manifest cannot
//! drive a terminal.

mod error;
mod manifest;
mod permission;
mod read;
mod schema;
mod words;
mod write;

pub use error::ManifestError;
pub use manifest::{
    ArtifactEntry, Interpreter, Isolation, LaneKind, Limits, Manifest, ModelNeed, PluginInfo,
};
pub use permission::{FileAccess, Permission, PermissionKind};
pub use read::{Identity, identity};
pub use schema::{SCHEMA_FILE, schema, schema_text};
pub use words::{ByteSize, FileDigest, InterfaceRef, License, PackagePath, PluginId, Target};

/// The schema version that this crate reads and writes.
pub const MANIFEST_VERSION: u32 = 1;

/// The file name of a manifest, at the top of the plugin's folder.
pub const FILE_NAME: &str = "plugin.toml";

/// Longest manifest that is read, in bytes: a hundred operators with all their parameters need a tenth of it.
pub const MAX_BYTES: usize = 1 << 20;
