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

/// A row with its pixels ordered; see [`ordered`].
fn ordered_row<T: Pixel>(row: &[T], target: &mut [T]) {
    rows::map(row, target, ordered);
}
