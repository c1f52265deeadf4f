//! How the work is cut into tiles.

use parfocal_image::{Axis, Extent, ImageSpec, Region};
use parfocal_operator::{Descriptor, Kind, Plan, TileSize, Tiling};

/// What has to be done, and which choice of tiles the plan leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// The extent of the work: that of the first image output, else of the first input.
    pub extent: Extent,
    /// Sizes of a tile along the axes that leave no choice.
    pub fixed: [Option<u64>; 5],
    /// Sizes along the others.
    pub tile_sizes: [TileSize; 5],
    /// The axes whose positions a reduce operator makes results of their own for.
    pub grouped: [bool; 5],
    /// The axis whose positions one instance sees in order.
    pub sequence: Option<Axis>,
}

impl Work {
    /// The work that a plan makes of these inputs.
    #[must_use]
    pub fn of(descriptor: &Descriptor, plan: &Plan, first_input: Option<&ImageSpec>) -> Self {
        let extent = plan.outputs.first().or(first_input).map(|spec| spec.extent).unwrap_or_default();
        let reduces = descriptor.kind == Kind::Reduce;
        let grouped: [bool; 5] = std::array::from_fn(|axis| reduces && !plan.reduce_over[axis]);
        let fixed = std::array::from_fn(|axis| match plan.tiling[axis] {
            Tiling::Whole => Some(extent.0[axis]),
            Tiling::Each | Tiling::InOrder => Some(1),
            // Hosts work on channels one by one, so that their pixel classes stay apart.
            Tiling::Split if grouped[axis] || axis == Axis::C as usize => Some(1),
            Tiling::Split => None,
        });
        let in_order = |axis: &Axis| plan.tiling[*axis as usize] == Tiling::InOrder;
        let sequence = Axis::ALL.into_iter().find(in_order);
        Self { extent, fixed, tile_sizes: plan.tile_sizes, grouped, sequence }
    }

    /// The axes that may be cut anywhere.
    pub fn free_axes(&self) -> impl Iterator<Item = Axis> + '_ {
        Axis::ALL.into_iter().filter(|axis| self.fixed[*axis as usize].is_none())
    }
}

/// A regular cut: lines at `offset`, `offset + tile`, ... along each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Size of a tile along T C Z Y X.
    pub tile: [u64; 5],
    /// Where the second tile begins, as far as it is no multiple of the size.
    pub offset: [u64; 5],
}

impl Cut {
    /// One tile, as far as the plan allows it.
    pub const WHOLE: Self = Self { tile: [u64::MAX; 5], offset: [0; 5] };

    /// Tiles of one plane.
    #[must_use]
    pub const fn in_plane(y: u64, x: u64) -> Self {
        Self { tile: [1, 1, 1, y, x], offset: [0; 5] }
    }

    /// Tiles of several planes.
    #[must_use]
    pub const fn in_stack(z: u64, y: u64, x: u64) -> Self {
        Self { tile: [1, 1, z, y, x], offset: [0; 5] }
    }

    /// The same tiles, moved.
    #[must_use]
    pub const fn shifted(mut self, z: u64, y: u64, x: u64) -> Self {
        self.offset = [0, 0, z, y, x];
        self
    }

    /// The tiles in raster order: they cover the work and do not overlap.
    #[must_use]
    pub fn tiles(&self, work: &Work) -> Vec<Region> {
        let mut regions = vec![Region::default()];
        for axis in Axis::ALL {
            let lines = self.lines(work, axis);
            regions = regions
                .into_iter()
                .flat_map(|region| {
                    let place = |&(start, size): &(u64, u64)| {
                        region.with(axis, i64::try_from(start).unwrap_or(0), size)
                    };
                    lines.iter().map(place).collect::<Vec<_>>()
                })
                .collect();
        }
        regions
    }

    fn lines(&self, work: &Work, axis: Axis) -> Vec<(u64, u64)> {
        let index = axis as usize;
        let size = work.extent[axis];
        let TileSize { step, max } = work.tile_sizes[index];
        let step = step.max(1);
        let (tile, offset) = match work.fixed[index] {
            Some(fixed) => (fixed, 0),
            None => {
                let fitting = (self.tile[index].min(size.next_multiple_of(step)) / step * step).max(step);
                (fitting.min(max), self.offset[index] / step * step)
            }
        };
        let tile = tile.max(1);
        let mut end = if offset.is_multiple_of(tile) { tile } else { offset % tile };
        let mut start = 0;
        let mut lines = Vec::new();
        while start < size {
            lines.push((start, end.min(size) - start));
            (start, end) = (end, end.saturating_add(tile));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(step: u64, max: u64) -> Work {
        Work {
            extent: Extent::new(1, 2, 1, 10, 13),
            fixed: [None, Some(1), None, None, None],
            tile_sizes: [TileSize { step: 1, max: u64::MAX }; 5].map(|_| TileSize { step, max }),
            grouped: [false; 5],
            sequence: None,
        }
    }

    #[test]
    fn tiles_cover_the_work_once_in_raster_order() {
        for cut in
            [Cut::WHOLE, Cut::in_plane(3, 4), Cut::in_plane(3, 4).shifted(0, 2, 1), Cut::in_plane(1, 99)]
        {
            let work = work(1, u64::MAX);
            let tiles = cut.tiles(&work);
            let mut seen = std::collections::BTreeSet::new();
            for tile in &tiles {
                assert_eq!(tile.extent[Axis::C], 1);
                for place in crate::image::places(tile.extent) {
                    let there: [i64; 5] = std::array::from_fn(|axis| tile.origin[axis] + place[axis] as i64);
                    assert!(seen.insert(there), "{cut:?} {there:?} twice");
                }
            }
            assert_eq!(seen.len() as u64, work.extent.count().unwrap());
            assert!(tiles.is_sorted_by_key(|tile| tile.origin));
        }
    }

    #[test]
    fn sizes_that_the_plan_asks_for_are_kept() {
        let tiles = Cut::in_plane(7, 7).shifted(0, 3, 3).tiles(&work(4, 8));
        assert!(tiles.iter().all(|tile| tile.origin[3] % 4 == 0 && tile.origin[4] % 4 == 0));
        assert!(tiles.iter().any(|tile| tile.extent[Axis::X] == 4));
        let whole = Cut::WHOLE.tiles(&work(4, 8));
        assert!(whole.iter().all(|tile| tile.extent[Axis::X] <= 8));
    }
}
