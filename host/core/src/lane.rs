//! Lanes: the only doors to plugin code.

use std::sync::Arc;

use parfocal_operator::{Descriptor, Operator};
use parfocal_types::{InterfaceVersion, error::Result, parameter::Parameters};

use crate::artifact::Artifact;

/// A way to run plugin code: native in process, WASM, a worker process.
pub trait Lane: Send + Sync {
    /// The name in manifests, for example `native` or `wasm`.
    fn name(&self) -> &'static str;

    /// Checks and loads a file of plugin code; negotiates the interface before anything else.
    ///
    /// # Errors
    /// `corrupt` for a file that is not what its manifest says, `incompatible` for an interface or layout that does
    /// not fit, with both sides and what to do.
    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Library>>;
}

/// What is known about a loaded library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryInfo {
    /// Reverse-DNS id of the plugin.
    pub plugin: String,
    /// Version of the plugin.
    pub version: semver::Version,
    /// The lane that it runs in.
    pub lane: &'static str,
    /// The version of the interface `operator` that both sides chose.
    pub interface: InterfaceVersion,
    /// How far it is kept apart from the host, as a phrase for people: `in process, trusted`, or what the fences keep from it.
    pub isolation: String,
}

/// Loaded plugin code.
pub trait Library: Send + Sync {
    /// What is known about it.
    fn info(&self) -> &LibraryInfo;

    /// The operators, as the code describes them.
    fn operators(&self) -> &[Descriptor];

    /// Makes an instance. Instances are independent of each other.
    ///
    /// # Errors
    /// `not-found` for an operator that the library does not have; what the operator says to its parameters.
    fn create(&self, operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>>;
}
