//! The cut of the work into groups and tiles.

use parfocal_image::{Axis, Extent, Region};

/// Boxes of one size, the last along each axis perhaps smaller, numbered in raster order: X fastest. Along grouped axes
/// the boxes are one thick, and their positions number the groups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    work: Extent,
    tile: Extent,
    grouped: [bool; 5],
    counts: [u64; 5],
}

impl Grid {
    /// The cut of `work` into boxes of `tile`, which has no zero.
    pub(crate) fn new(work: Extent, mut tile: Extent, grouped: [bool; 5]) -> Self {
        let mut counts = [0; 5];
        for index in 0..5 {
            if grouped[index] {
                tile.0[index] = 1;
            }
            tile.0[index] = tile.0[index].clamp(1, work.0[index].max(1));
            counts[index] = work.0[index].div_ceil(tile.0[index]);
        }
        Self { work, tile, grouped, counts }
    }

    /// Size of a box.
    pub(crate) fn tile(&self) -> Extent {
        self.tile
    }

    /// How many groups there are.
    pub(crate) fn groups(&self) -> u64 {
        self.product(true)
    }

    /// How many tiles a group has.
    pub(crate) fn tiles(&self) -> u64 {
        self.product(false)
    }

    /// How many tiles there are.
    pub(crate) fn total(&self) -> u64 {
        self.groups().saturating_mul(self.tiles())
    }

    /// Axes that distinguish groups, with the position of this group.
    pub(crate) fn position(&self, group: u64) -> Vec<(Axis, u64)> {
        let positions = self.place(group, true);
        Axis::ALL
            .into_iter()
            .filter(|&axis| self.grouped[axis as usize] && self.work[axis] > 1)
            .map(|axis| (axis, positions[axis as usize]))
            .collect()
    }

    /// Where a tile of a group lies.
    pub(crate) fn region(&self, group: u64, tile: u64) -> Region {
        let (outer, inner) = (self.place(group, true), self.place(tile, false));
        let mut region = Region::default();
        for index in 0..5 {
            let place = if self.grouped[index] { outer[index] } else { inner[index] };
            let start = place * self.tile.0[index];
            region.origin[index] = i64::try_from(start).unwrap_or(i64::MAX);
            region.extent.0[index] = self.tile.0[index].min(self.work.0[index] - start);
        }
        region
    }

    fn product(&self, grouped: bool) -> u64 {
        (0..5)
            .filter(|&index| self.grouped[index] == grouped)
            .fold(1, |count, index| u64::saturating_mul(count, self.counts[index]))
    }

    /// Position along each axis of this kind, in raster order.
    fn place(&self, mut number: u64, grouped: bool) -> [u64; 5] {
        let mut place = [0; 5];
        for index in (0..5).rev().filter(|&index| self.grouped[index] == grouped) {
            place[index] = number % self.counts[index];
            number /= self.counts[index];
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_work_once_in_raster_order() {
        let work = Extent::new(2, 3, 4, 5, 7);
        for grouped in [[false; 5], [true, true, false, false, false], [false, true, false, true, false]] {
            let grid = Grid::new(work, Extent::new(1, 2, 3, 2, 3), grouped);
            let mut seen = vec![0; usize::try_from(work.count().unwrap()).unwrap()];
            for group in 0..grid.groups() {
                let mut last = None;
                for tile in 0..grid.tiles() {
                    let region = grid.region(group, tile);
                    assert!(Region::whole(work).contains(&region));
                    assert!(last < Some(region.origin), "raster order");
                    last = Some(region.origin);
                    for (axis, position) in grid.position(group) {
                        assert_eq!(region.origin[axis as usize], i64::try_from(position).unwrap());
                        assert_eq!(region.extent[axis], 1);
                    }
                    for_each_pixel(&region, |position| seen[offset(&work, position)] += 1);
                }
            }
            assert!(seen.iter().all(|&count| count == 1), "{grouped:?}");
        }
    }

    fn for_each_pixel(region: &Region, mut visit: impl FnMut([u64; 5])) {
        for number in 0..region.extent.count().unwrap() {
            let mut rest = number;
            let mut position = [0; 5];
            for index in (0..5).rev() {
                position[index] = region.origin[index].unsigned_abs() + rest % region.extent.0[index];
                rest /= region.extent.0[index];
            }
            visit(position);
        }
    }

    fn offset(extent: &Extent, position: [u64; 5]) -> usize {
        let offset = (0..5).fold(0, |offset, index| offset * extent.0[index] + position[index]);
        usize::try_from(offset).unwrap()
    }
}
