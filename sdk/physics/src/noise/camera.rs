//! A camera: sCMOS, CCD.

use parfocal_types::Result;
use parfocal_types::units::{Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels};

use super::{BitDepth, NoiseLaw, check_photons};
use crate::check;
use crate::quantity::GreyLevelsPerElectron;
use crate::random::Random;

/// A camera whose pixels are alike: shot noise, dark charge, full well, read noise, conversion, saturation
/// (EMVA standard 1288, release 4, section 2).
///
/// Build one with struct update from a preset: `Camera { bit_depth: BitDepth::TWELVE, ..Camera::scmos() }`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Share of photons that become photoelectrons.
    pub quantum_efficiency: Fraction,
    /// Photoelectrons for one grey level.
    pub gain: ElectronsPerGreyLevel,
    /// Grey level added before conversion, so that read noise is not cut off at zero.
    pub offset: GreyLevels,
    /// Standard deviation of reading one pixel.
    pub read_noise: Electrons,
    /// Mean charge that gathers in a pixel during the exposure without light.
    pub dark_charge: Electrons,
    /// Charge at which a pixel is full.
    pub full_well: Electrons,
    /// The converter.
    pub bit_depth: BitDepth,
}

impl Camera {
    /// A back-thinned sCMOS camera as sold around 2020, at an exposure where dark charge does not matter.
    ///
    /// Round numbers of the class of the Hamamatsu ORCA-Flash4.0: QE 0.8, 1.6 e⁻ rms, 0.46 e⁻/ADU, offset 100,
    /// 30 000 e⁻. They are typical and not taken from a calibration; give the real ones where they are known.
    #[must_use]
    pub const fn scmos() -> Self {
        Self {
            quantum_efficiency: Fraction(0.8),
            gain: ElectronsPerGreyLevel(0.46),
            offset: GreyLevels(100.0),
            read_noise: Electrons(1.6),
            dark_charge: Electrons(0.0),
            full_well: Electrons(30_000.0),
            bit_depth: BitDepth::SIXTEEN,
        }
    }

    /// The camera's variance law, with the 1/12 that rounding to grey levels adds.
    ///
    /// Holds where neither the full well nor the converter's ends are within a few standard deviations.
    #[must_use]
    pub fn noise_law(&self) -> NoiseLaw {
        let gain = self.gain.0;
        let dark = self.dark_charge.0.max(0.0);
        let read = (self.read_noise.0 * self.read_noise.0 + dark) / (gain * gain) + 1.0 / 12.0;
        NoiseLaw {
            gain: GreyLevelsPerElectron(1.0 / gain),
            offset: GreyLevels(self.offset.0 + dark / gain),
            read_noise: GreyLevels(read.sqrt()),
        }
    }

    /// Exposes to the `expected` photons of each pixel and reads out.
    ///
    /// # Errors
    /// `out-of-range` for a property that is impossible (a quantum efficiency above 1, a gain of zero),
    /// `invalid-argument` for expected photons that are negative or not finite.
    pub fn expose(&self, expected: &[f32], random: &mut Random) -> Result<Vec<u16>> {
        self.check()?;
        check_photons(expected)?;
        Ok(expected.iter().map(|&photons| self.pixel(photons, random)).collect())
    }

    /// As [`expose`](Self::expose), with each pixel's own gain, offset and read noise in place of the camera's.
    ///
    /// `expected` may hold several planes, each of the size of the maps.
    ///
    /// # Errors
    /// As [`expose`](Self::expose), and `invalid-argument` if `expected` is not a whole number of planes.
    pub fn expose_with_maps(
        &self,
        expected: &[f32],
        maps: &PixelMaps,
        random: &mut Random,
    ) -> Result<Vec<u16>> {
        self.check()?;
        check_photons(expected)?;
        let planes = expected.len().div_ceil(maps.pixels.len());
        check::same_length("the image", expected.len(), planes * maps.pixels.len())?;
        let pixels = expected.iter().zip(maps.pixels.iter().cycle());
        Ok(pixels
            .map(|(&photons, pixel)| {
                let camera =
                    Self { gain: pixel.gain, offset: pixel.offset, read_noise: pixel.read_noise, ..*self };
                camera.pixel(photons, random)
            })
            .collect())
    }

    fn pixel(&self, photons: f32, random: &mut Random) -> u16 {
        let mean = self.quantum_efficiency.0 * f64::from(photons) + self.dark_charge.0;
        let charge = (random.poisson(mean) as f64).min(self.full_well.0);
        let read = charge + self.read_noise.0 * random.normal();
        self.bit_depth.convert(read / self.gain.0 + self.offset.0)
    }

    fn check(&self) -> Result<()> {
        check::within("the quantum efficiency of the camera", self.quantum_efficiency.0, 0.0, 1.0)?;
        check::positive("the gain of the camera in e⁻/ADU", self.gain.0)?;
        check::within("the offset of the camera in ADU", self.offset.0, -65535.0, 65535.0)?;
        check::not_negative("the read noise of the camera in e⁻", self.read_noise.0)?;
        check::not_negative("the dark charge of the camera in e⁻", self.dark_charge.0)?;
        check::positive("the full well of the camera in e⁻", self.full_well.0)
    }
}

/// Gain, offset and read noise of each pixel of an sCMOS sensor, as its calibration measured them.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelMaps {
    pixels: Vec<Pixel>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Pixel {
    gain: ElectronsPerGreyLevel,
    offset: GreyLevels,
    read_noise: Electrons,
}

impl PixelMaps {
    /// Maps of equal length, row after row: gain in photoelectrons per grey level, offset in grey levels, read
    /// noise as a standard deviation in photoelectrons.
    ///
    /// # Errors
    /// `invalid-argument` for maps of different length or none, `out-of-range` for a gain that is not positive,
    /// or a read noise that is negative.
    pub fn new(gain: &[f32], offset: &[f32], read_noise: &[f32]) -> Result<Self> {
        check::positive("the number of pixels in the camera's maps", gain.len() as f64)?;
        check::same_length("the offset map", offset.len(), gain.len())?;
        check::same_length("the read noise map", read_noise.len(), gain.len())?;
        let pixels = gain.iter().zip(offset).zip(read_noise).map(|((&gain, &offset), &read_noise)| {
            check::positive("a pixel's gain in e⁻/ADU", f64::from(gain))?;
            check::within("a pixel's offset in ADU", f64::from(offset), -65535.0, 65535.0)?;
            check::not_negative("a pixel's read noise in e⁻", f64::from(read_noise))?;
            Ok(Pixel {
                gain: ElectronsPerGreyLevel(f64::from(gain)),
                offset: GreyLevels(f64::from(offset)),
                read_noise: Electrons(f64::from(read_noise)),
            })
        });
        Ok(Self { pixels: pixels.collect::<Result<_>>()? })
    }
}
