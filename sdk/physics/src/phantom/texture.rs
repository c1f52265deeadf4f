//! Smooth random texture.

/// Noise on a lattice with smooth interpolation (Perlin's "value noise" with the quintic of 2002), the same at
/// the same place for the same seed, uniform in 0 to 1 at the lattice points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texture {
    seed: u64,
}

impl Texture {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The value at a place given in lattice steps.
    pub(super) fn at(self, place: [f64; 3]) -> f64 {
        let corner = place.map(f64::floor);
        let weight: [f64; 3] = core::array::from_fn(|axis| {
            let t = place[axis] - corner[axis];
            t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
        });
        let corner = corner.map(|c| c as i64);
        let mut sum = 0.0;
        for index in 0..8_i64 {
            let offset = [index & 1, (index >> 1) & 1, index >> 2];
            let mut share = 1.0;
            for axis in 0..3 {
                share *= if offset[axis] == 1 { weight[axis] } else { 1.0 - weight[axis] };
            }
            sum += share * self.lattice([0, 1, 2].map(|axis| corner[axis] + offset[axis]));
        }
        sum
    }

    /// The mean of two octaves: steps of `size` and of 0.45 `size`, at a place in micrometers.
    pub(super) fn grain(self, place: [f64; 3], size: f64) -> f64 {
        let coarse = self.at(place.map(|p| p / size));
        let fine = Self::new(self.seed ^ 0x5bd1_e995).at(place.map(|p| p / (0.45 * size)));
        0.6 * coarse + 0.4 * fine
    }

    fn lattice(self, place: [i64; 3]) -> f64 {
        let mut h = self.seed;
        for coordinate in place {
            h = (h ^ coordinate as u64).wrapping_mul(0xff51_afd7_ed55_8ccd);
            h ^= h >> 33;
        }
        h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        (h >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }
}
