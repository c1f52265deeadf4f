//! Hands the tiles of an output to its sink along the sink's grid.
//!
//! A tile that lies on the grid goes to the sink as it is, plane by plane. Of one that does not (an operator that works
//! row by row, a budget smaller than the sink's pieces), the parts are gathered until a piece is complete.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
};

use parfocal_core::{Frame, FrameAllocator, ImageSink, image::copy_pixels};
use parfocal_image::{Axis, Extent, PixelsRef, Region};
use parfocal_types::error::Result;

/// The sink of one output, and the pieces that wait for their last pixels.
pub(crate) struct Writer {
    sink: Box<dyn ImageSink>,
    grid: Extent,
    pending: Mutex<HashMap<[i64; 5], Piece>>,
}

struct Piece {
    frame: Frame,
    missing: u64,
}

impl Writer {
    pub(crate) fn new(sink: Box<dyn ImageSink>) -> Self {
        let grid = planar_grid(sink.as_ref());
        Self { sink, grid, pending: Mutex::default() }
    }

    /// The sink's grid: one plane thick, and without zeros.
    pub(crate) fn grid(&self) -> Extent {
        self.grid
    }

    /// Takes a tile.
    ///
    /// # Errors
    /// Those of the sink, and `out-of-memory` for pieces that wait.
    pub(crate) fn write(&self, tile: &PixelsRef<'_>, allocator: &FrameAllocator) -> Result<()> {
        let region = *tile.region();
        let full = self.sink.spec().extent;
        for plane in planes(&region) {
            if is_aligned(&plane, &self.grid, &full) {
                self.sink.write(&tile.part(&plane)?)?;
            } else {
                self.gather(tile, &plane, allocator)?;
            }
        }
        Ok(())
    }

    /// Completes the image.
    ///
    /// # Errors
    /// Those of the sink.
    pub(crate) fn finish(self) -> Result<()> {
        self.sink.finish()
    }

    fn gather(&self, tile: &PixelsRef<'_>, plane: &Region, allocator: &FrameAllocator) -> Result<()> {
        for piece in pieces(plane, &self.grid, &self.sink.spec().extent) {
            let part = piece.intersection(plane);
            if let Some(frame) = self.add(tile, &part, &piece, allocator)? {
                self.sink.write(&frame.pixels()?)?;
            }
        }
        Ok(())
    }

    /// Copies a part of a tile into its piece; gives the piece when that was the last part.
    fn add(
        &self,
        tile: &PixelsRef<'_>,
        part: &Region,
        piece: &Region,
        allocator: &FrameAllocator,
    ) -> Result<Option<Frame>> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = match pending.entry(piece.origin) {
            Entry::Occupied(waiting) => waiting.into_mut(),
            Entry::Vacant(place) => {
                let frame = allocator.allocate(tile.dtype(), *piece)?;
                place.insert(Piece { frame, missing: piece.extent.count().unwrap_or(u64::MAX) })
            }
        };
        copy_pixels(&tile.part(part)?, &mut waiting.frame.pixels_mut()?.part_mut(part)?)?;
        waiting.missing -= part.extent.count().unwrap_or(0).min(waiting.missing);
        if waiting.missing > 0 {
            return Ok(None);
        }
        Ok(pending.remove(&piece.origin).map(|piece| piece.frame))
    }
}

/// The grid of a sink as the contract has it: pieces one plane thick, no zeros.
pub(crate) fn planar_grid(sink: &dyn ImageSink) -> Extent {
    let [_, _, _, y, x] = sink.tile().0;
    Extent::plane(y.max(1), x.max(1))
}

/// Whether a box lies on the grid along Y and X.
pub(crate) fn is_aligned(region: &Region, grid: &Extent, full: &Extent) -> bool {
    [Axis::Y, Axis::X].into_iter().all(|axis| {
        let step = grid[axis];
        let end = region.end(axis).unsigned_abs();
        region.origin[axis as usize].unsigned_abs().is_multiple_of(step)
            && (end.is_multiple_of(step) || end == full[axis])
    })
}

fn planes(region: &Region) -> impl Iterator<Item = Region> + use<> {
    let region = *region;
    let along = move |axis: Axis| region.origin[axis as usize]..region.end(axis);
    along(Axis::T).flat_map(move |t| {
        along(Axis::C).flat_map(move |c| {
            along(Axis::Z).map(move |z| region.with(Axis::T, t, 1).with(Axis::C, c, 1).with(Axis::Z, z, 1))
        })
    })
}

/// The boxes of the grid that a plane touches, cut off at the image's end.
fn pieces(plane: &Region, grid: &Extent, full: &Extent) -> impl Iterator<Item = Region> + use<> {
    let (plane, grid, image) = (*plane, *grid, Region::whole(*full));
    let steps = move |axis: Axis| {
        let step = i64::try_from(grid[axis]).unwrap_or(i64::MAX);
        let start = plane.origin[axis as usize] / step;
        let end = (plane.end(axis) - 1) / step;
        (start..=end).map(move |index| index.saturating_mul(step))
    };
    steps(Axis::Y).flat_map(move |y| {
        steps(Axis::X).map(move |x| {
            plane.with(Axis::Y, y, grid[Axis::Y]).with(Axis::X, x, grid[Axis::X]).intersection(&image)
        })
    })
}
