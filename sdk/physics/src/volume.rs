//! The three-dimensional grid of numbers on which everything here is computed.

use parfocal_types::units::Micrometers;
use parfocal_types::{Error, Result};

use crate::check;

/// Number of voxels along each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Planes.
    pub z: usize,
    /// Rows of a plane.
    pub y: usize,
    /// Columns of a row.
    pub x: usize,
}

impl Shape {
    /// The number of voxels, or `None` where it would not fit the address space as `f32`.
    #[must_use]
    pub fn voxels(self) -> Option<usize> {
        let count = self.z.checked_mul(self.y)?.checked_mul(self.x)?;
        (count <= isize::MAX as usize / size_of::<f32>()).then_some(count)
    }
}

/// Edge lengths of a voxel; `z` is the distance between planes and usually the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoxelSize {
    /// Distance between planes.
    pub z: Micrometers,
    /// Distance between rows.
    pub y: Micrometers,
    /// Distance between columns.
    pub x: Micrometers,
}

impl VoxelSize {
    /// Square pixels of edge `lateral` in planes `axial` apart.
    #[must_use]
    pub const fn new(axial: Micrometers, lateral: Micrometers) -> Self {
        Self { z: axial, y: lateral, x: lateral }
    }
}

/// A regular grid in the sample. Position 0 is the centre of voxel (0, 0, 0), so that voxel index times voxel
/// size is a position, as in OME files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    shape: Shape,
    voxel: VoxelSize,
}

impl Grid {
    /// A grid of `shape` voxels of size `voxel`.
    ///
    /// # Errors
    /// `out-of-range` for an axis without voxels or a voxel size that is not a positive number,
    /// `invalid-argument` for more voxels than can be addressed.
    pub fn new(shape: Shape, voxel: VoxelSize) -> Result<Self> {
        for (axis, count) in [("z", shape.z), ("y", shape.y), ("x", shape.x)] {
            check::positive(&format!("the number of voxels along {axis}"), count as f64)?;
        }
        for (axis, size) in [("z", voxel.z), ("y", voxel.y), ("x", voxel.x)] {
            check::positive(&format!("the voxel size along {axis} in µm"), size.0)?;
        }
        if shape.voxels().is_none() {
            return Err(Error::invalid_argument(format!(
                "a grid of {} x {} x {} voxels cannot be addressed; choose a smaller field",
                shape.z, shape.y, shape.x
            )));
        }
        Ok(Self { shape, voxel })
    }

    /// Voxels along each axis.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Edge lengths of a voxel.
    #[must_use]
    pub const fn voxel(&self) -> VoxelSize {
        self.voxel
    }

    /// The number of voxels.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.shape.z * self.shape.y * self.shape.x
    }

    /// Never: a grid holds at least one voxel.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }
}

/// One `f32` for each voxel of a grid, x fastest, then y, then z.
///
/// What the number means (photons, relative fluorophore density, weight) is said by the function that returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    grid: Grid,
    values: Vec<f32>,
}

impl Volume {
    /// A volume of zeros.
    #[must_use]
    pub fn zeros(grid: Grid) -> Self {
        Self { grid, values: vec![0.0; grid.len()] }
    }

    /// A volume of the given values, x fastest.
    ///
    /// # Errors
    /// `invalid-argument` if their number is not that of the grid's voxels.
    pub fn from_values(grid: Grid, values: Vec<f32>) -> Result<Self> {
        check::same_length("the volume", values.len(), grid.len())?;
        Ok(Self { grid, values })
    }

    /// The grid.
    #[must_use]
    pub const fn grid(&self) -> Grid {
        self.grid
    }

    /// Voxels along each axis.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.grid.shape
    }

    /// All values, x fastest.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, x fastest, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values alone.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The planes in order, each row after row.
    pub fn planes(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.grid.shape.y * self.grid.shape.x)
    }

    /// The value of a voxel, or `None` outside the grid.
    #[must_use]
    pub fn get(&self, z: usize, y: usize, x: usize) -> Option<f32> {
        let shape = self.grid.shape;
        (z < shape.z && y < shape.y && x < shape.x).then(|| self.values[(z * shape.y + y) * shape.x + x])
    }

    /// The sum of all values, added in `f64` in storage order.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value)).sum()
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> f32 {
        self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}
