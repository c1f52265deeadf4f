//! The inverse cosine transform of libjpeg, "islow": Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with twelve
//! multiplications, in fixed point of 13 bits, as written in `jidctint.c`. Every rounding counts.

use std::num::Wrapping;

type Fixed = Wrapping<i32>;

const CONST_BITS: u32 = 13;
const PASS1_BITS: u32 = 2;

const fn fixed(value: i32) -> Fixed {
    Wrapping(value)
}

const FIX_0_298631336: Fixed = fixed(2446);
const FIX_0_390180644: Fixed = fixed(3196);
const FIX_0_541196100: Fixed = fixed(4433);
const FIX_0_765366865: Fixed = fixed(6270);
const FIX_0_899976223: Fixed = fixed(7373);
const FIX_1_175875602: Fixed = fixed(9633);
const FIX_1_501321110: Fixed = fixed(12299);
const FIX_1_847759065: Fixed = fixed(15137);
const FIX_1_961570560: Fixed = fixed(16069);
const FIX_2_053119869: Fixed = fixed(16819);
const FIX_2_562915447: Fixed = fixed(20995);
const FIX_3_072711026: Fixed = fixed(25172);

/// One dimension: eight numbers, divided by two to `shift` with rounding.
fn pass(input: [Fixed; 8], shift: u32) -> [Fixed; 8] {
    let [i0, i1, i2, i3, i4, i5, i6, i7] = input;
    let z1 = (i2 + i6) * FIX_0_541196100;
    let t2 = z1 - i6 * FIX_1_847759065;
    let t3 = z1 + i2 * FIX_0_765366865;
    let t0 = (i0 + i4) << CONST_BITS as usize;
    let t1 = (i0 - i4) << CONST_BITS as usize;
    let (e0, e3, e1, e2) = (t0 + t3, t0 - t3, t1 + t2, t1 - t2);

    let z5 = (i7 + i3 + i5 + i1) * FIX_1_175875602;
    let z1 = -(i7 + i1) * FIX_0_899976223;
    let z2 = -(i5 + i3) * FIX_2_562915447;
    let z3 = z5 - (i7 + i3) * FIX_1_961570560;
    let z4 = z5 - (i5 + i1) * FIX_0_390180644;
    let o0 = i7 * FIX_0_298631336 + z1 + z3;
    let o1 = i5 * FIX_2_053119869 + z2 + z4;
    let o2 = i3 * FIX_3_072711026 + z2 + z3;
    let o3 = i1 * FIX_1_501321110 + z1 + z4;

    let half = fixed(1 << (shift - 1));
    [e0 + o3, e1 + o2, e2 + o1, e3 + o0, e3 - o0, e2 - o1, e1 - o2, e0 - o3]
        .map(|sum| (sum + half) >> shift as usize)
}

/// The samples of a block of coefficients.
pub(super) fn inverse_dct(block: &[i32; 64]) -> [u8; 64] {
    if block[1..].iter().all(|coefficient| *coefficient == 0) {
        // Exactly what the two passes give for a mean alone.
        let mean = (((block[0] << PASS1_BITS) + (1 << 4)) >> 5) + 128;
        return [mean.clamp(0, 255) as u8; 64];
    }
    let mut columns = [fixed(0); 64];
    for x in 0..8 {
        let column: [Fixed; 8] = core::array::from_fn(|y| fixed(block[y * 8 + x]));
        if column[1..] == [fixed(0); 7] {
            let mean = column[0] << PASS1_BITS as usize;
            (0..8).for_each(|y| columns[y * 8 + x] = mean);
            continue;
        }
        for (y, value) in pass(column, CONST_BITS - PASS1_BITS).into_iter().enumerate() {
            columns[y * 8 + x] = value;
        }
    }
    let mut samples = [0; 64];
    for y in 0..8 {
        let row = core::array::from_fn(|x| columns[y * 8 + x]);
        for (x, value) in pass(row, CONST_BITS + PASS1_BITS + 3).into_iter().enumerate() {
            samples[y * 8 + x] = (value.0 + 128).clamp(0, 255) as u8;
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_a_mean_only_is_flat() {
        let mut block = [0; 64];
        block[0] = 8 * 50;
        assert_eq!(inverse_dct(&block), [178; 64]);
        block[0] = -8 * 500;
        assert_eq!(inverse_dct(&block), [0; 64]);
    }

    #[test]
    fn it_is_the_cosine_transform_within_one_grey_level() {
        let mut state = 1_u32;
        let mut block = [0; 64];
        for (index, slot) in block.iter_mut().enumerate() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *slot = (state >> 20) as i32 % 120 / (1 + index as i32 / 8);
        }
        let samples = inverse_dct(&block);
        for y in 0..8 {
            for x in 0..8 {
                let mut sum = 0.0;
                for (index, value) in block.iter().enumerate() {
                    let (u, v) = ((index % 8) as f64, (index / 8) as f64);
                    let scale = |k: f64| if k == 0.0 { 0.5_f64.sqrt() } else { 1.0 };
                    let wave =
                        |p: usize, k: f64| ((2 * p + 1) as f64 * k * std::f64::consts::PI / 16.0).cos();
                    sum += scale(u) * scale(v) / 4.0 * f64::from(*value) * wave(x, u) * wave(y, v);
                }
                let exact = (sum + 128.0).clamp(0.0, 255.0);
                assert!((f64::from(samples[y * 8 + x]) - exact).abs() <= 1.0, "{x} {y}");
            }
        }
    }
}
