//! What the tags of a page say about its pixels, checked once so that the rest can rely on it.

use std::sync::Arc;

use parfocal_image::DType;
use parfocal_types::error::{Error, Result};

use super::directory::{ByteOrder, Directories, Directory, tag};

/// Width or height beyond this is damage or not for us: positions stay far from overflow.
const MAX_SIDE: u64 = 1 << 31;

/// Samples of a pixel (channels stored together); spectral images have hundreds.
const MAX_SAMPLES: u64 = 4096;

/// Decoded bytes of one compressed strip or tile. Larger ones cannot be read in pieces.
const MAX_CHUNK_BYTES: u64 = 512 << 20;

/// How a chunk is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Compression {
    None,
    /// CCITT modified Huffman (compression 2).
    Huffman,
    /// CCITT T.4 (compression 3), one- or two-dimensional.
    Group3 {
        two_dimensional: bool,
    },
    /// CCITT T.6 (compression 4).
    Group4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
    Zstd,
}

/// How neighbours were subtracted before compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Predictor {
    None,
    /// Predictor 2: from the pixel to the left.
    Horizontal,
    /// Predictor 3: the same on bytes sorted by significance.
    Float,
}

/// A sample as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stored {
    /// Unsigned, this many bits.
    Unsigned(u32),
    /// Signed: 8, 16, 32 or 64 bits.
    Signed(u32),
    /// Floating point: 16, 24, 32 or 64 bits.
    Float(u32),
}

impl Stored {
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Unsigned(bits) | Self::Signed(bits) | Self::Float(bits) => bits,
        }
    }

    /// The type of the pixels that it becomes: the documented widening (`docs/formats.md`).
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::Unsigned(1) => DType::Mask,
            Self::Unsigned(..=8) => DType::U8,
            Self::Unsigned(..=16) => DType::U16,
            Self::Signed(8) => DType::I8,
            Self::Signed(16) => DType::I16,
            Self::Unsigned(_) | Self::Signed(_) => DType::U32,
            Self::Float(_) => DType::F32,
        }
    }

    /// Bits that values use in [`dtype`](Self::dtype).
    pub(crate) fn significant_bits(self) -> u32 {
        match self {
            Self::Unsigned(bits) => bits.min(32),
            _ => self.dtype().bits(),
        }
    }
}

/// What colours mean, as far as decoding depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Photometric {
    MinIsWhite,
    MinIsBlack,
    Rgb,
    Palette,
    Separated,
    YCbCr,
    /// Anything else: samples are taken as they are.
    Other(u16),
}

/// Size, type and storage of the pixels of a page. Equal for the pages of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// Samples of a pixel.
    pub(crate) samples: u64,
    pub(crate) stored: Stored,
    /// Samples lie in planes of their own.
    pub(crate) planar: bool,
    pub(crate) photometric: Photometric,
    pub(crate) compression: Compression,
    pub(crate) predictor: Predictor,
    pub(crate) order: ByteOrder,
    /// The lowest bit of a byte comes first.
    pub(crate) reversed_bits: bool,
    pub(crate) tiled: bool,
    /// Width of a tile, or of the image for strips.
    pub(crate) chunk_width: u64,
    /// Height of a tile or strip.
    pub(crate) chunk_height: u64,
    /// Tables that the JPEG chunks share.
    pub(crate) jpeg_tables: Option<Arc<[u8]>>,
}

impl Layout {
    /// What `directory` says.
    ///
    /// # Errors
    /// `not-supported` with the name of the feature; `corrupt` for numbers that cannot be.
    pub(crate) fn of(directory: &Directory, source: &mut Directories<'_>) -> Result<Self> {
        let width = side(directory, source, tag::IMAGE_WIDTH, "width")?;
        let height = side(directory, source, tag::IMAGE_LENGTH, "height")?;
        let samples = directory.number(source, tag::SAMPLES_PER_PIXEL, 1)?;
        if samples == 0 || samples > MAX_SAMPLES {
            return Err(Error::corrupt(format!("a page claims {samples} samples a pixel")));
        }
        let stored = stored(directory, source, samples)?;
        let compression = compression(directory, source)?;
        let photometric = photometric(directory.number(source, tag::PHOTOMETRIC, 1)?);
        let predictor = match directory.number(source, tag::PREDICTOR, 1)? {
            1 => Predictor::None,
            2 => Predictor::Horizontal,
            3 => Predictor::Float,
            other => return Err(Error::not_supported(format!("TIFF predictor {other}"))),
        };
        let tiled = directory.has(tag::TILE_WIDTH) || directory.has(tag::TILE_OFFSETS);
        let (chunk_width, chunk_height) = if tiled {
            (
                side(directory, source, tag::TILE_WIDTH, "tile width")?,
                side(directory, source, tag::TILE_LENGTH, "tile height")?,
            )
        } else {
            // Absent or the largest number: one strip holds everything.
            let rows = directory.number(source, tag::ROWS_PER_STRIP, u64::from(u32::MAX))?;
            (width, rows.clamp(1, height))
        };
        let layout = Self {
            width,
            height,
            samples,
            stored,
            planar: samples > 1 && directory.number(source, tag::PLANAR_CONFIGURATION, 1)? == 2,
            photometric,
            compression,
            // Predictors belong to compressions that can use them; others leave the tag without meaning.
            predictor,
            order: source.order(),
            reversed_bits: directory.number(source, tag::FILL_ORDER, 1)? == 2,
            tiled,
            chunk_width,
            chunk_height,
            jpeg_tables: directory.bytes(source, tag::JPEG_TABLES)?.map(Arc::from),
        };
        layout.check(directory, source)?;
        Ok(layout)
    }

    fn check(&self, directory: &Directory, source: &mut Directories<'_>) -> Result<()> {
        if matches!(self.compression, Compression::Huffman | Compression::Group3 { .. } | Compression::Group4)
            && (self.stored != Stored::Unsigned(1) || self.samples != 1)
        {
            return Err(Error::corrupt("fax compression of pixels that are not one bit"));
        }
        if self.compression == Compression::Jpeg && self.stored != Stored::Unsigned(8) {
            return Err(Error::not_supported(format!("JPEG of {} bits in TIFF", self.stored.bits())));
        }
        if self.photometric == Photometric::YCbCr && self.compression != Compression::Jpeg {
            let subsampling =
                directory.numbers(source, tag::YCBCR_SUBSAMPLING)?.unwrap_or_else(|| vec![2, 2]);
            if subsampling != [1, 1] {
                return Err(Error::not_supported("subsampled YCbCr without JPEG in TIFF"));
            }
        }
        match self.predictor {
            Predictor::Float if !matches!(self.stored, Stored::Float(_)) => {
                return Err(Error::not_supported("TIFF predictor 3 on whole numbers"));
            }
            Predictor::Horizontal if self.stored == Stored::Float(24) => {
                return Err(Error::not_supported("TIFF predictor 2 on 24-bit floating point"));
            }
            _ => {}
        }
        let bytes = self.chunk_bytes();
        if self.compression != Compression::None || self.tiled {
            let too_large = bytes.is_none_or(|bytes| bytes > MAX_CHUNK_BYTES);
            if too_large {
                return Err(Error::not_supported(format!(
                    "a compressed strip or tile of {} x {} pixels",
                    self.chunk_width, self.chunk_height
                ))
                .with_remedy("write the image again with smaller strips or tiles"));
            }
        }
        Ok(())
    }

    /// Samples of a pixel within one chunk.
    pub(crate) fn chunk_samples(&self) -> u64 {
        if self.planar { 1 } else { self.samples }
    }

    /// Bytes of `width` pixels of a chunk as stored, rows padded to whole bytes.
    pub(crate) fn row_bytes(&self, width: u64) -> Option<u64> {
        let bits = width.checked_mul(self.chunk_samples())?.checked_mul(u64::from(self.stored.bits()))?;
        Some(bits.div_ceil(8))
    }

    /// Bytes of a whole chunk as stored, before compression.
    pub(crate) fn chunk_bytes(&self) -> Option<u64> {
        self.row_bytes(self.chunk_width)?.checked_mul(self.chunk_height)
    }

    /// Bytes of a whole plane (all samples) as stored without compression and padding between strips.
    pub(crate) fn plane_bytes(&self) -> Option<u64> {
        let planes = if self.planar { self.samples } else { 1 };
        self.row_bytes(self.width)?.checked_mul(self.height)?.checked_mul(planes)
    }

    /// Chunks along X and Y.
    pub(crate) fn grid(&self) -> (u64, u64) {
        (self.width.div_ceil(self.chunk_width), self.height.div_ceil(self.chunk_height))
    }

    /// Number of chunks of the page.
    pub(crate) fn chunk_count(&self) -> Option<u64> {
        let (columns, rows) = self.grid();
        let planes = if self.planar { self.samples } else { 1 };
        columns.checked_mul(rows)?.checked_mul(planes)
    }
}

fn side(directory: &Directory, source: &mut Directories<'_>, tag: u16, name: &str) -> Result<u64> {
    match directory.number(source, tag, 0)? {
        0 => Err(Error::corrupt(format!("a page has no {name}"))),
        side if side > MAX_SIDE => Err(Error::corrupt(format!("a page claims a {name} of {side} pixels"))),
        side => Ok(side),
    }
}

/// One number that all samples share.
fn shared(values: Option<Vec<u64>>, samples: u64, default: u64, what: &str) -> Result<u64> {
    let Some(values) = values else { return Ok(default) };
    let first = values.first().copied().unwrap_or(default);
    if values.iter().take(usize::try_from(samples).unwrap_or(usize::MAX)).any(|value| *value != first) {
        return Err(Error::not_supported(format!("TIFF samples of different {what}: {values:?}")));
    }
    Ok(first)
}

fn stored(directory: &Directory, source: &mut Directories<'_>, samples: u64) -> Result<Stored> {
    let bits = shared(directory.numbers(source, tag::BITS_PER_SAMPLE)?, samples, 1, "bit depths")?;
    let format = shared(directory.numbers(source, tag::SAMPLE_FORMAT)?, samples, 1, "formats")?;
    let bits = u32::try_from(bits).unwrap_or(u32::MAX);
    match (format, bits) {
        (_, 0) => Err(Error::corrupt("a page claims samples of 0 bits")),
        // 4 is "undefined", which every reader takes as unsigned.
        (1 | 4, 1..=32 | 64) => Ok(Stored::Unsigned(bits)),
        (2, 8 | 16 | 32 | 64) => Ok(Stored::Signed(bits)),
        (3, 16 | 24 | 32 | 64) => Ok(Stored::Float(bits)),
        (1 | 4, _) => Err(Error::not_supported(format!("{bits}-bit unsigned samples in TIFF"))),
        (2, _) => Err(Error::not_supported(format!("{bits}-bit signed samples in TIFF"))),
        (3, _) => Err(Error::not_supported(format!("{bits}-bit floating point samples in TIFF"))),
        (5 | 6, _) => Err(Error::not_supported("complex samples in TIFF")),
        (other, _) => Err(Error::corrupt(format!("sample format {other} does not exist"))),
    }
}

fn photometric(code: u64) -> Photometric {
    match code {
        0 => Photometric::MinIsWhite,
        1 => Photometric::MinIsBlack,
        2 => Photometric::Rgb,
        3 => Photometric::Palette,
        5 => Photometric::Separated,
        6 => Photometric::YCbCr,
        other => Photometric::Other(u16::try_from(other).unwrap_or(u16::MAX)),
    }
}

fn compression(directory: &Directory, source: &mut Directories<'_>) -> Result<Compression> {
    Ok(match directory.number(source, tag::COMPRESSION, 1)? {
        1 => Compression::None,
        2 => Compression::Huffman,
        3 => {
            let options = directory.number(source, tag::T4_OPTIONS, 0)?;
            if options & 2 != 0 {
                return Err(Error::not_supported("uncompressed mode of CCITT T.4 in TIFF"));
            }
            Compression::Group3 { two_dimensional: options & 1 != 0 }
        }
        4 => Compression::Group4,
        5 => Compression::Lzw,
        7 => Compression::Jpeg,
        8 | 32_946 => Compression::Deflate,
        32_773 => Compression::PackBits,
        // 34926 was the number before 50000 was assigned.
        50_000 | 34_926 => Compression::Zstd,
        other => {
            let name = match other {
                6 => "old-style JPEG",
                9 | 10 => "JBIG",
                32_766 => "NeXT",
                32_771 => "CCITT run length with word alignment",
                32_809 => "ThunderScan",
                33_003 | 33_005 | 34_712 => "JPEG 2000",
                34_661 => "JBIG",
                34_676 | 34_677 => "SGI LogLuv",
                34_887 => "LERC",
                34_892 => "lossy JPEG (DNG)",
                34_925 => "LZMA",
                34_934 | 22_610 => "JPEG XR",
                50_001 => "WebP",
                50_002 | 52_546 => "JPEG XL",
                _ => "",
            };
            let what = if name.is_empty() {
                format!("TIFF compression {other}")
            } else {
                format!("{name} compression in TIFF")
            };
            return Err(Error::not_supported(what).with_remedy(
                "convert the file to deflate or LZW compression, for example with tiffcp -c zip",
            ));
        }
    })
}
