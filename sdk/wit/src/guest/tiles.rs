//! Tiles on the guest's side: inputs where the host put them, outputs in memory that the instance keeps.

use parfocal_image::{DType, FrameFacts, PixelsMut, PixelsRef, Region, view::dense_strides};
use parfocal_operator::{Input, Output};
use parfocal_types::error::{Error, ErrorKind, Result};

use super::bindings::parfocal::operator::{
    sink,
    types::{InputTile, OutputTile, Pixels},
};
use crate::Cross;

/// An input tile with its facts in the SDK's words.
pub(super) struct Held {
    port: u32,
    pixels: Pixels,
    region: Region,
    full: parfocal_image::Extent,
    frames: Vec<FrameFacts>,
}

impl Held {
    pub(super) fn all(tiles: Vec<InputTile>) -> Vec<Self> {
        let hold = |tile: InputTile| Self {
            port: tile.port,
            region: tile.region.cross(),
            full: tile.full.cross(),
            frames: tile.frames.cross(),
            pixels: tile.pixels,
        };
        tiles.into_iter().map(hold).collect()
    }

    /// The tile as operators see it.
    ///
    /// # Errors
    /// `invalid-argument` when there are fewer pixels than the region has: a host that breaks the contract.
    pub(super) fn input(&self) -> Result<Input<'_>> {
        let (dtype, bytes): (_, &[u8]) = match &self.pixels {
            Pixels::U8s(list) => (DType::U8, list),
            Pixels::S8s(list) => (DType::I8, bytemuck::cast_slice(list)),
            Pixels::U16s(list) => (DType::U16, bytemuck::cast_slice(list)),
            Pixels::S16s(list) => (DType::I16, bytemuck::cast_slice(list)),
            Pixels::U32s(list) => (DType::U32, bytemuck::cast_slice(list)),
            Pixels::F32s(list) => (DType::F32, bytemuck::cast_slice(list)),
            Pixels::Mask(list) => (DType::Mask, list),
        };
        let pixels = PixelsRef::new(dtype, bytes, self.region, dense_strides(&self.region.extent)?)?;
        Ok(Input { port: self.port, pixels, full: self.full, frames: &self.frames })
    }
}

/// The memory of one output port, kept between calls.
#[derive(Default)]
pub(super) struct Canvas {
    /// Words, so that the pixels are aligned for every type.
    words: Vec<u64>,
    bytes: usize,
}

impl Canvas {
    /// The tile as operators see it. What is in it is undefined: an operator writes every pixel.
    ///
    /// # Errors
    /// `out-of-memory` when there is no memory for it.
    pub(super) fn output(&mut self, tile: OutputTile) -> Result<Output<'_>> {
        let (region, dtype): (Region, DType) = (tile.region.cross(), tile.dtype.cross());
        let strides = dense_strides(&region.extent)?;
        let count = region.extent.count().and_then(|count| usize::try_from(count).ok());
        self.bytes = count.and_then(|count| count.checked_mul(dtype.size())).ok_or_else(|| {
            Error::invalid_argument(format!("a tile of {} does not fit memory", region.extent))
        })?;
        let words = self.bytes.div_ceil(8);
        if let Some(more) = words.checked_sub(self.words.len()) {
            self.words.try_reserve_exact(more).map_err(|_| {
                Error::new(
                    ErrorKind::OutOfMemory { need: self.bytes as u64, budget: 0 },
                    format!("there is no memory for an output tile of {}", region.extent),
                )
            })?;
            self.words.resize(words, 0);
        }
        let bytes = &mut bytemuck::cast_slice_mut(&mut self.words)[..self.bytes];
        Ok(Output { pixels: PixelsMut::new(dtype, bytes, region, strides)?, full: tile.full.cross() })
    }

    /// Gives the pixels to the host.
    ///
    /// # Errors
    /// What the host says.
    pub(super) fn deliver(&self, index: usize) -> Result<()> {
        let index =
            u32::try_from(index).map_err(|_| Error::internal("more output tiles than a plugin can have"))?;
        let bytes: &[u8] = bytemuck::cast_slice(&self.words);
        sink::put_pixels(index, &bytes[..self.bytes]).map_err(Cross::cross)
    }
}
