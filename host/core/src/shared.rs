//! Frames as other processes see them.
//!
//! A worker process maps the memory that a frame lies in instead of getting its pixels. [`Memory::of`] tells for any
//! pixels whether that is possible: those that lie in a [`Frame`](crate::Frame) can be shared, others are copied by the
//! lane. Memory is known to both sides by its number; a lane sends the descriptor once, and afterwards numbers only.

use std::sync::{Arc, Weak};

use crate::frame_block::{Segment, find};

/// What a process that memory is shared with may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Read. The system refuses a writable mapping for ever.
    Read,
    /// Read and write.
    Write,
}

/// A piece of shared memory that frames lie in. As long as this handle lives, so does the memory.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Segment>);

/// The same without keeping it alive: for remembering what was shared.
#[derive(Debug, Clone)]
pub struct WeakMemory(Weak<Segment>);

/// Where pixels lie in shared memory.
#[derive(Debug, Clone)]
pub struct Place {
    /// The memory.
    pub memory: Memory,
    /// Where the first byte lies, from its beginning.
    pub offset: u64,
}

impl Memory {
    /// Where these bytes lie, when all of them lie in the memory of one frame allocator of this process.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Place> {
        if cfg!(not(target_os = "linux")) {
            return None;
        }
        find(bytes).map(|(segment, offset)| Place { memory: Self(segment), offset: offset as u64 })
    }

    /// Its number, never used twice in this process.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.number()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.length() as u64
    }

    /// What a process that it is shared with may do.
    #[must_use]
    pub fn access(&self) -> Access {
        self.0.access()
    }

    /// The same without keeping it alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakMemory {
        WeakMemory(Arc::downgrade(&self.0))
    }

    /// What another process maps. All frames that lie in the memory can be seen there: those of one allocator.
    ///
    /// # Safety
    /// While somebody else writes, nobody here may hold a view of the pixels written, and while somebody else reads,
    /// nobody may hold a writable one. A frame must not be dropped before the other side is idle or dead, or its pixels
    /// are overwritten.
    #[cfg(target_os = "linux")]
    #[must_use]
    #[allow(
        unsafe_code,
        reason = "sharing memory is a promise that the caller gives; nothing is dereferenced here"
    )]
    pub unsafe fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.descriptor()
    }
}

impl WeakMemory {
    /// Whether the memory is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs::File, os::unix::fs::FileExt};

    use parfocal_image::{DType, Extent, Region};

    use super::*;
    use crate::{Frame, FrameAllocator};

    fn plane(height: u64, width: u64) -> Region {
        Region::whole(Extent::plane(height, width))
    }

    #[allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]
    fn shared(frame: &Frame) -> (File, Place) {
        let place = Memory::of(frame.bytes()).unwrap();
        #[allow(unsafe_code, reason = "nobody writes")]
        // SAFETY: the tests only read, and no writable view is held meanwhile.
        let descriptor = unsafe { place.memory.descriptor() };
        (File::from(descriptor.try_clone_to_owned().unwrap()), place)
    }

    #[test]
    fn whoever_has_the_descriptor_sees_the_pixels_and_cannot_cut_them_off() {
        let allocator = FrameAllocator::new(1 << 24);
        let mut frames: Vec<_> =
            (0..3).map(|_| allocator.allocate(DType::U8, plane(10, 10)).unwrap()).collect();
        for (index, frame) in frames.iter_mut().enumerate() {
            frame.bytes_mut().fill(u8::try_from(index + 1).unwrap());
        }
        for (index, frame) in frames.iter().enumerate() {
            let (file, place) = shared(frame);
            let mut bytes = [0; 100];
            file.read_exact_at(&mut bytes, place.offset).unwrap();
            assert_eq!(bytes.to_vec(), vec![u8::try_from(index + 1).unwrap(); 100]);
            assert!(file.set_len(0).is_err(), "the memory is sealed against shrinking");
        }
    }

    #[test]
    fn an_input_can_be_read_elsewhere_and_never_written() {
        let allocator = FrameAllocator::new(1 << 24);
        let mut input = allocator.allocate_input(DType::U8, plane(10, 10)).unwrap();
        let output = allocator.allocate(DType::U8, plane(10, 10)).unwrap();
        let (file, place) = shared(&input);
        assert_eq!(place.memory.access(), Access::Read);
        input.bytes_mut().fill(7);
        let mut bytes = [0; 100];
        file.read_exact_at(&mut bytes, place.offset).unwrap();
        assert_eq!(bytes, [7; 100], "this process writes on");
        assert!(file.write_at(&[1], place.offset).is_err());
        assert!(memmap2::MmapOptions::new().map_raw(&file).is_err(), "no new writable mapping");
        let (file, place) = shared(&output);
        assert_eq!(place.memory.access(), Access::Write);
        assert!(memmap2::MmapOptions::new().map_raw(&file).is_ok());
    }

    #[test]
    fn pixels_are_found_in_their_memory_and_nowhere_else() {
        let allocator = FrameAllocator::new(1 << 24);
        let frame = allocator.allocate(DType::U16, plane(8, 8)).unwrap();
        let (whole, part) = (Memory::of(frame.bytes()).unwrap(), Memory::of(&frame.bytes()[16..]).unwrap());
        assert_eq!(whole.memory.number(), part.memory.number());
        assert_eq!(part.offset, whole.offset + 16);
        assert!(Memory::of(&[0; 64]).is_none());
        let weak = whole.memory.downgrade();
        drop((frame, whole, part));
        assert!(!weak.is_gone(), "the allocator keeps it for the next frame");
        drop(allocator);
        assert!(weak.is_gone());
    }
}
