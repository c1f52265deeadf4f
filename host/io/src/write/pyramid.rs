//! The smaller levels of a pyramid, made tile by tile while the full size is written.

use std::collections::HashMap;

use parfocal_image::DType;

use super::chunks::{Chunk, Grid};

/// Dense pixels of a chunk, in the file's byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes: Vec<u8>,
}

/// How four pixels become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halving {
    /// Mean of the pixels there are (at an odd edge one or two), rounded half to even.
    Mean,
    /// The top left one: labels and masks must not be mixed.
    Nearest,
}

/// `tile` at half the size, odd edges rounded up.
pub(crate) fn halve(tile: &Tile, dtype: DType, halving: Halving) -> Tile {
    let bytes = match (halving, dtype) {
        (Halving::Nearest, _) | (_, DType::U32 | DType::Mask) => match dtype.size() {
            1 => blocks(tile, |[first, ..]: [[u8; 1]; 4]| first),
            2 => blocks(tile, |[first, ..]: [[u8; 2]; 4]| first),
            _ => blocks(tile, |[first, ..]: [[u8; 4]; 4]| first),
        },
        (_, DType::U8) => blocks(tile, |block| integer(block.map(u8::from_le_bytes).map(i32::from)).to_u8()),
        (_, DType::I8) => blocks(tile, |block| integer(block.map(i8::from_le_bytes).map(i32::from)).to_u8()),
        (_, DType::U16) => {
            blocks(tile, |block| integer(block.map(u16::from_le_bytes).map(i32::from)).to_u16())
        }
        (_, DType::I16) => {
            blocks(tile, |block| integer(block.map(i16::from_le_bytes).map(i32::from)).to_u16())
        }
        (_, DType::F32) => blocks(tile, |block| float(block.map(f32::from_le_bytes)).to_le_bytes()),
    };
    Tile { width: tile.width.div_ceil(2), height: tile.height.div_ceil(2), bytes }
}

/// The mean of four integers, rounded half to even.
struct Rounded(i32);

fn integer(block: [i32; 4]) -> Rounded {
    let sum: i32 = block.iter().sum();
    let (down, rest) = (sum >> 2, sum & 3);
    Rounded(down + i32::from(rest > 2 || (rest == 2 && down & 1 == 1)))
}

impl Rounded {
    /// The bytes of the mean: it lies between the values, so that the lower bytes are all of it.
    fn to_u8(&self) -> [u8; 1] {
        let [low, ..] = self.0.to_le_bytes();
        [low]
    }

    fn to_u16(&self) -> [u8; 2] {
        let [low, high, ..] = self.0.to_le_bytes();
        [low, high]
    }
}

fn float(block: [f32; 4]) -> f32 {
    let [a, b, c, d] = block.map(f64::from);
    #[allow(clippy::cast_possible_truncation, reason = "the mean is rounded to the type of the pixels")]
    let mean = (((a + b) + (c + d)) / 4.0) as f32;
    mean
}

/// Applies `join` to each block of 2 x 2 pixels. At an odd edge the last row or column stands in for the missing one,
/// which leaves the mean of the pixels there are.
fn blocks<const N: usize>(tile: &Tile, join: impl Fn([[u8; N]; 4]) -> [u8; N]) -> Vec<u8> {
    let (pixels, _) = tile.bytes.as_chunks::<N>();
    let mut halved = Vec::with_capacity(tile.width.div_ceil(2) * tile.height.div_ceil(2) * N);
    let mut rows = pixels.chunks_exact(tile.width.max(1));
    while let Some(upper) = rows.next() {
        let lower = rows.next().unwrap_or(upper);
        let (pairs_above, last_above) = upper.as_chunks::<2>();
        let (pairs_below, last_below) = lower.as_chunks::<2>();
        for (above, below) in pairs_above.iter().zip(pairs_below) {
            halved.extend_from_slice(&join([above[0], above[1], below[0], below[1]]));
        }
        if let (Some(above), Some(below)) = (last_above.first(), last_below.first()) {
            halved.extend_from_slice(&join([*above, *above, *below, *below]));
        }
    }
    halved
}

/// A tile that waits for more of its children.
struct Waiting {
    tile: Tile,
    missing: u32,
}

/// The tiles of the smaller levels that are not complete yet. With tiles coming row by row it holds about one row of
/// tiles for each level: 15 MiB for a plane of 20000 x 20000 u16.
#[derive(Default)]
pub(crate) struct Nursery(HashMap<Chunk, Waiting>);

impl Nursery {
    /// Puts the halved pixels of `child` into its parent; returns the parent when it is complete.
    pub(crate) fn adopt(
        &mut self,
        grid: &Grid,
        child: Chunk,
        halved: &Tile,
        dtype: DType,
    ) -> Option<(Chunk, Tile)> {
        let parent = grid.parent(child)?;
        let waiting = self.0.entry(parent).or_insert_with(|| {
            let (width, height) = grid.shown(parent);
            let tile = Tile { width, height, bytes: vec![0; width * height * dtype.size()] };
            Waiting { tile, missing: grid.children(parent) }
        });
        let half = |size: u64| usize::try_from(size / 2).unwrap_or(0);
        let left = if child.column % 2 == 1 { half(grid.chunk_width) } else { 0 };
        let top = if child.row % 2 == 1 { half(grid.chunk_height) } else { 0 };
        paste(&mut waiting.tile, halved, left, top, dtype.size());
        waiting.missing = waiting.missing.saturating_sub(1);
        if waiting.missing > 0 {
            return None;
        }
        self.0.remove(&parent).map(|waiting| (parent, waiting.tile))
    }
}

fn paste(into: &mut Tile, part: &Tile, left: usize, top: usize, size: usize) {
    let (stride, width) = (into.width * size, part.width * size);
    for (row, pixels) in part.bytes.chunks_exact(width.max(1)).enumerate() {
        let start = (top + row) * stride + left * size;
        into.bytes[start..start + width].copy_from_slice(pixels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile_u16(width: usize, pixels: &[u16]) -> Tile {
        let bytes = pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
        Tile { width, height: pixels.len() / width, bytes }
    }

    fn pixels_u16(tile: &Tile) -> Vec<u16> {
        tile.bytes.chunks(2).map(|pixel| u16::from_le_bytes([pixel[0], pixel[1]])).collect()
    }

    #[test]
    fn means_round_half_to_even_and_use_the_pixels_there_are() {
        // 10/4 = 2.5 -> 2, 14/4 = 3.5 -> 4, edges: 5/2 = 2.5 -> 2 (three columns, three rows).
        let tile = tile_u16(5, &[1, 2, 3, 4, 2, 3, 4, 3, 4, 3, 7, 8, 65_535, 65_535, 9]);
        let half = halve(&tile, DType::U16, Halving::Mean);
        assert_eq!((half.width, half.height), (3, 2));
        assert_eq!(pixels_u16(&half), [2, 4, 2, 8, 65_535, 9]);
        let signed = Tile { width: 2, height: 2, bytes: vec![0xff, 0xfe, 0xff, 0xfe] };
        // (-1 - 2 - 1 - 2) / 4 = -1.5 -> -2
        assert_eq!(halve(&signed, DType::I8, Halving::Mean).bytes, [0xfe]);
    }

    #[test]
    fn labels_and_masks_are_never_mixed() {
        let tile = tile_u16(3, &[7, 9, 1, 9, 9, 9]);
        assert_eq!(pixels_u16(&halve(&tile, DType::U16, Halving::Nearest)), [7, 1]);
        let labels =
            Tile { width: 1, height: 2, bytes: [5_u32, 6].iter().flat_map(|v| v.to_le_bytes()).collect() };
        assert_eq!(halve(&labels, DType::U32, Halving::Mean).bytes, 5_u32.to_le_bytes());
    }

    #[test]
    fn float_means_do_not_overflow() {
        let pixels = [f32::MAX, f32::MAX, f32::MAX, f32::MAX];
        let tile = Tile { width: 2, height: 2, bytes: pixels.iter().flat_map(|v| v.to_le_bytes()).collect() };
        assert_eq!(halve(&tile, DType::F32, Halving::Mean).bytes, f32::MAX.to_le_bytes());
    }
}
