//! What `#[derive(Operator)]` writes.

use parfocal_operator::{Descriptor, Operator};
use parfocal_types::{Parameters, Result};

/// An operator that declares itself and is made from its parameters. Written by `#[derive(Operator)]`.
///
/// # `#[operator(...)]`
/// | key | meaning | default |
/// |---|---|---|
/// | `id = "top-hat"` | name in kebab-case | required |
/// | `kind = map` | `map` (implement [`MapOperator`](crate::MapOperator)), `reduce`, `whole` (implement [`Operator`]) | required |
/// | `direct` | of kind map: implement [`Operator`] itself, for several inputs, another pixel type, or a sequence | no |
/// | `preserves = [localisation, counting]` | supports that the outputs keep when the inputs have them; `all`, `none` | `none` |
/// | `yields = derived` | class of the outputs' pixels: `derived`, `restored`, `predicted`, `labels` | `derived` |
/// | `network` | a neural network makes the outputs: images among them must be `restored` or `predicted` | no |
/// | `deterministic` | equal bytes in every lane | no |
/// | `single_threaded` | one instance at a time | no |
/// | `max_halo = [0, 0, 8, 64, 64]` | upper bound of the halo along T C Z Y X | all 0 |
/// | `temporal_window = [1, 1]` | frames before and after | none |
///
/// The first paragraph of the struct's documentation is the summary.
///
/// # `#[input(...)]` and `#[output(...)]`, repeated, on the struct
/// Ports are known by their number: the order in which they stand here.
///
/// `#[input(name = "cells", dtypes = [u32], labels, optional)]` takes images of these pixel types; with `labels` it takes
/// labels, with `optional` it may be left out. Without any, there is one input `image` of every pixel type.
///
/// `#[output(name = "objects", kind = table)]` gives an `image`, `labels`, a `table` or a `record`. Without any, there is one
/// image `image`. `preserves`, `yields` and `network` (`network = false`) in an output take the place of the operator's.
///
/// ```
/// # mod plugin {
/// use parfocal_plugin::prelude::*;
///
/// /// Finds nuclei, and says for each pixel how sure that is.
/// #[derive(Operator)]
/// #[operator(id = "nuclei", kind = whole, preserves = [localisation, counting], network)]
/// #[output(name = "nuclei", kind = labels, yields = labels)]
/// #[output(name = "certainty", yields = predicted, preserves = none)]
/// struct Nuclei;
/// # impl Operator for Nuclei {
/// #     fn plan(&mut self, _: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> { Ok(Plan::without_images()) }
/// #     fn required_input(&self, _: &Region) -> Result<Vec<InputRegion>> { Ok(Vec::new()) }
/// #     fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> { Ok(()) }
/// # }
/// # pub fn check() {
/// let [nuclei, certainty] = &Nuclei::descriptor().outputs[..] else { unreachable!() };
/// assert!(nuclei.network && nuclei.preserves.has(Support::Counting));
/// assert!(certainty.network && certainty.preserves == Supports::NONE);
/// # }
/// # }
/// # plugin::check();
/// ```
///
/// # `#[parameter(...)]` on fields
/// First word `setting` or `tunable`; then `default`, `min`, `max`, `unit = Micrometer` (a [`Unit`](parfocal_types::Unit)), and
/// `options = ["a", "b"]` for a choice. The type of the field decides: `bool`, `i64` or `u32`, `f64` or `f32`, `String`; any
/// other type is a [`Choice`](crate::choice::Choice), which [`choice!`](crate::choice!) makes of an enum. The field's documentation is the parameter's; its name becomes kebab-case. Fields without the attribute are the operator's
/// own state and start with their [`Default`].
pub trait Describe: Sized {
    /// What the operator declares.
    fn descriptor() -> Descriptor;

    /// An instance with complete, checked parameters.
    ///
    /// # Errors
    /// `internal` when a parameter is missing: the host completes them.
    fn from_parameters(parameters: &Parameters) -> Result<Self>;

    /// The instance behind the one trait.
    ///
    /// # Errors
    /// As [`from_parameters`](Self::from_parameters).
    fn build(parameters: &Parameters) -> Result<Box<dyn Operator>>;
}
