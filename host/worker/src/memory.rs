//! Shared memory as both sides map it: the control page, and in the worker the memory that frames lie in.
#![allow(unsafe_code, reason = "slices and atomic words in mapped memory")]

use std::{
    os::fd::{BorrowedFd, OwnedFd},
    sync::atomic::{AtomicU32, Ordering},
};

use memmap2::{MmapOptions, MmapRaw};
use parfocal_types::{Error, Result};
use parfocal_worker_protocol::control;
use rustix::{
    fs::{MemfdFlags, SealFlags},
    mm::{MprotectFlags, mprotect},
};

/// The control page of one worker.
#[derive(Debug)]
pub(crate) struct ControlPage {
    map: MmapRaw,
}

impl ControlPage {
    /// A new page, and the descriptor for the other side.
    pub(crate) fn create() -> Result<(Self, OwnedFd)> {
        let made = || -> std::io::Result<(Self, OwnedFd)> {
            let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
            let file = rustix::fs::memfd_create("parfocal-control", flags)?;
            rustix::fs::ftruncate(&file, control::LENGTH as u64)?;
            rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
            let map = MmapOptions::new().len(control::LENGTH).map_raw(&file)?;
            Ok((Self { map }, file))
        };
        made().map_err(|error| unmapped("the control page", &error))
    }

    /// The page that the other side made.
    pub(crate) fn map(descriptor: &OwnedFd) -> Result<Self> {
        let map = MmapOptions::new().len(control::LENGTH).map_raw(descriptor);
        Ok(Self { map: map.map_err(|error| unmapped("the control page", &error))? })
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset % 4 == 0 && offset + 4 <= control::LENGTH);
        // SAFETY: the mapping has `control::LENGTH` bytes, is aligned to a page, and lives as long as `self`; all offsets
        // used are constants of the protocol. Both sides touch these words atomically only.
        unsafe { &*self.map.as_ptr().add(offset).cast::<AtomicU32>() }
    }

    /// Whether the worker is asked to stop.
    pub(crate) fn cancel(&self, stop: bool) {
        self.word(control::CANCEL).store(u32::from(stop), Ordering::Relaxed);
    }

    /// Whether the worker was asked to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.word(control::CANCEL).load(Ordering::Relaxed) != 0
    }

    /// Tells how far the call has come.
    pub(crate) fn set_progress(&self, fraction: f32) {
        self.word(control::PROGRESS).store(fraction.to_bits(), Ordering::Relaxed);
    }

    /// How far the call has come, as the worker says.
    pub(crate) fn progress(&self) -> f32 {
        f32::from_bits(self.word(control::PROGRESS).load(Ordering::Relaxed))
    }

    /// Gives a sign of life.
    pub(crate) fn beat(&self) {
        self.word(control::HEARTBEAT).fetch_add(1, Ordering::Relaxed);
    }
}

/// Shared memory in the worker. Where it may be written, it is read-only but for the outputs of the current call, so that a
/// thread that writes late dies here instead of changing what the host has read.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    map: MmapRaw,
    writable: bool,
}

/// A part of writable memory that is open for writing; closed when dropped.
#[derive(Debug)]
pub(crate) struct Open<'a> {
    memory: &'a SharedMemory,
    offset: usize,
    length: usize,
}

impl SharedMemory {
    /// Maps what the host shares.
    pub(crate) fn map(descriptor: BorrowedFd<'_>, length: u64, writable: bool) -> Result<Self> {
        let mapped = || -> std::io::Result<Self> {
            let length = usize::try_from(length).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
            let mut options = MmapOptions::new();
            options.len(length);
            let map = if writable {
                options.map_raw(&descriptor)?
            } else {
                options.map_raw_read_only(&descriptor)?
            };
            let memory = Self { map, writable };
            if writable {
                memory.protect(0, length, MprotectFlags::READ)?;
            }
            Ok(memory)
        };
        mapped().map_err(|error| unmapped("shared memory", &error))
    }

    fn protect(&self, offset: usize, length: usize, rights: MprotectFlags) -> std::io::Result<()> {
        let page = rustix::param::page_size();
        let from = offset / page * page;
        let length = (offset + length - from).next_multiple_of(page).min(self.map.len() - from);
        // SAFETY: the range lies in this mapping. Rights are taken away only where no mutable slice lives: those belong to an
        // `Open`, which gives the right and takes it.
        unsafe { mprotect(self.map.as_mut_ptr().add(from).cast(), length, rights)? };
        Ok(())
    }

    fn check(&self, offset: u64, length: u64) -> Result<(usize, usize)> {
        let inside = offset.checked_add(length).is_some_and(|end| end <= self.map.len() as u64);
        match (usize::try_from(offset), usize::try_from(length)) {
            (Ok(offset), Ok(length)) if inside => Ok((offset, length)),
            _ => Err(Error::invalid_argument(format!(
                "{length} bytes from {offset} of shared memory of {} bytes",
                self.map.len()
            ))),
        }
    }

    /// Bytes of an input.
    pub(crate) fn bytes(&self, offset: u64, length: u64) -> Result<&[u8]> {
        let (offset, length) = self.check(offset, length)?;
        // SAFETY: inside the mapping, which lives as long as `self`; `u8` has no invalid value. The host does not write to
        // what it shows as an input before the call has ended.
        Ok(unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(offset), length) })
    }

    /// Opens the place of an output.
    pub(crate) fn open(&self, offset: u64, length: u64) -> Result<Open<'_>> {
        let (offset, length) = self.check(offset, length)?;
        if !self.writable {
            return Err(Error::invalid_argument("an output in memory that cannot be written"));
        }
        self.protect(offset, length, MprotectFlags::READ | MprotectFlags::WRITE)
            .map_err(|error| unmapped("an output", &error))?;
        Ok(Open { memory: self, offset, length })
    }
}

impl Open<'_> {
    /// The bytes of the output.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: inside the mapping and writable as long as `self` lives. The host names each output's place once in a call and
        // gives nobody else the same, so this is the only slice over it.
        unsafe { std::slice::from_raw_parts_mut(self.memory.map.as_mut_ptr().add(self.offset), self.length) }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // What cannot be closed stays writable, as it would be in the host's own process.
        let _ = self.memory.protect(self.offset, self.length, MprotectFlags::READ);
    }
}

fn unmapped(what: &str, error: &std::io::Error) -> Error {
    Error::internal(format!("{what} cannot be mapped: {error}")).with_remedy("close other programs, and try again")
}

#[cfg(test)]
mod tests {
    use parfocal_core::{FrameAllocator, shared::Memory};
    use parfocal_image::{DType, Extent, Region};

    use super::*;

    #[test]
    fn an_output_is_writable_while_it_is_open_only() {
        let allocator = FrameAllocator::new(1 << 20);
        let frame = allocator.allocate(DType::U8, Region::whole(Extent::plane(64, 64))).unwrap();
        let place = Memory::of(frame.bytes()).unwrap();
        // SAFETY: nobody holds a view of the pixels while the mapping writes.
        let descriptor = unsafe { place.memory.descriptor() };
        let memory = SharedMemory::map(descriptor, place.memory.length(), true).unwrap();
        memory.open(place.offset, 4096).unwrap().bytes_mut().fill(7);
        assert_eq!(frame.bytes()[..4096], [7; 4096]);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let start = memory.map.as_ptr() as usize + usize::try_from(place.offset).unwrap();
        let line = maps.lines().find(|line| {
            let (from, rest) = line.split_once('-').unwrap();
            let to = rest.split_once(' ').unwrap().0;
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            (number(from)..number(to)).contains(&start)
        });
        assert!(line.unwrap().contains(" r--s "), "{line:?}");
    }

    #[test]
    fn places_beyond_the_memory_are_refused() {
        let allocator = FrameAllocator::new(1 << 20);
        let frame = allocator.allocate_input(DType::U8, Region::whole(Extent::plane(64, 64))).unwrap();
        let place = Memory::of(frame.bytes()).unwrap();
        // SAFETY: nobody writes.
        let descriptor = unsafe { place.memory.descriptor() };
        let memory = SharedMemory::map(descriptor, place.memory.length(), false).unwrap();
        assert!(memory.bytes(0, place.memory.length()).is_ok());
        for (offset, length) in [(1, place.memory.length()), (u64::MAX, 2), (place.memory.length() + 1, 0)] {
            assert!(memory.bytes(offset, length).is_err(), "{offset} {length}");
        }
        assert!(memory.open(0, 16).is_err(), "an input is no output");
    }
}
