//! Memory between pages that nobody may touch, and the handler that says which of them was touched.
//!
//! An input lies in read-only pages; before and behind its pages, and those of an output, lie pages without any access. The
//! pixels begin right after the page before, or end right before the page behind: a read or write of one byte too many
//! ends the child, and the handler tells the parent where. What lies between rows, and what fills up the first or last page,
//! is a canary that is looked at afterwards.

#![allow(unsafe_code, reason = "maps memory without access and handles the signal that touching it raises")]

use std::{
    ffi::c_void,
    os::fd::RawFd,
    ptr,
    sync::atomic::{AtomicI32, AtomicUsize, Ordering},
};

use parfocal_image::{DType, PixelsMut, PixelsRef, Region, view::Strides};
use parfocal_testkit::{Block, Memory};
use parfocal_types::{Error, ErrorKind, Result};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Where the pixels lie in their pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The first pixel is the first of its page: reading before it is seen.
    Left,
    /// The last pixel is the last of its page: reading behind it is seen.
    Right,
    /// A page of room on both sides: only writing to an input is seen at once.
    Roomy,
}

/// Memory between guard pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded {
    pub(crate) side: Side,
    /// Pixels between rows that belong to nobody.
    pub(crate) gap: usize,
    /// The byte that everything is full of that is no pixel, and outputs before they are written.
    pub(crate) rubbish: u8,
}

impl Guarded {
    fn strides(&self, region: &Region) -> Result<(Strides, usize)> {
        let too_large =
            || Error::invalid_argument(format!("a tile of {} does not fit memory", region.extent));
        let size = |axis: usize| usize::try_from(region.extent.0[axis]).map_err(|_| too_large());
        let row = size(4)?.checked_add(self.gap).ok_or_else(too_large)?;
        let mut strides = [0; 4];
        let mut span = row;
        for axis in (0..4).rev() {
            strides[axis] = span;
            span = span.checked_mul(size(axis)?).ok_or_else(too_large)?;
        }
        // The last row has no gap behind it: there lies the guard.
        let pixels = if region.extent.is_empty() { 0 } else { span - self.gap };
        Ok((strides, pixels))
    }
}

impl Memory for Guarded {
    fn block(&self, what: &str, dtype: DType, region: &Region) -> Result<Box<dyn Block>> {
        let (strides, pixels) = self.strides(region)?;
        let length = pixels.checked_mul(dtype.size()).ok_or_else(|| {
            Error::invalid_argument(format!("a tile of {} does not fit memory", region.extent))
        })?;
        let input = what.starts_with("input");
        let room = if self.side == Side::Roomy { 2 * rustix::param::page_size() } else { 0 };
        let mut pages = Pages::map(length + room, input)?;
        let first = match self.side {
            Side::Left => 0,
            Side::Right => pages.length - length,
            Side::Roomy => room / 2,
        };
        pages.bytes_mut().fill(self.rubbish);
        let block = GuardedBlock {
            what: what.to_owned(),
            pages,
            first,
            length,
            strides,
            dtype,
            region: *region,
            rubbish: self.rubbish,
        };
        Ok(Box::new(block))
    }
}

struct GuardedBlock {
    what: String,
    pages: Pages,
    /// Where the pixels begin in the pages.
    first: usize,
    length: usize,
    strides: Strides,
    dtype: DType,
    region: Region,
    rubbish: u8,
}

impl Block for GuardedBlock {
    fn pixels(&self) -> Result<PixelsRef<'_>> {
        let bytes = &self.pages.bytes()[self.first..self.first + self.length];
        PixelsRef::new(self.dtype, bytes, self.region, self.strides)
    }

    fn pixels_mut(&mut self) -> Result<PixelsMut<'_>> {
        let bytes = &mut self.pages.bytes_mut()[self.first..self.first + self.length];
        PixelsMut::new(self.dtype, bytes, self.region, self.strides)
    }

    fn seal(&mut self) {
        self.pages.seal();
    }

    fn trespass(&self) -> Option<String> {
        if self.pages.sealed {
            return None;
        }
        let bytes = self.pages.bytes();
        let (size, width) = (self.dtype.size(), usize::try_from(self.region.extent.0[4]).unwrap_or(0));
        let row = (width * size).max(1);
        let stride = (self.strides[3] * size).max(1);
        let margin = |place: usize| match place.checked_sub(self.first) {
            None => true,
            Some(inside) => inside >= self.length || inside % stride >= row,
        };
        let place =
            bytes.iter().enumerate().position(|(place, byte)| *byte != self.rubbish && margin(place))?;
        let (what, region) = (&self.what, self.region);
        Some(match place.checked_sub(self.first) {
            None => format!(
                "{what} of {region} was written to {} bytes before its first pixel",
                self.first - place
            ),
            Some(inside) if inside >= self.length => {
                format!(
                    "{what} of {region} was written to {} bytes behind its last pixel",
                    inside - self.length + 1
                )
            }
            Some(inside) => {
                format!(
                    "{what} of {region} was written to between rows, {} bytes behind a row",
                    inside % stride - row + 1
                )
            }
        })
    }
}

/// Pages with a guard before and behind.
struct Pages {
    base: *mut c_void,
    total: usize,
    page: usize,
    /// Bytes between the guards.
    length: usize,
    sealed: bool,
    slots: [usize; 3],
    input: bool,
}

impl Pages {
    fn map(wanted: usize, input: bool) -> Result<Self> {
        let page = rustix::param::page_size();
        let length = wanted.max(1).next_multiple_of(page);
        let total = length + 2 * page;
        let refused = |error: rustix::io::Errno| {
            Error::new(
                ErrorKind::OutOfMemory { need: total as u64, budget: 0 },
                format!("no memory between guard pages: {error}"),
            )
        };
        // SAFETY: a new private mapping, at a place that the system chooses.
        let base = unsafe { mmap_anonymous(ptr::null_mut(), total, ProtFlags::empty(), MapFlags::PRIVATE) }
            .map_err(refused)?;
        let mut pages = Self { base, total, page, length, sealed: false, slots: [usize::MAX; 3], input };
        // SAFETY: the pages in the middle of the mapping just made; nobody else knows them.
        unsafe { mprotect(pages.start().cast(), length, MprotectFlags::READ | MprotectFlags::WRITE) }
            .map_err(refused)?;
        let start = base.addr();
        let kind = if input { Kind::BeforeInput } else { Kind::BeforeOutput };
        pages.slots[0] = note(start, page, kind);
        let kind = if input { Kind::BehindInput } else { Kind::BehindOutput };
        pages.slots[1] = note(start + page + length, page, kind);
        Ok(pages)
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: one page into a mapping of at least three.
        unsafe { self.base.cast::<u8>().add(self.page) }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `length` readable bytes of the mapping, which lives as long as `self`; they are written only through
        // `bytes_mut`, or by the plugin during a call that borrows what `pixels_mut` gave.
        unsafe { std::slice::from_raw_parts(self.start(), self.length) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // A sealed block is never asked for writable pixels; an empty slice is the answer to a defect of the suite.
        let length = if self.sealed { 0 } else { self.length };
        // SAFETY: `length` writable bytes of the mapping, borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start(), length) }
    }

    fn seal(&mut self) {
        // SAFETY: the pages of this mapping; from here on nobody has a writable view of them.
        let done = unsafe { mprotect(self.start().cast(), self.length, MprotectFlags::READ) };
        self.sealed = done.is_ok();
        if self.input && self.sealed {
            self.slots[2] = note(self.start().addr(), self.length, Kind::Input);
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.slots.into_iter().for_each(forget);
        // SAFETY: the mapping that `map` made, ended once.
        let _ = unsafe { munmap(self.base, self.total) };
    }
}

/// What lies at a guarded place; the numbers travel.
#[derive(Clone, Copy)]
enum Kind {
    BeforeInput = 0,
    BehindInput = 1,
    Input = 2,
    BeforeOutput = 3,
    BehindOutput = 4,
}

/// The name of a guard's code, and the case that it speaks against.
pub(crate) fn name(code: i64) -> Option<&'static str> {
    Some(match code {
        0 => "it read or wrote before the first pixel of an input",
        1 => "it read or wrote behind the last pixel of an input",
        2 => "it wrote to an input",
        3 => "it read or wrote before the first pixel of an output",
        4 => "it read or wrote behind the last pixel of an output",
        _ => return None,
    })
}

/// Places that the handler knows: start, length, kind + 1 (0 while free). More guards than places go unnamed, no more.
const SLOTS: usize = 256;
static STARTS: [AtomicUsize; SLOTS] = [const { AtomicUsize::new(0) }; SLOTS];
static LENGTHS: [AtomicUsize; SLOTS] = [const { AtomicUsize::new(0) }; SLOTS];
static KINDS: [AtomicUsize; SLOTS] = [const { AtomicUsize::new(0) }; SLOTS];

fn note(start: usize, length: usize, kind: Kind) -> usize {
    let taken = |slot: &usize| {
        KINDS[*slot].compare_exchange(0, usize::MAX, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    };
    let Some(slot) = (0..SLOTS).find(taken) else { return usize::MAX };
    STARTS[slot].store(start, Ordering::Relaxed);
    LENGTHS[slot].store(length, Ordering::Relaxed);
    KINDS[slot].store(kind as usize + 1, Ordering::Release);
    slot
}

fn forget(slot: usize) {
    if let Some(kind) = KINDS.get(slot) {
        kind.store(0, Ordering::Release);
    }
}

/// Where the handler writes to; -1 for nowhere.
static LAST_WORDS: AtomicI32 = AtomicI32::new(-1);

/// From now on a touched guard, or any other fault of memory, is told through this descriptor before the process dies.
pub(crate) fn listen(descriptor: RawFd) {
    LAST_WORDS.store(descriptor, Ordering::Relaxed);
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: an all-zero `sigaction` is valid; the handler does only what may be done in one: atomics, `write`,
        // `sigaction`. The thread's alternate stack is the one that the standard library set up.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel gives valid information; the address is only looked at.
    let address = unsafe { info.as_ref().map_or(0, |info| info.si_addr().addr()) };
    let guard = (0..SLOTS).find_map(|slot| {
        let kind = KINDS[slot].load(Ordering::Acquire);
        let start = STARTS[slot].load(Ordering::Relaxed);
        let inside = address.wrapping_sub(start) < LENGTHS[slot].load(Ordering::Relaxed);
        (kind != 0 && kind != usize::MAX && inside).then(|| kind - 1)
    });
    let mut line = Line { bytes: [0; 96], length: 0 };
    line.text(b"{\"fault\":{\"signal\":");
    line.number(signal.unsigned_abs() as usize, 10);
    line.text(b",\"address\":\"");
    line.number(address, 16);
    line.text(b"\",\"guard\":");
    match guard {
        Some(code) => line.number(code, 10),
        None => line.text(b"-1"),
    }
    line.text(b"}}\n");
    // SAFETY: `write` and `sigaction` may be called here; the line lies on this stack. The fault is raised again when the
    // handler returns, and then ends the process as it would have without a handler.
    unsafe {
        libc::write(LAST_WORDS.load(Ordering::Relaxed), line.bytes.as_ptr().cast(), line.length);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
}

/// A line that is put together without memory from the heap.
struct Line {
    bytes: [u8; 96],
    length: usize,
}

impl Line {
    fn text(&mut self, text: &[u8]) {
        for &byte in text {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
                self.length += 1;
            }
        }
    }

    fn number(&mut self, mut number: usize, base: usize) {
        let mut digits = [0; 20];
        let mut count = 0;
        while count == 0 || number > 0 {
            if let (Some(place), Some(digit)) =
                (digits.get_mut(count), b"0123456789abcdef".get(number % base))
            {
                *place = *digit;
            }
            number /= base;
            count += 1;
        }
        while count > 0 {
            count -= 1;
            if let Some(digit) = digits.get(count).copied() {
                self.text(&[digit]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use parfocal_image::Extent;

    use super::*;

    fn block(side: Side, gap: usize, what: &str) -> Box<dyn Block> {
        let region = Region::new([0, 0, 0, 3, 5], Extent::plane(7, 9));
        Guarded { side, gap, rubbish: 0xA5 }.block(what, DType::U16, &region).unwrap()
    }

    #[test]
    fn pixels_end_where_the_guard_begins() {
        let page = rustix::param::page_size();
        let right = block(Side::Right, 3, "output image 0");
        let end = right.pixels().unwrap().bytes().as_ptr_range().end;
        assert_eq!(end.addr() % page, 0);
        let left = block(Side::Left, 3, "output image 0");
        assert_eq!(left.pixels().unwrap().bytes().as_ptr().addr() % page, 0);
    }

    #[test]
    fn a_byte_between_rows_or_in_the_rest_of_the_page_is_noticed() {
        for side in [Side::Left, Side::Right] {
            let mut good = block(side, 3, "output image 0");
            good.pixels_mut().unwrap().view_mut::<u16>().unwrap().rows_mut().for_each(|row| row.fill(1));
            assert_eq!(good.trespass(), None);
            let mut bad = block(side, 3, "output image 0");
            bad.pixels_mut().unwrap().bytes_mut()[18] ^= 1;
            assert!(bad.trespass().unwrap().contains("between rows"));
        }
    }

    #[test]
    fn the_handlers_line_is_an_answer() {
        let mut line = Line { bytes: [0; 96], length: 0 };
        line.text(b"{\"fault\":{\"signal\":");
        line.number(11, 10);
        line.text(b",\"address\":\"");
        line.number(0x7f00_1234_5000, 16);
        line.text(b"\",\"guard\":-1}}");
        let text = std::str::from_utf8(&line.bytes[..line.length]).unwrap();
        let answer = crate::task::Answer::read(text).unwrap();
        let expected = crate::task::Answer::Fault { signal: 11, address: "7f0012345000".into(), guard: -1 };
        assert_eq!(answer, expected);
    }
}
