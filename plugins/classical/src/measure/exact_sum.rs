//! Sums without rounding, so that their order does not matter.
//!
//! Every single is a whole multiple of 2^-149 below 2^128; a number of 384 bits in two's complement, in units of 2^-149,
//! holds the sum of 2^100 of them. (The idea is U. Kulisch's long accumulator.) The one rounding is at the end.

use parfocal_plugin::{
    bytes::{Reader, Writer},
    prelude::*,
};

const LIMBS: usize = 6;

/// Exponent of the unit: the smallest single that is not zero is 2^-149.
const UNIT: i32 = -149;

/// A sum of singles or of whole numbers of up to 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ExactSum {
    /// Least significant first.
    limbs: [u64; LIMBS],
    positive_infinities: u64,
    negative_infinities: u64,
    not_numbers: u64,
}

impl ExactSum {
    /// Adds a pixel.
    #[inline]
    pub(super) fn add<T: Pixel>(&mut self, pixel: T) {
        if T::DTYPE == DType::F32 {
            self.add_single(pixel.to_f32());
        } else {
            self.add_whole(pixel.to_f64() as i64);
        }
    }

    fn add_single(&mut self, value: f32) {
        let bits = value.to_bits();
        let (exponent, fraction) = (bits >> 23 & 0xFF, bits & 0x7F_FFFF);
        if exponent == 0xFF {
            let count = match (fraction, value > 0.0) {
                (0, true) => &mut self.positive_infinities,
                (0, false) => &mut self.negative_infinities,
                _ => &mut self.not_numbers,
            };
            *count += 1;
            return;
        }
        // Subnormal numbers have the exponent of the smallest normal ones and no hidden bit.
        let (shift, mantissa) =
            if exponent == 0 { (0, fraction) } else { (exponent - 1, fraction | 1 << 23) };
        self.add_shifted(mantissa.into(), shift as usize, value.is_sign_negative());
    }

    /// Adds a whole number of at most 64 bits.
    pub(super) fn add_whole(&mut self, value: i64) {
        self.add_shifted(value.unsigned_abs(), -UNIT as usize, value < 0);
    }

    /// Adds or subtracts `mantissa` x 2^`shift` units.
    #[inline]
    fn add_shifted(&mut self, mantissa: u64, shift: usize, negative: bool) {
        let wide = u128::from(mantissa) << (shift % 64);
        let parts = [wide as u64, (wide >> 64) as u64];
        let mut carry = false;
        for (place, limb) in self.limbs.iter_mut().enumerate().skip(shift / 64) {
            let part = parts.get(place - shift / 64).copied().unwrap_or(0);
            if part == 0 && !carry && place > shift / 64 {
                return;
            }
            let (sum, one) = if negative { limb.overflowing_sub(part) } else { limb.overflowing_add(part) };
            let (sum, two) =
                if negative { sum.overflowing_sub(carry.into()) } else { sum.overflowing_add(carry.into()) };
            *limb = sum;
            carry = one || two;
        }
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, more) in self.limbs.iter_mut().zip(other.limbs) {
            let (sum, one) = limb.overflowing_add(more);
            let (sum, two) = sum.overflowing_add(carry.into());
            *limb = sum;
            carry = one || two;
        }
        self.positive_infinities += other.positive_infinities;
        self.negative_infinities += other.negative_infinities;
        self.not_numbers += other.not_numbers;
    }

    /// The sum, rounded once to the nearest double, half to even.
    pub(super) fn value(&self) -> f64 {
        match (self.not_numbers > 0, self.positive_infinities > 0, self.negative_infinities > 0) {
            (true, ..) | (_, true, true) => return f64::NAN,
            (_, true, _) => return f64::INFINITY,
            (_, _, true) => return f64::NEG_INFINITY,
            _ => {}
        }
        let negative = self.limbs[LIMBS - 1] >> 63 == 1;
        let size = if negative { negated(self.limbs) } else { self.limbs };
        let Some(top) = size.iter().rposition(|limb| *limb != 0) else { return 0.0 };
        let zeros = size[top].leading_zeros();
        // The 64 most significant bits, the last of them standing for everything below as well: enough to round once.
        let below = if top > 0 { size[top - 1] } else { 0 };
        let mut bits = if zeros == 0 { size[top] } else { size[top] << zeros | below >> (64 - zeros) };
        let lost = if zeros == 0 { below } else { below << zeros };
        let lower = &size[..top.saturating_sub(1)];
        bits |= u64::from(lost != 0 || lower.iter().any(|limb| *limb != 0));
        let exponent = UNIT + 64 * top as i32 - zeros as i32;
        let value = bits as f64 * power_of_two(exponent);
        if negative { -value } else { value }
    }

    /// Whether a pixel was not a number.
    pub(super) fn has_not_numbers(&self) -> bool {
        self.not_numbers > 0
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        // Most sums leave the limbs below the unit of whole numbers, and those far above, empty.
        let sign = if self.limbs[LIMBS - 1] >> 63 == 1 { u64::MAX } else { 0 };
        let given = (0..LIMBS).filter(|place| self.limbs[*place] != sign);
        let mask = given.clone().fold(sign & 1 << LIMBS, |mask, place| mask | 1 << place);
        writer.count(mask);
        given.for_each(|place| {
            writer.word(self.limbs[place]);
        });
        writer.count(self.positive_infinities).count(self.negative_infinities).count(self.not_numbers);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mask = reader.count()?;
        let mut sum =
            Self { limbs: [if mask >> LIMBS & 1 == 1 { u64::MAX } else { 0 }; LIMBS], ..Self::default() };
        for (place, limb) in sum.limbs.iter_mut().enumerate() {
            if mask >> place & 1 == 1 {
                *limb = reader.word()?;
            }
        }
        sum.positive_infinities = reader.count()?;
        sum.negative_infinities = reader.count()?;
        sum.not_numbers = reader.count()?;
        Ok(sum)
    }
}

fn negated(limbs: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut carry = true;
    limbs.map(|limb| {
        let (sum, more) = (!limb).overflowing_add(carry.into());
        carry = more;
        sum
    })
}

/// Exact for exponents from -1022 to 1023; a sum's lie between -212 and 235.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[f32]) -> ExactSum {
        let mut sum = ExactSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    #[test]
    fn what_rounding_loses_is_kept() {
        assert_eq!(sum(&[1e30, 1.0, -1e30]).value(), 1.0);
        assert_eq!(sum(&[f32::MAX, f32::MAX, -f32::MAX, -f32::MAX, 1e-45]).value(), f64::from(1e-45_f32));
        assert_eq!(sum(&[-0.5, -0.25]).value(), -0.75);
        assert_eq!(sum(&[]).value(), 0.0);
        assert_eq!(sum(&[3.0, -3.0]).value(), 0.0);
        assert!(sum(&[f32::INFINITY, f32::NEG_INFINITY]).value().is_nan());
        assert_eq!(sum(&[f32::INFINITY, 1.0]).value(), f64::INFINITY);
        assert!(sum(&[f32::NAN, 1.0]).value().is_nan());
    }

    #[test]
    fn every_single_alone_is_itself() {
        let mut bits = 1_u32;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(bits);
            if value.is_finite() {
                assert_eq!(sum(&[value]).value(), f64::from(value), "{value:e}");
            }
        }
    }

    #[test]
    fn a_sum_is_rounded_once_half_to_even() {
        // 2^53 + 1 lies between two doubles; with anything more it rounds up.
        let mut exact = ExactSum::default();
        exact.add_whole((1 << 53) + 1);
        assert_eq!(exact.value(), 9_007_199_254_740_992.0);
        exact.add(1e-45_f32);
        assert_eq!(exact.value(), 9_007_199_254_740_994.0);
    }

    #[test]
    fn parts_add_up_to_the_whole_and_travel() {
        let values: Vec<f32> = (0..1000).map(|i| ((i * 7919) % 1013 - 500) as f32 * 1.1e-3).collect();
        let whole = sum(&values);
        let mut joined = sum(&values[500..]);
        joined.merge(&sum(&values[..500]));
        assert_eq!(joined, whole);
        let mut writer = Writer::default();
        whole.write(&mut writer);
        sum(&[-1.0]).write(&mut writer);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(ExactSum::read(&mut reader).unwrap(), whole);
        assert_eq!(ExactSum::read(&mut reader).unwrap(), sum(&[-1.0]));
        reader.end().unwrap();
    }
}
