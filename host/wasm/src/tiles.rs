//! Pixels on their way in and out.

use bytemuck::{AnyBitPattern, NoUninit, try_cast_slice};
use parfocal_image::{DType, Extent, PixelsMut, PixelsRef, view::dense_strides};
use parfocal_operator::{Input, Output};
use parfocal_types::error::{Error, Result};
use parfocal_wit::Cross;

use crate::bindings::{InputTileIn, PixelsIn, types};

/// Memory for input tiles that are not dense, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Scratch(Vec<Vec<u64>>);

impl Scratch {
    /// The tiles as they are lowered into the guest: from where they lie when they lie densely, else from a dense copy.
    pub(crate) fn lower<'a>(&'a mut self, inputs: &'a [Input<'a>]) -> Result<Vec<InputTileIn<'a>>> {
        self.0.resize_with(inputs.len().max(self.0.len()), Vec::new);
        for (input, words) in inputs.iter().zip(&mut self.0) {
            if in_place(&input.pixels)?.is_none() {
                gather(&input.pixels, words)?;
            }
        }
        inputs.iter().zip(&self.0).map(|(input, words)| tile(input, words)).collect()
    }
}

fn tile<'a>(input: &'a Input<'a>, words: &'a [u64]) -> Result<InputTileIn<'a>> {
    let bytes = match in_place(&input.pixels)? {
        Some(bytes) => bytes,
        None => bytemuck::cast_slice(words)
            .get(..byte_count(&input.pixels)?)
            .ok_or_else(|| Error::internal("a dense copy is too short"))?,
    };
    Ok(InputTileIn {
        port: input.port,
        region: (*input.pixels.region()).cross(),
        full: input.full.cross(),
        pixels: typed(input.pixels.dtype(), bytes)?,
        frames: input.frames.to_vec().cross(),
    })
}

fn typed(dtype: DType, bytes: &[u8]) -> Result<PixelsIn<'_>> {
    Ok(match dtype {
        DType::U8 => PixelsIn::U8s(bytes),
        DType::I8 => PixelsIn::S8s(seen_as(bytes)?),
        DType::U16 => PixelsIn::U16s(seen_as(bytes)?),
        DType::I16 => PixelsIn::S16s(seen_as(bytes)?),
        DType::U32 => PixelsIn::U32s(seen_as(bytes)?),
        DType::F32 => PixelsIn::F32s(seen_as(bytes)?),
        DType::Mask => PixelsIn::Mask(bytes),
    })
}

fn seen_as<T: AnyBitPattern + NoUninit>(bytes: &[u8]) -> Result<&[T]> {
    try_cast_slice(bytes)
        .map_err(|error| Error::internal(format!("an input tile cannot be seen in its type: {error}")))
}

fn byte_count(pixels: &PixelsRef<'_>) -> Result<usize> {
    count(&pixels.region().extent, pixels.dtype())
}

/// Bytes of a tile.
///
/// # Errors
/// `invalid-argument` when they do not fit memory.
pub(crate) fn count(extent: &Extent, dtype: DType) -> Result<usize> {
    let pixels = extent.count().and_then(|count| usize::try_from(count).ok());
    pixels
        .and_then(|pixels| pixels.checked_mul(dtype.size()))
        .ok_or_else(|| Error::invalid_argument(format!("a tile of {extent} does not fit memory")))
}

/// The bytes of pixels that lie densely and aligned for their type.
fn in_place<'a>(pixels: &PixelsRef<'a>) -> Result<Option<&'a [u8]>> {
    let extent = &pixels.region().extent;
    let bytes = pixels.bytes().get(..byte_count(pixels)?);
    let aligned = pixels.bytes().as_ptr().align_offset(pixels.dtype().size()) == 0;
    Ok(bytes.filter(|_| aligned && is_dense(extent, pixels.strides()).unwrap_or(false)))
}

/// Whether pixels with these strides lie one after the other; the stride of an axis of size 1 does not matter.
fn is_dense(extent: &Extent, strides: &[usize; 4]) -> Result<bool> {
    let dense = dense_strides(extent)?;
    Ok((0..4).all(|axis| extent.0[axis] <= 1 || strides[axis] == dense[axis]))
}

/// Where the rows of a tile start in its buffer, in raster order, in bytes.
fn row_starts(extent: Extent, strides: [usize; 4], size: usize) -> impl Iterator<Item = usize> {
    let [t, c, z, y, _] = extent.0.map(|size| usize::try_from(size).unwrap_or(0));
    let rows = if extent.is_empty() { 0 } else { t * c * z * y };
    (0..rows).map(move |row| {
        let place = [row / (y * z * c), row / (y * z) % c, row / y % z, row % y];
        place.iter().zip(strides).map(|(index, stride)| index * stride).sum::<usize>() * size
    })
}

fn gather(pixels: &PixelsRef<'_>, words: &mut Vec<u64>) -> Result<()> {
    let (extent, size) = (pixels.region().extent, pixels.dtype().size());
    let bytes = byte_count(pixels)?;
    words.resize(words.len().max(bytes.div_ceil(8)), 0);
    let length = usize::try_from(extent.0[4]).unwrap_or(0) * size;
    if length == 0 {
        return Ok(());
    }
    let out: &mut [u8] = bytemuck::cast_slice_mut(words);
    for (to, start) in out[..bytes].chunks_exact_mut(length).zip(row_starts(extent, *pixels.strides(), size))
    {
        let from = pixels.bytes().get(start..start + length);
        to.copy_from_slice(from.ok_or_else(|| Error::internal("a row lies outside its buffer"))?);
    }
    Ok(())
}

/// An output tile that is being filled piece by piece.
#[derive(Debug)]
pub(crate) struct Painter {
    written: usize,
    bytes: usize,
}

impl Painter {
    pub(crate) fn new(output: &Output<'_>) -> Result<Self> {
        Ok(Self { written: 0, bytes: count(&output.pixels.region().extent, output.pixels.dtype())? })
    }

    /// Whether the tile was given whole.
    pub(crate) fn is_complete(&self) -> bool {
        self.written == self.bytes
    }

    /// Continues where the last piece ended.
    ///
    /// # Errors
    /// `invalid-argument` for more bytes than the tile has.
    pub(crate) fn put(&mut self, output: &mut PixelsMut<'_>, piece: &[u8]) -> Result<()> {
        if piece.len() > self.bytes - self.written {
            return Err(Error::invalid_argument(format!(
                "an output tile has {} bytes, and {} were given after the first {}",
                self.bytes,
                piece.len(),
                self.written
            )));
        }
        let (extent, strides, size) = (output.region().extent, *output.strides(), output.dtype().size());
        let start = self.written;
        self.written += piece.len();
        if is_dense(&extent, &strides)? {
            return copy(output, start, piece);
        }
        let length = usize::try_from(extent.0[4]).unwrap_or(0) * size;
        let mut rest = piece;
        let mut within = start.checked_rem(length).unwrap_or(0);
        for row in row_starts(extent, strides, size).skip(start.checked_div(length).unwrap_or(0)) {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(length - within));
            copy(output, row + within, now)?;
            (rest, within) = (later, 0);
        }
        Ok(())
    }
}

fn copy(output: &mut PixelsMut<'_>, start: usize, piece: &[u8]) -> Result<()> {
    let to = output.bytes_mut().get_mut(start..start + piece.len());
    to.ok_or_else(|| Error::internal("a row lies outside its buffer"))?.copy_from_slice(piece);
    Ok(())
}

/// An output tile as it is asked for.
pub(crate) fn wanted(output: &Output<'_>) -> types::OutputTile {
    types::OutputTile {
        region: (*output.pixels.region()).cross(),
        full: output.full.cross(),
        dtype: output.pixels.dtype().cross(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_image::{Buffer, Region};

    fn outer() -> (Buffer, Region) {
        let extent = Extent::new(1, 2, 1, 6, 7);
        let data: Vec<u16> = (0..84).collect();
        let inner = Region::new([0, 0, 0, 1, 2], Extent::new(1, 2, 1, 4, 3));
        (Buffer::from_slice(&data, Region::whole(extent)).unwrap(), inner)
    }

    fn part<'a>(buffer: &'a Buffer, inner: &Region) -> PixelsRef<'a> {
        let whole = buffer.pixels().unwrap();
        let first = (inner.origin[3] * 7 + inner.origin[4]) as usize * 2;
        PixelsRef::new(DType::U16, &whole.bytes()[first..], *inner, *whole.strides()).unwrap()
    }

    #[test]
    fn a_part_of_a_buffer_is_gathered_and_painted_back() {
        let (buffer, inner) = outer();
        let pixels = part(&buffer, &inner);
        let input = [Input { port: 0, pixels, full: buffer.region().extent, frames: &[] }];
        let mut scratch = Scratch::default();
        let lowered = scratch.lower(&input).unwrap();
        let PixelsIn::U16s(list) = lowered[0].pixels else { panic!("{:?}", lowered[0].pixels) };
        let expected: Vec<u16> = pixels.view::<u16>().unwrap().rows().flatten().copied().collect();
        assert_eq!(list, expected);

        // Pieces that end within rows and pixels.
        for size in [1, 3, 5, 6, 7, 24, 48] {
            let mut target = Buffer::zeroed(DType::U16, *buffer.region()).unwrap();
            let mut whole = target.pixels_mut().unwrap();
            let mut output = Output { pixels: whole.part_mut(&inner).unwrap(), full: buffer.region().extent };
            let mut painter = Painter::new(&output).unwrap();
            for piece in bytemuck::cast_slice::<u16, u8>(&expected).chunks(size) {
                assert!(!painter.is_complete());
                painter.put(&mut output.pixels, piece).unwrap();
            }
            assert!(painter.is_complete());
            assert!(painter.put(&mut output.pixels, &[0]).is_err());
            let painted = part(&target, &inner).view::<u16>().unwrap();
            assert_eq!(painted.rows().flatten().copied().collect::<Vec<_>>(), expected, "pieces of {size}");
            let outside = target.as_slice::<u16>().unwrap().iter().filter(|value| **value != 0).count();
            assert_eq!(outside, expected.len(), "nothing was written outside the part");
        }
    }

    #[test]
    fn dense_pixels_are_lowered_from_where_they_lie() {
        let (buffer, _) = outer();
        let pixels = buffer.pixels().unwrap();
        let input = [Input { port: 0, pixels, full: buffer.region().extent, frames: &[] }];
        let mut scratch = Scratch::default();
        let lowered = scratch.lower(&input).unwrap();
        let PixelsIn::U16s(list) = lowered[0].pixels else { panic!("{:?}", lowered[0].pixels) };
        assert_eq!(list.as_ptr().cast::<u8>(), buffer.bytes().as_ptr());
    }
}
