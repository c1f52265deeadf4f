//! Loops over rows in blocks.
//!
//! A WASM host interrupts runaway code by a check at every turn of a loop; on a tight loop over pixels the check costs
//! as much as the work. A loop over blocks of constant length pays it once a block, and the inner loop, whose length the
//! compiler knows, becomes SIMD code in both lanes.

use parfocal_image::Pixel;

/// Pixels in a block: eight SIMD registers of 16 bytes for `f32`, and a divisor of common tile widths.
pub const BLOCK: usize = 64;

/// Computes each output pixel from the input pixel at the same place, in blocks.
///
/// Pixels beyond the shorter row are left alone.
///
/// ```
/// let mut out = [0_u16; 100];
/// parfocal_plugin::rows::map(&[3_u8; 100], &mut out, |x| u16::from(x) * 2);
/// assert_eq!(out, [6; 100]);
/// ```
#[inline]
pub fn map<T: Copy, U>(input: &[T], output: &mut [U], mut function: impl FnMut(T) -> U) {
    let length = input.len().min(output.len());
    let (input, output) = (&input[..length], &mut output[..length]);
    let (blocks_in, rest_in) = input.as_chunks::<BLOCK>();
    let (blocks_out, rest_out) = output.as_chunks_mut::<BLOCK>();
    for (x, y) in blocks_in.iter().zip(blocks_out) {
        for index in 0..BLOCK {
            y[index] = function(x[index]);
        }
    }
    for (x, y) in rest_in.iter().zip(rest_out) {
        *y = function(*x);
    }
}

/// Computes each output pixel from two input pixels at the same place, in blocks.
///
/// Pixels beyond the shortest row are left alone.
#[inline]
pub fn map2<S: Copy, T: Copy, U>(
    first: &[S],
    second: &[T],
    output: &mut [U],
    mut function: impl FnMut(S, T) -> U,
) {
    let length = first.len().min(second.len()).min(output.len());
    let (first, second, output) = (&first[..length], &second[..length], &mut output[..length]);
    let (blocks_a, rest_a) = first.as_chunks::<BLOCK>();
    let (blocks_b, rest_b) = second.as_chunks::<BLOCK>();
    let (blocks_out, rest_out) = output.as_chunks_mut::<BLOCK>();
    for ((a, b), y) in blocks_a.iter().zip(blocks_b).zip(blocks_out) {
        for index in 0..BLOCK {
            y[index] = function(a[index], b[index]);
        }
    }
    for ((a, b), y) in rest_a.iter().zip(rest_b).zip(rest_out) {
        *y = function(*a, *b);
    }
}

/// Adds `weight` times the input row to the output row, in blocks: the inner loop of a separable filter. The product is
/// rounded before the sum, as everywhere in deterministic code.
#[inline]
pub fn add_scaled(input: &[f32], weight: f32, output: &mut [f32]) {
    let length = input.len().min(output.len());
    let (blocks_in, rest_in) = input[..length].as_chunks::<BLOCK>();
    let (blocks_out, rest_out) = output[..length].as_chunks_mut::<BLOCK>();
    for (x, y) in blocks_in.iter().zip(blocks_out) {
        for index in 0..BLOCK {
            y[index] += weight * x[index];
        }
    }
    for (x, y) in rest_in.iter().zip(rest_out) {
        *y += weight * x;
    }
}

/// Pixels in a block of [`symmetric_sum`]: as many sums as SIMD registers of 16 bytes hold, with some left for the taps.
const SUMS: usize = 32;

/// Sums rows that lie symmetrically around one, with weights: the inner loop of a filter with a symmetric kernel, in any
/// direction.
///
/// `weights[0]` belongs to the row `tap(0)`, `weights[k]` to both `tap(-k)` and `tap(k)`; every row is at least as long as
/// `output`. For each pixel the order is fixed, and with it the last bit: the middle first, then the pairs from the
/// outermost inwards, each pair added before it is weighed (as in `scipy.ndimage.correlate1d`, in single precision).
///
/// ```
/// use parfocal_plugin::rows::symmetric_sum;
/// let row = [0_u16, 0, 4, 0, 0, 0];
/// let mut smooth = [0.0; 4];
/// symmetric_sum(|k| &row[(1 + k) as usize..], &[0.5, 0.25], &mut smooth);
/// assert_eq!(smooth, [1.0, 2.0, 1.0, 0.0]);
/// ```
///
/// Without a weight nothing is written.
///
/// # Panics
/// When a row is shorter than `output`, as indexing a slice does.
#[inline]
pub fn symmetric_sum<'a, T: Pixel>(tap: impl Fn(isize) -> &'a [T], weights: &[f32], output: &mut [f32]) {
    if cfg!(target_family = "wasm") {
        by_taps(tap, weights, output);
    } else {
        by_blocks(tap, weights, output);
    }
}

/// A block of sums stays in registers while all taps are added: the way for a machine.
#[inline]
fn by_blocks<'a, T: Pixel>(tap: impl Fn(isize) -> &'a [T], weights: &[f32], output: &mut [f32]) {
    let length = output.len();
    let Some(weight) = weights.first() else { return };
    let middle = (&tap(0)[..length], *weight);
    // Looked up once, outermost first: what a tap costs is not paid for every block.
    let pairs: Vec<_> = (1..weights.len()).rev().map(|k| pair(&tap, weights, length, k)).collect();
    for start in (0..length).step_by(SUMS) {
        // A last block that reaches beyond the row starts earlier: some sums are made twice, to the same bits.
        let start = start.min(length.saturating_sub(SUMS));
        let rest = &mut output[start..];
        if let Some(block) = rest.first_chunk_mut() {
            symmetric_block::<T, SUMS>(middle, &pairs, start, block);
        } else {
            for (x, sum) in (start..).zip(rest) {
                symmetric_block(middle, &pairs, x, core::array::from_mut(sum));
            }
        }
    }
}

/// Four pairs of taps are added to the whole row, then the next four: the way for WASM. There, every turn of a loop may
/// call the host, and no SIMD register survives a call: sums that a loop carries from turn to turn would be written and
/// read at every turn.
#[inline]
fn by_taps<'a, T: Pixel>(tap: impl Fn(isize) -> &'a [T], weights: &[f32], output: &mut [f32]) {
    let length = output.len();
    let Some(weight) = weights.first() else { return };
    map(&tap(0)[..length], output, |value| value.to_f32() * weight);
    let pair = |k: usize| pair(&tap, weights, length, k);
    let mut left = weights.len() - 1;
    while let Some(fewer) = left.checked_sub(4) {
        add_pairs([pair(left), pair(left - 1), pair(left - 2), pair(left - 3)], output);
        left = fewer;
    }
    match left {
        3 => add_pairs([pair(3), pair(2), pair(1)], output),
        2 => add_pairs([pair(2), pair(1)], output),
        1 => add_pairs([pair(1)], output),
        _ => {}
    }
}

/// The rows before and after the middle by `k`, and their weight.
type Pair<'a, T> = (&'a [T], &'a [T], f32);

#[inline]
fn pair<'a, T>(tap: &impl Fn(isize) -> &'a [T], weights: &[f32], length: usize, k: usize) -> Pair<'a, T> {
    (&tap(-(k as isize))[..length], &tap(k as isize)[..length], weights[k])
}

#[inline(never)]
fn add_pairs<T: Pixel, const K: usize>(pairs: [Pair<'_, T>; K], output: &mut [f32]) {
    const LANES: usize = 8;
    let (blocks, rest) = output.as_chunks_mut::<LANES>();
    let whole = blocks.len();
    let before = pairs.map(|(row, _, _)| &row.as_chunks::<LANES>().0[..whole]);
    let after = pairs.map(|(_, row, _)| &row.as_chunks::<LANES>().0[..whole]);
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut sums = *block;
        for k in 0..K {
            let (before, after) = (&before[k][index], &after[k][index]);
            for lane in 0..LANES {
                sums[lane] += (before[lane].to_f32() + after[lane].to_f32()) * pairs[k].2;
            }
        }
        *block = sums;
    }
    for (x, sum) in (whole * LANES..).zip(rest) {
        for (before, after, weight) in pairs {
            *sum += (before[x].to_f32() + after[x].to_f32()) * weight;
        }
    }
}

#[inline]
fn symmetric_block<T: Pixel, const N: usize>(
    (middle, weight): (&[T], f32),
    pairs: &[(&[T], &[T], f32)],
    start: usize,
    output: &mut [f32; N],
) {
    let mut sums = [0.0; N];
    let Some(middle) = block::<T, N>(middle, start) else { return };
    for index in 0..N {
        sums[index] = middle[index].to_f32() * weight;
    }
    for &(before, after, weight) in pairs {
        let (Some(before), Some(after)) = (block::<T, N>(before, start), block::<T, N>(after, start)) else {
            return;
        };
        for index in 0..N {
            sums[index] += (before[index].to_f32() + after[index].to_f32()) * weight;
        }
    }
    *output = sums;
}

/// The block that starts at a place; there is one wherever the rows are as long as the output.
#[inline]
fn block<T, const N: usize>(row: &[T], start: usize) -> Option<&[T; N]> {
    row.get(start..)?.first_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_sum_is_the_same_for_every_pixel_of_a_block_and_of_the_rest() {
        let row: Vec<f32> = (0..150).map(|i| ((i * 37) % 101) as f32 * 0.37).collect();
        let weights = [0.4_f32, 0.2, 0.1];
        for length in [0, 1, 31, 32, 33, 64, 100] {
            let mut output = vec![0.0; length];
            symmetric_sum(|k| &row[(2 + k) as usize..], &weights, &mut output);
            for (x, got) in output.iter().enumerate() {
                let mut expected = row[x + 2] * weights[0];
                expected += (row[x] + row[x + 4]) * weights[2];
                expected += (row[x + 1] + row[x + 3]) * weights[1];
                assert_eq!(got.to_bits(), expected.to_bits(), "{x} of {length}");
            }
        }
    }

    #[test]
    fn both_ways_to_a_symmetric_sum_give_the_same_bits() {
        let row: Vec<u16> = (0..300_u32).map(|i| (i * 7919 % 65_521) as u16).collect();
        for radius in 0..=9 {
            let weights: Vec<f32> = (0..=radius).map(|k| 0.3 / (k as f32 + 1.7)).collect();
            for length in [0, 1, 7, 8, 31, 100, 200] {
                let tap = |k: isize| &row[(20 + k) as usize..];
                let (mut blocks, mut taps) = (vec![0.0; length], vec![0.0; length]);
                by_blocks(tap, &weights, &mut blocks);
                by_taps(tap, &weights, &mut taps);
                let bits = |sums: &[f32]| sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&blocks), bits(&taps), "radius {radius}, length {length}");
            }
        }
    }

    #[test]
    fn blocks_and_rests_are_all_visited_once() {
        for length in [0, 1, 63, 64, 65, 200] {
            let input: Vec<u32> = (0..length).collect();
            let mut output = vec![0; input.len() + 1];
            map(&input, &mut output, |x| x + 1);
            assert!(output.iter().take(input.len()).enumerate().all(|(i, y)| *y == i as u32 + 1));
            assert_eq!(output[input.len()], 0, "beyond the shorter row nothing is written");
            let mut sum = vec![1.0; input.len()];
            let ones = vec![2.0; input.len()];
            add_scaled(&ones, 0.5, &mut sum);
            assert!(sum.iter().all(|value| *value == 2.0));
            let mut both = vec![0; input.len()];
            map2(&input, &input, &mut both, |a, b| a + b);
            assert!(both.iter().enumerate().all(|(i, y)| *y == 2 * i as u32));
        }
    }
}
