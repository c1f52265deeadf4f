//! What is counted of one object: whole numbers and exact sums, so that parts add up to the whole in any order.

use parfocal_plugin::{
    bytes::{Reader, Writer},
    prelude::*,
};

use super::exact_sum::ExactSum;

/// Intensities of an object in one channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Intensity {
    pub(super) sum: ExactSum,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { sum: ExactSum::default(), min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

/// Pixels of an object's border by what they add to the perimeter; see [`border`](super::border).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Border {
    pub(super) straight: u64,
    pub(super) diagonal: u64,
    pub(super) corner: u64,
}

impl Border {
    /// Adds the border pixels of another part.
    pub(super) fn add(&mut self, other: &Self) {
        self.straight += other.straight;
        self.diagonal += other.diagonal;
        self.corner += other.corner;
    }
}

/// What is counted of one object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    pub(super) label: u32,
    pub(super) pixels: u64,
    /// Sums of the places along Z Y X.
    pub(super) places: [u128; 3],
    /// First and last place along Z Y X.
    pub(super) first: [u64; 3],
    pub(super) last: [u64; 3],
    pub(super) border: Border,
    pub(super) intensities: Vec<Intensity>,
}

impl Object {
    pub(super) fn new(label: u32, channels: usize) -> Self {
        Self {
            label,
            pixels: 0,
            places: [0; 3],
            first: [u64::MAX; 3],
            last: [0; 3],
            border: Border::default(),
            intensities: vec![Intensity::default(); channels],
        }
    }

    /// Memory for the intensities of an object in so many channels.
    pub(super) const fn intensity_bytes(channels: usize) -> usize {
        channels * size_of::<Intensity>()
    }

    /// Adds pixels side by side, from `x` on.
    pub(super) fn add_run(&mut self, [z, y, x]: [u64; 3], length: u64) {
        self.pixels += length;
        let many = u128::from(length);
        self.places[0] += u128::from(z) * many;
        self.places[1] += u128::from(y) * many;
        self.places[2] += u128::from(x) * many + many * (many - 1) / 2;
        for (axis, (first, last)) in [(z, z), (y, y), (x, x + length - 1)].into_iter().enumerate() {
            self.first[axis] = self.first[axis].min(first);
            self.last[axis] = self.last[axis].max(last);
        }
    }

    /// Adds the intensities of pixels side by side in one channel.
    pub(super) fn add_intensities<T: Pixel>(&mut self, channel: usize, pixels: &[T]) {
        let Some(intensity) = self.intensities.get_mut(channel) else { return };
        if T::DTYPE == DType::F32 {
            pixels.iter().for_each(|pixel| intensity.sum.add(*pixel));
        } else {
            // A run's sum fits 64 bits: 2^31 pixels of 32 bits.
            intensity.sum.add_whole(pixels.iter().map(|pixel| pixel.to_f64() as i64).sum());
        }
        for pixel in pixels {
            // Positive zero for negative zero, so that the order does not show. Not-a-number shows in the sum.
            let value = pixel.to_f64() + 0.0;
            intensity.min = if value < intensity.min { value } else { intensity.min };
            intensity.max = if value > intensity.max { value } else { intensity.max };
        }
    }

    /// Adds another part of the same object.
    pub(super) fn merge(&mut self, other: &Self) {
        self.pixels += other.pixels;
        for axis in 0..3 {
            self.places[axis] += other.places[axis];
            self.first[axis] = self.first[axis].min(other.first[axis]);
            self.last[axis] = self.last[axis].max(other.last[axis]);
        }
        self.border.add(&other.border);
        for (mine, others) in self.intensities.iter_mut().zip(&other.intensities) {
            mine.sum.merge(&others.sum);
            mine.min = if others.min < mine.min { others.min } else { mine.min };
            mine.max = if others.max > mine.max { others.max } else { mine.max };
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.label.into()).count(self.pixels);
        for axis in 0..3 {
            // The sum of places is that of the first and of the distances from it.
            let rest = self.places[axis] - u128::from(self.first[axis]) * u128::from(self.pixels);
            writer.count((rest >> 64) as u64).count(rest as u64);
            writer.count(self.first[axis]).count(self.last[axis]);
        }
        writer.count(self.border.straight).count(self.border.diagonal).count(self.border.corner);
        for intensity in &self.intensities {
            intensity.sum.write(writer);
            writer.float(intensity.min).float(intensity.max);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, channels: usize) -> Result<Self> {
        let label = u32::try_from(reader.count()?).map_err(|_| Error::corrupt("the label of an object"))?;
        let mut object = Self::new(label, channels);
        object.pixels = reader.count()?;
        for axis in 0..3 {
            let rest = u128::from(reader.count()?) << 64 | u128::from(reader.count()?);
            object.first[axis] = reader.count()?;
            object.last[axis] = reader.count()?;
            object.places[axis] =
                rest.wrapping_add(u128::from(object.first[axis]) * u128::from(object.pixels));
        }
        object.border =
            Border { straight: reader.count()?, diagonal: reader.count()?, corner: reader.count()? };
        for intensity in &mut object.intensities {
            *intensity =
                Intensity { sum: ExactSum::read(reader)?, min: reader.float()?, max: reader.float()? };
        }
        Ok(object)
    }
}
