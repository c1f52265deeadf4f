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
        debug_assert!(offset.is_multiple_of(4) && offset + 4 <= control::LENGTH);
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

    /// How many signs of life the worker gave.
    pub(crate) fn beats(&self) -> u32 {
        self.word(control::HEARTBEAT).load(Ordering::Relaxed)
    }

    /// Gives a sign of life.
    pub(crate) fn beat(&self) {
        self.word(control::HEARTBEAT).fetch_add(1, Ordering::Relaxed);
    }
}

/// A part of shared memory: where it starts and how many bytes it has.
pub(crate) type Part = (usize, usize);

/// Shared memory in the worker. Where it may be written, it is read-only but for the parts that were [opened](Self::open).
#[derive(Debug)]
pub(crate) struct SharedMemory {
    map: MmapRaw,
    writable: bool,
    /// What can be written now.
    open: Vec<Part>,
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
            let mut memory = Self { map, writable, open: Vec::new() };
            if writable {
                memory.protect((0, length), MprotectFlags::READ)?;
            }
            Ok(memory)
        };
        mapped().map_err(|error| unmapped("shared memory", &error))
    }

    fn protect(&mut self, (offset, length): Part, rights: MprotectFlags) -> std::io::Result<()> {
        let page = rustix::param::page_size();
        let from = offset / page * page;
        let length = (offset + length - from).next_multiple_of(page).min(self.map.len() - from);
        // SAFETY: the range lies in this mapping, and `&mut self` proves that no slice over it lives.
        unsafe { mprotect(self.map.as_mut_ptr().add(from).cast(), length, rights)? };
        Ok(())
    }

    /// The part that starts here, when it lies in the memory.
    ///
    /// # Errors
    /// `invalid-argument` when it does not.
    pub(crate) fn part(&self, offset: u64, length: u64) -> Result<Part> {
        let inside = offset.checked_add(length).is_some_and(|end| end <= self.map.len() as u64);
        match (usize::try_from(offset), usize::try_from(length)) {
            (Ok(offset), Ok(length)) if inside => Ok((offset, length)),
            _ => Err(Error::invalid_argument(format!(
                "{length} bytes from {offset} of shared memory of {} bytes",
                self.map.len()
            ))),
        }
    }

    /// Makes these parts writable and no others. Those that are already cost nothing.
    ///
    /// # Errors
    /// `invalid-argument` in memory that is for reading; what the system says.
    pub(crate) fn open(&mut self, parts: &[Part]) -> Result<()> {
        if !self.writable && !parts.is_empty() {
            return Err(Error::invalid_argument("an output in memory that cannot be written"));
        }
        let (kept, closed): (Vec<_>, _) =
            std::mem::take(&mut self.open).into_iter().partition(|part| parts.contains(part));
        self.open = kept;
        for part in closed {
            // What cannot be closed stays writable, as it would be in the host's own process.
            let _ = self.protect(part, MprotectFlags::READ);
        }
        for part in parts {
            if !self.open.contains(part) {
                let rights = MprotectFlags::READ | MprotectFlags::WRITE;
                self.protect(*part, rights).map_err(|error| unmapped("an output", &error))?;
                self.open.push(*part);
            }
        }
        Ok(())
    }

    /// Bytes of an input.
    ///
    /// # Errors
    /// `invalid-argument` for bytes beyond the memory.
    pub(crate) fn bytes(&self, offset: u64, length: u64) -> Result<&[u8]> {
        let (offset, length) = self.part(offset, length)?;
        // SAFETY: inside the mapping, which lives as long as `self`; `u8` has no invalid value. The host does not write to
        // what it shows as an input before the call has ended.
        Ok(unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(offset), length) })
    }

    /// Bytes of an output, which was opened.
    ///
    /// # Errors
    /// `invalid-argument` when it was not.
    #[allow(
        clippy::mut_from_ref,
        reason = "the slices of one call do not overlap, which the caller has checked"
    )]
    pub(crate) fn bytes_mut(&self, part: Part) -> Result<&mut [u8]> {
        let (offset, length) = part;
        if !self.open.contains(&part) {
            return Err(Error::invalid_argument("an output that was not opened"));
        }
        // SAFETY: inside the mapping and writable as long as `self` is borrowed. The caller has made sure that the parts of one
        // call do not overlap, and takes each once.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(offset), length) })
    }
}

fn unmapped(what: &str, error: &std::io::Error) -> Error {
    Error::internal(format!("{what} cannot be mapped: {error}"))
        .with_remedy("close other programs, and try again")
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
        let mut memory = SharedMemory::map(descriptor, place.memory.length(), true).unwrap();
        let part = memory.part(place.offset, 4096).unwrap();
        assert!(memory.bytes_mut(part).is_err(), "not opened yet");
        memory.open(&[part]).unwrap();
        memory.bytes_mut(part).unwrap().fill(7);
        assert_eq!(frame.bytes()[..4096], [7; 4096]);
        assert_eq!(rights_at(memory.map.as_ptr() as usize + part.0), "rw-s");
        memory.open(&[]).unwrap();
        assert_eq!(rights_at(memory.map.as_ptr() as usize + part.0), "r--s");
    }

    /// What the system allows at an address.
    fn rights_at(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| {
            let (from, rest) = line.split_once('-').unwrap();
            let to = rest.split_once(' ').unwrap().0;
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            (number(from)..number(to)).contains(&address)
        });
        line.unwrap().split(' ').nth(1).unwrap().to_owned()
    }

    #[test]
    fn places_beyond_the_memory_are_refused() {
        let allocator = FrameAllocator::new(1 << 20);
        let frame = allocator.allocate_input(DType::U8, Region::whole(Extent::plane(64, 64))).unwrap();
        let place = Memory::of(frame.bytes()).unwrap();
        // SAFETY: nobody writes.
        let descriptor = unsafe { place.memory.descriptor() };
        let mut memory = SharedMemory::map(descriptor, place.memory.length(), false).unwrap();
        assert!(memory.bytes(0, place.memory.length()).is_ok());
        for (offset, length) in [(1, place.memory.length()), (u64::MAX, 2), (place.memory.length() + 1, 0)] {
            assert!(memory.bytes(offset, length).is_err(), "{offset} {length}");
        }
        assert!(memory.open(&[(0, 16)]).is_err(), "an input is no output");
    }
}
