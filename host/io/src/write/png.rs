//! PNG: one plane, or red, green and blue, for looking at.

use std::{io::BufWriter, path::Path};

use parfocal_image::{Axis, DType, PixelsRef};
use parfocal_types::error::{Error, Result};

use super::atomic::{PendingFile, store_error};

/// Writes one plane as a grey PNG, or three channels as a coloured one; `u8`, `u16` or mask (0 and 255).
///
/// The values are written as they are: nothing is stretched. PNG has no place for what an image is worth: channels,
/// calibration, class and conditions stay behind, use OME-TIFF for them.
///
/// # Errors
/// `not-supported` for other types, several planes or time points, or 2 or more than 3 channels; else what the store
/// says.
pub fn write_png(path: impl AsRef<Path>, pixels: &PixelsRef<'_>) -> Result<()> {
    let path = path.as_ref();
    let [t, c, z, height, width] = pixels.region().extent.0;
    let whole =
        |what: String| Error::not_supported(what).with_remedy("write it as `.ome.tif`, or choose one plane");
    if t != 1 || z != 1 {
        return Err(whole(format!("PNG of {t} time points and {z} planes")));
    }
    let color = match c {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => return Err(whole(format!("PNG of {c} channels"))),
    };
    let depth = match pixels.dtype() {
        DType::U8 | DType::Mask => png::BitDepth::Eight,
        DType::U16 => png::BitDepth::Sixteen,
        other => return Err(whole(format!("PNG of pixels of type {other}"))),
    };
    let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
        return Err(whole(format!("PNG of {width} x {height} pixels")));
    };
    let data = interleaved(pixels)?;
    let pending = PendingFile::create(path)?;
    let file = pending.file().try_clone().map_err(|error| store_error(error, path))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let encoded = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&data)?;
        writer.finish()
    });
    encoded.map_err(|error| match error {
        png::EncodingError::IoError(error) => store_error(error, path),
        other => Error::invalid_argument(format!("{} cannot be written: {other}", path.display())),
    })?;
    pending.appear()
}

/// The samples of each pixel together, 16 bits with the high byte first.
fn interleaved(pixels: &PixelsRef<'_>) -> Result<Vec<u8>> {
    let extent = pixels.region().extent;
    let count = extent.count().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let channels = usize::try_from(extent[Axis::C]).unwrap_or(1).max(1);
    let mask = pixels.dtype() == DType::Mask;
    let size = pixels.dtype().size();
    let mut data = vec![0; count * size];
    let mut put = |index: usize, bytes: &[u8]| {
        // Raster order of the view: channel, then row and column.
        let (channel, place) = (index / (count / channels), index % (count / channels));
        let at = (place * channels + channel) * size;
        data[at..at + size].copy_from_slice(bytes);
    };
    if size == 1 {
        let view = pixels.view::<u8>()?;
        view.rows().flatten().enumerate().for_each(|(index, value)| {
            put(index, &[if mask && *value != 0 { 255 } else { *value }]);
        });
    } else {
        let view = pixels.view::<u16>()?;
        view.rows().flatten().enumerate().for_each(|(index, value)| put(index, &value.to_be_bytes()));
    }
    Ok(data)
}
