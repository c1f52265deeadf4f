//! Random numbers that are the same on every machine.
//!
//! A [`Random`] is a stream of the ChaCha8 cipher, chosen by a seed and a stream number: draw each frame, channel
//! or object from a stream of its own, and it no longer depends on what was drawn before. Nothing here asks
//! the operating system for entropy.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Below this mean the Poisson sampler sums probabilities; above it rejects. Hörmann's method needs 10 or more.
const POISSON_REJECTION_FROM: f64 = 10.0;

/// A reproducible source of random numbers.
///
/// ```
/// use parfocal_physics::Random;
/// let mut a = Random::new(7, 0);
/// let mut b = Random::new(7, 0);
/// assert_eq!(a.poisson(20.0), b.poisson(20.0));
/// ```
#[derive(Debug, Clone)]
pub struct Random {
    cipher: ChaCha8Rng,
    spare_normal: Option<f64>,
}

impl Random {
    /// The stream number `stream` of `seed`. Different pairs give independent numbers.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0_u8; 32];
        let mut state = seed;
        for word in key.chunks_exact_mut(8) {
            word.copy_from_slice(&split_mix(&mut state).to_le_bytes());
        }
        let mut cipher = ChaCha8Rng::from_seed(key);
        cipher.set_stream(stream);
        Self { cipher, spare_normal: None }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.cipher.next_u64()
    }

    /// Uniform in 0 (included) to 1 (excluded), in steps of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Normal with mean 0 and standard deviation 1 (Marsaglia and Bray 1964, polar method).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let u = self.between(-1.0, 1.0);
            let v = self.between(-1.0, 1.0);
            let square = u * u + v * v;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                self.spare_normal = Some(v * scale);
                return u * scale;
            }
        }
    }

    /// Gamma with the given shape and scale 1, so that mean and variance are `shape` (Marsaglia and Tsang 2000).
    ///
    /// A shape that is not a positive number gives 0.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape.is_nan() || shape <= 0.0 {
            return 0.0;
        }
        if shape < 1.0 {
            // Their section 6: gamma(a) = gamma(a + 1) U^(1/a).
            let power = libm::pow(self.uniform(), 1.0 / shape);
            return self.gamma(shape + 1.0) * power;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            let u = self.uniform();
            let square = x * x;
            if u < 1.0 - 0.0331 * square * square
                || libm::log(u) < 0.5 * square + d * (1.0 - v + libm::log(v))
            {
                return d * v;
            }
        }
    }

    /// A number of events whose expected number is `mean`: exact Poisson statistics at every mean.
    ///
    /// A mean that is not a positive number gives 0; an infinite one gives `u64::MAX`.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean.is_nan() || mean <= 0.0 {
            0
        } else if mean < POISSON_REJECTION_FROM {
            self.poisson_by_inversion(mean)
        } else if mean < 1e18 {
            self.poisson_by_rejection(mean)
        } else {
            u64::MAX
        }
    }

    /// Walks up the cumulative distribution until it passes one uniform number.
    fn poisson_by_inversion(&mut self, mean: f64) -> u64 {
        let u = self.uniform();
        let mut probability = libm::exp(-mean);
        let mut cumulative = probability;
        let mut count = 0_u64;
        // The sum can stop just short of 1 by rounding; the probabilities then no longer change it.
        while u >= cumulative && probability > 1e-18 {
            count += 1;
            probability *= mean / count as f64;
            cumulative += probability;
        }
        count
    }

    /// Hörmann 1993, "The transformed rejection method for generating Poisson random variables", algorithm PTRS.
    fn poisson_by_rejection(&mut self, mean: f64) -> u64 {
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let squeeze = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= squeeze {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let bound = libm::log(v * inverse_alpha / (a / (us * us) + b));
            if bound <= k * libm::log(mean) - mean - libm::lgamma(k + 1.0) {
                return k as u64;
            }
        }
    }
}

/// Steele, Lea and Flood 2014: spreads a small seed over all bits of a key.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
