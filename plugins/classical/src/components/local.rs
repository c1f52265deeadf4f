//! The components of one tile.

use parfocal_plugin::prelude::*;

use super::{Neighbourhood, union::Union};

/// Foreground pixels side by side, in places of the tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u32,
    /// First column behind it.
    pub(super) end: u32,
    /// Its component, from 0 on in the order of their first pixels.
    pub(super) component: u32,
}

/// The components of a tile, as runs. The same pixels always give the same components in the same order.
#[derive(Debug)]
pub(super) struct Local {
    /// Along Z and Y.
    rows: [usize; 2],
    runs: Vec<Run>,
    /// For each row, in raster order, its first run; one more at the end.
    starts: Vec<usize>,
    /// Number of pixels and place of the first, along Z Y X, of each component.
    components: Vec<Component>,
}

/// What is kept of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) size: u64,
    pub(super) first: [u32; 3],
}

impl Local {
    /// Finds the components of a tile of one channel and time point.
    pub(super) fn find<T: Pixel>(
        view: &View<'_, T>,
        neighbours: Neighbourhood,
        cx: &Context<'_>,
    ) -> Result<Self> {
        let rows = [view.depth(), view.height()];
        let mut local = Self { rows, runs: Vec::new(), starts: vec![0], components: Vec::new() };
        let mut sets = Union::default();
        let before: Vec<_> = neighbours.rows().take_while(|&(dz, dy, _)| (dz, dy) < (0, 0)).collect();
        for z in 0..rows[0] {
            for y in 0..rows[1] {
                cx.worked(view.width())?;
                local.find_runs(view.row(0, 0, z, y), &mut sets)?;
                for &(dz, dy, reach) in &before {
                    if let Some(other) = local.row_at(z as i64 + dz, y as i64 + dy) {
                        local.unite(other, local.starts.len() - 2, reach, &mut sets);
                    }
                }
            }
        }
        local.number(&mut sets);
        Ok(local)
    }

    fn row_at(&self, z: i64, y: i64) -> Option<usize> {
        let (z, y) = (usize::try_from(z).ok()?, usize::try_from(y).ok()?);
        (z < self.rows[0] && y < self.rows[1]).then_some(z * self.rows[1] + y)
    }

    fn find_runs<T: Pixel>(&mut self, row: &[T], sets: &mut Union) -> Result<()> {
        let background = T::default();
        let mut rest = row.iter().enumerate();
        while let Some((start, _)) = rest.find(|(_, pixel)| **pixel != background) {
            let end = rest.find(|(_, pixel)| **pixel == background).map_or(row.len(), |(end, _)| end);
            let component = self.runs.len() as u32;
            if component == u32::MAX {
                return Err(Error::not_supported(
                    "tiles with more than 4294967294 runs of foreground pixels",
                ));
            }
            self.runs.push(Run { start: start as u32, end: end as u32, component });
            sets.add();
        }
        self.starts.push(self.runs.len());
        Ok(())
    }

    /// Unites the runs of two rows that touch within this reach.
    fn unite(&self, one: usize, other: usize, reach: i64, sets: &mut Union) {
        let (a, b) = (self.row(one), self.row(other));
        let (mut i, mut j) = (0, 0);
        while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
            let apart = |first: &Run, second: &Run| i64::from(first.end) + reach <= i64::from(second.start);
            if !apart(left, right) && !apart(right, left) {
                sets.unite((self.starts[one] + i) as u32, (self.starts[other] + j) as u32);
            }
            if left.end < right.end { i += 1 } else { j += 1 }
        }
    }

    /// Numbers the components in the order of their first runs, and measures them.
    fn number(&mut self, sets: &mut Union) {
        let mut row = 0;
        for index in 0..self.runs.len() {
            while self.starts[row + 1] <= index {
                row += 1;
            }
            let first = sets.find(index as u32) as usize;
            let Run { start, end, .. } = self.runs[index];
            if first == index {
                self.runs[index].component = self.components.len() as u32;
                let place = [row / self.rows[1], row % self.rows[1]].map(|place| place as u32);
                self.components.push(Component { size: 0, first: [place[0], place[1], start] });
            } else {
                self.runs[index].component = self.runs[first].component;
            }
            self.components[self.runs[index].component as usize].size += u64::from(end - start);
        }
    }

    /// How many components there are.
    pub(super) fn count(&self) -> usize {
        self.components.len()
    }

    /// The components, in the order of their first pixels.
    pub(super) fn components(&self) -> &[Component] {
        &self.components
    }

    /// Number of rows along Z and Y.
    pub(super) fn rows(&self) -> [usize; 2] {
        self.rows
    }

    /// The runs of a row, by its place in raster order.
    pub(super) fn row(&self, row: usize) -> &[Run] {
        &self.runs[self.starts[row]..self.starts[row + 1]]
    }

    /// Writes the number of each component.
    pub(super) fn paint(&self, numbers: &[u32], output: &mut ViewMut<'_, u32>) {
        for (row, target) in output.rows_mut().enumerate() {
            target.fill(0);
            for run in self.row(row) {
                target[run.start as usize..run.end as usize].fill(numbers[run.component as usize]);
            }
        }
    }
}
