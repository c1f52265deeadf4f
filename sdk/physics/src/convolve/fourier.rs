//! Convolution with any kernel, by Fourier transform.

use parfocal_types::{Error, Result};

use super::fft::{Fft, LANES, Sample, Signals, good_length};
use super::{Boundaries, Boundary};
use crate::psf::Kernel;
use crate::volume::{Grid, Shape, Volume};

/// The half spectrum of a padded volume; rows are those of the volume, `len / 2 + 1` long.
struct Spectrum {
    re: Vec<f32>,
    im: Vec<f32>,
}

/// A kernel made ready for volumes of one grid: the kernel's transform is computed once.
pub struct Convolver {
    grid: Grid,
    half: Shape,
    boundaries: Boundaries,
    x: Fft,
    y: Fft,
    z: Fft,
    kernel: Spectrum,
}

impl core::fmt::Debug for Convolver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Convolver")
            .field("grid", &self.grid)
            .field("half", &self.half)
            .field("boundaries", &self.boundaries)
            .finish_non_exhaustive()
    }
}

impl Convolver {
    /// Makes `kernel` ready for volumes on `grid`.
    ///
    /// Takes about 8 bytes of memory for each voxel of the padded grid, and as much again while it works.
    ///
    /// # Errors
    /// `invalid-argument` if the voxel sizes of grid and kernel differ by more than 0.1 %, or the padded grid
    /// is too large to be addressed.
    pub fn new(grid: Grid, kernel: &Kernel, boundaries: Boundaries) -> Result<Self> {
        check_voxels(grid, kernel)?;
        let shape = grid.shape();
        let reach = |len: usize, half: usize, boundary: Boundary| match boundary {
            // Farther than this, the kernel connects no two voxels of a volume that is dark outside.
            Boundary::Dark => half.min(len - 1),
            Boundary::Mirror => half,
        };
        let half = Shape {
            z: reach(shape.z, kernel.half_shape().z, boundaries.axial),
            y: reach(shape.y, kernel.half_shape().y, boundaries.lateral),
            x: reach(shape.x, kernel.half_shape().x, boundaries.lateral),
        };
        let padded = |len: usize, half: usize, boundary: Boundary| match boundary {
            Boundary::Dark => good_length(len + half),
            Boundary::Mirror => good_length(len + 2 * half),
        };
        let mut convolver = Self {
            grid,
            half,
            boundaries,
            x: Fft::new(padded(shape.x, half.x, boundaries.lateral)),
            y: Fft::new(padded(shape.y, half.y, boundaries.lateral)),
            z: Fft::new(padded(shape.z, half.z, boundaries.axial)),
            kernel: Spectrum { re: Vec::new(), im: Vec::new() },
        };
        let lengths = Shape { z: convolver.z.len(), y: convolver.y.len(), x: convolver.x.len() + 2 };
        if lengths.voxels().is_none() {
            return Err(Error::invalid_argument("the volume with its margin is too large to be transformed"));
        }
        convolver.kernel = convolver.kernel_spectrum(kernel);
        Ok(convolver)
    }

    /// The volume convolved with the kernel; rounding leaves errors near 10⁻⁶ of the largest value, of both signs.
    ///
    /// # Errors
    /// `invalid-argument` if the volume's shape is not that of the convolver's grid.
    pub fn convolve(&self, volume: &Volume) -> Result<Volume> {
        let shape = self.grid.shape();
        if volume.shape() != shape {
            return Err(Error::invalid_argument(format!(
                "the convolver was made for {shape:?}, and the volume is {:?}",
                volume.shape()
            )));
        }
        let values = volume.values();
        let origin = self.origin();
        let mut spectrum = self.spectrum(|z, y, row| {
            let z = self.boundaries.axial.resolve(z as isize - origin.z as isize, shape.z);
            let y = self.boundaries.lateral.resolve(y as isize - origin.y as isize, shape.y);
            let (Some(z), Some(y)) = (z, y) else { return false };
            let start = (z * shape.y + y) * shape.x;
            let source = &values[start..start + shape.x];
            for (i, to) in row.iter_mut().enumerate().take(shape.x + 2 * origin.x) {
                let x = self.boundaries.lateral.resolve(i as isize - origin.x as isize, shape.x);
                *to = x.map_or(0.0, |x| source[x]);
            }
            true
        });
        multiply(&mut spectrum, &self.kernel);
        let mut result = Volume::zeros(self.grid);
        self.invert(spectrum, result.values_mut());
        Ok(result)
    }

    /// Where the volume's first voxel lies in the padded grid: behind the mirrored margin, if there is one.
    fn origin(&self) -> Shape {
        let margin = |half: usize, boundary: Boundary| if boundary == Boundary::Mirror { half } else { 0 };
        Shape {
            z: margin(self.half.z, self.boundaries.axial),
            y: margin(self.half.y, self.boundaries.lateral),
            x: margin(self.half.x, self.boundaries.lateral),
        }
    }

    /// Values of a transformed row: the transform of real numbers repeats itself beyond them.
    fn row_len(&self) -> usize {
        self.x.len() / 2 + 1
    }

    /// The kernel's spectrum with its middle moved to voxel 0, over the number of voxels.
    fn kernel_spectrum(&self, kernel: &Kernel) -> Spectrum {
        let (shape, middle, half) = (kernel.volume().shape(), kernel.half_shape(), self.half);
        let values = kernel.volume().values();
        let norm = 1.0 / (self.x.len() as f32 * self.y.len() as f32 * self.z.len() as f32);
        // The kernel's index for a place on the padded circle, if it is within reach.
        let index = |place: usize, len: usize, middle: usize, half: usize| {
            if place <= half {
                Some(middle + place)
            } else {
                (len - place <= half).then(|| middle - (len - place))
            }
        };
        self.spectrum(|z, y, row| {
            let z = index(z, self.z.len(), middle.z, half.z);
            let y = index(y, self.y.len(), middle.y, half.y);
            let (Some(z), Some(y)) = (z, y) else { return false };
            let start = (z * shape.y + y) * shape.x;
            for (place, to) in row.iter_mut().enumerate() {
                if let Some(x) = index(place, self.x.len(), middle.x, half.x) {
                    *to = values[start + x] * norm;
                }
            }
            true
        })
    }

    /// The transform of the padded volume whose rows `load` writes; it returns false for a row of zeros.
    fn spectrum(&self, load: impl Fn(usize, usize, &mut [f32]) -> bool) -> Spectrum {
        let (rows, width) = (self.y.len(), self.row_len());
        let len = self.z.len() * rows * width;
        let mut spectrum = Spectrum { re: vec![0.0; len], im: vec![0.0; len] };
        let mut workspace = RowWorkspace::new(self.x.len());
        let plane_len = rows * width;
        for z in 0..self.z.len() {
            let plane = z * plane_len..(z + 1) * plane_len;
            let (re, im) = (&mut spectrum.re[plane.clone()], &mut spectrum.im[plane]);
            let mut lit = false;
            for first in (0..rows).step_by(2 * LANES) {
                lit |= workspace.forward(&self.x, first, rows, &load, z, re, im);
            }
            if lit {
                transform_columns(&self.y, re, im, width, false);
            }
        }
        transform_columns(&self.z, &mut spectrum.re, &mut spectrum.im, plane_len, false);
        spectrum
    }

    /// Transforms back and keeps the voxels of the grid.
    fn invert(&self, mut spectrum: Spectrum, values: &mut [f32]) {
        let (rows, width) = (self.y.len(), self.row_len());
        let (shape, origin) = (self.grid.shape(), self.origin());
        let plane_len = rows * width;
        transform_columns(&self.z, &mut spectrum.re, &mut spectrum.im, plane_len, true);
        let mut workspace = RowWorkspace::new(self.x.len());
        for (z, target) in values.chunks_exact_mut(shape.y * shape.x).enumerate() {
            let plane = (z + origin.z) * plane_len..(z + origin.z + 1) * plane_len;
            let (re, im) = (&mut spectrum.re[plane.clone()], &mut spectrum.im[plane]);
            transform_columns(&self.y, re, im, width, true);
            let lit = origin.y * width..(origin.y + shape.y) * width;
            let (re, im) = (&re[lit.clone()], &im[lit]);
            let blocks = re.chunks(2 * LANES * width).zip(im.chunks(2 * LANES * width));
            for ((re, im), target) in blocks.zip(target.chunks_mut(2 * LANES * shape.x)) {
                workspace.inverse(&self.x, re, im, target, shape.x, origin.x);
            }
        }
    }
}

fn check_voxels(grid: Grid, kernel: &Kernel) -> Result<()> {
    let (a, b) = (grid.voxel(), kernel.volume().grid().voxel());
    let differ = |a: f64, b: f64| (a - b).abs() > 1e-3 * b;
    if differ(a.z.0, b.z.0) || differ(a.y.0, b.y.0) || differ(a.x.0, b.x.0) {
        return Err(Error::invalid_argument(format!(
            "the volume has voxels of {} x {} x {} and the point spread function of {} x {} x {}; \
             sample it with the volume's voxels",
            a.z, a.y, a.x, b.z, b.y, b.x
        )));
    }
    Ok(())
}

fn multiply(spectrum: &mut Spectrum, kernel: &Spectrum) {
    let factors = kernel.re.iter().zip(&kernel.im);
    for ((re, im), (c, s)) in spectrum.re.iter_mut().zip(&mut spectrum.im).zip(factors) {
        (*re, *im) = (*re * c - *im * s, *re * s + *im * c);
    }
}

/// Transforms along an axis whose samples are `stride` apart; the array holds `fft.len() * stride` values.
fn transform_columns(fft: &Fft, re: &mut [f32], im: &mut [f32], stride: usize, inverse: bool) {
    let mut data = Signals::zeros(fft.len());
    let mut scratch = data.clone();
    for start in (0..stride).step_by(LANES) {
        let lanes = LANES.min(stride - start);
        gather(&mut data.re, re, start, stride, lanes);
        gather(&mut data.im, im, start, stride, lanes);
        if inverse {
            fft.inverse(&mut data, &mut scratch);
        } else {
            fft.forward(&mut data, &mut scratch);
        }
        scatter(&data.re, re, start, stride, lanes);
        scatter(&data.im, im, start, stride, lanes);
    }
}

fn gather(samples: &mut [Sample], from: &[f32], start: usize, stride: usize, lanes: usize) {
    for (i, sample) in samples.iter_mut().enumerate() {
        sample[..lanes].copy_from_slice(&from[i * stride + start..][..lanes]);
    }
}

fn scatter(samples: &[Sample], to: &mut [f32], start: usize, stride: usize, lanes: usize) {
    for (i, sample) in samples.iter().enumerate() {
        to[i * stride + start..][..lanes].copy_from_slice(&sample[..lanes]);
    }
}

/// Buffers for transforming real rows, two at a time: one as the real part of a signal, one as the imaginary.
struct RowWorkspace {
    row: Vec<f32>,
    data: Signals,
    scratch: Signals,
}

impl RowWorkspace {
    fn new(len: usize) -> Self {
        Self { row: vec![0.0; len], data: Signals::zeros(len), scratch: Signals::zeros(len) }
    }

    /// Loads and transforms the rows from `first`, writes their half spectra; false if all were dark.
    #[expect(clippy::too_many_arguments, reason = "the two halves of a complex plane and where in it")]
    fn forward(
        &mut self,
        fft: &Fft,
        first: usize,
        rows: usize,
        load: &impl Fn(usize, usize, &mut [f32]) -> bool,
        z: usize,
        re: &mut [f32],
        im: &mut [f32],
    ) -> bool {
        let len = fft.len();
        let mut lit = false;
        for slot in 0..2 * LANES {
            self.row.fill(0.0);
            let has_light = first + slot < rows && load(z, first + slot, &mut self.row);
            lit |= has_light;
            let part = if slot % 2 == 0 { &mut self.data.re } else { &mut self.data.im };
            for (to, from) in part.iter_mut().zip(&self.row) {
                to[slot / 2] = *from;
            }
        }
        if !lit {
            return false;
        }
        fft.forward(&mut self.data, &mut self.scratch);
        let width = len / 2 + 1;
        for slot in 0..(2 * LANES).min(rows - first) {
            let lane = slot / 2;
            let start = (first + slot) * width;
            for k in 0..width {
                let mirror = (len - k) % len;
                let (re_a, im_a) = (self.data.re[k][lane], self.data.im[k][lane]);
                let (re_b, im_b) = (self.data.re[mirror][lane], self.data.im[mirror][lane]);
                (re[start + k], im[start + k]) = if slot % 2 == 0 {
                    (0.5 * (re_a + re_b), 0.5 * (im_a - im_b))
                } else {
                    (0.5 * (im_a + im_b), 0.5 * (re_b - re_a))
                };
            }
        }
        true
    }

    /// Transforms half spectra back and writes `width` values of each row from `skip` on.
    fn inverse(&mut self, fft: &Fft, re: &[f32], im: &[f32], target: &mut [f32], width: usize, skip: usize) {
        let len = fft.len();
        let half = len / 2 + 1;
        let rows = target.len() / width;
        self.data.re.fill([0.0; LANES]);
        self.data.im.fill([0.0; LANES]);
        for slot in 0..rows {
            let lane = slot / 2;
            for k in 0..len {
                // The other half is the mirror image, conjugate.
                let (source, sign) = if k < half { (k, 1.0) } else { (len - k, -1.0) };
                let (c, s) = (re[slot * half + source], sign * im[slot * half + source]);
                if slot % 2 == 0 {
                    self.data.re[k][lane] = c;
                    self.data.im[k][lane] = s;
                } else {
                    self.data.re[k][lane] -= s;
                    self.data.im[k][lane] += c;
                }
            }
        }
        fft.inverse(&mut self.data, &mut self.scratch);
        for (slot, row) in target.chunks_exact_mut(width).enumerate() {
            let part = if slot % 2 == 0 { &self.data.re } else { &self.data.im };
            for (to, from) in row.iter_mut().zip(&part[skip..]) {
                *to = from[slot / 2];
            }
        }
    }
}
