//! Blocks of memory that another process can map: the one place that knows how a platform makes them.
//!
//! A [`Segment`] is one piece of shared memory, cut into blocks of one size. On Linux it is a sealed memfd; elsewhere,
//! until a platform gets its own, anonymous memory without a descriptor, which works in process only.
//!
//! Every segment is known by the addresses that it covers ([`find`]), so that a lane that is handed plain pixels can tell
//! whether another process can map them.
#![allow(unsafe_code, reason = "slices over shared memory; each block is owned by one handle")]

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use memmap2::MmapRaw;

use crate::shared::Access;

/// One piece of shared memory. Unmapped when its last block goes.
#[derive(Debug)]
pub(crate) struct Segment {
    map: MmapRaw,
    backing: platform::Backing,
    blocks: usize,
    number: u64,
    access: Access,
}

/// The segments of this process, by their first address.
static SEGMENTS: RwLock<BTreeMap<usize, Weak<Segment>>> = RwLock::new(BTreeMap::new());

/// Numbers are never used twice, so that what another process mapped under one is never taken for something else.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Segment {
    fn address(&self) -> usize {
        self.map.as_ptr() as usize
    }

    /// Its number in this process.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// What other processes may do with it.
    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// How many bytes it has.
    pub(crate) fn length(&self) -> usize {
        self.map.len()
    }

    /// What another process maps.
    #[cfg(target_os = "linux")]
    pub(crate) fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.backing.descriptor()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        SEGMENTS.write().unwrap_or_else(PoisonError::into_inner).remove(&self.address());
    }
}

/// The segment that these bytes lie in, and where they start in it.
pub(crate) fn find(bytes: &[u8]) -> Option<(Arc<Segment>, usize)> {
    let start = bytes.as_ptr() as usize;
    let segments = SEGMENTS.read().unwrap_or_else(PoisonError::into_inner);
    let segment = segments.range(..=start).next_back()?.1.upgrade()?;
    drop(segments);
    let offset = start - segment.address();
    (offset.checked_add(bytes.len())? <= segment.length()).then_some((segment, offset))
}

/// A part of a segment. There is never a second handle for the same bytes: handles are made by [`create`] only, one
/// for each place, and cannot be cloned.
#[derive(Debug)]
pub(crate) struct Block {
    segment: Arc<Segment>,
    offset: usize,
    size: usize,
}

/// Makes a segment of `count` blocks of `size` bytes each. The memory is address space until a block is
/// [committed](Block::commit).
///
/// # Errors
/// What the system says: no descriptors, no address space.
pub(crate) fn create(size: usize, count: usize, access: Access) -> io::Result<Vec<Block>> {
    let length = size.checked_mul(count).ok_or(io::ErrorKind::OutOfMemory)?;
    let (map, backing) = platform::map(length, access)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let segment = Arc::new(Segment { map, backing, blocks: count, number, access });
    let mut known = SEGMENTS.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(segment.address(), Arc::downgrade(&segment));
    drop(known);
    Ok((0..count).map(|index| Block { segment: Arc::clone(&segment), offset: index * size, size }).collect())
}

impl Block {
    /// How many bytes it has.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// What other processes may do with it.
    pub(crate) fn access(&self) -> Access {
        self.segment.access
    }

    /// Asks the system for the pages now: a typed error here instead of a bus error at the first touch.
    pub(crate) fn commit(&self) -> io::Result<()> {
        self.segment.backing.commit(self.offset as u64, self.size as u64)
    }

    /// Gives the pages back to the system; the handle can be committed again. `None` when the block had a segment of
    /// its own, which is then gone.
    pub(crate) fn release(self) -> Option<Self> {
        if self.segment.blocks == 1 {
            return None;
        }
        self.segment.backing.release(self.offset as u64, self.size as u64).ok()?;
        Some(self)
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `offset + size` lies inside the mapping (made so by `create`), which lives as long as the segment.
        // No other handle covers these bytes, so in this process only `&self` and `&mut self` reach them; other
        // processes are kept out by the contract of `shared::Memory::descriptor`. `u8` has no invalid value, and the pages
        // are zeroed by the system.
        unsafe { std::slice::from_raw_parts(self.segment.map.as_ptr().add(self.offset), self.size) }
    }

    /// The bytes, writable.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as `bytes`; `&mut self` and the uniqueness of the handle make the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.segment.map.as_mut_ptr().add(self.offset), self.size) }
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::{
        io,
        os::fd::{AsFd, BorrowedFd, OwnedFd},
    };

    use memmap2::{MmapOptions, MmapRaw};
    use rustix::{
        fs::{FallocateFlags, MemfdFlags, SealFlags},
        io::Errno,
    };

    use crate::shared::Access;

    /// A memfd that can neither grow nor shrink, so that no holder of the descriptor can make a mapping fault.
    #[derive(Debug)]
    pub(super) struct Backing(OwnedFd);

    pub(super) fn map(length: usize, access: Access) -> io::Result<(MmapRaw, Backing)> {
        let file =
            rustix::fs::memfd_create("parfocal-frames", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&file, length as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW)?;
        let map = MmapOptions::new().len(length).map_raw(&file)?;
        if access == Access::Read {
            // This process keeps the mapping that it has; no other will ever have one to write through. Kernels before 5.1
            // do not know the seal: the frames work there, and are writable to whom they are shared with.
            match rustix::fs::fcntl_add_seals(&file, SealFlags::FUTURE_WRITE) {
                Ok(()) | Err(Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok((map, Backing(file)))
    }

    impl Backing {
        pub(super) fn commit(&self, offset: u64, size: u64) -> io::Result<()> {
            loop {
                match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), offset, size) {
                    Err(Errno::INTR) => {}
                    // A kernel or sandbox without it gives the pages at first touch.
                    Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
                    other => return Ok(other?),
                }
            }
        }

        pub(super) fn release(&self, offset: u64, size: u64) -> io::Result<()> {
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            Ok(rustix::fs::fallocate(&self.0, hole, offset, size)?)
        }

        pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;

    use memmap2::{MmapMut, MmapRaw};

    use crate::shared::Access;

    /// Anonymous memory has nothing behind it.
    #[derive(Debug)]
    pub(super) struct Backing;

    pub(super) fn map(length: usize, _: Access) -> io::Result<(MmapRaw, Backing)> {
        Ok((MmapRaw::from(MmapMut::map_anon(length)?), Backing))
    }

    impl Backing {
        pub(super) fn commit(&self, _offset: u64, _size: u64) -> io::Result<()> {
            Ok(())
        }

        pub(super) fn release(&self, _offset: u64, _size: u64) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}
