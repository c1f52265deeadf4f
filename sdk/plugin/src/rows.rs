//! Loops over rows in blocks.
//!
//! A WASM host interrupts runaway code by a check at every turn of a loop; on a tight loop over pixels the check costs
//! as much as the work. A loop over blocks of constant length pays it once a block, and the inner loop, whose length the
//! compiler knows, becomes SIMD code in both lanes.

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

#[cfg(test)]
mod tests {
    use super::*;

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
