//! Chooses the size of tiles: the cheapest that fits the memory budget.
//!
//! The choice never looks at the number of threads, so that the cut, and with it every partial result of a reduce
//! operator, is the same on every machine with the same budget.

use parfocal_core::FrameAllocator;
use parfocal_image::{Axis, Extent, ImageSpec, Region};
use parfocal_operator::{InputRegion, TileSize};
use parfocal_types::error::{Error, ErrorKind, Result};

use crate::{grid::Grid, planned::Planned, write::is_aligned};

/// Number of workers that a cut is made for: enough to keep usual machines busy, independent of this one.
const NOMINAL_WORKERS: u64 = 8;
/// The fewest of them that a cut should leave memory for, tried in this order.
const FITTING_WORKERS: [u64; 3] = [4, 2, 1];
/// A tile costs what so many pixels cost, before its first pixel: calls, locks, system calls.
const OVERHEAD: u64 = 20_000;
/// Memory of one worker that is comfortable even where the budget would allow more.
const COMFORT: u64 = 48 << 20;
/// Among tiles that cost at most this much more than the cheapest, in percent, the smallest is taken: it leaves more
/// memory to others, and a request to stop is heard sooner.
const SLACK: u64 = 4;

/// What a cut costs and needs.
pub(crate) struct Shapes<'a> {
    pub(crate) planned: &'a Planned,
    /// The pieces in which the inputs lie in their stores.
    pub(crate) chunks: &'a [Extent],
    /// The pieces that the sinks of the outputs take.
    pub(crate) grids: &'a [Extent],
    pub(crate) budget: u64,
}

impl Shapes<'_> {
    /// The size of tiles, for this choice of the caller, or the best.
    ///
    /// # Errors
    /// `out-of-memory` when even the smallest tile does not fit; what the operator says about its input.
    pub(crate) fn choose(&self, wanted: Option<Extent>) -> Result<Extent> {
        if let Some(wanted) = wanted {
            let tile = self.tile(|axis| wanted[axis]);
            let need = self.peak(&tile, 1)?;
            return if need <= self.budget { Ok(tile) } else { Err(self.too_much(need)) };
        }
        let thick = [self.planes_along(Axis::T)?, self.planes_along(Axis::Z)?];
        if let Some(tile) = self.whole_planes(&thick)? {
            return Ok(tile);
        }
        let unit = self.unit();
        let aligned =
            self.candidates(&thick, [grown(unit[0], self.work(Axis::Y)), grown(unit[1], self.work(Axis::X))]);
        if let Some(tile) = self.best(&aligned)? {
            return Ok(tile);
        }
        let off_grid = self.candidates(&thick, [grown(1, unit[0]), grown(1, unit[1])]);
        if let Some(tile) = self.best(&off_grid)? {
            return Ok(tile);
        }
        let peaks = aligned.iter().chain(&off_grid).map(|tile| self.peak(tile, 1));
        let least = peaks.collect::<Result<Vec<_>>>()?.into_iter().min().unwrap_or(u64::MAX);
        Err(self.too_much(least))
    }

    /// For sequences, whole planes if they fit: a place that runs through all positions before its neighbour begins would
    /// leave the sinks with a part of every position.
    fn whole_planes(&self, thick: &[Vec<u64>; 2]) -> Result<Option<Extent>> {
        if self.planned.facts.sequence().is_none() {
            return Ok(None);
        }
        let mut planes = self.candidates(thick, [vec![self.work(Axis::Y)], vec![self.work(Axis::X)]]);
        let allowed = self.planned.facts.plan.tile_sizes;
        planes.retain(|tile| Axis::ALL.iter().all(|&axis| tile[axis] <= allowed[axis as usize].max));
        self.best(&planes)
    }

    /// Upper bound of the memory that so many workers take with such tiles.
    ///
    /// # Errors
    /// What the operator says about its input.
    pub(crate) fn peak(&self, tile: &Extent, workers: u64) -> Result<u64> {
        let each = self.frames(tile)?.saturating_add(self.instance(tile));
        Ok(each.saturating_mul(workers).saturating_add(self.gathered(tile, workers)))
    }

    /// Whether every tile lies on the grids of all sinks, so that none waits for pixels of others.
    pub(crate) fn is_aligned(&self, tile: &Extent) -> bool {
        let outputs = self.planned.facts.plan.outputs.iter().zip(self.grids).enumerate();
        outputs.into_iter().all(|(index, (spec, grid))| {
            is_aligned(&self.planned.facts.output_region(index, &Region::whole(*tile)), grid, &spec.extent)
        })
    }

    /// What an instance declares that it needs for itself.
    pub(crate) fn instance(&self, tile: &Extent) -> u64 {
        let plan = &self.planned.facts.plan;
        let pixels = tile.count().unwrap_or(u64::MAX);
        pixels.saturating_mul(u64::from(plan.bytes_per_pixel)).saturating_add(plan.bytes)
    }

    fn work(&self, axis: Axis) -> u64 {
        self.planned.facts.work[axis]
    }

    /// A tile of these sizes, where the plan leaves a choice.
    fn tile(&self, size: impl Fn(Axis) -> u64) -> Extent {
        let mut tile = Extent::default();
        for axis in Axis::ALL {
            let allowed = self.planned.facts.plan.tile_sizes[axis as usize];
            let choice =
                self.planned.facts.fixed[axis as usize].unwrap_or_else(|| fitting(size(axis), allowed));
            tile[axis] = choice.clamp(1, self.work(axis));
        }
        tile
    }

    /// Tiles in the image's middle and at its corners, as they will be cut.
    fn samples(&self, tile: &Extent) -> [Region; 3] {
        let grid = Grid::new(self.planned.facts.work, *tile, [false; 5]);
        let last = grid.total() - 1;
        let middle = Axis::ALL.into_iter().fold(Region::default(), |region, axis| {
            let start = (self.work(axis) - tile[axis]) / 2 / tile[axis] * tile[axis];
            region.with(axis, start as i64, tile[axis])
        });
        [middle, grid.region(0, 0), grid.region(0, last)]
    }

    /// Memory for the pixels of one tile.
    fn frames(&self, tile: &Extent) -> Result<u64> {
        let mut most = 0;
        for core in self.samples(tile) {
            let windows = self.planned.windows(&core)?;
            let inputs =
                windows.iter().zip(&self.planned.facts.inputs).map(|(window, spec)| window.cost(spec.dtype));
            let outputs = self.planned.facts.plan.outputs.iter().enumerate();
            let outputs = outputs.map(|(index, spec)| {
                FrameAllocator::cost(spec.dtype, &self.planned.facts.output_region(index, &core))
            });
            most = most.max(inputs.chain(outputs).fold(0, u64::saturating_add));
        }
        Ok(most)
    }

    /// Memory for the pieces of sinks that wait for pixels of other tiles, when tiles do not lie on the grid.
    fn gathered(&self, tile: &Extent, workers: u64) -> u64 {
        let outputs = self.planned.facts.plan.outputs.iter().zip(self.grids).enumerate();
        outputs.fold(0, |sum, (index, (spec, grid))| {
            let region = self.planned.facts.output_region(index, &Region::whole(*tile));
            if is_aligned(&region, grid, &spec.extent) {
                return sum;
            }
            // Pieces that the rows of tiles now worked on touch: on both sides of a seam for each worker at most.
            let [y, x] = [Axis::Y, Axis::X].map(|axis| spec.extent[axis].div_ceil(grid[axis]));
            let rows = (region.extent[Axis::Y] / grid[Axis::Y] + 2).saturating_mul(1 + workers / 4).min(y);
            let piece = FrameAllocator::cost(spec.dtype, &Region::whole(*grid));
            // Of a sequence, every position waits for the next place.
            let positions = self.planned.facts.sequence().map_or(1, |axis| self.work(axis));
            let planes = region.extent.planes().saturating_mul(2).saturating_mul(positions);
            let planes = planes.min(spec.extent.planes());
            sum.saturating_add([rows, x, planes].into_iter().fold(piece, u64::saturating_mul))
        })
    }

    /// Smallest height and width along which tiles lie on the grids of all sinks; without image outputs, the pieces in
    /// which the first input lies.
    fn unit(&self) -> [u64; 2] {
        [Axis::Y, Axis::X].map(|axis| {
            let work = self.work(axis);
            let own = self.chunks.first().map_or(1, |chunk| chunk[axis]).clamp(256.min(work), work);
            let common = self.grids.iter().map(|grid| grid[axis]).reduce(least_common_multiple);
            common.unwrap_or(own).min(work)
        })
    }

    /// Thicknesses to try along T or Z: more than one only where the operator looks at neighbours along it.
    fn planes_along(&self, axis: Axis) -> Result<Vec<u64>> {
        for core in self.planned.probes() {
            let required = self.planned.required(&core)?;
            let looks = |(input, spec): (&InputRegion, &ImageSpec)| {
                spec.extent[axis] == self.work(axis) && input.region.extent[axis] > core.extent[axis]
            };
            if required.iter().zip(&self.planned.facts.inputs).any(looks) {
                return Ok(grown(1, self.work(axis)));
            }
        }
        Ok(vec![1])
    }

    fn candidates(&self, thick: &[Vec<u64>; 2], [heights, widths]: [Vec<u64>; 2]) -> Vec<Extent> {
        let mut tiles = Vec::new();
        for &t in &thick[0] {
            for &z in &thick[1] {
                for &y in &heights {
                    for &x in &widths {
                        tiles.push(self.tile(|axis| match axis {
                            Axis::T => t,
                            Axis::C => 1,
                            Axis::Z => z,
                            Axis::Y => y,
                            Axis::X => x,
                        }));
                    }
                }
            }
        }
        tiles.sort_by_key(|tile| (tile.count(), tile.0));
        tiles.dedup();
        tiles
    }

    /// The best of the candidates, which are sorted by size; `None` when none fits.
    fn best(&self, candidates: &[Extent]) -> Result<Option<Extent>> {
        let mut rated = Vec::new();
        for tile in candidates {
            rated.push((self.cost(tile)?, self.peak(tile, 1)?, tile));
        }
        for workers in FITTING_WORKERS {
            for limit in [COMFORT, u64::MAX] {
                let fits = |peak: u64| peak.saturating_mul(workers) <= self.budget && peak <= limit;
                let fitting: Vec<_> = rated.iter().filter(|(_, peak, _)| fits(*peak)).collect();
                let Some(least) = fitting.iter().map(|(cost, ..)| *cost).min() else { continue };
                let good = |cost: u128| cost * 100 <= least * u128::from(100 + SLACK);
                return Ok(fitting.into_iter().find(|(cost, ..)| good(*cost)).map(|(.., tile)| **tile));
            }
        }
        Ok(None)
    }

    /// What a cut costs, in pixels that are read, padded or written: the time of the nominal workers times their number.
    fn cost(&self, tile: &Extent) -> Result<u128> {
        let [core, ..] = self.samples(tile);
        let mut pixels = OVERHEAD.saturating_add(core.extent.count().unwrap_or(u64::MAX));
        let windows = self.planned.windows(&core)?;
        for ((window, spec), chunk) in windows.iter().zip(&self.planned.facts.inputs).zip(self.chunks) {
            let held = window.held.extent.count().unwrap_or(u64::MAX);
            let decoded = decoded(&window.read, chunk, &spec.extent);
            pixels = pixels.saturating_add(held).saturating_add(decoded);
        }
        // All tiles shared evenly, and half a tile at the end while the others have nothing left to do.
        let tiles = Grid::new(self.planned.facts.work, *tile, [false; 5]).total();
        Ok(u128::from(tiles.saturating_add(NOMINAL_WORKERS / 2)) * u128::from(pixels))
    }

    fn too_much(&self, need: u64) -> Error {
        let budget = self.budget;
        Error::new(
            ErrorKind::OutOfMemory { need, budget },
            format!("even the smallest tiles need {need} bytes of memory, {budget} are allowed"),
        )
        .with_origin(&self.planned.facts.label)
        .with_remedy(format!("allow at least {} MiB", need.div_ceil(1 << 20)))
    }
}

/// The largest size that is allowed and at most `size`, or the smallest that is allowed.
fn fitting(size: u64, TileSize { step, max }: TileSize) -> u64 {
    (size.min(max) / step * step).max(step)
}

/// `start` and its doubles below `end`, and `end`.
fn grown(start: u64, end: u64) -> Vec<u64> {
    let doubles = std::iter::successors(Some(start.max(1)), |size| size.checked_mul(2));
    doubles.take_while(|&size| size < end).chain([end]).collect()
}

/// Pixels of the pieces of the store that a box touches.
fn decoded(region: &Region, chunk: &Extent, full: &Extent) -> u64 {
    Axis::ALL.into_iter().fold(1, |pixels, axis| {
        let step = chunk[axis].max(1);
        let start = region.origin[axis as usize].max(0).unsigned_abs() / step * step;
        let end = region.end(axis).max(0).unsigned_abs().div_ceil(step).saturating_mul(step).min(full[axis]);
        u64::saturating_mul(pixels, end.saturating_sub(start))
    })
}

fn least_common_multiple(one: u64, other: u64) -> u64 {
    let (mut a, mut b) = (one, other);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (one / a.max(1)).saturating_mul(other)
}
