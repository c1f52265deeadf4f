//! The grid of pieces of a file: planes, levels of the pyramid, tiles or strips, and the order they are stored in.

use parfocal_image::{Axis, DType, Extent};
use parfocal_types::error::{Error, Result};

/// Planes larger than this along X or Y are tiled and get a pyramid.
pub(crate) const LARGEST_STRIPPED: u64 = 2048;
/// Side of a tile, and the size at which a pyramid stops.
pub(crate) const TILE: u64 = 512;
/// Strips are about this large before compression.
const STRIP_BYTES: u64 = 256 << 10;

/// One level of the pyramid of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) rows: u64,
    pub(crate) columns: u64,
    /// Number of the level's first chunk within a plane.
    first: u64,
}

/// A chunk: a tile or strip of one level of one plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Chunk {
    pub(crate) plane: u64,
    pub(crate) level: usize,
    pub(crate) row: u64,
    pub(crate) column: u64,
}

/// The grid of a file.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) planes: u64,
    pub(crate) levels: Vec<Level>,
    pub(crate) chunk_width: u64,
    pub(crate) chunk_height: u64,
    pub(crate) tiled: bool,
    per_plane: u64,
}

impl Grid {
    pub(crate) fn new(extent: Extent, dtype: DType) -> Result<Self> {
        let (height, width) = (extent[Axis::Y], extent[Axis::X]);
        if extent.is_empty() {
            return Err(Error::invalid_argument(format!("an image of {extent} has no pixels to write")));
        }
        if height.max(width) > u64::from(u32::MAX) {
            return Err(Error::not_supported(format!("a TIFF plane of {width} x {height} pixels")));
        }
        let tiled = height.max(width) > LARGEST_STRIPPED;
        let rows = (STRIP_BYTES / (width * dtype.size() as u64)).max(1).min(height);
        let (chunk_width, chunk_height) = if tiled { (TILE, TILE) } else { (width, rows) };
        let mut levels = Vec::new();
        let (mut w, mut h, mut per_plane) = (width, height, 0_u64);
        loop {
            let (rows, columns) = (h.div_ceil(chunk_height), w.div_ceil(chunk_width));
            levels.push(Level { width: w, height: h, rows, columns, first: per_plane });
            per_plane += rows * columns;
            if !tiled || w.max(h) <= TILE {
                break;
            }
            (w, h) = (w.div_ceil(2), h.div_ceil(2));
        }
        let grid = Self { planes: extent.planes(), levels, chunk_width, chunk_height, tiled, per_plane };
        grid.count()?;
        Ok(grid)
    }

    /// Number of chunks of the file.
    pub(crate) fn count(&self) -> Result<usize> {
        self.planes
            .checked_mul(self.per_plane)
            // Directory and table of a chunk take more than 16 bytes: more than this no file system holds.
            .filter(|count| *count < 1 << 48)
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| Error::not_supported(format!("a TIFF file of {} planes", self.planes)))
    }

    pub(crate) fn index(&self, chunk: Chunk) -> usize {
        let level = &self.levels[chunk.level];
        let within = level.first + chunk.row * level.columns + chunk.column;
        // `count` fits a usize.
        usize::try_from(chunk.plane * self.per_plane + within).unwrap_or(usize::MAX)
    }

    /// The numbers of the chunks of one level of one plane.
    pub(crate) fn chunks_of(&self, plane: u64, level: usize) -> std::ops::Range<usize> {
        let Level { rows, columns, .. } = self.levels[level];
        let start = self.index(Chunk { plane, level, row: 0, column: 0 });
        start..start + usize::try_from(rows * columns).unwrap_or(0)
    }

    /// Width and height of the pixels that a chunk shows, without padding.
    pub(crate) fn shown(&self, chunk: Chunk) -> (usize, usize) {
        let level = &self.levels[chunk.level];
        let size = |whole: u64, step: u64, index: u64| {
            usize::try_from(whole.saturating_sub(index * step).min(step)).unwrap_or(0)
        };
        (size(level.width, self.chunk_width, chunk.column), size(level.height, self.chunk_height, chunk.row))
    }

    /// The chunk of the next level that shows a chunk's pixels, or `None` at the top.
    pub(crate) fn parent(&self, chunk: Chunk) -> Option<Chunk> {
        let level = chunk.level + 1;
        (level < self.levels.len()).then_some(Chunk {
            level,
            row: chunk.row / 2,
            column: chunk.column / 2,
            ..chunk
        })
    }

    /// How many chunks of the level below a chunk is made of.
    pub(crate) fn children(&self, chunk: Chunk) -> u32 {
        let Some(below) = chunk.level.checked_sub(1).map(|level| &self.levels[level]) else { return 0 };
        let along = |count: u64, index: u64| if index * 2 + 1 < count { 2 } else { 1 };
        along(below.rows, chunk.row) * along(below.columns, chunk.column)
    }

    /// The first chunk in the order of storage.
    pub(crate) fn first(&self) -> Option<Chunk> {
        (self.planes > 0).then_some(Chunk { plane: 0, level: 0, row: 0, column: 0 })
    }

    /// The chunk stored after `chunk`: the order in which chunks become complete when the tiles of the full size come
    /// plane by plane and row by row. So little waits for its turn in the usual case, and the file is the same in
    /// every case.
    pub(crate) fn next(&self, chunk: Chunk) -> Option<Chunk> {
        let level = &self.levels[chunk.level];
        let last = |count: u64, index: u64| index % 2 == 1 || index + 1 == count;
        if last(level.rows, chunk.row)
            && last(level.columns, chunk.column)
            && let Some(parent) = self.parent(chunk)
        {
            return Some(parent);
        }
        let base = self.bottom_right(chunk);
        let full = &self.levels[0];
        let (row, column) =
            if base.column + 1 < full.columns { (base.row, base.column + 1) } else { (base.row + 1, 0) };
        let plane = if row < full.rows { base.plane } else { base.plane + 1 };
        let row = if row < full.rows { row } else { 0 };
        (plane < self.planes).then_some(Chunk { plane, level: 0, row, column })
    }

    /// The last tile of the full size that a chunk was made of.
    fn bottom_right(&self, chunk: Chunk) -> Chunk {
        let mut at = chunk;
        while at.level > 0 {
            at.level -= 1;
            let below = &self.levels[at.level];
            at.row = (at.row * 2 + 1).min(below.rows - 1);
            at.column = (at.column * 2 + 1).min(below.columns - 1);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn small_planes_are_strips_and_large_ones_pyramids() {
        let grid = Grid::new(Extent::plane(2048, 2048), DType::U16).unwrap();
        assert!(!grid.tiled && grid.levels.len() == 1 && grid.chunk_height == 64);
        let grid = Grid::new(Extent::plane(5, 2049), DType::U8).unwrap();
        let sizes: Vec<_> = grid.levels.iter().map(|level| (level.width, level.height)).collect();
        assert_eq!(sizes, [(2049, 5), (1025, 3), (513, 2), (257, 1)]);
    }

    #[test]
    fn the_order_of_storage_visits_every_chunk_once_and_parents_after_children() {
        for (height, width) in [(1, 1), (2048, 100), (5, 2049), (3000, 2600), (5121, 2049), (1025, 7000)] {
            let grid = Grid::new(Extent::new(2, 1, 1, height, width), DType::U16).unwrap();
            let mut seen = BTreeSet::new();
            let mut chunk = grid.first();
            while let Some(at) = chunk {
                assert!(seen.insert(grid.index(at)), "{at:?} twice");
                for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let (row, column) = (at.row * 2 + row, at.column * 2 + column);
                    if at.level > 0
                        && row < grid.levels[at.level - 1].rows
                        && column < grid.levels[at.level - 1].columns
                    {
                        let child = Chunk { level: at.level - 1, row, column, ..at };
                        assert!(seen.contains(&grid.index(child)), "{at:?} before {child:?}");
                    }
                }
                chunk = grid.next(at);
            }
            assert_eq!(seen.len(), grid.count().unwrap(), "{height} x {width}");
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert!(Grid::new(Extent::plane(0, 3), DType::U8).is_err());
        assert!(Grid::new(Extent::plane(1, 1 << 33), DType::U8).is_err());
        assert!(Grid::new(Extent::new(1 << 40, 1 << 20, 1, 4, 4), DType::U8).is_err());
    }
}
