//! JPEG strips and tiles: sequential, Huffman-coded, 8 bits (ITU-T T.81), the process of JPEG in TIFF (Technical
//! Note 2).
//!
//! T.81 leaves the last grey level open, so decoders differ by a few; the crates tried differed by up to 4 from what
//! everybody else reads. Pixels here are those of libjpeg with its default settings ("islow" transform, "fancy"
//! upsampling), bit for bit, because that is what tifffile, Bio-Formats and libtiff give.

mod entropy;
mod transform;
mod upsample;

use parfocal_types::error::{Error, Result};

use self::{
    entropy::{Bits, HuffmanTable},
    transform::inverse_dct,
    upsample::rows,
};
use crate::read::tiff::layout::{Layout, Photometric};

/// A block of 64 pixels takes at least one bit for its mean and one for its end.
const BLOCKS_A_BYTE: usize = 4;

/// Decodes a chunk of at least `rows` rows of `width` pixels; samples of a pixel lie together.
pub(super) fn decode(layout: &Layout, raw: &[u8], width: usize, rows: usize) -> Result<Vec<u8>> {
    let mut decoder = Decoder::default();
    if let Some(tables) = &layout.jpeg_tables {
        decoder.segments(tables, None)?;
    }
    let samples = usize::try_from(layout.chunk_samples()).unwrap_or(usize::MAX);
    decoder.segments(raw, Some(Expected { width, rows, samples }))?;
    let to_rgb = layout.photometric == Photometric::YCbCr && samples == 3;
    decoder.pixels(width, rows, to_rgb)
}

/// What the page says about the chunk.
#[derive(Clone, Copy)]
struct Expected {
    width: usize,
    rows: usize,
    samples: usize,
}

/// One component of the frame: luma, a chroma, or whatever a sample is.
struct Component {
    id: u8,
    horizontal: usize,
    vertical: usize,
    quantization: usize,
    /// Decoded samples, in whole blocks.
    plane: Vec<u8>,
    /// Blocks in a row of `plane`.
    blocks: usize,
    block_rows: usize,
    /// Samples that belong to the image.
    width: usize,
    height: usize,
    decoded: bool,
}

#[derive(Default)]
struct Decoder {
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<HuffmanTable>; 4],
    ac: [Option<HuffmanTable>; 4],
    restart_interval: usize,
    width: usize,
    height: usize,
    components: Vec<Component>,
}

fn bad(what: &str) -> Error {
    Error::corrupt(format!("JPEG: {what}"))
}

/// Reads a big-endian number of two bytes.
fn pair(bytes: &[u8], at: usize) -> Result<usize> {
    match bytes.get(at..at + 2) {
        Some([high, low]) => Ok(usize::from(*high) << 8 | usize::from(*low)),
        _ => Err(bad("a segment is cut short")),
    }
}

impl Decoder {
    /// Goes through the segments of a stream: tables only, or with a frame as expected.
    fn segments(&mut self, bytes: &[u8], expected: Option<Expected>) -> Result<()> {
        let mut rest = bytes.strip_prefix(&[0xFF, 0xD8]).ok_or_else(|| bad("it does not start with SOI"))?;
        loop {
            let Some((marker, tail)) = next_marker(rest) else {
                // Chunks whose end marker is missing are whole if every component came.
                return if expected.is_none() || self.is_complete() {
                    Ok(())
                } else {
                    Err(bad("it ends early"))
                };
            };
            if marker == 0xD9 {
                return Ok(());
            }
            let length = pair(tail, 0)?;
            let segment = tail.get(2..length).ok_or_else(|| bad("a segment is cut short"))?;
            rest = tail.get(length..).unwrap_or_default();
            match marker {
                0xDB => self.quantization_tables(segment)?,
                0xC4 => self.huffman_tables(segment)?,
                0xDD => self.restart_interval = pair(segment, 0)?,
                0xC0 | 0xC1 => self.frame(segment, expected, rest.len())?,
                0xC2 => return Err(Error::not_supported("progressive JPEG in TIFF")),
                0xC3 => return Err(Error::not_supported("lossless JPEG in TIFF")),
                0xC5..=0xCF => return Err(Error::not_supported("arithmetic or hierarchical JPEG in TIFF")),
                0xDA => {
                    let consumed = self.scan(segment, rest)?;
                    rest = rest.get(consumed..).unwrap_or_default();
                }
                // Application data and comments.
                _ => {}
            }
        }
    }

    fn is_complete(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|component| component.decoded)
    }

    fn quantization_tables(&mut self, mut segment: &[u8]) -> Result<()> {
        while let Some((&head, rest)) = segment.split_first() {
            let size = if head >> 4 == 0 { 1 } else { 2 };
            let values = rest.get(..64 * size).ok_or_else(|| bad("a quantization table is cut short"))?;
            let mut table = [0; 64];
            for (slot, value) in table.iter_mut().zip(values.chunks_exact(size)) {
                *slot = value.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte));
            }
            let slot = self.quantization.get_mut(usize::from(head & 15));
            *slot.ok_or_else(|| bad("a fifth quantization table"))? = Some(table);
            segment = rest.get(64 * size..).unwrap_or_default();
        }
        Ok(())
    }

    fn huffman_tables(&mut self, mut segment: &[u8]) -> Result<()> {
        while let Some((&head, rest)) = segment.split_first() {
            let (table, length) = HuffmanTable::read(rest)?;
            let tables = if head >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let slot = tables.get_mut(usize::from(head & 15));
            *slot.ok_or_else(|| bad("a fifth Huffman table"))? = Some(table);
            segment = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    fn frame(&mut self, segment: &[u8], expected: Option<Expected>, available: usize) -> Result<()> {
        let Some(expected) = expected else { return Err(bad("the shared tables have a frame")) };
        if !self.components.is_empty() {
            return Err(bad("it has two frames"));
        }
        let precision = segment.first().copied().unwrap_or(0);
        if precision != 8 {
            return Err(Error::not_supported(format!("JPEG of {precision} bits in TIFF")));
        }
        (self.height, self.width) = (pair(segment, 1)?, pair(segment, 3)?);
        let count = usize::from(segment.get(5).copied().unwrap_or(0));
        if self.width != expected.width || self.height < expected.rows || count != expected.samples {
            return Err(bad(&format!(
                "{} x {} pixels of {count} samples, its page has {} x {} of {}",
                self.width, self.height, expected.width, expected.rows, expected.samples
            )));
        }
        let blocks = self.width.div_ceil(8) * self.height.div_ceil(8);
        if blocks > available.saturating_mul(BLOCKS_A_BYTE) {
            return Err(bad(&format!("{available} bytes cannot hold {blocks} blocks")));
        }
        let described = segment.get(6..6 + 3 * count).ok_or_else(|| bad("the frame is cut short"))?;
        for entry in described.chunks_exact(3) {
            let &[id, sampling, quantization] = entry else { continue };
            let (horizontal, vertical) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) {
                return Err(bad("a sampling factor that does not exist"));
            }
            self.components.push(Component {
                id,
                horizontal,
                vertical,
                quantization: usize::from(quantization),
                plane: Vec::new(),
                blocks: 0,
                block_rows: 0,
                width: 0,
                height: 0,
                decoded: false,
            });
        }
        self.size_components()
    }

    /// Largest sampling factors of the frame.
    fn factors(&self) -> (usize, usize) {
        let of = |get: fn(&Component) -> usize| self.components.iter().map(get).max().unwrap_or(1);
        (of(|component| component.horizontal), of(|component| component.vertical))
    }

    fn size_components(&mut self) -> Result<()> {
        let (across, down) = self.factors();
        let (mcus, mcu_rows) = (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down));
        for component in &mut self.components {
            if across % component.horizontal != 0 || down % component.vertical != 0 {
                return Err(Error::not_supported("JPEG with fractional subsampling in TIFF"));
            }
            component.blocks = mcus * component.horizontal;
            component.block_rows = mcu_rows * component.vertical;
            component.width = (self.width * component.horizontal).div_ceil(across);
            component.height = (self.height * component.vertical).div_ceil(down);
            component.plane = vec![0; component.blocks * component.block_rows * 64];
        }
        Ok(())
    }

    /// Decodes one scan; gives the number of bytes that it took.
    fn scan(&mut self, segment: &[u8], data: &[u8]) -> Result<usize> {
        let count = usize::from(segment.first().copied().unwrap_or(0));
        let entries = segment.get(1..1 + 2 * count).ok_or_else(|| bad("a scan header is cut short"))?;
        let mut parts = Vec::new();
        for entry in entries.chunks_exact(2) {
            let &[id, tables] = entry else { continue };
            let index = self.components.iter().position(|component| component.id == id);
            let index = index.ok_or_else(|| bad("a scan of a component that the frame has not"))?;
            if parts.iter().any(|part: &ScanPart| part.component == index) {
                return Err(bad("a scan names a component twice"));
            }
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            parts.push(ScanPart { component: index, dc, ac, mean: 0 });
        }
        if parts.is_empty() {
            return Err(bad("a scan of nothing"));
        }
        let mut bits = Bits::new(data);
        let (across, down) = self.factors();
        let single = (parts.len() == 1).then(|| self.components.get(parts[0].component)).flatten();
        // One component alone comes block by block, several in units of the largest sampling factor.
        let (columns, lines) = match single {
            Some(component) => (component.width.div_ceil(8), component.height.div_ceil(8)),
            None => (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down)),
        };
        let alone = single.is_some();
        let mut until_restart = self.restart_interval;
        for line in 0..lines {
            for column in 0..columns {
                if self.restart_interval > 0 {
                    if until_restart == 0 {
                        bits.restart()?;
                        parts.iter_mut().for_each(|part| part.mean = 0);
                        until_restart = self.restart_interval;
                    }
                    until_restart -= 1;
                }
                for part in &mut parts {
                    self.unit(part, alone, column, line, &mut bits)?;
                }
            }
        }
        for part in &parts {
            if let Some(component) = self.components.get_mut(part.component) {
                component.decoded = true;
            }
        }
        Ok(bits.consumed())
    }

    /// Decodes the blocks of one component in one unit of a scan.
    fn unit(
        &mut self,
        part: &mut ScanPart,
        alone: bool,
        x: usize,
        y: usize,
        bits: &mut Bits<'_>,
    ) -> Result<()> {
        let (Some(Some(dc)), Some(Some(ac))) = (self.dc.get(part.dc), self.ac.get(part.ac)) else {
            return Err(bad("a Huffman table is missing"));
        };
        let component =
            self.components.get_mut(part.component).ok_or_else(|| bad("a component is missing"))?;
        let quantization = match self.quantization.get(component.quantization) {
            Some(Some(table)) => table,
            _ => return Err(bad("a quantization table is missing")),
        };
        let (across, down) = if alone { (1, 1) } else { (component.horizontal, component.vertical) };
        for v in 0..down {
            for h in 0..across {
                let block = bits.block(dc, ac, quantization, &mut part.mean)?;
                component.put(x * across + h, y * down + v, &inverse_dct(&block));
            }
        }
        Ok(())
    }

    /// The rows asked for, with samples side by side.
    fn pixels(&self, width: usize, count: usize, to_rgb: bool) -> Result<Vec<u8>> {
        if !self.is_complete() {
            return Err(bad("a component is missing"));
        }
        let (across, down) = self.factors();
        let samples = self.components.len();
        let mut out = vec![0; width * count * samples];
        let mut lines = vec![vec![0; self.width + 2 * across]; samples];
        for (y, pixels) in out.chunks_exact_mut((width * samples).max(1)).enumerate() {
            for (component, line) in self.components.iter().zip(&mut lines) {
                rows(component, y, across / component.horizontal, down / component.vertical, line);
            }
            upsample::interleave(&lines, pixels, to_rgb);
        }
        Ok(out)
    }
}

/// A component's part in a scan.
struct ScanPart {
    component: usize,
    dc: usize,
    ac: usize,
    /// The mean of the block before: means are coded as differences.
    mean: i32,
}

impl Component {
    /// Puts a block into the plane.
    fn put(&mut self, x: usize, y: usize, block: &[u8; 64]) {
        let stride = self.blocks * 8;
        let start = y * 8 * stride + x * 8;
        for (row, pixels) in block.chunks_exact(8).enumerate() {
            let at = start + row * stride;
            if let Some(target) = self.plane.get_mut(at..at + 8) {
                target.copy_from_slice(pixels);
            }
        }
    }

    /// A row of samples, those of the image only; rows outside are the nearest inside.
    fn row(&self, y: usize) -> &[u8] {
        let start = y.min(self.height.saturating_sub(1)) * self.blocks * 8;
        self.plane.get(start..start + self.width).unwrap_or_default()
    }
}

/// The next marker and what follows it; fill bytes are skipped.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let at = rest.iter().position(|byte| *byte == 0xFF)?;
        rest = rest.get(at + 1..)?;
        let (&marker, tail) = rest.split_first()?;
        match marker {
            0xFF | 0 | 0x01 | 0xD0..=0xD8 => {}
            _ => return Some((marker, tail)),
        }
    }
}
