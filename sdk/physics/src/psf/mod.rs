//! Point spread functions: the image of a point, from aperture, index, wavelength and pinhole.
//!
//! | type | model | for |
//! |---|---|---|
//! | [`WidefieldPsf`] | Gibson and Lanni 1991, scalar Kirchhoff integral | cameras, out-of-focus haze, deconvolution |
//! | [`ConfocalPsf`] | excitation times pinhole-averaged detection | point scanners |
//! | [`GaussianPsf`] | Zhang, Zerubia and Olivo-Marin 2007 | fast paths |
//!
//! All are scalar: polarisation is left out, which widens the true spot by some percent above NA 1.2 or so.
//! Sampled on a grid they become a [`Kernel`].

mod confocal;
mod gaussian;
mod pupil;
mod radial;
mod widefield;

pub use confocal::{ConfocalPsf, Pinhole};
pub use gaussian::GaussianPsf;
pub use widefield::{Specimen, WidefieldPsf};

use parfocal_types::units::Micrometers;
use parfocal_types::{Error, Result};

use crate::check;
use crate::volume::{Grid, Shape, Volume, VoxelSize};

/// How far from its centre a point spread function is sampled; rounded up to whole voxels.
///
/// What lies outside is cut off and the rest normalised to sum 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Distance along the optical axis, to each side.
    pub axial: Micrometers,
    /// Distance along x and along y, to each side.
    pub lateral: Micrometers,
}

impl Reach {
    fn half_shape(self, voxel: VoxelSize) -> Result<Shape> {
        check::not_negative("the axial reach of the point spread function in µm", self.axial.0)?;
        check::not_negative("the lateral reach of the point spread function in µm", self.lateral.0)?;
        let half = |reach: Micrometers, size: Micrometers| (reach.0 / size.0 - 1e-9).ceil().max(0.0) as usize;
        Ok(Shape {
            z: half(self.axial, voxel.z),
            y: half(self.lateral, voxel.y),
            x: half(self.lateral, voxel.x),
        })
    }
}

/// A point spread function on a grid: an odd number of voxels along each axis, none negative, sum 1, the point
/// in the middle voxel.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel(Volume);

impl Kernel {
    /// A kernel from samples, scaled to sum 1: a measured bead, for example.
    ///
    /// # Errors
    /// `invalid-argument` if an axis has an even number of voxels, a value is negative or not finite, or all
    /// are zero.
    pub fn new(mut samples: Volume) -> Result<Self> {
        let Shape { z, y, x } = samples.shape();
        if z % 2 == 0 || y % 2 == 0 || x % 2 == 0 {
            return Err(Error::invalid_argument(format!(
                "a point spread function of {z} x {y} x {x} voxels has no middle; crop it to odd numbers"
            )));
        }
        if samples.values().iter().any(|value| !value.is_finite() || *value < 0.0) {
            return Err(Error::invalid_argument(
                "the point spread function has a negative or non-finite value; subtract no more than its background",
            ));
        }
        let sum = samples.sum();
        if sum <= 0.0 {
            return Err(Error::invalid_argument("the point spread function is zero everywhere"));
        }
        for value in samples.values_mut() {
            *value = (f64::from(*value) / sum) as f32;
        }
        Ok(Self(samples))
    }

    /// The samples; their sum is 1 up to `f32` rounding.
    #[must_use]
    pub const fn volume(&self) -> &Volume {
        &self.0
    }

    /// Voxels from the middle to each side.
    #[must_use]
    pub const fn half_shape(&self) -> Shape {
        let Shape { z, y, x } = self.0.shape();
        Shape { z: z / 2, y: y / 2, x: x / 2 }
    }
}

/// Nodes and weights of the three-point Gauss-Legendre rule on -1/2 to 1/2: the average over a voxel's edge.
const VOXEL_RULE: [(f64, f64); 3] =
    [(-0.387_298_334_620_741_7, 5.0 / 18.0), (0.0, 8.0 / 18.0), (0.387_298_334_620_741_7, 5.0 / 18.0)];

/// Averages a rotationally symmetric function over the voxels around the origin.
///
/// `tabulate` receives the axial positions and the largest radius that are needed, in micrometers.
fn sample_symmetric(
    voxel: VoxelSize,
    reach: Reach,
    tabulate: impl FnOnce(&[f64], f64) -> radial::RadialTable,
) -> Result<Kernel> {
    let half = reach.half_shape(voxel)?;
    let odd = |half: usize| half.saturating_mul(2).saturating_add(1);
    let shape = Shape { z: odd(half.z), y: odd(half.y), x: odd(half.x) };
    let mut samples = Volume::zeros(Grid::new(shape, voxel)?);
    let depths: Vec<f64> = (0..shape.z)
        .flat_map(|z| VOXEL_RULE.map(|(node, _)| (z as f64 - half.z as f64 + node) * voxel.z.0))
        .collect();
    let corner_y = (half.y as f64 + 0.5) * voxel.y.0;
    let corner_x = (half.x as f64 + 0.5) * voxel.x.0;
    let table = tabulate(&depths, (corner_y * corner_y + corner_x * corner_x).sqrt());

    let quadrant = (half.y + 1) * (half.x + 1);
    let radii: Vec<[(f64, f64); 9]> =
        (0..quadrant).map(|i| lateral_nodes(i / (half.x + 1), i % (half.x + 1), voxel)).collect();
    for (z, plane) in samples.values_mut().chunks_exact_mut(shape.y * shape.x).enumerate() {
        for (i, nodes) in radii.iter().enumerate() {
            let mut average = 0.0;
            for (sub, (_, axial_weight)) in VOXEL_RULE.iter().enumerate() {
                for (radius, weight) in nodes {
                    average += axial_weight * weight * table.at(3 * z + sub, *radius);
                }
            }
            let (dy, dx) = (i / (half.x + 1), i % (half.x + 1));
            for y in [half.y - dy, half.y + dy] {
                for x in [half.x - dx, half.x + dx] {
                    plane[y * shape.x + x] = average.max(0.0) as f32;
                }
            }
        }
    }
    Kernel::new(samples)
}

/// Radii and weights of the nine nodes in the pixel `dy`, `dx` away from the axis.
fn lateral_nodes(dy: usize, dx: usize, voxel: VoxelSize) -> [(f64, f64); 9] {
    let mut nodes = [(0.0, 0.0); 9];
    for (i, (node_y, weight_y)) in VOXEL_RULE.iter().enumerate() {
        for (j, (node_x, weight_x)) in VOXEL_RULE.iter().enumerate() {
            let y = (dy as f64 + node_y) * voxel.y.0;
            let x = (dx as f64 + node_x) * voxel.x.0;
            nodes[3 * i + j] = ((y * y + x * x).sqrt(), weight_y * weight_x);
        }
    }
    nodes
}
