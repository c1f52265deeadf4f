//! `parfocal image`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use parfocal_core::ImageSource;
use parfocal_image::{Axis, Buffer, Channel, DType, Extent, ImageSpec, Pixel, Region};
use parfocal_io::{
    read::ImageFile,
    write::{OmeTiffOptions, OmeTiffWriter, write_png},
};
use parfocal_types::{Error, Result};
use serde::Serialize;

use super::make::make;
use crate::{args::Image, interrupt, output::Output};

pub(crate) fn command(output: &Output, command: &Image) -> Result<ExitCode> {
    match command {
        Image::Info { files } => info(output, files),
        Image::Convert { from, to, series, plane, stretch } => {
            convert(output, &ImageFile::open(from)?.source(*series)?, to, *plane, *stretch)
        }
        Image::Compare { first, second, tolerance } => compare(output, first, second, *tolerance),
        Image::Make { to, width, height, seed } => {
            make(to, [*height, *width], *seed)?;
            output.text(to.display());
            output.document(&Written { written: to.clone() })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[derive(Debug, Serialize)]
struct FileReport {
    file: PathBuf,
    format: String,
    notes: Vec<String>,
    images: Vec<SeriesReport>,
}

#[derive(Debug, Serialize)]
struct SeriesReport {
    levels: usize,
    #[serde(flatten)]
    spec: ImageSpec,
}

fn info(output: &Output, files: &[PathBuf]) -> Result<ExitCode> {
    let mut reports = Vec::new();
    let mut failed = false;
    for path in files {
        match describe(path) {
            Ok(report) => {
                show(output, &report);
                reports.push(report);
            }
            Err(error) => {
                failed = true;
                output.warning(&error);
            }
        }
    }
    output.document(&reports)?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn describe(path: &Path) -> Result<FileReport> {
    let file = ImageFile::open(path)?;
    let images = (0..file.series_count())
        .map(|index| {
            Ok(SeriesReport { levels: file.level_count(index), spec: file.source(index)?.spec().clone() })
        })
        .collect::<Result<_>>()?;
    let format = file.format().to_string();
    Ok(FileReport { file: path.to_owned(), format, notes: file.notes().to_vec(), images })
}

fn show(output: &Output, report: &FileReport) {
    output.text(format!("{}  {}", report.file.display(), report.format));
    for note in &report.notes {
        output.text(format!("  note: {note}"));
    }
    for (index, image) in report.images.iter().enumerate() {
        let spec = &image.spec;
        let name = if spec.name.is_empty() { String::new() } else { format!(" `{}`", spec.name) };
        let pyramid = if image.levels > 1 { format!(", {} levels", image.levels) } else { String::new() };
        output.text(format!(
            "  image {index}{name}: {}, {} ({} bits){pyramid}",
            spec.extent, spec.dtype, spec.significant_bits
        ));
        output.text(format!("    pixel size  {}", pixel_size(spec)));
        if let Some(increment) = spec.time_increment {
            output.text(format!("    every       {increment}"));
        }
        for (number, channel) in spec.channels.iter().enumerate() {
            output.text(format!("    channel {number}   {}", channel_line(channel)));
        }
    }
}

fn pixel_size(spec: &ImageSpec) -> String {
    let sizes = [("x", spec.pixel_size.x), ("y", spec.pixel_size.y), ("z", spec.pixel_size.z)];
    let known: Vec<_> =
        sizes.iter().filter_map(|(axis, size)| size.map(|size| format!("{axis} {size}"))).collect();
    if known.is_empty() { "unknown".into() } else { known.join(", ") }
}

fn channel_line(channel: &Channel) -> String {
    let mut parts = Vec::new();
    if !channel.name.is_empty() {
        parts.push(format!("`{}`", channel.name));
    }
    parts.push(channel.class.to_string());
    parts.push(format!("supports {}", channel.supports));
    if let Some(excitation) = channel.excitation {
        parts.push(format!("excitation {excitation}"));
    }
    if let Some(emission) = channel.emission {
        parts.push(format!("emission {emission}"));
    }
    if let Some(exposure) = channel.conditions.exposure {
        parts.push(format!("exposure {exposure}"));
    }
    if let Some(dose) = channel.conditions.dose {
        parts.push(format!("dose {dose}"));
    }
    parts.join(", ")
}

#[derive(Debug, Serialize)]
struct Written {
    written: PathBuf,
}

fn convert(
    output: &Output,
    source: &std::sync::Arc<dyn ImageSource>,
    to: &Path,
    plane: Option<[u64; 3]>,
    stretch: bool,
) -> Result<ExitCode> {
    let name = to.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if name.ends_with(".png") {
        write_plane(&**source, to, plane, stretch)?;
    } else if [".tif", ".tiff", ".btf"].iter().any(|ending| name.ends_with(ending)) {
        let cancel = interrupt::token();
        let sink = OmeTiffWriter::create(to, source.spec(), &OmeTiffOptions::default())?;
        for region in grid(&source.spec().extent, &sink.tile()) {
            interrupt::proceed(&cancel)?;
            let mut pixels = Buffer::zeroed(source.spec().dtype, region)?;
            source.read(&mut pixels.pixels_mut()?)?;
            sink.write(&pixels.pixels()?)?;
        }
        sink.finish()?;
    } else {
        return Err(Error::not_supported(format!("writing {}", to.display()))
            .with_remedy("end the name in .ome.tif, .tif or .png"));
    }
    output.text(to.display());
    output.document(&Written { written: to.to_owned() })?;
    Ok(ExitCode::SUCCESS)
}

/// The boxes of a grid over an image, in raster order.
pub(super) fn grid(extent: &Extent, tile: &Extent) -> Vec<Region> {
    let mut regions = vec![Region::whole(Extent::default())];
    for axis in Axis::ALL {
        let step = tile[axis].max(1);
        let starts = || (0..extent[axis]).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        regions = regions
            .iter()
            .flat_map(|region| {
                starts().map(move |start| {
                    region.with(
                        axis,
                        i64::try_from(start).unwrap_or(i64::MAX),
                        step.min(extent[axis] - start),
                    )
                })
            })
            .collect();
    }
    regions
}

/// Writes one plane as PNG; with `stretch`, the range between the 0.1 and 99.9 percentiles becomes 0 to 255.
pub(crate) fn write_plane(
    source: &dyn ImageSource,
    to: &Path,
    plane: Option<[u64; 3]>,
    stretch: bool,
) -> Result<()> {
    let [nt, nc, nz, height, width] = source.spec().extent.0;
    let [t, c, z] = plane.unwrap_or([0, 0, nz / 2]);
    if t >= nt || c >= nc || z >= nz {
        return Err(Error::invalid_argument(format!("there is no plane T{t} C{c} Z{z}"))
            .with_remedy(format!("the image has {}", source.spec().extent)));
    }
    let origin = [t, c, z].map(|index| i64::try_from(index).unwrap_or(i64::MAX));
    let region = Region::new([origin[0], origin[1], origin[2], 0, 0], Extent::plane(height, width));
    let mut pixels = Buffer::zeroed(source.spec().dtype, region)?;
    source.read(&mut pixels.pixels_mut()?)?;
    let fits = matches!(pixels.dtype(), DType::U8 | DType::U16);
    if fits && !stretch {
        return write_png(to, &pixels.pixels()?);
    }
    let values = numbers(&pixels)?;
    let (low, high) = percentiles(&values);
    let scale = if high > low { 255.0 / (high - low) } else { 0.0 };
    let bytes: Vec<u8> = values.iter().map(|value| u8::from_f64((value - low) * scale)).collect();
    write_png(to, &Buffer::from_slice(&bytes, region)?.pixels()?)
}

fn numbers(pixels: &Buffer) -> Result<Vec<f64>> {
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

#[derive(Debug, Serialize)]
struct Comparison {
    equal: bool,
    different_pixels: u64,
    pixels: u64,
    largest_difference: f64,
    mean_difference: f64,
}

fn compare(output: &Output, first: &Path, second: &Path, tolerance: f64) -> Result<ExitCode> {
    let (a, b) = (ImageFile::open(first)?.source(0)?, ImageFile::open(second)?.source(0)?);
    if a.spec().extent != b.spec().extent {
        return Err(Error::invalid_argument(format!(
            "{} is {}, {} is {}: images of different size cannot be compared",
            first.display(),
            a.spec().extent,
            second.display(),
            b.spec().extent
        )));
    }
    let mut found = Comparison {
        equal: true,
        different_pixels: 0,
        pixels: 0,
        largest_difference: 0.0,
        mean_difference: 0.0,
    };
    for region in grid(&a.spec().extent, &Extent::plane(512, 2048)) {
        let read = |source: &dyn ImageSource| -> Result<Vec<f64>> {
            let mut pixels = Buffer::zeroed(source.spec().dtype, region)?;
            source.read(&mut pixels.pixels_mut()?)?;
            numbers(&pixels)
        };
        for (x, y) in read(&*a)?.into_iter().zip(read(&*b)?) {
            // Not a number equals not a number: both images say "undefined" there.
            let difference = if x == y || (x.is_nan() && y.is_nan()) { 0.0 } else { (x - y).abs() };
            let difference = if difference.is_nan() { f64::INFINITY } else { difference };
            found.pixels += 1;
            found.different_pixels += u64::from(difference > tolerance);
            found.largest_difference = found.largest_difference.max(difference);
            found.mean_difference += difference;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a mean over fewer than 2^53 pixels")]
    if found.pixels > 0 {
        found.mean_difference /= found.pixels as f64;
    }
    found.equal = found.different_pixels == 0;
    output.text(format!(
        "{} of {} pixels differ by more than {tolerance}; largest difference {}, mean {}",
        found.different_pixels, found.pixels, found.largest_difference, found.mean_difference
    ));
    output.document(&found)?;
    Ok(if found.equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
