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
    let length = output.len();
    let Some(weight) = weights.first() else { return };
    let middle = (&tap(0)[..length], *weight);
    // Looked up once, outermost first: what a tap costs is not paid for every block.
    let pair = |k: usize| (&tap(-(k as isize))[..length], &tap(k as isize)[..length], weights[k]);
    let pairs: Vec<_> = (1..weights.len()).rev().map(pair).collect();
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
