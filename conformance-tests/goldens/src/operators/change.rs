//! A sequence: frames in order, and a state that can be saved.

use parfocal_plugin::{
    bytes::{Reader, Writer},
    map::not_planned,
    prelude::*,
};

/// The version of the saved state.
const STATE: u64 = 1;

/// Gives the difference of each frame from the one before; the first has none, and gives zero.
#[derive(Debug, Operator)]
#[operator(id = "change", kind = map, direct, deterministic, temporal_window = [1, 0])]
#[input(name = "image", dtypes = [u8, u16, f32])]
pub struct Change {
    planned: bool,
    /// The pixels of the frame before, in the part of the image that is worked on.
    before: Option<Vec<f32>>,
}

impl Operator for Change {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let [InputSpec { spec, .. }] = *inputs else { return Err(Error::invalid_argument("not one image")) };
        self.planned = true;
        let output = ImageSpec { dtype: DType::F32, significant_bits: 32, ..spec.clone() };
        Ok(Plan::like(&output).tiled(Axis::T, Tiling::InOrder).with_memory(8))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        if self.planned { Ok(vec![InputRegion::new(0, *core)]) } else { Err(not_planned()) }
    }

    fn reset(&mut self, _: &dyn Services) -> Result<()> {
        self.before = None;
        Ok(())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let ([input], [output]) = (tiles.inputs, &mut *tiles.outputs) else { return Err(not_planned()) };
        let cx = Context::new(services);
        let pixels = tiles.core.extent.count().and_then(|count| usize::try_from(count).ok());
        let mut now = Vec::with_capacity(pixels.unwrap_or(0).min(input.pixels.bytes().len()));
        with_pixel_type!(input.pixels.dtype(), T => for row in input.pixels.view::<T>()?.rows() {
            cx.worked(row.len())?;
            now.extend(row.iter().map(|pixel| pixel.to_f32()));
        });
        let before = self.before.as_ref().unwrap_or(&now);
        if before.len() != now.len() {
            return Err(Error::invalid_argument("a frame of another size in the middle of a sequence"));
        }
        let changes = now.iter().zip(before).map(|(now, before)| now - before);
        let mut output = output.pixels.view_mut::<f32>()?;
        for (to, change) in output.rows_mut().flatten().zip(changes) {
            *to = change;
        }
        self.before = Some(now);
        Ok(())
    }

    fn save(&mut self, _: &dyn Services) -> Result<Vec<u8>> {
        let mut state = Writer::default();
        state.count(STATE).count(self.before.is_some().into());
        for value in self.before.iter().flatten() {
            state.raw(&value.to_le_bytes());
        }
        Ok(state.into_bytes())
    }

    fn load(&mut self, state: &[u8], _: &dyn Services) -> Result<()> {
        let mut reader = Reader::new(state);
        let (version, frame) = (reader.count()?, reader.count()?);
        let (pixels, rest) = reader.rest().as_chunks();
        if version != STATE || frame > 1 || !rest.is_empty() || (frame == 0 && !pixels.is_empty()) {
            return Err(Error::corrupt("the state of `change`"));
        }
        self.before = (frame == 1).then(|| pixels.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
        Ok(())
    }
}
