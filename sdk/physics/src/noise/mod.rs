//! Detectors: from expected photons to grey levels.
//!
//! [`Camera`] is an sCMOS or CCD sensor, [`PointDetector`] a photomultiplier or hybrid detector behind a scanner.
//! Both draw from a [`Random`](crate::Random), and both obey one [`NoiseLaw`] away from saturation.

mod camera;
mod point;

pub use camera::{Camera, PixelMaps};
pub use point::{ExcessNoise, GainLaw, PointDetector};

use parfocal_types::units::GreyLevels;
use parfocal_types::{Error, Result};

use crate::check;
use crate::quantity::GreyLevelsPerElectron;

/// Mean and variance of a detector's grey levels: variance = gain x (mean - offset) + read noise².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseLaw {
    /// Variance that one grey level of signal brings: the slope of the photon transfer curve. For a camera the
    /// inverse of its conversion gain, for a photomultiplier its gain times the excess noise.
    pub gain: GreyLevelsPerElectron,
    /// Grey level without light.
    pub offset: GreyLevels,
    /// Standard deviation without light.
    pub read_noise: GreyLevels,
}

impl NoiseLaw {
    /// The standard deviation where the mean grey level is `mean`.
    #[must_use]
    pub fn standard_deviation(&self, mean: GreyLevels) -> GreyLevels {
        let signal = (mean.0 - self.offset.0).max(0.0);
        GreyLevels((self.gain.0 * signal + self.read_noise.0 * self.read_noise.0).sqrt())
    }
}

/// Bits of a detector's converter, 1 to 16: it saturates at 2ᵇⁱᵗˢ - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitDepth(u8);

impl BitDepth {
    /// Sixteen bits.
    pub const SIXTEEN: Self = Self(16);
    /// Twelve bits.
    pub const TWELVE: Self = Self(12);
    /// Eight bits.
    pub const EIGHT: Self = Self(8);

    /// A converter of that many bits.
    ///
    /// # Errors
    /// `out-of-range` unless 1 ≤ `bits` ≤ 16.
    pub fn new(bits: u8) -> Result<Self> {
        check::within("the bit depth of the detector", f64::from(bits), 1.0, 16.0)?;
        Ok(Self(bits))
    }

    /// The number of bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The largest grey level.
    #[must_use]
    pub const fn largest(self) -> u16 {
        u16::MAX >> (16 - self.0)
    }

    /// Rounds to a grey level, halves up, and clamps at both ends.
    fn convert(self, level: f64) -> u16 {
        (level + 0.5).floor().clamp(0.0, f64::from(self.largest())) as u16
    }
}

/// Refuses photons that are negative or not finite.
fn check_photons(expected: &[f32]) -> Result<()> {
    match expected.iter().position(|value| !value.is_finite() || *value < 0.0) {
        None => Ok(()),
        Some(place) => Err(Error::invalid_argument(format!(
            "pixel {place} expects {} photons; a detector needs finite numbers from zero up",
            expected[place]
        ))),
    }
}
