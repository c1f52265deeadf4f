//! TIFF headers and directories: the tags of each page, read strictly.
//!
//! Nothing here believes a number of the file before it was compared with the file's length: a count is checked
//! before memory is asked for, directories that overlap or form a ring are refused.

use std::collections::HashSet;

use parfocal_types::error::{Error, Result};

use crate::read::bytes::FileBytes;

/// Tags that the reader looks at, with their names in the TIFF 6.0 specification and its supplements.
pub(crate) mod tag {
    pub(crate) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(crate) const IMAGE_WIDTH: u16 = 256;
    pub(crate) const IMAGE_LENGTH: u16 = 257;
    pub(crate) const BITS_PER_SAMPLE: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const FILL_ORDER: u16 = 266;
    pub(crate) const IMAGE_DESCRIPTION: u16 = 270;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(crate) const ROWS_PER_STRIP: u16 = 278;
    pub(crate) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(crate) const X_RESOLUTION: u16 = 282;
    pub(crate) const Y_RESOLUTION: u16 = 283;
    pub(crate) const PLANAR_CONFIGURATION: u16 = 284;
    pub(crate) const T4_OPTIONS: u16 = 292;
    pub(crate) const PREDICTOR: u16 = 317;
    pub(crate) const TILE_WIDTH: u16 = 322;
    pub(crate) const TILE_LENGTH: u16 = 323;
    pub(crate) const TILE_OFFSETS: u16 = 324;
    pub(crate) const TILE_BYTE_COUNTS: u16 = 325;
    pub(crate) const SUB_IFDS: u16 = 330;
    pub(crate) const SAMPLE_FORMAT: u16 = 339;
    pub(crate) const JPEG_TABLES: u16 = 347;
    pub(crate) const YCBCR_SUBSAMPLING: u16 = 530;
    /// MetaMorph's UIC2: one value for each plane of the stack.
    pub(crate) const METAMORPH_PLANES: u16 = 33_629;
}

/// The order of the bytes in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// Tags of a directory; a longer list is damage (the specification knows a few hundred).
const MAX_TAGS: u64 = 4096;

/// One entry of a directory; its value stays in the file until it is asked for.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the value lies in the file.
    at: u64,
}

/// The tags of one page.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    entries: Vec<Entry>,
    next: u64,
}

/// Reads directories of one file.
pub(crate) struct Directories<'a> {
    bytes: &'a FileBytes,
    order: ByteOrder,
    big: bool,
    window: Window,
    visited: HashSet<u64>,
    /// Bytes of directories and tag values read so far. They do not overlap in an honest file, so the sum is bounded.
    consumed: u64,
}

/// Some bytes of the file, so that a directory is not read number by number.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

const WINDOW: u64 = 4096;

impl<'a> Directories<'a> {
    /// Reads the header; gives the offset of the first directory too.
    pub(crate) fn new(bytes: &'a FileBytes) -> Result<(Self, u64)> {
        let magic = bytes.read(0, 4.min(bytes.len()))?;
        let (order, big) = match magic.as_slice() {
            [b'I', b'I', 42, 0] => (ByteOrder::Little, false),
            [b'M', b'M', 0, 42] => (ByteOrder::Big, false),
            [b'I', b'I', 43, 0] => (ByteOrder::Little, true),
            [b'M', b'M', 0, 43] => (ByteOrder::Big, true),
            _ => return Err(Error::corrupt("the header is not that of a TIFF file")),
        };
        let mut this =
            Self { bytes, order, big, window: Window::default(), visited: HashSet::new(), consumed: 0 };
        let first = if big {
            if this.number(4, 2)? != 8 || this.number(6, 2)? != 0 {
                return Err(Error::corrupt("the BigTIFF header has another offset size than 8"));
            }
            this.number(8, 8)?
        } else {
            this.number(4, 4)?
        };
        Ok((this, first))
    }

    pub(crate) fn file_len(&self) -> u64 {
        self.bytes.len()
    }

    pub(crate) fn order(&self) -> ByteOrder {
        self.order
    }

    /// The directory at `offset`; `None` for offset 0, the end of the chain.
    pub(crate) fn read(&mut self, offset: u64) -> Result<Option<Directory>> {
        if offset == 0 {
            return Ok(None);
        }
        if !self.visited.insert(offset) {
            return Err(Error::corrupt(format!(
                "the directory at {offset} is listed twice: the list is a ring"
            )));
        }
        let (count_size, entry_size, inline, word) = if self.big { (8, 20, 8, 8) } else { (2, 12, 4, 4) };
        let count = self.number(offset, count_size)?;
        if count > MAX_TAGS {
            return Err(Error::corrupt(format!("the directory at {offset} claims {count} tags")));
        }
        self.consume(count_size + count * entry_size + word)?;
        let first = offset.saturating_add(count_size);
        let mut entries = Vec::new();
        for index in 0..count {
            let at = first.saturating_add(index * entry_size);
            let tag = self.number(at, 2)? as u16;
            let kind = self.number(at.saturating_add(2), 2)? as u16;
            let count = self.number(at.saturating_add(4), word)?;
            let value_at = at.saturating_add(4 + word);
            let fits = type_size(kind).and_then(|size| size.checked_mul(count)).is_some_and(|b| b <= inline);
            let at = if fits { value_at } else { self.number(value_at, word)? };
            entries.push(Entry { tag, kind, count, at });
        }
        let next = self.number(first.saturating_add(count * entry_size), word)?;
        Ok(Some(Directory { entries, next }))
    }

    fn consume(&mut self, count: u64) -> Result<()> {
        self.consumed = self.consumed.saturating_add(count);
        if self.consumed > self.bytes.len().saturating_mul(2).saturating_add(1 << 16) {
            return Err(Error::corrupt(
                "directories and tags overlap: together they are longer than the file",
            ));
        }
        Ok(())
    }

    /// An unsigned number of `size` bytes at `offset`.
    fn number(&mut self, offset: u64, size: u64) -> Result<u64> {
        let available = self.window.bytes.len() as u64;
        let inside = offset >= self.window.start
            && offset.saturating_add(size) <= self.window.start.saturating_add(available);
        if !inside {
            let length = WINDOW.min(self.bytes.len().saturating_sub(offset)).max(size);
            self.window = Window { start: offset, bytes: self.bytes.read(offset, length)? };
        }
        let start = usize::try_from(offset - self.window.start).unwrap_or(usize::MAX);
        let bytes = self.window.bytes.get(start..).and_then(|rest| rest.get(..size as usize));
        Ok(fold(bytes.unwrap_or_default(), self.order))
    }
}

fn fold(bytes: &[u8], order: ByteOrder) -> u64 {
    match order {
        ByteOrder::Little => bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        ByteOrder::Big => bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    }
}

/// Bytes of one value of a field type; `None` for a type that no specification lists.
fn type_size(kind: u16) -> Option<u64> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16..=18 => Some(8),
        _ => None,
    }
}

impl Directory {
    /// Offset of the directory after this one; 0 at the end of the chain.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    pub(crate) fn has(&self, tag: u16) -> bool {
        self.find(tag).is_some()
    }

    /// How many values a tag claims; 0 when the page has no such tag.
    pub(crate) fn count(&self, tag: u16) -> u64 {
        self.find(tag).map_or(0, |entry| entry.count)
    }

    /// The bytes of a value.
    fn raw(&self, source: &mut Directories<'_>, entry: &Entry) -> Result<Vec<u8>> {
        let size = type_size(entry.kind).ok_or_else(|| {
            Error::corrupt(format!("tag {} has the unknown field type {}", entry.tag, entry.kind))
        })?;
        let bytes = size
            .checked_mul(entry.count)
            .filter(|bytes| *bytes <= source.bytes.len())
            .ok_or_else(|| Error::corrupt(format!("tag {} claims {} values", entry.tag, entry.count)))?;
        source.consume(bytes)?;
        source.bytes.read(entry.at, bytes).map_err(|error| error.context(format!("tag {}", entry.tag)))
    }

    /// The unsigned numbers of a tag; `None` when the page has no such tag.
    pub(crate) fn numbers(&self, source: &mut Directories<'_>, tag: u16) -> Result<Option<Vec<u64>>> {
        let Some(entry) = self.find(tag).copied() else { return Ok(None) };
        let size = match entry.kind {
            1 | 3 | 4 | 13 | 16 | 18 => type_size(entry.kind).unwrap_or(1) as usize,
            other => {
                return Err(Error::corrupt(format!("tag {tag} has field type {other}, not whole numbers")));
            }
        };
        if entry.count == 1 && size <= 8 {
            source.consume(size as u64)?;
            return Ok(Some(vec![source.number(entry.at, size as u64)?]));
        }
        let raw = self.raw(source, &entry)?;
        let order = source.order;
        Ok(Some(raw.chunks_exact(size).map(|bytes| fold(bytes, order)).collect()))
    }

    /// The first number of a tag, or `default` when the page has no such tag.
    pub(crate) fn number(&self, source: &mut Directories<'_>, tag: u16, default: u64) -> Result<u64> {
        match self.numbers(source, tag)? {
            None => Ok(default),
            Some(values) => {
                values.first().copied().ok_or_else(|| Error::corrupt(format!("tag {tag} has no value")))
            }
        }
    }

    /// The bytes of a tag, whatever it claims them to be.
    pub(crate) fn bytes(&self, source: &mut Directories<'_>, tag: u16) -> Result<Option<Vec<u8>>> {
        let Some(entry) = self.find(tag).copied() else { return Ok(None) };
        self.raw(source, &entry).map(Some)
    }

    /// The text of a tag up to its first NUL: UTF-8, or Latin-1 where it is not (ImageJ writes `µ` so).
    pub(crate) fn text(&self, source: &mut Directories<'_>, tag: u16) -> Result<Option<String>> {
        let Some(mut bytes) = self.bytes(source, tag)? else { return Ok(None) };
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        Ok(Some(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect()),
        ))
    }

    /// The first fraction of a tag; `None` when there is none or its denominator is zero.
    pub(crate) fn fraction(&self, source: &mut Directories<'_>, tag: u16) -> Result<Option<f64>> {
        let Some(entry) = self.find(tag).copied().filter(|entry| entry.kind == 5 && entry.count >= 1) else {
            return Ok(None);
        };
        let numerator = source.number(entry.at, 4)?;
        let denominator = source.number(entry.at.saturating_add(4), 4)?;
        Ok((denominator != 0).then(|| numerator as f64 / denominator as f64))
    }
}
