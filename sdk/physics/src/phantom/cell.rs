//! Cell bodies: which cell covers which place, and how high it is there.

use super::texture::Texture;
use super::{Lobes, MARGIN, Nucleus, PhantomSpec, lognormal, smooth_step, stream};
use crate::random::Random;
use crate::volume::{Grid, Volume};

const KIND: u32 = 2;
/// Radius in micrometers to which a spread cell reaches where no neighbour stops it.
const RADIUS: (f64, f64) = (13.0, 21.0);
const OUTLINE: [f64; 5] = [0.16, 0.10, 0.07, 0.05, 0.03];
/// Height of the thin margin of a spread cell in micrometers.
const EDGE_HEIGHT: f64 = 0.5;
/// Size of the texture of the cell body in micrometers.
const GRAIN: f64 = 0.9;
/// Share of the protein that enters the nucleus.
const NUCLEAR_SHARE: f64 = 0.35;

/// All cells of a sample, column by column.
#[derive(Debug)]
pub(super) struct CellMap {
    grid: Grid,
    /// For each column its cell and the cell's height there in micrometers; the height is 0 outside all cells.
    columns: Vec<(u32, f32)>,
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    centre: [f64; 2],
    radius: f64,
    outline: Lobes,
    top: f64,
    brightness: f64,
    texture: Texture,
}

impl Cell {
    fn random(seed: u64, index: usize, nucleus: &Nucleus) -> Self {
        let mut random = Random::new(seed, stream(KIND, index));
        let radius = random.between(RADIUS.0, RADIUS.1);
        Self {
            // The nucleus does not sit in the very middle.
            centre: [nucleus.centre[1] + 1.5 * random.normal(), nucleus.centre[2] + 1.5 * random.normal()],
            radius,
            outline: Lobes::random(&OUTLINE, &mut random),
            top: 2.0 * (nucleus.centre[0] - MARGIN) + random.between(0.2, 0.7),
            // Expression differs between cells of one culture by about this much.
            brightness: lognormal(0.35, &mut random),
            texture: Texture::new(random.bits()),
        }
    }

    /// Distance from the middle as a share of the distance to the free margin in that direction.
    fn reach(&self, y: f64, x: f64) -> f64 {
        let (dy, dx) = (y - self.centre[0], x - self.centre[1]);
        let distance = (dy * dy + dx * dx).sqrt();
        if distance == 0.0 {
            return 0.0;
        }
        distance / (self.radius * (1.0 + self.outline.at(dx / distance, dy / distance)))
    }
}

impl CellMap {
    /// One cell around each nucleus; where two meet, the margin runs between them.
    pub(super) fn new(spec: &PhantomSpec, nuclei: &[Nucleus]) -> Self {
        let cells: Vec<Cell> =
            nuclei.iter().enumerate().map(|(i, nucleus)| Cell::random(spec.seed, i, nucleus)).collect();
        let (shape, voxel) = (spec.grid.shape(), spec.grid.voxel());
        let columns = (0..shape.y * shape.x)
            .map(|i| {
                let (y, x) = ((i / shape.x) as f64 * voxel.y.0, (i % shape.x) as f64 * voxel.x.0);
                column(&cells, y, x)
            })
            .collect();
        Self { grid: spec.grid, columns, cells }
    }

    /// The cell over the place (`y`, `x`) in micrometers and its height there, if there is one. Cells go on
    /// beyond the field.
    pub(super) fn at(&self, y: f64, x: f64) -> Option<(u32, f64)> {
        let (shape, voxel) = (self.grid.shape(), self.grid.voxel());
        let (row, across) = ((y / voxel.y.0).round(), (x / voxel.x.0).round());
        let inside = row >= 0.0 && across >= 0.0 && row < shape.y as f64 && across < shape.x as f64;
        let (cell, height) = if inside {
            self.columns[row as usize * shape.x + across as usize]
        } else {
            column(&self.cells, y, x)
        };
        (height > 0.0).then_some((cell, f64::from(height)))
    }

    /// Cells from 0.
    pub(super) fn count(&self) -> usize {
        self.cells.len()
    }

    /// Share of the voxel at `z` micrometers that lies between the cover glass and `height` above it.
    pub(super) fn share(&self, z: f64, height: f64) -> f64 {
        let size = self.grid.voxel().z.0;
        let (bottom, top) = (z - 0.5 * size - MARGIN, z + 0.5 * size - MARGIN);
        ((top.min(height) - bottom.max(0.0)) / size).clamp(0.0, 1.0)
    }

    /// The channel of the cell bodies.
    pub(super) fn paint(&self, labels: &[u32]) -> Volume {
        let mut channel = Volume::zeros(self.grid);
        let (shape, voxel) = (self.grid.shape(), self.grid.voxel());
        for (i, value) in channel.values_mut().iter_mut().enumerate() {
            let (z, rest) = (i / (shape.y * shape.x), i % (shape.y * shape.x));
            let (index, height) = self.columns[rest];
            let place = [z, rest / shape.x, rest % shape.x];
            let place =
                [place[0] as f64 * voxel.z.0, place[1] as f64 * voxel.y.0, place[2] as f64 * voxel.x.0];
            let share = self.share(place[0], f64::from(height));
            if share == 0.0 {
                continue;
            }
            let cell = &self.cells[index as usize];
            let grain = cell.texture.grain(place, GRAIN);
            // Organelles leave dark holes in the stain.
            let body = 0.35 + 0.65 * smooth_step(0.2, 0.6, grain);
            let nuclear = if labels[i] > 0 { NUCLEAR_SHARE } else { 1.0 };
            *value = (share * cell.brightness * body * nuclear) as f32;
        }
        channel
    }
}

/// The cell that reaches a place most easily, and its height: a dome with a thin margin.
fn column(cells: &[Cell], y: f64, x: f64) -> (u32, f32) {
    let (mut best, mut first, mut second) = (0_u32, f64::INFINITY, f64::INFINITY);
    for (cell, index) in cells.iter().zip(0..) {
        let reach = cell.reach(y, x);
        if reach < first {
            (best, second, first) = (index, first, reach);
        } else if reach < second {
            second = reach;
        }
    }
    if first >= 1.0 {
        return (best, 0.0);
    }
    let top = cells[best as usize].top;
    let dome = EDGE_HEIGHT + (top - EDGE_HEIGHT) * (1.0 - first * first);
    // Cells thin out towards a neighbour, and leave a cleft.
    let contact = smooth_step(0.0, 0.25, second - first);
    let height = if second - first < 0.015 {
        0.0
    } else {
        EDGE_HEIGHT + (dome - EDGE_HEIGHT) * (0.35 + 0.65 * contact)
    };
    (best, height as f32)
}
