//! Gaussian smoothing, as `scipy.ndimage.gaussian_filter` defines it.
//!
//! Separable: along Z (for stacks), then Y, then X, each as a symmetric sum in single precision with a fixed order. A
//! strip of columns is worked on at a time, so that the rows that one output row needs stay in the nearest cache.

use parfocal_plugin::prelude::*;

use crate::pixels::{computed, planes};

/// The kernel ends after so many sigmas, as scipy's does by default.
const TRUNCATE: f64 = 4.0;

/// Largest sigma along an axis, in pixels.
const MAX_SIGMA: f64 = 64.0;

/// The radius of the largest kernel: `TRUNCATE * MAX_SIGMA`.
const MAX_RADIUS: u32 = 256;

/// Columns of a strip. With a radius of 8 its rows take 36 KiB, which a first-level cache of 48 KiB holds; narrower
/// strips would compute more columns twice.
const STRIP: usize = 512;

choice! {
    /// The unit of a length.
    pub enum LengthUnit {
        /// Distance on the pixel grid.
        Pixel = "pixel",
        /// Distance in the sample.
        Micrometer = "micrometer",
    }
}

choice! {
    /// Whether planes are worked on one by one or as a stack.
    pub enum Dimensions {
        /// Every plane by itself.
        Plane = "2d",
        /// The stack as a volume.
        Stack = "3d",
    }
}

/// Smooths with a Gaussian.
///
/// The kernel ends after 4 sigmas and the image is mirrored at its edges (`mode="reflect"` in scipy). Whole-number pixels
/// are summed in single precision and rounded to nearest, half to even, at the very end; scipy instead truncates them
/// after every axis. Pixels of `u32` above 2^24 lose what single precision cannot hold.
#[derive(Debug, Operator)]
#[operator(
    id = "gaussian",
    kind = map,
    preserves = [localisation, counting, gross_morphology, intensity, rare_event_search],
    deterministic,
    max_halo = [0, 0, 256, 256, 256]
)]
#[input(name = "image", dtypes = [u8, i8, u16, i16, u32, f32])]
pub struct Gaussian {
    /// Standard deviation of the Gaussian, in the unit that `unit` says.
    #[parameter(tunable, default = 1.0, min = 0.0, max = 1000.0)]
    sigma: f64,
    /// Unit of `sigma`: `pixel`, or `micrometer`, which needs an image that says how large its pixels are.
    #[parameter(tunable, default = "pixel")]
    unit: LengthUnit,
    /// Smooth planes (`2d`) or the whole stack (`3d`).
    #[parameter(tunable, default = "2d")]
    dimensions: Dimensions,
    /// Half kernels along Z, Y, X, the middle first.
    kernels: [Vec<f32>; 3],
}

impl Gaussian {
    /// Standard deviations along Z, Y, X in pixels.
    fn sigmas(&self, input: &ImageSpec) -> Result<[f64; 3]> {
        let stack = self.dimensions == Dimensions::Stack;
        if self.unit == LengthUnit::Pixel {
            return Ok([if stack { self.sigma } else { 0.0 }, self.sigma, self.sigma]);
        }
        let (x, y) = input.pixel_size.in_plane()?;
        let z = match (stack, input.pixel_size.z) {
            (false, _) => f64::INFINITY,
            (true, Some(z)) => z.0,
            (true, None) => {
                return Err(Error::not_found("the image does not say how far its planes are apart")
                    .with_remedy(
                        "smooth planes with `dimensions=2d`, or give sigma in pixels with `unit=pixel`",
                    ));
            }
        };
        Ok([self.sigma / z, self.sigma / y.0, self.sigma / x.0])
    }

    fn kernel(&self, sigma: f64) -> Result<Vec<f32>> {
        if sigma <= MAX_SIGMA {
            return Ok(half_kernel(sigma));
        }
        let unit = if self.unit == LengthUnit::Pixel { "" } else { " in this image" };
        let (min, max, got) = ("0 px".to_owned(), format!("{MAX_SIGMA} px"), format!("{sigma:.1} px"));
        let message = format!("a sigma of {got}{unit} is more than the {max} that `gaussian` does");
        Err(Error::new(ErrorKind::OutOfRange { min, max, got }, message)
            .with_remedy("give a smaller sigma, or smooth a smaller copy of the image"))
    }

    fn radii(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis: usize| self.kernels[axis].len().saturating_sub(1))
    }
}

/// Weights of the middle and of one side, normalised over the whole kernel. The radius is scipy's,
/// `int(truncate * sigma + 0.5)`.
fn half_kernel(sigma: f64) -> Vec<f32> {
    let radius = (TRUNCATE * sigma + 0.5) as u32;
    let weight = |k: u32| if k == 0 { 1.0 } else { math::exp(-0.5 / (sigma * sigma) * f64::from(k * k)) };
    let total = (1..=radius).fold(1.0, |sum, k| sum + 2.0 * weight(k));
    (0..=radius).map(|k| (weight(k) / total) as f32).collect()
}

impl MapOperator for Gaussian {
    fn prepare(&mut self, input: &ImageSpec, _: &Context) -> Result<()> {
        let [z, y, x] = self.sigmas(input)?;
        self.kernels = [self.kernel(z)?, self.kernel(y)?, self.kernel(x)?];
        Ok(())
    }

    fn halo(&self, _: &ImageSpec) -> Result<Halo> {
        let [z, y, x] = self.radii().map(|radius| radius as u64);
        Ok(Halo::in_stack(z, y, x))
    }

    fn bytes(&self) -> u64 {
        let largest = MAX_RADIUS as usize;
        (Strip::floats([largest, largest, largest]) * size_of::<f32>()) as u64
    }

    fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, cx: &Context) -> Result<()> {
        let [nt, nc, nz, _, nx] = output.extent().0.map(|size| size as usize);
        let mut strip = Strip::new(self.radii());
        for (t, c, z) in planes(nt, nc, nz) {
            for start in (0..nx).step_by(STRIP) {
                let place = Place { t, c, z, start, width: STRIP.min(nx - start) };
                strip.smooth(&self.kernels, input, output, place, cx)?;
            }
        }
        Ok(())
    }
}

/// A strip of one output plane, by its place in the tile.
#[derive(Clone, Copy)]
struct Place {
    t: usize,
    c: usize,
    z: usize,
    start: usize,
    width: usize,
}

/// Rows of a strip, halo included.
struct Strip {
    radii: [usize; 3],
    /// As many rows, smoothed along Z, as the kernel along Y is long: row `y` of the input lies at `y` modulo their number.
    ring: Vec<f32>,
    /// One row, smoothed along Z and Y.
    line: Vec<f32>,
    /// One row, smoothed along all axes.
    done: Vec<f32>,
}

impl Strip {
    fn new(radii: [usize; 3]) -> Self {
        let [_, y, x] = radii;
        let pitch = STRIP + 2 * x;
        Self { radii, ring: vec![0.0; (2 * y + 1) * pitch], line: vec![0.0; pitch], done: vec![0.0; STRIP] }
    }

    /// Numbers that the scratch rows hold.
    const fn floats([_, y, x]: [usize; 3]) -> usize {
        (2 * y + 2) * (STRIP + 2 * x) + STRIP
    }

    fn smooth<T: Pixel>(
        &mut self,
        [along_z, along_y, along_x]: &[Vec<f32>; 3],
        input: &View<T>,
        output: &mut ViewMut<T>,
        Place { t, c, z, start, width }: Place,
        cx: &Context,
    ) -> Result<()> {
        let [rz, ry, rx] = self.radii;
        let (rows, pitch) = (2 * ry + 1, STRIP + 2 * rx);
        let wide = width + 2 * rx;
        for y in 0..input.height() {
            let slot = y % rows * pitch;
            let plane =
                |k: isize| &input.row(t, c, (z + rz).saturating_add_signed(k), y)[start..start + wide];
            rows::symmetric_sum(plane, along_z, &mut self.ring[slot..slot + wide]);
            let Some(y) = y.checked_sub(2 * ry) else { continue };
            cx.worked(width)?;
            let (ring, first) = (&self.ring, y % rows);
            let row = |k: isize| {
                let slot = (first + ry).saturating_add_signed(k);
                &ring[if slot < rows { slot } else { slot - rows } * pitch..][..wide]
            };
            rows::symmetric_sum(row, along_y, &mut self.line[..wide]);
            let line = &self.line[..wide];
            rows::symmetric_sum(|k| &line[rx.saturating_add_signed(k)..], along_x, &mut self.done[..width]);
            let target = &mut output.row_mut(t, c, z, y)[start..start + width];
            rows::map(&self.done[..width], target, computed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_symmetric_and_sums_to_one() {
        assert_eq!(half_kernel(0.0), [1.0]);
        assert_eq!(half_kernel(0.12), [1.0], "scipy's radius is 0 below 0.125");
        for sigma in [0.3, 1.0, 2.5, 64.0] {
            let kernel = half_kernel(sigma);
            assert_eq!(kernel.len() - 1, (4.0 * sigma + 0.5) as usize);
            let sum: f64 =
                kernel.iter().skip(1).map(|w| 2.0 * f64::from(*w)).sum::<f64>() + f64::from(kernel[0]);
            assert!((sum - 1.0).abs() < 1e-6, "{sigma}: {sum}");
        }
        assert_eq!(half_kernel(MAX_SIGMA).len() - 1, MAX_RADIUS as usize);
    }
}
