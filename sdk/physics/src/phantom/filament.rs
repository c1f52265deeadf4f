//! Filaments: curved lines that start near the nucleus and run to the cell's margin.

use core::f64::consts::TAU;

use super::cell::CellMap;
use super::{MARGIN, Nucleus, PhantomSpec, stream};
use crate::random::Random;
use crate::volume::Volume;

const KIND: u32 = 3;
/// Filaments of a cell.
const FILAMENTS: usize = 70;
/// Apparent persistence length in micrometers of microtubules inside cells (Brangwynne, MacKintosh and Weitz
/// 2007, PNAS 104:16128: about 30; purified ones are a hundred times stiffer).
const PERSISTENCE: f64 = 30.0;
const LENGTH: (f64, f64) = (10.0, 40.0);
/// Length of a step in micrometers: shorter than any voxel that resolves filaments.
const STEP: f64 = 0.05;
/// Share that starts at the organising centre beside the nucleus; the others start anywhere in the cell.
const CENTRAL: f64 = 0.3;
/// Unbound subunits, as micrometers of filament in each cubic micrometer of the cell.
const POOL: f64 = 0.06;
/// Nearest approach to a nucleus, as a share of the distance from its centre to its surface.
const CLEARANCE: f64 = 1.06;
/// Turns tried, to both sides, where the nucleus or the cell's margin is in the way; the filament bends along it.
const TURNS: u32 = 6;
const TURN: f64 = 0.12;
/// Mean length in micrometers that a filament follows the cell's margin before it ends.
const ALONG_MARGIN: f64 = 2.0;

/// The channel of the filaments: micrometers of filament in each cubic micrometer.
pub(super) fn paint(spec: &PhantomSpec, nuclei: &[Nucleus], cells: &CellMap) -> Volume {
    let mut channel = pool(spec, cells);
    for (cell, nucleus) in nuclei.iter().enumerate().take(cells.count()) {
        let mut random = Random::new(spec.seed, stream(KIND, cell));
        let direction = random.between(0.0, TAU);
        let centre = beside(nucleus, direction);
        for _ in 0..FILAMENTS {
            let mut walk = Walk { cell, nucleus, cells, place: centre, heading: 0.0, slope: 0.0 };
            walk.start(&mut random);
            let brightness = random.between(0.75, 1.25);
            let steps = (random.between(LENGTH.0, LENGTH.1) / STEP) as usize;
            for _ in 0..steps {
                if !walk.step(&mut random) {
                    break;
                }
                splat(&mut channel, walk.place, brightness * STEP);
            }
        }
    }
    channel
}

/// The unbound subunits fill the cells.
fn pool(spec: &PhantomSpec, cells: &CellMap) -> Volume {
    let mut channel = Volume::zeros(spec.grid);
    let (shape, voxel) = (spec.grid.shape(), spec.grid.voxel());
    for (i, value) in channel.values_mut().iter_mut().enumerate() {
        let (row, x) = (i / shape.x, i % shape.x);
        let (z, y) = (row / shape.y, row % shape.y);
        if let Some((_, height)) = cells.at(y as f64 * voxel.y.0, x as f64 * voxel.x.0) {
            *value = (POOL * cells.share(z as f64 * voxel.z.0, height)) as f32;
        }
    }
    channel
}

/// A place just outside the nucleus in the lateral direction of angle `direction`.
fn beside(nucleus: &Nucleus, direction: f64) -> [f64; 3] {
    let (sin, cos) = libm::sincos(direction);
    let distance = nucleus.extent(sin, cos) + 0.8;
    let [z, y, x] = nucleus.centre;
    [z, y + distance * sin, x + distance * cos]
}

/// A filament's growing end.
struct Walk<'a> {
    cell: usize,
    nucleus: &'a Nucleus,
    cells: &'a CellMap,
    /// z, y, x in micrometers.
    place: [f64; 3],
    heading: f64,
    slope: f64,
}

impl Walk<'_> {
    /// Chooses where the filament begins and where to.
    fn start(&mut self, random: &mut Random) {
        self.heading = random.between(0.0, TAU);
        self.slope = 0.08 * random.normal();
        let jitter = 0.9;
        if random.uniform() < CENTRAL {
            for coordinate in &mut self.place {
                *coordinate += jitter * random.normal();
            }
            return;
        }
        let (sin, cos) = libm::sincos(random.between(0.0, TAU));
        let distance = self.nucleus.extent(sin, cos) * random.between(1.1, 2.0);
        let [_, y, x] = self.nucleus.centre;
        self.place = [random.between(0.2, 4.0) + MARGIN, y + distance * sin, x + distance * cos];
    }

    /// Moves on by one step; false where it ends.
    fn step(&mut self, random: &mut Random) -> bool {
        // A worm-like chain in the plane: the heading's variance grows by step / persistence length.
        self.heading += (STEP / PERSISTENCE).sqrt() * random.normal();
        self.slope += 0.01 * random.normal() - 0.02 * self.slope;
        let ends = random.uniform() < STEP / ALONG_MARGIN;
        for turn in 0..=2 * TURNS {
            let side = if turn % 2 == 0 { 1.0 } else { -1.0 };
            let heading = self.heading + side * TURN * f64::from(turn.div_ceil(2));
            let (sin, cos) = libm::sincos(heading);
            let [z, y, x] = self.place;
            let next = [z + STEP * self.slope, y + STEP * sin, x + STEP * cos];
            match self.inside_cell(next) {
                Some(place) if self.nucleus.depth(place).0 > CLEARANCE => {
                    self.place = place;
                    self.heading = heading;
                    return true;
                }
                None if ends => return false,
                _ => {}
            }
        }
        false
    }

    /// The place moved up or down into the cell, or `None` beyond its margin.
    fn inside_cell(&self, place: [f64; 3]) -> Option<[f64; 3]> {
        let [z, y, x] = place;
        let (cell, height) = self.cells.at(y, x)?;
        let low = MARGIN + 0.15;
        let high = (MARGIN + height - 0.15).max(low);
        (cell as usize == self.cell).then(|| [z.clamp(low, high), y, x])
    }
}

/// Shares `amount` among the eight voxels around a place.
fn splat(channel: &mut Volume, place: [f64; 3], amount: f64) {
    let (shape, voxel) = (channel.shape(), channel.grid().voxel());
    let sizes = [voxel.z.0, voxel.y.0, voxel.x.0];
    let counts = [shape.z, shape.y, shape.x];
    let scaled: [f64; 3] = core::array::from_fn(|axis| place[axis] / sizes[axis]);
    let density = amount / (sizes[0] * sizes[1] * sizes[2]);
    for corner in 0..8_usize {
        let mut share = density;
        let mut index = 0;
        let mut inside = true;
        for axis in 0..3 {
            let floor = scaled[axis].floor();
            let upper = (corner >> axis) & 1;
            let fraction = scaled[axis] - floor;
            share *= if upper == 1 { fraction } else { 1.0 - fraction };
            let voxel = floor + upper as f64;
            inside &= voxel >= 0.0 && voxel < counts[axis] as f64;
            index = index * counts[axis] + voxel.max(0.0) as usize;
        }
        if inside {
            channel.values_mut()[index] += share as f32;
        }
    }
}
