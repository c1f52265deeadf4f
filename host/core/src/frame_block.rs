//! Blocks of memory that another process can map: the one place that knows how a platform makes them.
//!
//! A [`Segment`] is one piece of shared memory, cut into blocks of one size. On Linux it is a sealed memfd; elsewhere,
//! until a platform gets its own, anonymous memory without a descriptor, which works in process only.
#![allow(unsafe_code, reason = "slices over shared memory; each block is owned by one handle")]

use std::{io, sync::Arc};

use memmap2::MmapRaw;

/// One piece of shared memory. Unmapped when its last block goes.
#[derive(Debug)]
struct Segment {
    map: MmapRaw,
    backing: platform::Backing,
    blocks: usize,
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
pub(crate) fn create(size: usize, count: usize) -> io::Result<Vec<Block>> {
    let length = size.checked_mul(count).ok_or(io::ErrorKind::OutOfMemory)?;
    let (map, backing) = platform::map(length)?;
    let segment = Arc::new(Segment { map, backing, blocks: count });
    Ok((0..count).map(|index| Block { segment: Arc::clone(&segment), offset: index * size, size }).collect())
}

impl Block {
    /// How many bytes it has.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where it starts in its descriptor.
    pub(crate) fn offset(&self) -> usize {
        self.offset
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
        // processes are kept out by the contract of `Frame::descriptor`. `u8` has no invalid value, and the pages are
        // zeroed by the system.
        unsafe { std::slice::from_raw_parts(self.segment.map.as_ptr().add(self.offset), self.size) }
    }

    /// The bytes, writable.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as `bytes`; `&mut self` and the uniqueness of the handle make the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.segment.map.as_mut_ptr().add(self.offset), self.size) }
    }

    /// The descriptor of the segment.
    #[cfg(target_os = "linux")]
    pub(crate) fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.segment.backing.descriptor()
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

    /// A memfd that can neither grow nor shrink, so that no holder of the descriptor can make a mapping fault.
    #[derive(Debug)]
    pub(super) struct Backing(OwnedFd);

    pub(super) fn map(length: usize) -> io::Result<(MmapRaw, Backing)> {
        let file =
            rustix::fs::memfd_create("parfocal-frames", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&file, length as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW)?;
        let map = MmapOptions::new().len(length).map_raw(&file)?;
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

    /// Anonymous memory has nothing behind it.
    #[derive(Debug)]
    pub(super) struct Backing;

    pub(super) fn map(length: usize) -> io::Result<(MmapRaw, Backing)> {
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
