//! Copies.

use parfocal_plugin::prelude::*;

/// Gives every pixel back as it came: what a call and a copy cost.
#[derive(Debug, Operator)]
#[operator(id = "identity", kind = map, preserves = all, deterministic)]
pub struct Identity {}

impl MapOperator for Identity {
    fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, _: &Context) -> Result<()> {
        output.copy_from(input)
    }
}
