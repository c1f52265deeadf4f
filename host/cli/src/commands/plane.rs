//! One plane as PNG, for looking at; what is lost on the way is said.

use std::path::Path;

use parfocal_core::ImageSource;
use parfocal_image::{Axis, Buffer, Channel, DType, Extent, ImageSpec, Pixel, PixelClass, Region};
use parfocal_io::write::write_png;
use parfocal_types::{Error, Result};

/// Red, green and blue, as the channels of a coloured image have them.
const RGB: [Option<[u8; 3]>; 3] = [Some([255, 0, 0]), Some([0, 255, 0]), Some([0, 0, 255])];

/// Writes one plane as PNG: of a stack the middle one, of several channels the first, of red, green and blue all three.
///
/// - Labels keep their numbers: 8 bits, or 16 where there is one above 255.
/// - Masks are 0 and 255.
/// - `u8` and `u16` stay as they are, unless `stretch` is asked for; else the range between the 0.1 and 99.9 percentiles
///   becomes 0 to 255.
///
/// Gives what a person who looks at the file should know, as sentences.
///
/// # Errors
/// `invalid-argument` for a plane that is not there, `not-supported` for labels above 65535; what source and store say.
pub(crate) fn put_plane(
    source: &dyn ImageSource,
    to: &Path,
    plane: Option<[u64; 3]>,
    stretch: bool,
) -> Result<Vec<String>> {
    let spec = source.spec();
    let mut notes = Vec::new();
    let pixels = read(source, plane, &mut notes)?;
    if holds_labels(spec) {
        write_labels(to, &pixels)?;
    } else if matches!(pixels.dtype(), DType::Mask) || (is_written_as_is(pixels.dtype()) && !stretch) {
        write_png(to, &pixels.pixels()?)?;
    } else {
        let values = numbers(&pixels)?;
        let (low, high) = percentiles(&values);
        let scale = if high > low { 255.0 / (high - low) } else { 0.0 };
        let bytes: Vec<u8> = values.iter().map(|value| u8::from_f64((value - low) * scale)).collect();
        write_png(to, &Buffer::from_slice(&bytes, *pixels.region())?.pixels()?)?;
        notes.push(format!(
            "the values are stretched for looking at: {} from {low} to {high} became 0 to 255; .ome.tif keeps them",
            pixels.dtype()
        ));
    }
    Ok(notes.into_iter().map(|note| format!("{}: {note}", to.display())).collect())
}

/// As [`put_plane`], with the notes on standard error.
pub(crate) fn write_plane(
    source: &dyn ImageSource,
    to: &Path,
    plane: Option<[u64; 3]>,
    stretch: bool,
) -> Result<()> {
    for note in put_plane(source, to, plane, stretch)? {
        eprintln!("note: {note}");
    }
    Ok(())
}

/// Whether pixels are numbers of objects, which nobody may stretch.
pub(super) fn holds_labels(spec: &ImageSpec) -> bool {
    spec.dtype == DType::U32 || spec.channels.iter().any(|channel| channel.class == PixelClass::Labels)
}

fn is_written_as_is(dtype: DType) -> bool {
    matches!(dtype, DType::U8 | DType::U16)
}

fn is_rgb(channels: &[Channel]) -> bool {
    matches!(channels.len(), 3 | 4) && channels.iter().zip(RGB).all(|(channel, color)| channel.color == color)
}

/// The pixels of the plane: one channel, or red, green and blue.
fn read(source: &dyn ImageSource, plane: Option<[u64; 3]>, notes: &mut Vec<String>) -> Result<Buffer> {
    let spec = source.spec();
    let [nt, nc, nz, height, width] = spec.extent.0;
    let [t, c, z] = plane.unwrap_or([0, 0, nz / 2]);
    if t >= nt || c >= nc || z >= nz {
        return Err(Error::invalid_argument(format!("there is no plane T{t} C{c} Z{z}"))
            .with_remedy(format!("the image has {}", spec.extent)));
    }
    let rgb = plane.is_none() && is_rgb(&spec.channels);
    if plane.is_none() {
        if nt > 1 || nz > 1 || (nc > 1 && !rgb) {
            let channel = if rgb { String::new() } else { format!(" C{c}") };
            notes.push(format!(
                "PNG holds one plane, T{t}{channel} Z{z} of the image of {}; .ome.tif holds all",
                spec.extent
            ));
        }
        if rgb && nc > 3 {
            notes.push("red, green and blue are written, the fourth channel is not".to_owned());
        }
    }
    let origin = [t, c, z].map(|index| i64::try_from(index).unwrap_or(i64::MAX));
    let one = Region::new([origin[0], origin[1], origin[2], 0, 0], Extent::plane(height, width));
    let region = if rgb { one.with(Axis::C, 0, 3) } else { one };
    let mut pixels = Buffer::zeroed(spec.dtype, region)?;
    source.read(&mut pixels.pixels_mut()?)?;
    Ok(pixels)
}

fn write_labels(to: &Path, pixels: &Buffer) -> Result<()> {
    let values = numbers(pixels)?;
    let whole = |value: &f64| (0.0..=65_535.0).contains(value) && value.fract() == 0.0;
    if let Some(other) = values.iter().find(|value| !whole(value)) {
        return Err(Error::not_supported(format!("the label {other} in a PNG, which ends at 65535"))
            .with_remedy("name an .ome.tif file: it holds labels of any number"));
    }
    let region = *pixels.region();
    if values.iter().all(|value| *value <= 255.0) {
        let bytes: Vec<u8> = values.iter().map(|value| u8::from_f64(*value)).collect();
        write_png(to, &Buffer::from_slice(&bytes, region)?.pixels()?)
    } else {
        let words: Vec<u16> = values.iter().map(|value| u16::from_f64(*value)).collect();
        write_png(to, &Buffer::from_slice(&words, region)?.pixels()?)
    }
}

/// The pixels as numbers, in raster order.
pub(super) fn numbers(pixels: &Buffer) -> Result<Vec<f64>> {
    fn all<T: Pixel>(pixels: &Buffer) -> Result<Vec<f64>> {
        Ok(pixels.as_slice::<T>()?.iter().map(|pixel| pixel.to_f64()).collect())
    }
    match pixels.dtype() {
        DType::U8 | DType::Mask => all::<u8>(pixels),
        DType::I8 => all::<i8>(pixels),
        DType::U16 => all::<u16>(pixels),
        DType::I16 => all::<i16>(pixels),
        DType::U32 => all::<u32>(pixels),
        DType::F32 => all::<f32>(pixels),
    }
}

fn percentiles(values: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(index).copied().unwrap_or(0.0)
    };
    (at(0.001), at(0.999))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use parfocal_core::image::MemoryImage;
    use parfocal_image::{Finder, LabelOrigin};
    use parfocal_io::source;

    use super::*;

    /// Writes an image as a run does (stretched, unless it may not be) and reads it back.
    fn round<T: Pixel>(
        extent: Extent,
        values: &[T],
        set: impl Fn(&mut ImageSpec),
    ) -> Result<(Buffer, Vec<String>)> {
        let pixels = Buffer::from_slice(values, Region::whole(extent))?;
        let mut spec = ImageSpec::new(extent, pixels.dtype());
        set(&mut spec);
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("p.png");
        let notes = put_plane(&MemoryImage::new(spec, pixels)?, &to, None, true)?;
        let read = MemoryImage::read(&*source::open_one(&to)?)?;
        Ok((read.pixels().clone(), notes))
    }

    fn labels(spec: &mut ImageSpec) {
        let origin = LabelOrigin { basis: PixelClass::Unknown, finder: Finder::Manual };
        for channel in &mut spec.channels {
            channel.class = PixelClass::Labels;
            channel.labels = Some(origin.clone());
        }
    }

    #[test]
    fn labels_keep_their_numbers() {
        let plane = Extent::plane(1, 3);
        let (few, notes) = round(plane, &[0_u32, 7, 255], labels).unwrap();
        assert_eq!((few.as_slice::<u8>().unwrap(), notes.len()), (&[0, 7, 255][..], 0));
        let (many, notes) = round(plane, &[0_u32, 7, 65_535], labels).unwrap();
        assert_eq!((many.as_slice::<u16>().unwrap(), notes.len()), (&[0, 7, 65_535][..], 0));
        let (small, _) = round(plane, &[0_u16, 1, 300], labels).unwrap();
        assert_eq!(small.as_slice::<u16>().unwrap(), [0, 1, 300]);
        let error = round(plane, &[0_u32, 7, 65_536], labels).unwrap_err();
        assert_eq!(error.kind().name(), "not-supported");
        assert!(error.remedy().unwrap().contains(".ome.tif"));
    }

    #[test]
    fn colours_stay_colours() {
        let extent = Extent::new(1, 4, 1, 1, 2);
        let (read, notes) = round(extent, &[1_u8, 2, 3, 4, 5, 6, 7, 8], |spec| {
            spec.channels = parfocal_io::ome::sample_channels(&Channel::default(), 4);
        })
        .unwrap();
        assert_eq!(read.region().extent, Extent::new(1, 3, 1, 1, 2));
        // Stretched together: the smallest of all is 0, the largest of all 255.
        assert_eq!(read.as_slice::<u8>().unwrap(), [0, 51, 102, 153, 204, 255]);
        assert!(notes.iter().any(|note| note.contains("fourth channel")), "{notes:?}");
    }

    #[test]
    fn a_plane_of_many_is_named_and_so_is_the_range() {
        let extent = Extent::new(1, 2, 3, 1, 2);
        let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
        let (read, notes) = round(extent, &values, |_| {}).unwrap();
        assert_eq!(read.as_slice::<u8>().unwrap(), [0, 255]);
        assert!(notes[0].contains("T0 C0 Z1"), "{notes:?}");
        assert!(notes[1].contains("from 2 to 3"), "{notes:?}");
    }

    #[test]
    fn a_mask_is_black_and_white_also_where_it_is_all_white() {
        let plane = Extent::plane(1, 2);
        let mut pixels = Buffer::zeroed(DType::Mask, Region::whole(plane)).unwrap();
        pixels.bytes_mut().fill(1);
        let image = MemoryImage::new(ImageSpec::new(plane, DType::Mask), pixels).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("m.png");
        assert!(put_plane(&image, &to, None, true).unwrap().is_empty());
        let read = MemoryImage::read(&*source::open_one(&to).unwrap()).unwrap();
        assert_eq!(read.pixels().as_slice::<u8>().unwrap(), [255, 255]);
    }
}
