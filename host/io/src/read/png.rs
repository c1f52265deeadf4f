//! PNG: decoded whole when its pixels are asked for, because the format has no pieces.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use parfocal_core::ImageSource;
use parfocal_image::{
    Axis, Channel, DType, Extent, ImageSpec, PixelsMut, PixelsRef, Region, view::dense_strides,
};
use parfocal_types::error::{Error, Result};
use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::{
    bytes::FileBytes,
    cache::{CACHE_BYTES, Cache},
    tiff::check_request,
};
use crate::ome;

/// Decoded bytes of one PNG; it cannot be read in pieces.
const MAX_BYTES: usize = 512 << 20;

/// An image of a PNG file.
pub(crate) struct PngImage {
    path: PathBuf,
    bytes: FileBytes,
    spec: ImageSpec,
    cache: Cache<()>,
}

/// What a pixel is after palettes became colours.
#[derive(Clone, Copy)]
struct Shape {
    width: u32,
    height: u32,
    samples: usize,
    bits: usize,
}

impl PngImage {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let bytes = FileBytes::open(path)?;
        let data = bytes.read(0, bytes.len())?;
        let shape =
            Reader::new(&data).map_err(|error| error.context(format!("reading {}", path.display())))?.1;
        let dtype = match shape.bits {
            1 => DType::Mask,
            16 => DType::U16,
            _ => DType::U8,
        };
        let extent = Extent::new(1, shape.samples as u64, 1, u64::from(shape.height), u64::from(shape.width));
        let mut spec = ImageSpec::new(extent, dtype);
        spec.significant_bits = shape.bits as u32;
        if shape.samples >= 3 {
            spec.channels = ome::sample_channels(&Channel::default(), shape.samples as u64);
        } else if let [_, opacity] = spec.channels.as_mut_slice() {
            opacity.name = "opacity".to_owned();
        }
        Ok(Self { path: path.to_owned(), bytes, spec, cache: Cache::new(CACHE_BYTES) })
    }

    /// All pixels, one plane for each channel.
    fn decode(&self) -> Result<Vec<u8>> {
        let data = self.bytes.read(0, self.bytes.len())?;
        let (mut reader, shape) = Reader::new(&data)?;
        let size = reader.0.output_buffer_size().filter(|size| *size <= MAX_BYTES).ok_or_else(too_large)?;
        let mut raw = vec![0; size];
        let frame = reader.0.next_frame(&mut raw).map_err(|error| broken(&error))?;
        let line = frame.line_size;
        let row = shape.width as usize * shape.samples;
        let mut planes = vec![0; row * shape.height as usize * self.spec.dtype.size()];
        let lines = raw.chunks_exact(line.max(1)).take(shape.height as usize);
        for (y, line) in lines.enumerate() {
            for sample in 0..shape.samples {
                let start =
                    (sample * shape.height as usize + y) * shape.width as usize * self.spec.dtype.size();
                let plane = planes.get_mut(start..).unwrap_or_default();
                copy_samples(line, shape, sample, plane);
            }
        }
        Ok(planes)
    }
}

/// One sample of each pixel of a line, in the machine's order; narrow samples keep their values.
fn copy_samples(line: &[u8], shape: Shape, sample: usize, out: &mut [u8]) {
    let width = shape.width as usize;
    match shape.bits {
        16 => {
            let pixels = line.chunks_exact(2).skip(sample).step_by(shape.samples);
            for (to, from) in out.chunks_exact_mut(2).zip(pixels).take(width) {
                to.copy_from_slice(from);
                if cfg!(target_endian = "little") {
                    to.reverse();
                }
            }
        }
        8 => {
            for (to, from) in out.iter_mut().zip(line.iter().skip(sample).step_by(shape.samples)).take(width)
            {
                *to = *from;
            }
        }
        bits => {
            let mask = (1_u16 << bits) as u8 - 1;
            for (x, to) in out.iter_mut().take(width).enumerate() {
                let at = x * bits;
                let byte = line.get(at / 8).copied().unwrap_or(0);
                *to = byte >> (8 - bits - at % 8) & mask;
            }
        }
    }
}

struct Reader<'a>(png::Reader<Cursor<&'a [u8]>>);

impl<'a> Reader<'a> {
    fn new(data: &'a [u8]) -> Result<(Self, Shape)> {
        let mut decoder = Decoder::new_with_limits(Cursor::new(data), Limits { bytes: MAX_BYTES });
        let indexed =
            decoder.read_header_info().map_err(|error| broken(&error))?.color_type == ColorType::Indexed;
        // Only palettes are turned into colours: grey of few bits keeps its values.
        decoder.set_transformations(if indexed {
            Transformations::EXPAND
        } else {
            Transformations::IDENTITY
        });
        let reader = decoder.read_info().map_err(|error| broken(&error))?;
        let (color, depth) = reader.output_color_type();
        let bits = match depth {
            BitDepth::One => 1,
            BitDepth::Two => 2,
            BitDepth::Four => 4,
            BitDepth::Eight => 8,
            BitDepth::Sixteen => 16,
        };
        let info = reader.info();
        if info.animation_control.is_some_and(|animation| animation.num_frames > 1) {
            return Err(Error::not_supported("animated PNG"));
        }
        let shape = Shape { width: info.width, height: info.height, samples: color.samples(), bits };
        if reader.output_buffer_size().is_none_or(|size| size > MAX_BYTES) {
            return Err(too_large());
        }
        Ok((Self(reader), shape))
    }
}

fn too_large() -> Error {
    Error::not_supported(format!("PNG of more than {} MiB of pixels", MAX_BYTES >> 20))
        .with_remedy("save it as a tiled TIFF")
}

fn broken(error: &png::DecodingError) -> Error {
    match error {
        png::DecodingError::LimitsExceeded => too_large(),
        other => Error::corrupt(format!("PNG: {other}")),
    }
}

impl ImageSource for PngImage {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn chunk(&self) -> Extent {
        Extent::plane(self.spec.extent[Axis::Y], self.spec.extent[Axis::X])
    }

    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()> {
        check_request(&self.spec, out)?;
        if out.region().extent.is_empty() {
            return Ok(());
        }
        let pixels = self
            .cache
            .get((), || self.decode())
            .map_err(|error| error.context(format!("reading {}", self.path.display())))?;
        copy_box(&self.spec, &pixels, out)
    }
}

/// Copies the box of `out` from the pixels of a whole image, row by row as bytes.
fn copy_box(spec: &ImageSpec, pixels: &[u8], out: &mut PixelsMut<'_>) -> Result<()> {
    let strides = dense_strides(&spec.extent)?;
    let source = PixelsRef::new(spec.dtype, pixels, Region::whole(spec.extent), strides)?;
    let size = spec.dtype.size();
    let region = *out.region();
    let to_strides = *out.strides();
    let [_, channels, _, rows, width] = region.extent.0.map(|n| usize::try_from(n).unwrap_or(0));
    let origin = region.origin.map(|n| usize::try_from(n).unwrap_or(0));
    for c in 0..channels {
        for y in 0..rows {
            let from = (origin[1] + c) * strides[1] + (origin[3] + y) * strides[3] + origin[4];
            let to = c * to_strides[1] + y * to_strides[3];
            let line = source.bytes().get(from * size..).and_then(|rest| rest.get(..width * size));
            let place = out.bytes_mut().get_mut(to * size..).and_then(|rest| rest.get_mut(..width * size));
            let (Some(line), Some(place)) = (line, place) else {
                return Err(Error::internal("a box of a PNG lies outside it"));
            };
            place.copy_from_slice(line);
        }
    }
    Ok(())
}
