//! The generalised Anscombe transform: noise that depends on the signal becomes noise that does not.
//!
//! Forward as in Starck, Murtagh and Bijaoui 1998; back by the closed form of the exact unbiased inverse of
//! Mäkitalo and Foi 2013 (IEEE Trans. Image Process. 22:91). The inverse takes the *expected* transformed value
//! (a denoised image) to the expected signal; it is not the algebraic inverse, which is biased at low counts.

use parfocal_types::Result;

use crate::check;
use crate::noise::NoiseLaw;

/// The transform for one detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anscombe {
    gain: f64,
    offset: f64,
    /// Read noise in units of the gain, squared.
    variance: f64,
}

impl Anscombe {
    /// The transform that stabilises grey levels of the given `law`.
    ///
    /// # Errors
    /// `out-of-range` unless the gain is positive, the offset finite and the read noise not negative.
    pub fn new(law: NoiseLaw) -> Result<Self> {
        check::positive("the gain of the noise law in ADU/e⁻", law.gain.0)?;
        check::within("the offset of the noise law in ADU", law.offset.0, f64::MIN, f64::MAX)?;
        check::not_negative("the read noise of the noise law in ADU", law.read_noise.0)?;
        let sigma = law.read_noise.0 / law.gain.0;
        Ok(Self { gain: law.gain.0, offset: law.offset.0, variance: sigma * sigma })
    }

    /// A grey level, transformed: noise of standard deviation 1 where a pixel holds more than a few photons.
    ///
    /// A level so far below the offset that the root would be of a negative number gives 0.
    #[must_use]
    pub fn forward(&self, level: f32) -> f32 {
        let signal = (f64::from(level) - self.offset) / self.gain;
        (2.0 * (signal + 0.375 + self.variance).max(0.0).sqrt()) as f32
    }

    /// The expected grey level where the expected transformed value is `stabilised`.
    ///
    /// Never below the offset.
    #[must_use]
    pub fn inverse(&self, stabilised: f32) -> f32 {
        const ROOT: f64 = 1.224_744_871_391_589; // √(3/2)
        let d = f64::from(stabilised);
        // The transform of no photons: from here down the answer is darkness.
        let darkest = 2.0 * (0.375 + self.variance).sqrt();
        if d.is_nan() || d <= darkest {
            return if d.is_nan() { f32::NAN } else { self.offset as f32 };
        }
        let r = 1.0 / d;
        let counts = 0.25 * d * d + ROOT * (0.25 + 0.625 * r * r) * r - 1.375 * r * r - 0.125;
        (self.offset + self.gain * (counts - self.variance).max(0.0)) as f32
    }

    /// [`forward`](Self::forward) of each pixel, in place.
    pub fn forward_all(&self, levels: &mut [f32]) {
        for level in levels {
            *level = self.forward(*level);
        }
    }

    /// [`inverse`](Self::inverse) of each pixel, in place.
    pub fn inverse_all(&self, stabilised: &mut [f32]) {
        for value in stabilised {
            *value = self.inverse(*value);
        }
    }
}
