//! Detectors of point scanners: photomultipliers and hybrid detectors.

use parfocal_types::Result;
use parfocal_types::units::{Electrons, Fraction, GreyLevels, Volts};

use super::{BitDepth, NoiseLaw, check_photons};
use crate::check;
use crate::quantity::GreyLevelsPerElectron;
use crate::random::Random;

/// How a photomultiplier's gain follows its high voltage: a power law, because each dynode multiplies by a power of
/// the voltage across it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainLaw {
    reference: Volts,
    gain: GreyLevelsPerElectron,
    exponent: f64,
}

impl GainLaw {
    /// The exponent measured between 110 and 140 units of high voltage on the confocal recordings of the
    /// Fluorescence Microscopy Denoising data set (Zhang et al. 2019); 0.7 to 0.8 for each of nine stages, as
    /// the Hamamatsu photomultiplier handbook gives, is near it.
    pub const MEASURED_EXPONENT: f64 = 6.7;

    /// A detector of `gain` at the `reference` voltage, and of the given exponent elsewhere.
    ///
    /// # Errors
    /// `out-of-range` for a voltage, gain or exponent that is not a positive number.
    pub fn new(reference: Volts, gain: GreyLevelsPerElectron, exponent: f64) -> Result<Self> {
        check::positive("the reference voltage of the detector in V", reference.0)?;
        check::positive("the gain of the detector in ADU/e⁻", gain.0)?;
        check::within("the exponent of the detector's gain", exponent, 0.0, 20.0)?;
        Ok(Self { reference, gain, exponent })
    }

    /// The gain at `voltage`; zero without voltage.
    #[must_use]
    pub fn at(&self, voltage: Volts) -> GreyLevelsPerElectron {
        let ratio = (voltage.0 / self.reference.0).max(0.0);
        GreyLevelsPerElectron(self.gain.0 * libm::pow(ratio, self.exponent))
    }
}

/// Excess noise F, from 1: the detector's noise on one signal over the shot noise of its photoelectrons.
///
/// The multiplication of one electron varies, so that the variance of N electrons' charge is F² N. 1 is a
/// photon counter.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct ExcessNoise(f64);

impl ExcessNoise {
    /// A detector that counts photons.
    pub const COUNTING: Self = Self(1.0);
    /// A photomultiplier (example of the Zeiss LSM 710 manual, section on signal and noise).
    pub const PHOTOMULTIPLIER: Self = Self(1.2);

    /// An excess noise of `factor`.
    ///
    /// # Errors
    /// `out-of-range` unless 1 ≤ `factor` ≤ 10.
    pub fn new(factor: f64) -> Result<Self> {
        check::within("the excess noise of the detector", factor, 1.0, 10.0)?;
        Ok(Self(factor))
    }

    /// F.
    #[must_use]
    pub const fn factor(self) -> f64 {
        self.0
    }

    /// The charge of `electrons` after multiplication, in units of the mean charge of one.
    ///
    /// Gamma-distributed: the sum of n electrons of mean 1 and variance F² - 1 each is one draw of shape n / (F² - 1).
    fn multiply(self, electrons: u64, random: &mut Random) -> f64 {
        let spread = self.0 * self.0 - 1.0;
        if spread < 1e-9 { electrons as f64 } else { random.gamma(electrons as f64 / spread) * spread }
    }
}

/// A photomultiplier or hybrid detector that integrates its charge over a pixel's dwell time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointDetector {
    /// Share of photons that become photoelectrons.
    pub quantum_efficiency: Fraction,
    /// Mean number of electrons that leave the cathode during the dwell time without light.
    pub dark_counts: Electrons,
    /// Grey levels for one photoelectron, at the voltage in force: see [`GainLaw::at`].
    pub gain: GreyLevelsPerElectron,
    /// Noise of multiplication.
    pub excess_noise: ExcessNoise,
    /// Grey level without light.
    pub offset: GreyLevels,
    /// Standard deviation of amplifier and converter.
    pub analog_noise: GreyLevels,
    /// The converter.
    pub bit_depth: BitDepth,
}

impl PointDetector {
    /// The detector's variance law, with the 1/12 that rounding to grey levels adds.
    #[must_use]
    pub fn noise_law(&self) -> NoiseLaw {
        let factor = self.excess_noise.0;
        let (gain, dark) = (self.gain.0, self.dark_counts.0.max(0.0));
        let slope = gain * factor * factor;
        let read = self.analog_noise.0 * self.analog_noise.0 + slope * gain * dark + 1.0 / 12.0;
        NoiseLaw {
            gain: GreyLevelsPerElectron(slope),
            offset: GreyLevels(self.offset.0 + gain * dark),
            read_noise: GreyLevels(read.sqrt()),
        }
    }

    /// Detects the `expected` photons of each pixel's dwell time.
    ///
    /// # Errors
    /// `out-of-range` for a property that is impossible, `invalid-argument` for expected photons that are
    /// negative or not finite.
    pub fn detect(&self, expected: &[f32], random: &mut Random) -> Result<Vec<u16>> {
        self.check()?;
        check_photons(expected)?;
        Ok(expected.iter().map(|&photons| self.pixel(photons, random)).collect())
    }

    fn pixel(&self, photons: f32, random: &mut Random) -> u16 {
        let mean = self.quantum_efficiency.0 * f64::from(photons) + self.dark_counts.0;
        let charge = self.excess_noise.multiply(random.poisson(mean), random);
        let level = self.offset.0 + self.gain.0 * charge + self.analog_noise.0 * random.normal();
        self.bit_depth.convert(level)
    }

    fn check(&self) -> Result<()> {
        check::within("the quantum efficiency of the detector", self.quantum_efficiency.0, 0.0, 1.0)?;
        check::not_negative("the dark counts of the detector in e⁻", self.dark_counts.0)?;
        check::not_negative("the gain of the detector in ADU/e⁻", self.gain.0)?;
        check::within("the offset of the detector in ADU", self.offset.0, -65535.0, 65535.0)?;
        check::not_negative("the analog noise of the detector in ADU", self.analog_noise.0)
    }
}
