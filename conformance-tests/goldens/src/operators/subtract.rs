//! A map with a second input that may be left out.

use parfocal_plugin::prelude::*;

/// Subtracts a background image, where there is one, and adds an offset.
#[derive(Debug, Operator)]
#[operator(id = "subtract", kind = map, direct, preserves = [localisation, counting], deterministic)]
#[input(name = "image", dtypes = [u8, u16, f32])]
#[input(name = "background", dtypes = [u8, u16, f32], optional)]
pub struct Subtract {
    /// What is added, so that noise is not cut off at zero.
    #[parameter(tunable, unit = GreyLevel, default = 10.0, min = 0.0, max = 1000.0)]
    offset: f64,
    /// The ports that are connected.
    ports: Vec<u32>,
}

impl Operator for Subtract {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let Some(image) = inputs.first() else { return Err(Error::invalid_argument("no image")) };
        if let Some(background) = inputs.iter().find(|input| input.spec.extent != image.spec.extent) {
            let (one, other) = (image.spec.extent, background.spec.extent);
            return Err(Error::invalid_argument(format!("the image is {one}, the background {other}")));
        }
        self.ports = inputs.iter().map(|input| input.port).collect();
        Ok(Plan::like(image.spec))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        if self.ports.is_empty() {
            return Err(parfocal_plugin::map::not_planned());
        }
        Ok(self.ports.iter().map(|port| InputRegion::new(*port, *core)).collect())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let (Some(image), background) = (tiles.input(0), tiles.input(1)) else {
            return Err(Error::invalid_argument("no image"));
        };
        let [output] = &mut *tiles.outputs else { return Err(Error::invalid_argument("not one output")) };
        let (offset, cx) = (self.offset as f32, Context::new(services));
        with_pixel_type!(image.pixels.dtype(), T => {
            let image = image.pixels.view::<T>()?;
            let mut output = output.pixels.view_mut::<T>()?;
            let Some(background) = background else {
                for (from, to) in image.rows().zip(output.rows_mut()) {
                    cx.worked(from.len())?;
                    rows::map(from, to, |value| T::from_f32(value.to_f32() + offset));
                }
                return Ok(());
            };
            with_pixel_type!(background.pixels.dtype(), S => {
                let background = background.pixels.view::<S>()?;
                for ((from, less), to) in image.rows().zip(background.rows()).zip(output.rows_mut()) {
                    cx.worked(from.len())?;
                    rows::map2(from, less, to, |value, less| T::from_f32(value.to_f32() - less.to_f32() + offset));
                }
                Ok(())
            })
        })
    }
}
