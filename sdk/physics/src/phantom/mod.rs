//! A sample world with known truth: adherent cells with nuclei, filaments and cytoplasm.
//!
//! Sizes and textures are those of cultured mammalian cells, so that pictures of it look like pictures; it is a
//! plausible world, not a measured one. What is exact is the **truth**: which voxel belongs to which nucleus,
//! how many there are, where, and how large. Everything follows from the seed.

mod cell;
mod filament;
mod nucleus;
mod texture;

use parfocal_types::Result;
use parfocal_types::units::Micrometers;

use crate::check;
use crate::quantity::CubicMicrometers;
use crate::volume::{Grid, Volume};

use cell::CellMap;
use nucleus::Nucleus;

/// Height of the cover glass above the lowest plane, and free space above the tallest cell.
const MARGIN: f64 = 1.2;
/// A shallower or narrower field cannot hold a nucleus of a cultured cell.
const SHALLOWEST: f64 = 6.0;
const NARROWEST: f64 = 25.0;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhantomSpec {
    /// Where: at least 6 µm deep and 25 µm wide.
    pub grid: Grid,
    /// How many nuclei, each wholly inside the field.
    pub nuclei: u32,
    /// Smallest distance between the surfaces of two nuclei.
    pub gap: Micrometers,
    /// From which everything follows.
    pub seed: u64,
}

/// A position in the sample; 0 is the centre of the grid's first voxel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Along the optical axis.
    pub z: Micrometers,
    /// Down the rows.
    pub y: Micrometers,
    /// Along the columns.
    pub x: Micrometers,
}

/// What is true of one nucleus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NucleusTruth {
    /// Its value in [`Phantom::labels`], from 1.
    pub label: u32,
    /// Mean position of its voxels.
    pub centroid: Position,
    /// Its number of voxels times their volume.
    pub volume: CubicMicrometers,
}

/// The world: three channels of photon-emission density, and the truth about the first.
///
/// Densities are relative within a channel: [`expected_photons`](crate::imaging::expected_photons) gives them a
/// scale.
#[derive(Debug, Clone)]
pub struct Phantom {
    /// Stained DNA: brightness follows DNA content (before or after replication) over volume; nucleoli are dark.
    pub nuclei: Volume,
    /// Cytoskeletal filaments with the pool of their unbound subunits.
    pub filaments: Volume,
    /// A protein of the cell body, partly kept out of the nucleus, expressed by each cell at its own level.
    pub cytoplasm: Volume,
    /// For each voxel the label of the nucleus that holds its centre, or 0.
    pub labels: Vec<u32>,
    /// One entry for each nucleus, in the order of labels.
    pub truth: Vec<NucleusTruth>,
}

impl PhantomSpec {
    /// Makes the world.
    ///
    /// # Errors
    /// `out-of-range` for a field that is too small or a negative gap, `invalid-argument` if no room is found
    /// for all nuclei.
    pub fn build(&self) -> Result<Phantom> {
        let (shape, voxel) = (self.grid.shape(), self.grid.voxel());
        let extent = |count: usize, size: Micrometers| count as f64 * size.0;
        let deep = "the depth of the sample in µm";
        check::within(deep, extent(shape.z, voxel.z), SHALLOWEST, f64::MAX)?;
        let wide = "the width of the sample in µm";
        check::within(wide, extent(shape.y, voxel.y), NARROWEST, f64::MAX)?;
        check::within(wide, extent(shape.x, voxel.x), NARROWEST, f64::MAX)?;
        check::not_negative("the gap between nuclei in µm", self.gap.0)?;

        let shapes = nucleus::place(self)?;
        let mut nuclei = Volume::zeros(self.grid);
        let mut labels = vec![0_u32; self.grid.len()];
        for (nucleus, label) in shapes.iter().zip(1..) {
            nucleus.paint(&mut nuclei, &mut labels, label);
        }
        let cells = CellMap::new(self, &shapes);
        let cytoplasm = cells.paint(&labels);
        let filaments = filament::paint(self, &shapes, &cells);
        let truth = measure(&labels, self.grid, shapes.len());
        Ok(Phantom { nuclei, filaments, cytoplasm, labels, truth })
    }
}

/// Counts the voxels of each label.
fn measure(labels: &[u32], grid: Grid, count: usize) -> Vec<NucleusTruth> {
    let (shape, voxel) = (grid.shape(), grid.voxel());
    let mut sums = vec![[0.0_f64; 4]; count];
    for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label > 0) {
        let (row, x) = (i / shape.x, i % shape.x);
        let (z, y) = (row / shape.y, row % shape.y);
        let sum = &mut sums[label as usize - 1];
        for (total, value) in sum.iter_mut().zip([1.0, z as f64, y as f64, x as f64]) {
            *total += value;
        }
    }
    let size = voxel.z.0 * voxel.y.0 * voxel.x.0;
    let truth = |([voxels, z, y, x], label): ([f64; 4], u32)| NucleusTruth {
        label,
        centroid: Position {
            z: Micrometers(z / voxels * voxel.z.0),
            y: Micrometers(y / voxels * voxel.y.0),
            x: Micrometers(x / voxels * voxel.x.0),
        },
        volume: CubicMicrometers(voxels * size),
    };
    sums.into_iter().zip(1..).map(truth).collect()
}

/// Numbers of the random streams, so that one kind of object does not move when another changes.
fn stream(kind: u32, index: usize) -> u64 {
    (u64::from(kind) << 32) | index as u64
}

/// Lobes of an outline: Σ aₘ cos(m φ - φₘ) for m = 2, 3, ...
#[derive(Debug, Clone)]
struct Lobes(Vec<(f64, f64)>);

impl Lobes {
    /// One lobe for each amplitude, with random strength up to it and random direction.
    fn random(amplitudes: &[f64], random: &mut crate::Random) -> Self {
        let lobe = |amplitude: &f64| {
            let strength = amplitude * random.between(0.4, 1.0);
            let (sin, cos) = libm::sincos(random.between(0.0, core::f64::consts::TAU));
            (strength * cos, strength * sin)
        };
        Self(amplitudes.iter().map(lobe).collect())
    }

    /// The sum in the direction (`cos`, `sin`).
    fn at(&self, cos: f64, sin: f64) -> f64 {
        let (mut c, mut s) = (cos, sin);
        let mut sum = 0.0;
        for (along, across) in &self.0 {
            (c, s) = (c * cos - s * sin, c * sin + s * cos);
            sum += along * c + across * s;
        }
        sum
    }

    /// No direction has a larger sum.
    fn bound(&self) -> f64 {
        self.0.iter().map(|(a, b)| (a * a + b * b).sqrt()).sum()
    }
}

/// 0 below `low`, 1 above `high`, smooth between.
fn smooth_step(low: f64, high: f64, value: f64) -> f64 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A length drawn from a lognormal distribution of mean 1 and the given coefficient of variation.
fn lognormal(cv: f64, random: &mut crate::Random) -> f64 {
    let variance = libm::log(1.0 + cv * cv);
    libm::exp(variance.sqrt() * random.normal() - 0.5 * variance)
}
