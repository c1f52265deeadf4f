//! Median over a square window, as `scipy.ndimage.median_filter` defines it.
//!
//! Windows of 3 x 3 and 5 x 5 go through sorting networks (`network`), which have no branches and become SIMD code;
//! larger ones through a histogram that moves with the window (`histogram`).

mod histogram;
mod network;

use parfocal_plugin::prelude::*;

use crate::pixels::{ordered, planes};

/// Replaces each pixel by the median of the square around it.
///
/// The image is mirrored at its edges (`mode="reflect"` in scipy). Not-a-number counts as positive infinity, and negative
/// zero as zero.
#[derive(Debug, Operator)]
#[operator(
    id = "median",
    kind = map,
    preserves = [localisation, counting, gross_morphology, intensity, rare_event_search],
    deterministic,
    max_halo = [0, 0, 0, 50, 50]
)]
#[input(name = "image", dtypes = [u8, i8, u16, i16, u32, f32])]
pub struct Median {
    /// The window has 2 radius + 1 pixels along each side.
    #[parameter(tunable, unit = Pixel, default = 1, min = 1, max = 50)]
    radius: u32,
}

impl MapOperator for Median {
    fn halo(&self, _: &ImageSpec) -> Result<Halo> {
        Ok(Halo::in_plane(self.radius.into(), self.radius.into()))
    }

    fn bytes_per_pixel(&self) -> u32 {
        // Sorted rows of 3 x 3 and 5 x 5: up to five of 4 bytes, of the tile's width; one row at least.
        if self.radius <= 2 { 20 } else { 0 }
    }

    fn bytes(&self) -> u64 {
        histogram::BYTES
    }

    fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, cx: &Context) -> Result<()> {
        let [nt, nc, nz, _, _] = output.extent().0.map(|size| size as usize);
        for (t, c, z) in planes(nt, nc, nz) {
            let row = |y: usize| input.row(t, c, z, y);
            match self.radius {
                radius @ 1..=2 => network::median(row, output, (t, c, z), radius, cx)?,
                radius => histogram::median(row, output, (t, c, z), radius as usize, cx)?,
            }
        }
        Ok(())
    }
}

/// The smaller of two ordered pixels.
#[inline]
fn smaller<T: Pixel>(a: T, b: T) -> T {
    if a < b { a } else { b }
}

/// The larger of two ordered pixels.
#[inline]
fn larger<T: Pixel>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

/// A number whose order is that of the pixels, once they are ordered.
#[inline]
fn key<T: Pixel>(pixel: T) -> u32 {
    if T::DTYPE != DType::F32 {
        return pixel.to_f64() as u32;
    }
    let bits = ordered(pixel).to_f32().to_bits();
    // IEEE 754: the bits of positive numbers ascend, those of negative ones descend.
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_their_pixels() {
        let singles =
            [f32::NEG_INFINITY, f32::MIN, -1.5, -1e-45, 0.0, 1e-45, 1.0, 1.5, f32::MAX, f32::INFINITY];
        assert!(singles.map(key).is_sorted_by(|one, other| one < other));
        assert_eq!(key(-0.0_f32), key(0.0_f32));
        assert_eq!(key(f32::NAN), key(f32::INFINITY));
        assert!([0_u32, 7, u32::MAX].map(key).is_sorted_by(|one, other| one < other));
    }
}
