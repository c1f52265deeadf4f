//! The operators of one plugin, for the glue of the lanes.

use parfocal_types::{
    error::{Error, Result},
    parameter::Parameters,
};

use crate::{descriptor::Descriptor, operator::Operator};

/// The operators of one plugin. Implemented by the export macro of `parfocal-plugin`, called by the glue of the native
/// and the WASM interface.
pub trait Registry: 'static {
    /// Reverse-DNS id of the plugin.
    const PLUGIN: &'static str;
    /// Semver of the plugin.
    const VERSION: &'static str;

    /// What the operators declare.
    fn descriptors() -> Vec<Descriptor>;

    /// Makes an instance with complete, checked parameters.
    ///
    /// # Errors
    /// `not-found` for an operator that the plugin does not have; what the operator says to its parameters.
    fn create(operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>>;
}

/// The error for an operator that a plugin does not have.
#[must_use]
pub fn unknown_operator(plugin: &str, operator: &str, descriptors: &[Descriptor]) -> Error {
    let shown: String = operator.chars().take(64).collect();
    let known: Vec<_> = descriptors.iter().map(|descriptor| descriptor.id.as_str()).collect();
    Error::not_found(format!("{plugin} has no operator `{shown}`"))
        .with_remedy(format!("its operators are: {}", known.join(", ")))
}
