//! Memory for pixels, inside a budget, that other processes can map.
//!
//! A [`Frame`] is a piece of shared memory: a worker process gets its place instead of the pixels (see
//! [`shared`](crate::shared)). Frames for input can be read there and never written, those for output can be written.
//! Frames start at multiples of 64 bytes at least (a cache line, and enough for every vector unit), and return to the
//! pool of their [`FrameAllocator`] when they are dropped, so that a run that works tile by tile asks the system for
//! memory only at its start.
//!
//! # What is in a fresh frame
//! Anything: zeros, or the pixels of an earlier frame of the same allocator. Frames are not cleared, because the next
//! step overwrites them whole; [`Frame::clear`] does it. An allocator must therefore never be shared by parties that
//! may not see each other's pixels: the scheduler makes one for each step, and every worker process gets an arena of
//! its own.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use parfocal_image::{DType, PixelsMut, PixelsRef, Region, view::Strides, view::dense_strides};
use parfocal_types::error::{Error, ErrorKind, Result};

use crate::{
    frame_block::{self, Block},
    shared::Access,
};

/// Smallest block: a page of the common size.
const SMALLEST: usize = 4096;
/// Blocks smaller than this share a segment, to save descriptors.
const SEGMENT: usize = 1 << 20;

/// Gives out frames inside a budget. A cheap handle: clones share the budget and the pool.
#[derive(Debug, Clone)]
pub struct FrameAllocator(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    budget: u64,
    /// Idle blocks are given back when more than this would be held.
    keep: u64,
    state: Mutex<State>,
}

/// What blocks are alike in.
type Sort = (usize, Access);

/// Blocks by sort, the smallest first. Blocks that hold pages (`idle`) count against the budget, those that do not (`spare`) do not.
#[derive(Debug, Default)]
struct State {
    idle: BTreeMap<Sort, Vec<Block>>,
    spare: BTreeMap<Sort, Vec<Block>>,
    in_use: u64,
    held: u64,
    peak: u64,
}

impl FrameAllocator {
    /// An allocator that holds at most `budget` bytes at any time, frames in use and pooled ones together.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        Self::keeping(budget, budget)
    }

    /// As [`new`](Self::new), and frames that nobody uses are given back to the system rather than kept for the next
    /// call when more than `keep` bytes would be held.
    #[must_use]
    pub fn keeping(budget: u64, keep: u64) -> Self {
        Self(Arc::new(Pool { budget, keep: keep.min(budget), state: Mutex::default() }))
    }

    /// A frame for the pixels of `region`, in raster order; see the module about what is in it. Whoever it is shared with
    /// may write it: for what an operator puts out, and for the host's own use.
    ///
    /// # Errors
    /// `out-of-memory` when the budget does not allow it or the system refuses. The allocator stays usable, and the
    /// same call may succeed after frames were dropped.
    pub fn allocate(&self, dtype: DType, region: Region) -> Result<Frame> {
        self.allocate_for(Access::Write, dtype, region)
    }

    /// As [`allocate`](Self::allocate), for pixels that only this process ever writes: what an operator takes in.
    ///
    /// # Errors
    /// As [`allocate`](Self::allocate).
    pub fn allocate_input(&self, dtype: DType, region: Region) -> Result<Frame> {
        self.allocate_for(Access::Read, dtype, region)
    }

    fn allocate_for(&self, access: Access, dtype: DType, region: Region) -> Result<Frame> {
        let length = byte_count(dtype, &region);
        let strides = dense_strides(&region.extent);
        let (Some(length), Ok(strides)) = (length, strides) else {
            return Err(self.0.exceeded(u64::MAX, &region));
        };
        let block = self.0.take((block_size(length), access), &region)?;
        Ok(Frame { block: Some(block), length, dtype, region, strides, pool: Arc::clone(&self.0) })
    }

    /// The bytes of the budget that a frame for these pixels takes: at most a quarter more than the pixels, or a
    /// page; `u64::MAX` for more than the address space.
    #[must_use]
    pub fn cost(dtype: DType, region: &Region) -> u64 {
        byte_count(dtype, region).map_or(u64::MAX, |length| block_size(length) as u64)
    }

    /// The most bytes held at any time so far.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.0.lock().peak
    }

    /// The bytes of the frames in use now.
    #[must_use]
    pub fn in_use(&self) -> u64 {
        self.0.lock().in_use
    }

    /// The bytes that may be held.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.0.budget
    }
}

impl Pool {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, sort: Sort, region: &Region) -> Result<Block> {
        let (size, _) = sort;
        let mut state = self.lock();
        let block = match pop(&mut state.idle, sort) {
            Some(block) => block,
            None => {
                let need = state.in_use.saturating_add(size as u64);
                if need > self.budget {
                    return Err(self.exceeded(need, region));
                }
                state.make_room(size as u64, self.keep);
                let block = state.fresh(sort).map_err(|error| self.refused(size, region, error))?;
                state.held += size as u64;
                state.peak = state.peak.max(state.held);
                block
            }
        };
        state.in_use += size as u64;
        Ok(block)
    }

    fn put(&self, block: Block) {
        let mut state = self.lock();
        state.in_use -= block.size() as u64;
        state.idle.entry((block.size(), block.access())).or_default().push(block);
    }

    fn exceeded(&self, need: u64, region: &Region) -> Error {
        let budget = self.budget;
        Error::new(
            ErrorKind::OutOfMemory { need, budget },
            format!("a tile of {} needs more memory than the {budget} bytes allowed", region.extent),
        )
        .with_remedy("allow more memory, or work on smaller tiles")
    }

    fn refused(&self, size: usize, region: &Region, error: io::Error) -> Error {
        Error::new(
            ErrorKind::OutOfMemory { need: size as u64, budget: self.budget },
            format!("the system gives no {size} bytes of memory for a tile of {}: {error}", region.extent),
        )
        .with_source(error)
        .with_remedy("close other programs, or allow this one less memory so that it works on smaller tiles")
    }
}

impl State {
    /// Gives idle blocks back to the system, the largest first, until `size` more bytes can be held within `limit`.
    fn make_room(&mut self, size: u64, limit: u64) {
        while self.held.saturating_add(size) > limit {
            let Some(largest) = self.idle.keys().next_back().copied() else { return };
            let Some(block) = pop(&mut self.idle, largest) else { return };
            self.held -= largest.0 as u64;
            if let Some(spare) = block.release() {
                self.spare.entry(largest).or_default().push(spare);
            }
        }
    }

    /// A block that held no pages so far.
    fn fresh(&mut self, sort: Sort) -> io::Result<Block> {
        let (size, access) = sort;
        let block = match pop(&mut self.spare, sort) {
            Some(block) => block,
            None => {
                // The system gives no page of a sealed segment back before the whole is gone.
                let count = if access == Access::Read { 1 } else { (SEGMENT / size).max(1) };
                let mut blocks = frame_block::create(size, count, access)?;
                let first = blocks.pop().ok_or(io::ErrorKind::OutOfMemory)?;
                self.spare.entry(sort).or_default().append(&mut blocks);
                first
            }
        };
        block.commit()?;
        Ok(block)
    }
}

fn pop(blocks: &mut BTreeMap<Sort, Vec<Block>>, sort: Sort) -> Option<Block> {
    let list = blocks.get_mut(&sort)?;
    let block = list.pop();
    if list.is_empty() {
        blocks.remove(&sort);
    }
    block
}

fn byte_count(dtype: DType, region: &Region) -> Option<usize> {
    let count = usize::try_from(region.extent.count()?).ok()?;
    // A slice may not be longer than `isize::MAX`; a quarter is room for the rounding up.
    count.checked_mul(dtype.size()).filter(|&length| length <= isize::MAX as usize / 4 * 3)
}

/// Sizes of blocks: whole pages up to 16 KiB, then four steps for each power of two.
fn block_size(length: usize) -> usize {
    let pages = length.max(1).next_multiple_of(SMALLEST);
    if pages <= 4 * SMALLEST {
        return pages;
    }
    pages.next_multiple_of((1 << (pages - 1).ilog2()) / 4)
}

/// Pixels of a region in memory that another process can map. Returns to its allocator when dropped.
#[derive(Debug)]
pub struct Frame {
    /// Present until the drop.
    block: Option<Block>,
    length: usize,
    dtype: DType,
    region: Region,
    strides: Strides,
    pool: Arc<Pool>,
}

impl Frame {
    /// The type of the pixels.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the pixels lie in their image.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Distance between neighbours along T C Z Y, in pixels: those of dense pixels.
    #[must_use]
    pub fn strides(&self) -> &Strides {
        &self.strides
    }

    /// The bytes of the pixels, in the machine's order and raster order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], |block| &block.bytes()[..self.length])
    }

    /// The bytes of the pixels, writable.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let length = self.length;
        self.block.as_mut().map_or(&mut [], |block| &mut block.bytes_mut()[..length])
    }

    /// The pixels, read-only.
    ///
    /// # Errors
    /// None in practice: the frame was made for its region.
    pub fn pixels(&self) -> Result<PixelsRef<'_>> {
        PixelsRef::new(self.dtype, self.bytes(), self.region, self.strides)
    }

    /// The pixels, writable.
    ///
    /// # Errors
    /// None in practice: the frame was made for its region.
    pub fn pixels_mut(&mut self) -> Result<PixelsMut<'_>> {
        let (dtype, region, strides) = (self.dtype, self.region, self.strides);
        PixelsMut::new(dtype, self.bytes_mut(), region, strides)
    }

    /// Sets every pixel to zero.
    pub fn clear(&mut self) {
        self.bytes_mut().fill(0);
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if let Some(block) = self.block.take() {
            self.pool.put(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use parfocal_image::Extent;

    use super::*;

    fn plane(height: u64, width: u64) -> Region {
        Region::whole(Extent::plane(height, width))
    }

    #[test]
    fn block_sizes_waste_at_most_a_quarter_and_never_shrink() {
        let mut last = 0;
        for length in (1..200_000).step_by(7).chain([1 << 20, (1 << 20) + 1, 5 << 28, (1 << 33) + 1]) {
            let size = block_size(length);
            assert!(size >= length && size >= last, "{length} -> {size}");
            assert!(size - length < SMALLEST.max(length / 4 + 1), "{length} -> {size}");
            assert_eq!(block_size(size), size, "{length}");
            last = size;
        }
    }

    #[test]
    fn what_is_written_is_read_and_starts_at_a_cache_line() {
        let allocator = FrameAllocator::new(1 << 24);
        let mut frames = Vec::new();
        for (index, size) in [1, 3, 63, 100, 257, 1024].into_iter().enumerate() {
            let mut frame = allocator.allocate(DType::U16, plane(size, size)).unwrap();
            assert_eq!(frame.bytes().as_ptr() as usize % 64, 0);
            assert_eq!(frame.bytes().len() as u64, 2 * size * size);
            frame.bytes_mut().fill(u8::try_from(index).unwrap());
            frames.push(frame);
        }
        for (index, frame) in frames.iter().enumerate() {
            assert!(frame.bytes().iter().all(|&byte| usize::from(byte) == index));
            let pixels = frame.pixels().unwrap();
            let view = pixels.view::<u16>().unwrap();
            assert_eq!(usize::from(view.row(0, 0, 0, 0)[0]), index * 257);
        }
    }

    #[test]
    fn the_budget_holds_and_says_what_it_would_take() {
        let allocator = FrameAllocator::new(64 << 10);
        let first = allocator.allocate(DType::U8, plane(32, 1024)).unwrap();
        let error = allocator.allocate(DType::U8, plane(40, 1024)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::OutOfMemory { need: 72 << 10, budget: 64 << 10 });
        assert!(error.remedy().is_some());
        drop(first);
        let second = allocator.allocate(DType::U8, plane(40, 1024)).unwrap();
        assert_eq!(allocator.in_use(), 40 << 10);
        assert!(allocator.peak() <= 64 << 10, "the idle block was given back first");
        drop(second);
        assert_eq!(allocator.in_use(), 0);
    }

    #[test]
    fn a_dropped_frame_is_used_again_with_its_old_pixels_unless_cleared() {
        let allocator = FrameAllocator::new(1 << 24);
        let mut frame = allocator.allocate(DType::U8, plane(512, 512)).unwrap();
        frame.bytes_mut().fill(9);
        let place = frame.bytes().as_ptr();
        drop(frame);
        let mut again = allocator.allocate(DType::F32, plane(256, 256)).unwrap();
        assert_eq!(again.bytes().as_ptr(), place);
        assert_eq!(again.bytes()[7], 9);
        again.clear();
        assert!(again.bytes().iter().all(|&byte| byte == 0));
        assert_eq!(allocator.peak(), 1 << 18, "one block served both");
    }

    #[test]
    fn idle_frames_beyond_what_is_kept_are_given_back() {
        let allocator = FrameAllocator::keeping(1 << 24, 3 << 20);
        let two: Vec<_> = (0..2).map(|_| allocator.allocate(DType::U8, plane(1024, 1024)).unwrap()).collect();
        drop(two);
        let other = allocator.allocate(DType::U8, plane(1536, 1024)).unwrap();
        assert_eq!(allocator.peak(), 5 << 19);
        let beyond = allocator.allocate(DType::U8, plane(4096, 1024)).unwrap();
        assert_eq!(allocator.in_use(), (4 << 20) + (3 << 19), "the budget is what counts for frames in use");
        drop((other, beyond));
    }

    #[test]
    fn ten_thousand_small_frames_need_few_descriptors() {
        let allocator = FrameAllocator::new(1 << 30);
        let frames: Vec<_> =
            (0..10_000).map(|_| allocator.allocate(DType::U8, plane(8, 8)).unwrap()).collect();
        assert_eq!(allocator.in_use(), 10_000 * 4096);
        drop(frames);
    }

    #[test]
    fn a_small_block_that_made_room_comes_back_zeroed() {
        let allocator = FrameAllocator::new(2 * 4096);
        let mut small = allocator.allocate(DType::U8, plane(1, 4096)).unwrap();
        small.bytes_mut().fill(1);
        drop(small);
        drop(allocator.allocate(DType::U8, plane(2, 4096)).unwrap());
        let small = allocator.allocate(DType::U8, plane(1, 4096)).unwrap();
        assert!(small.bytes().iter().all(|&byte| byte == 0));
    }

    #[test]
    fn sizes_beyond_the_address_space_are_refused_as_too_much_memory() {
        let allocator = FrameAllocator::new(u64::MAX);
        for extent in [
            Extent::plane(u64::MAX, 2),
            Extent::plane(1 << 32, 1 << 31),
            Extent::new(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20),
        ] {
            let error = allocator.allocate(DType::F32, Region::whole(extent)).unwrap_err();
            assert_eq!(error.kind().name(), "out-of-memory", "{extent}");
            assert_eq!(FrameAllocator::cost(DType::F32, &Region::whole(extent)), u64::MAX);
        }
        // More than any machine has, though it fits the numbers: the system refuses, or the pages are never there.
        let result = allocator.allocate(DType::U8, plane(1 << 31, 1 << 31));
        assert!(result.is_err_and(|error| error.kind().name() == "out-of-memory"));
    }

    #[test]
    fn an_empty_frame_is_harmless() {
        let allocator = FrameAllocator::new(1 << 20);
        let frame = allocator.allocate(DType::U16, plane(0, 7)).unwrap();
        assert!(frame.bytes().is_empty());
        assert!(frame.pixels().is_ok());
    }

    #[test]
    fn frames_and_allocators_may_cross_threads_and_outlive_each_other() {
        let allocator = FrameAllocator::new(1 << 24);
        let frame = std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let mut frame = allocator.allocate(DType::U8, plane(100, 100)).unwrap();
                frame.bytes_mut().fill(3);
                frame
            });
            worker.join().unwrap()
        });
        drop(allocator);
        assert_eq!(frame.bytes()[9_999], 3);
    }
}
