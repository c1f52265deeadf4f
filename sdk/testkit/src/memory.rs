//! Where tiles lie while an operator works on them.

use parfocal_image::{Axis, Buffer, DType, PixelsMut, PixelsRef, Region};
use parfocal_types::Result;

/// Gives the driver memory for tiles. What is around the pixels is up to it.
pub trait Memory: Sync {
    /// Memory for `region`; `what` names it in messages, for example "input `image`". Its content is rubbish.
    ///
    /// # Errors
    /// `out-of-memory`.
    fn block(&self, what: &str, dtype: DType, region: &Region) -> Result<Box<dyn Block>>;
}

/// The memory of one tile.
pub trait Block {
    /// The pixels.
    ///
    /// # Errors
    /// None in practice: the block was made for its region.
    fn pixels(&self) -> Result<PixelsRef<'_>>;

    /// The pixels, writable, before [`seal`](Self::seal).
    ///
    /// # Errors
    /// None in practice.
    fn pixels_mut(&mut self) -> Result<PixelsMut<'_>>;

    /// From now on nobody may write: what lies here is an input.
    fn seal(&mut self);

    /// What somebody wrote where nobody may, as a sentence; `None` when all is well.
    fn trespass(&self) -> Option<String>;
}

/// Memory with a margin of rubbish around the pixels of each row and plane, so that strides matter; what is written into
/// the margin, or into an input, is noticed afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Loose {
    /// The byte that margins, and outputs before they are written, are full of.
    pub rubbish: u8,
}

impl Default for Loose {
    fn default() -> Self {
        Self { rubbish: 0xA5 }
    }
}

impl Memory for Loose {
    fn block(&self, what: &str, dtype: DType, region: &Region) -> Result<Box<dyn Block>> {
        let around = region.grown(Axis::Y, 0, 1).grown(Axis::X, 1, 2);
        let mut buffer = Buffer::zeroed(dtype, around)?;
        buffer.bytes_mut().fill(self.rubbish);
        Ok(Box::new(LooseBlock {
            what: what.to_owned(),
            rubbish: self.rubbish,
            buffer,
            region: *region,
            sealed: None,
        }))
    }
}

struct LooseBlock {
    what: String,
    rubbish: u8,
    buffer: Buffer,
    region: Region,
    /// What an input held when it was sealed.
    sealed: Option<Vec<u8>>,
}

impl Block for LooseBlock {
    fn pixels(&self) -> Result<PixelsRef<'_>> {
        self.buffer.pixels()?.part(&self.region)
    }

    fn pixels_mut(&mut self) -> Result<PixelsMut<'_>> {
        let (dtype, around, region) = (self.buffer.dtype(), *self.buffer.region(), self.region);
        let strides = *self.buffer.pixels()?.strides();
        let size = dtype.size();
        let first = usize::try_from(region.origin[4] - around.origin[4]).unwrap_or(0) * size;
        PixelsMut::new(dtype, &mut self.buffer.bytes_mut()[first..], region, strides)
    }

    fn seal(&mut self) {
        self.sealed = Some(self.buffer.bytes().to_vec());
    }

    fn trespass(&self) -> Option<String> {
        let what = &self.what;
        if let Some(sealed) = &self.sealed {
            let place = sealed.iter().zip(self.buffer.bytes()).position(|(before, after)| before != after)?;
            return Some(format!("{what} was written to, at byte {place} of its memory"));
        }
        let size = self.buffer.dtype().size();
        let places = crate::image::places(self.buffer.region().extent);
        let margin = places.zip(self.buffer.bytes().chunks_exact(size)).find(|(place, pixel)| {
            let there: [i64; 5] = std::array::from_fn(|axis| {
                self.buffer.region().origin[axis].saturating_add_unsigned(place[axis])
            });
            let inside = Axis::ALL.iter().all(|&axis| {
                there[axis as usize] >= self.region.origin[axis as usize]
                    && there[axis as usize] < self.region.end(axis)
            });
            !inside && pixel.iter().any(|byte| *byte != self.rubbish)
        });
        margin.map(|(place, _)| {
            let [t, c, z, y, x] = place;
            format!(
                "{what} was written to beside its region {}, at T{t} C{c} Z{z} Y{y} X{x} of its memory",
                self.region
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use parfocal_image::Extent;

    use super::*;

    fn block() -> Box<dyn Block> {
        Loose::default()
            .block("output `image`", DType::U16, &Region::new([0, 0, 0, 5, 7], Extent::plane(4, 6)))
            .unwrap()
    }

    #[test]
    fn writing_every_pixel_is_fine_and_one_byte_beside_is_noticed() {
        let mut good = block();
        let mut pixels = good.pixels_mut().unwrap();
        pixels.view_mut::<u16>().unwrap().rows_mut().for_each(|row| row.fill(7));
        assert_eq!(good.trespass(), None);
        let mut bad = block();
        let mut pixels = bad.pixels_mut().unwrap();
        pixels.bytes_mut()[12] ^= 1;
        assert!(bad.trespass().unwrap().contains("beside its region"));
    }

    #[test]
    fn a_written_input_is_noticed() {
        let mut input = block();
        input.seal();
        assert_eq!(input.trespass(), None);
        let mut pixels = input.pixels_mut().unwrap();
        pixels.bytes_mut()[0] ^= 1;
        assert!(input.trespass().unwrap().contains("was written to"));
    }
}
