//! A histogram that does not depend on how an image was cut.
//!
//! Bins are as wide as a power of two and start at multiples of their width. The width is the smallest for which the
//! span from the smallest to the largest value takes at most 65536 bins. Joining two histograms may ask for a larger
//! width; doubling it adds up pairs of bins, exactly. So the result is a function of the pixels only.

use parfocal_plugin::prelude::*;

const MOST_BINS: i64 = 1 << 16;

/// Bins are not narrower than the largest value divided by two to this: single precision has 24 bits.
const PRECISION: i32 = 32;

/// Memory for the counts of two histograms and the sums of one.
pub(super) const BYTES: u64 = 4 * 8 * MOST_BINS as u64;

/// Counts of values.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Histogram {
    /// Whether values are whole numbers: bins are then at least 1 wide.
    whole: bool,
    /// Smallest and largest finite value.
    span: Option<(f64, f64)>,
    /// The width of a bin is two to this.
    exponent: i32,
    /// Bin of the first count.
    first: i64,
    counts: Vec<u64>,
}

/// The bin that a value falls into. Exact: the width is a power of two.
fn bin(value: f64, exponent: i32) -> i64 {
    let scaled = value * power_of_two(-exponent);
    // `floor` without a call: truncation, and one less below zero where something was cut off.
    let cut = scaled as i64;
    cut - i64::from(cut as f64 > scaled)
}

/// Exact for exponents from -1022 to 1023.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// The exponent for which two to it is at most the size of a normal number.
fn exponent_of(size: f64) -> i32 {
    (size.to_bits() >> 52 & 0x7FF) as i32 - 1023
}

/// The exponent of the bins' width: a function of the span only, and never smaller for a larger span.
fn width_for((low, high): (f64, f64), whole: bool) -> i32 {
    let largest = low.abs().max(high.abs());
    let finest = if largest > 0.0 { exponent_of(largest) - PRECISION } else { 0 };
    let mut exponent = if whole { 0 } else { finest };
    while bin(high, exponent) - bin(low, exponent) >= MOST_BINS {
        exponent += 1;
    }
    exponent
}

impl Histogram {
    /// Counts the finite pixels of a tile.
    pub(super) fn of<T: Pixel>(view: &View<'_, T>, cx: &Context<'_>) -> Result<Self> {
        let mut span: Option<(f64, f64)> = None;
        for row in view.rows() {
            cx.worked(row.len())?;
            for value in finite(row) {
                let (low, high) = span.unwrap_or((value, value));
                span = Some((if value < low { value } else { low }, if value > high { value } else { high }));
            }
        }
        let whole = T::DTYPE.is_integer();
        let mut histogram = Self { whole, ..Self::default() };
        let Some(span) = span else { return Ok(histogram) };
        histogram.stretch(span);
        for row in view.rows() {
            cx.worked(row.len())?;
            for value in finite(row) {
                let place = bin(value, histogram.exponent) - histogram.first;
                if let Some(count) =
                    usize::try_from(place).ok().and_then(|place| histogram.counts.get_mut(place))
                {
                    *count += 1;
                }
            }
        }
        Ok(histogram)
    }

    /// Adds the counts of other pixels of the same image.
    pub(super) fn add(&mut self, mut other: Self) {
        let (Some(mine), Some(others)) = (self.span, other.span) else {
            if self.span.is_none() {
                *self = other;
            }
            return;
        };
        let both = (
            if others.0 < mine.0 { others.0 } else { mine.0 },
            if others.1 > mine.1 { others.1 } else { mine.1 },
        );
        self.stretch(both);
        other.stretch(both);
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// Makes the bins those of a larger span.
    fn stretch(&mut self, span: (f64, f64)) {
        let exponent = width_for(span, self.whole);
        let first = bin(span.0, exponent);
        let bins = usize::try_from(bin(span.1, exponent) - first + 1).unwrap_or(0);
        let mut counts = vec![0; bins];
        let wider = u32::try_from(exponent - self.exponent).unwrap_or(0).min(63);
        for (place, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let old = self.first.saturating_add_unsigned(place as u64);
            // An arithmetic shift rounds down: the wider bin that contains the old one.
            let place = (old >> wider) - first;
            if let Some(sum) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
                *sum += count;
            }
        }
        *self = Self { whole: self.whole, span: Some(span), exponent, first, counts };
    }

    /// The value that stands for a bin: its middle; for whole numbers the middle of those that fall into it.
    fn value(&self, place: usize) -> f64 {
        let width = power_of_two(self.exponent);
        let middle = if self.whole { (width - 1.0) / 2.0 } else { width / 2.0 };
        self.first.saturating_add_unsigned(place as u64) as f64 * width + middle
    }

    /// Otsu's threshold, or none when nothing was counted: values above it are foreground. It makes the variance between
    /// the classes largest; of equal ones it is the lowest. One value only is its own threshold.
    pub(super) fn otsu(&self) -> Option<f64> {
        // The value of a bin may lie beyond the span where a bin is wider than the span.
        let (low, _) = self.span?;
        let total: u64 = self.counts.iter().sum();
        // Distances from the first value keep the sums small, and with them exact.
        let width = power_of_two(self.exponent);
        let moment: u128 =
            self.counts.iter().enumerate().map(|(place, count)| place as u128 * u128::from(*count)).sum();
        let (mut below, mut moment_below) = (0_u64, 0_u128);
        let mut best: Option<(f64, usize)> = None;
        for (place, count) in self.counts.iter().enumerate().take(self.counts.len().saturating_sub(1)) {
            below += count;
            moment_below += place as u128 * u128::from(*count);
            let above = total - below;
            let mean = moment_below as f64 / below as f64;
            let mean_above = (moment - moment_below) as f64 / above as f64;
            let apart = (mean_above - mean) * width;
            let variance = below as f64 * above as f64 * (apart * apart);
            if best.is_none_or(|(most, _)| variance > most) {
                best = Some((variance, place));
            }
        }
        match best {
            Some((_, place)) => Some(self.value(place)),
            None if self.whole && self.exponent == 0 => Some(self.value(0)),
            None => Some(low),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut writer = bytes::Writer::default();
        writer.count(u64::from(self.whole));
        let Some((low, high)) = self.span else { return writer.into_bytes() };
        writer.float(low).float(high);
        let mut empty = 0;
        for count in &self.counts {
            if *count == 0 {
                empty += 1;
            } else {
                writer.count(empty).count(*count);
                empty = 0;
            }
        }
        writer.into_bytes()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = bytes::Reader::new(bytes);
        let mut histogram = Self { whole: reader.count()? != 0, ..Self::default() };
        if reader.rest().is_empty() {
            return Ok(histogram);
        }
        let span = (reader.float()?, reader.float()?);
        if !(span.0.abs().max(span.1.abs()) <= f64::from(f32::MAX) && span.0 <= span.1) {
            return Err(Error::corrupt("the span of a histogram"));
        }
        histogram.stretch(span);
        let mut place = 0_usize;
        while !reader.rest().is_empty() {
            place = place.saturating_add(usize::try_from(reader.count()?).unwrap_or(usize::MAX));
            let count = reader.count()?;
            *histogram
                .counts
                .get_mut(place)
                .ok_or_else(|| Error::corrupt("a bin beyond the span of a histogram"))? = count;
            place += 1;
        }
        Ok(histogram)
    }
}

/// The finite values of a row; positive zero for negative zero.
fn finite<T: Pixel>(row: &[T]) -> impl Iterator<Item = f64> + '_ {
    row.iter().map(|pixel| pixel.to_f64() + 0.0).filter(|value| value.abs() <= f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_exact_on_both_sides_of_zero() {
        let cases = [
            (0.0, 0, 0),
            (-1.0, 0, -1),
            (-0.5, 0, -1),
            (7.9, 1, 3),
            (-7.9, 1, -4),
            (0.75, -2, 3),
            (1e30, 80, 827_180),
        ];
        for (value, exponent, expected) in cases {
            assert_eq!(bin(value, exponent), expected, "{value} {exponent}");
        }
    }

    #[test]
    fn the_width_never_shrinks_with_the_span() {
        let spans =
            [(1.0, 1.0), (1.0, 1.0001), (0.9, 1.0001), (-3.0, 1.0001), (-3.0, 65_000.0), (-1e30, 65_000.0)];
        let widths: Vec<i32> = spans.iter().map(|span| width_for(*span, false)).collect();
        assert!(widths.is_sorted(), "{widths:?}");
        assert_eq!(width_for((0.0, 65_535.0), true), 0);
        assert_eq!(width_for((0.0, 65_536.0), true), 1);
        assert_eq!(width_for((f64::from(f32::MIN), f64::from(f32::MAX)), false), 113);
        assert!(width_for((1e-45, 1e-45), false) > -1022, "the smallest single is a normal double");
    }

    #[test]
    fn bytes_come_back_and_lies_are_refused() {
        let mut histogram = Histogram { whole: true, ..Histogram::default() };
        histogram.stretch((-3.0, 500.0));
        histogram.counts[0] = 5;
        histogram.counts[77] = 1_000_000;
        assert_eq!(Histogram::from_bytes(&histogram.to_bytes()).unwrap(), histogram);
        let mut bytes = histogram.to_bytes();
        bytes.extend([0xFF, 0x7F, 1]);
        assert!(Histogram::from_bytes(&bytes).is_err());
        bytes[1..9].copy_from_slice(&f64::NAN.to_le_bytes());
        assert!(Histogram::from_bytes(&bytes).is_err());
    }
}
