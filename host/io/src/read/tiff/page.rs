//! One page: where its strips or tiles lie, and how a box of its pixels is read.

use std::sync::Arc;

use parfocal_image::PixelsMut;
use parfocal_types::error::{Error, ErrorKind, Result};

use super::{
    codec,
    directory::{Directories, Directory, tag},
    layout::{Compression, Layout, Stored},
    samples,
};
use crate::read::{bytes::FileBytes, cache::Cache};

/// Uncompressed strips are read in pieces of about this size, however long they are.
const PIECE_BYTES: u64 = 256 << 10;

/// Which piece of which page of which file of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PieceKey {
    pub(crate) file: u32,
    pub(crate) page: u32,
    pub(crate) level: u32,
    pub(crate) piece: u64,
}

/// Where the pixels of a page lie.
#[derive(Debug, Clone)]
enum Chunks {
    /// Offset and length of each strip or tile.
    Listed { offsets: Vec<u64>, counts: Vec<u64> },
    /// Uncompressed rows, one after the other, from this offset on.
    Contiguous(u64),
}

/// One page of a TIFF file.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) layout: Arc<Layout>,
    chunks: Chunks,
    /// Smaller versions of the page, from its SubIFDs, largest first.
    pub(crate) levels: Vec<Page>,
    /// Marked as a smaller version of another page, or as a mask.
    pub(crate) secondary: bool,
}

impl Page {
    /// The page that `directory` describes, without its smaller versions.
    pub(crate) fn of(
        directory: &Directory,
        source: &mut Directories<'_>,
        known: &mut Layouts,
    ) -> Result<Self> {
        let layout = known.shared(Layout::of(directory, source)?);
        let chunks = chunks(&layout, directory, source)?;
        let secondary = directory.number(source, tag::NEW_SUBFILE_TYPE, 0)? & 0b101 != 0;
        Ok(Self { layout, chunks, levels: Vec::new(), secondary })
    }

    /// A page of uncompressed pixels at `offset`.
    pub(crate) fn contiguous(layout: Arc<Layout>, offset: u64) -> Self {
        Self { layout, chunks: Chunks::Contiguous(offset), levels: Vec::new(), secondary: false }
    }

    /// Where the pixels start, when they lie uncompressed in one run.
    pub(crate) fn contiguous_offset(&self) -> Option<u64> {
        match self.chunks {
            Chunks::Contiguous(offset) => Some(offset),
            Chunks::Listed { .. } => None,
        }
    }

    /// Height and width of the pieces that are decoded at once.
    pub(crate) fn piece_size(&self) -> (u64, u64) {
        (self.piece_rows(), self.layout.chunk_width)
    }

    /// Rows of a strip, where an unbroken run of pixels is one strip.
    fn strip_rows(&self) -> u64 {
        match self.chunks {
            Chunks::Contiguous(_) => self.layout.height,
            Chunks::Listed { .. } => self.layout.chunk_height,
        }
    }

    fn piece_rows(&self) -> u64 {
        let layout = &self.layout;
        if layout.tiled || layout.compression != Compression::None {
            return layout.chunk_height;
        }
        let row_bytes = layout.row_bytes(layout.width).unwrap_or(u64::MAX).max(1);
        (PIECE_BYTES / row_bytes).clamp(1, self.strip_rows())
    }

    /// Fills `out`, one plane, with the box of sample `sample` whose first pixel is `x`, `y`.
    pub(crate) fn read(
        &self,
        bytes: &FileBytes,
        cache: &Cache<PieceKey>,
        key: PieceKey,
        sample: u64,
        out: &mut PixelsMut<'_>,
    ) -> Result<()> {
        let layout = &self.layout;
        let size = layout.stored.dtype().size();
        let region = *out.region();
        let [.., height, width] = region.extent.0;
        let (Ok(y0), Ok(x0)) = (u64::try_from(region.origin[3]), u64::try_from(region.origin[4])) else {
            return Err(Error::internal("a box starts before its page"));
        };
        if y0 + height > layout.height || x0 + width > layout.width {
            return Err(Error::internal(format!("{region} reaches beyond its page")));
        }
        let stride = out.strides()[3] * size;
        let target = |x: u64, y: u64| (y - y0) as usize * stride + (x - x0) as usize * size;
        // Pieces that another thread decodes just now come last, so that two threads share the work of a row of
        // tiles that lie in the same strips.
        let mut later = Vec::new();
        let (mut y, end_y, end_x) = (y0, y0 + height, x0 + width);
        while y < end_y {
            let (mut x, mut next_y) = (x0, end_y);
            while x < end_x {
                let piece = self.piece_at(x, y, sample);
                next_y = (piece.y + piece.rows).min(end_y);
                let next_x = (piece.x + piece.width).min(end_x);
                let part = Part {
                    first: piece.offset_of(x, y, sample, layout) * size,
                    stride: piece.width as usize * size,
                    length: (next_x - x) as usize * size,
                    rows: (next_y - y) as usize,
                    target: target(x, y),
                };
                let key = PieceKey { piece: piece.number, ..key };
                match cache.try_get(key, || self.decode(bytes, &piece)) {
                    Some(pixels) => part.copy(&pixels?, out.bytes_mut(), stride)?,
                    None => later.push((key, piece, part)),
                }
                x = next_x;
            }
            y = next_y;
        }
        for (key, piece, part) in later {
            part.copy(&cache.get(key, || self.decode(bytes, &piece))?, out.bytes_mut(), stride)?;
        }
        Ok(())
    }

    /// The piece with the pixel.
    fn piece_at(&self, x: u64, y: u64, sample: u64) -> Piece {
        let layout = &self.layout;
        let (strip_rows, piece_rows) = (self.strip_rows(), self.piece_rows());
        let columns = layout.width.div_ceil(layout.chunk_width);
        let strips = layout.height.div_ceil(strip_rows);
        let (column, strip) = (x / layout.chunk_width, y / strip_rows);
        let plane = if layout.planar { sample } else { 0 };
        let part = y % strip_rows / piece_rows;
        let first_row = part * piece_rows;
        let strip_end =
            if layout.tiled { strip_rows } else { strip_rows.min(layout.height - strip * strip_rows) };
        let chunk = (plane * strips + strip) * columns + column;
        Piece {
            number: chunk * strip_rows.div_ceil(piece_rows) + part,
            chunk,
            first_row,
            x: column * layout.chunk_width,
            y: strip * strip_rows + first_row,
            width: layout.chunk_width,
            rows: piece_rows.min(strip_end - first_row),
        }
    }

    fn decode(&self, bytes: &FileBytes, piece: &Piece) -> Result<Vec<u8>> {
        let layout = &self.layout;
        let what = if layout.tiled { "tile" } else { "strip" };
        let too_large = || Error::corrupt(format!("{what} {} is larger than memory", piece.chunk));
        let row_bytes = layout.row_bytes(piece.width).ok_or_else(too_large)?;
        let raw = self.raw(bytes, piece, row_bytes)?;
        let narrow = |value: u64| usize::try_from(value).map_err(|_| too_large());
        let (width, rows) = (narrow(piece.width)?, narrow(piece.rows)?);
        codec::decompress(layout, raw, width, rows, narrow(row_bytes)?)
            .and_then(|stored| samples::pixels(layout, stored, width, rows))
            .map_err(|error| error.context(format!("{what} {}", piece.chunk)))
    }

    /// The bytes of a piece as they are in the file.
    fn raw(&self, bytes: &FileBytes, piece: &Piece, row_bytes: u64) -> Result<Vec<u8>> {
        let layout = &self.layout;
        let overflow = || Error::corrupt("a strip lies beyond any file");
        let plain = layout.compression == Compression::None;
        let (start, listed) = match &self.chunks {
            Chunks::Contiguous(offset) => {
                let plane = row_bytes.checked_mul(layout.height).ok_or_else(overflow)?;
                let skipped = plane.checked_mul(piece.chunk).ok_or_else(overflow)?;
                (offset.checked_add(skipped).ok_or_else(overflow)?, 0)
            }
            Chunks::Listed { offsets, counts } => {
                let index = usize::try_from(piece.chunk).unwrap_or(usize::MAX);
                let (offset, count) = offsets.get(index).zip(counts.get(index)).ok_or_else(overflow)?;
                if *offset == 0 || (*count == 0 && !plain) {
                    let missing = format!("{} {}", if layout.tiled { "tile" } else { "strip" }, piece.chunk);
                    let message = format!("{missing} was never written");
                    return Err(Error::new(ErrorKind::DataIncomplete { missing }, message));
                }
                (*offset, *count)
            }
        };
        if plain {
            let skipped = row_bytes.checked_mul(piece.first_row).ok_or_else(overflow)?;
            let start = start.checked_add(skipped).ok_or_else(overflow)?;
            return bytes.read(start, row_bytes.checked_mul(piece.rows).ok_or_else(overflow)?);
        }
        bytes.read(start, listed)
    }
}

/// The part of a strip or tile that is decoded at once.
struct Piece {
    number: u64,
    /// Index of the strip or tile.
    chunk: u64,
    /// First row within the strip.
    first_row: u64,
    x: u64,
    y: u64,
    width: u64,
    rows: u64,
}

impl Piece {
    /// Index of a pixel among the decoded ones.
    fn offset_of(&self, x: u64, y: u64, sample: u64, layout: &Layout) -> usize {
        let plane = if layout.planar { 0 } else { sample };
        // The decoded piece is in memory, so its length fits.
        ((plane * self.rows + (y - self.y)) * self.width + (x - self.x)) as usize
    }
}

/// Rows to copy, in bytes.
struct Part {
    first: usize,
    stride: usize,
    length: usize,
    rows: usize,
    /// Where the first row goes.
    target: usize,
}

impl Part {
    fn copy(&self, from: &[u8], to: &mut [u8], to_stride: usize) -> Result<()> {
        for row in 0..self.rows {
            let source = from.get(self.first + row * self.stride..).and_then(|rest| rest.get(..self.length));
            let target =
                to.get_mut(self.target + row * to_stride..).and_then(|rest| rest.get_mut(..self.length));
            let (Some(source), Some(target)) = (source, target) else {
                return Err(Error::internal("a decoded strip or tile is shorter than its rows"));
            };
            target.copy_from_slice(source);
        }
        Ok(())
    }
}

/// Layouts met so far: the pages of a stack share one.
#[derive(Default)]
pub(crate) struct Layouts(Vec<Arc<Layout>>);

impl Layouts {
    fn shared(&mut self, layout: Layout) -> Arc<Layout> {
        // The last ones are the likely ones; a file with very many different pages gains nothing from sharing.
        if let Some(known) = self.0.iter().rev().take(16).find(|known| ***known == layout) {
            return Arc::clone(known);
        }
        let layout = Arc::new(layout);
        self.0.push(Arc::clone(&layout));
        layout
    }
}

fn chunks(layout: &Layout, directory: &Directory, source: &mut Directories<'_>) -> Result<Chunks> {
    let (offsets_tag, counts_tag) = if directory.has(tag::TILE_OFFSETS) {
        (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
    } else {
        (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
    };
    let what = if layout.tiled { "tiles" } else { "strips" };
    let expected = layout
        .chunk_count()
        .and_then(|count| usize::try_from(count).ok())
        .ok_or_else(|| Error::corrupt(format!("a page has more {what} than any file")))?;
    let mut offsets = directory
        .numbers(source, offsets_tag)?
        .ok_or_else(|| Error::corrupt(format!("a page does not say where its {what} lie")))?;
    if offsets.len() < expected {
        return Err(Error::corrupt(format!("a page lists {} {what} where {expected} belong", offsets.len())));
    }
    offsets.truncate(expected);
    let plain = layout.compression == Compression::None;
    let counts = match directory.numbers(source, counts_tag)? {
        Some(counts) if counts.len() >= expected => counts,
        None if plain => vec![0; expected],
        // One compressed strip of unknown length: everything up to the end of the file may belong to it.
        None if expected == 1 => {
            vec![source.file_len().saturating_sub(offsets.first().copied().unwrap_or(0))]
        }
        _ => return Err(Error::corrupt(format!("a page does not say how long its {what} are"))),
    };
    if plain && !layout.tiled && one_after_the_other(layout, &offsets) {
        return Ok(Chunks::Contiguous(offsets.first().copied().unwrap_or(0)));
    }
    Ok(Chunks::Listed { offsets, counts })
}

/// Whether uncompressed strips follow each other without a gap.
fn one_after_the_other(layout: &Layout, offsets: &[u64]) -> bool {
    // Rows of whole bytes; else the padding of each row would be the same, and this is still right.
    let Some(row_bytes) = layout.row_bytes(layout.width) else { return false };
    let (_, strips) = layout.grid();
    let Some(first) = offsets.first().copied().filter(|offset| *offset != 0) else { return false };
    let mut expected = Some(first);
    offsets.iter().enumerate().all(|(index, offset)| {
        let fits = expected == Some(*offset);
        let strip = index as u64 % strips;
        let rows = layout.chunk_height.min(layout.height - strip * layout.chunk_height);
        expected = row_bytes.checked_mul(rows).and_then(|bytes| offset.checked_add(bytes));
        fits
    })
}

/// Whether the samples of a page are whole bytes, so that an unbroken run of them is a stack of planes.
pub(crate) fn is_whole_bytes(stored: Stored) -> bool {
    stored.bits().is_multiple_of(8)
}
