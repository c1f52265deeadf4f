//! Texts, bytes, regions and slices: what everything else is made of.

use parfocal_image::{Extent, Region};
use parfocal_types::{Error, ErrorKind, Result};

use crate::operator_1 as raw;

/// Longest array that is read from the other side; a larger count is taken for a defect.
pub(crate) const MAX_COUNT: u64 = 1 << 24;

/// Longest text that is read from the other side; the rest is cut.
const MAX_TEXT: u64 = 1 << 20;

impl raw::Text {
    /// The text as the border sees it. Valid as long as `text` is.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        Self { data: text.as_ptr(), len: text.len() as u64 }
    }
}

impl raw::Bytes {
    /// The bytes as the border sees them. Valid as long as `bytes` are.
    #[must_use]
    pub const fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() as u64 }
    }
}

impl From<Region> for raw::Region {
    fn from(region: Region) -> Self {
        Self { origin: region.origin, extent: region.extent.0 }
    }
}

impl From<raw::Region> for Region {
    fn from(region: raw::Region) -> Self {
        Self { origin: region.origin, extent: Extent(region.extent) }
    }
}

pub(super) fn wrong(what: &str) -> Error {
    Error::new(
        ErrorKind::Protocol { raw: what.to_owned() },
        format!("the other side of the native interface gave {what}"),
    )
}

/// A slice of the other side's.
///
/// # Safety
/// When `data` is not null it points to `count` valid elements that live for `'a`.
pub(crate) unsafe fn slice_of<'a, T>(data: *const T, count: u64, what: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() || count > MAX_COUNT || !data.is_aligned() {
        return Err(wrong(&format!("{what} that cannot be read")));
    }
    // SAFETY: not null, aligned, of a plausible length; the caller vouches for the rest.
    Ok(unsafe { core::slice::from_raw_parts(data, count as usize) })
}

/// Copies a text of the other side; bytes that are not UTF-8 become replacement characters, and a text of more than a
/// mebibyte is cut.
///
/// # Safety
/// When `text.data` is not null it points to `text.len` valid bytes.
#[must_use]
pub unsafe fn read_text(text: raw::Text) -> String {
    if text.data.is_null() || text.len == 0 {
        return String::new();
    }
    // SAFETY: not null; the caller vouches for the length.
    let bytes = unsafe { core::slice::from_raw_parts(text.data, text.len.min(MAX_TEXT) as usize) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Copies bytes of the other side.
///
/// # Errors
/// `protocol` for null with a length.
///
/// # Safety
/// When `bytes.data` is not null it points to `bytes.len` valid bytes.
pub unsafe fn read_bytes(bytes: raw::Bytes) -> Result<Vec<u8>> {
    if bytes.len == 0 {
        return Ok(Vec::new());
    }
    let len = isize::try_from(bytes.len).map_err(|_| wrong("more bytes than memory has"))?.unsigned_abs();
    if bytes.data.is_null() {
        return Err(wrong("bytes that cannot be read"));
    }
    // SAFETY: not null; the caller vouches for the length.
    Ok(unsafe { core::slice::from_raw_parts(bytes.data, len) }.to_vec())
}

pub(super) fn check_size(found: u64, expected: usize, what: &str) -> Result<()> {
    if found == expected as u64 {
        return Ok(());
    }
    Err(wrong(&format!("a `{what}` of {found} bytes, where the interface has {expected}")))
}

pub(super) fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

pub(super) fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

pub(super) fn nonzero(value: u32) -> Option<u32> {
    (value != 0).then_some(value)
}

/// A struct that begins with its size: the size is read alone first, so that no reference is ever made to a struct that
/// is shorter than this interface's.
///
/// # Errors
/// `protocol` for null, a pointer that is not aligned, and another size.
///
/// # Safety
/// `data` is null, or points to as many valid bytes as its leading `u64` says, which live for `'a`.
pub unsafe fn sized<'a, T>(data: *const T, what: &str) -> Result<&'a T> {
    if data.is_null() || !data.is_aligned() {
        return Err(wrong(&format!("a `{what}` that cannot be read")));
    }
    // SAFETY: not null and aligned for `T`, whose first field is the size.
    let size = unsafe { data.cast::<u64>().read() };
    check_size(size, size_of::<T>(), what)?;
    // SAFETY: as the caller vouches, there are as many bytes.
    Ok(unsafe { &*data })
}
