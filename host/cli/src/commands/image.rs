//! `parfocal image`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use parfocal_core::ImageSource;
use parfocal_image::{Axis, Buffer, Channel, Extent, ImageSpec, Region};
use parfocal_io::{
    read::ImageFile,
    write::{OmeTiffOptions, OmeTiffWriter},
};
use parfocal_types::{Error, Result};
use serde::Serialize;

pub(crate) use super::plane::write_plane;
use super::{
    make::make,
    plane::{holds_labels, numbers, put_plane},
};
use crate::{args::Image, interrupt, output::Output};

pub(crate) fn command(output: &Output, command: &Image) -> Result<ExitCode> {
    match command {
        Image::Info { files } => info(output, files),
        Image::Convert { from, to, series, plane, stretch } => {
            let source = chosen(&ImageFile::open(from)?, *series)?;
            convert(output, &*source, to, *plane, *stretch)
        }
        Image::Compare { first, second, tolerance } => compare(output, first, second, *tolerance),
        Image::Make { to, width, height, seed } => {
            make(to, [*height, *width], *seed)?;
            output.text(to.display());
            output.document(&Written { written: to.clone(), notes: Vec::new() })?;
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
    /// What is not in the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// The endings of TIFF files.
const TIFF: [&str; 3] = [".tif", ".tiff", ".btf"];

/// Whether a file's name ends in one of these, in capitals or not.
pub(super) fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether a file is to be a TIFF, by its name.
pub(super) fn is_tiff(path: &Path) -> bool {
    ends_in(path, &TIFF)
}

/// The image that is meant: of a file with several nobody may pick one in silence.
fn chosen(file: &ImageFile, series: Option<usize>) -> Result<Arc<dyn ImageSource>> {
    const SHOWN: usize = 12;
    let count = file.series_count();
    if series.is_some() || count == 1 {
        return file.source(series.unwrap_or(0));
    }
    let mut list = Vec::new();
    for index in 0..count.min(SHOWN) {
        let spec = file.source(index)?.spec().clone();
        let name = if spec.name.is_empty() { String::new() } else { format!(" `{}`", spec.name) };
        list.push(format!("{index}{name}: {}", spec.extent));
    }
    if count > SHOWN {
        list.push(format!("and {} more, see `parfocal image info`", count - SHOWN));
    }
    Err(Error::invalid_argument(format!(
        "{} has {count} images, and one is written into a file",
        file.path().display()
    ))
    .with_remedy(format!("pick one with `--series N`: {}", list.join("; "))))
}

fn convert(
    output: &Output,
    source: &dyn ImageSource,
    to: &Path,
    plane: Option<[u64; 3]>,
    stretch: bool,
) -> Result<ExitCode> {
    let mut notes = Vec::new();
    if ends_in(to, &[".png"]) {
        if stretch && holds_labels(source.spec()) {
            return Err(Error::invalid_argument(
                "labels are numbers of objects: stretched they would be others",
            )
            .with_remedy("leave out `--stretch`"));
        }
        notes = put_plane(source, to, plane, stretch)?;
    } else if is_tiff(to) {
        if plane.is_some() || stretch {
            let option = if plane.is_some() { "--plane" } else { "--stretch" };
            return Err(Error::invalid_argument(format!(
                "`{option}` is for PNG; a TIFF gets the whole image"
            ))
            .with_remedy(format!("leave out `{option}`, or end the name in .png")));
        }
        write_tiff(source, to)?;
    } else {
        return Err(Error::not_supported(format!("writing {}", to.display()))
            .with_remedy("end the name in .ome.tif, .tif or .png"));
    }
    if !output.json {
        notes.iter().for_each(|note| eprintln!("note: {note}"));
    }
    output.text(to.display());
    output.document(&Written { written: to.to_owned(), notes })?;
    Ok(ExitCode::SUCCESS)
}

fn write_tiff(source: &dyn ImageSource, to: &Path) -> Result<()> {
    let cancel = interrupt::token();
    let sink = OmeTiffWriter::create(to, source.spec(), &OmeTiffOptions::default())?;
    for region in grid(&source.spec().extent, &sink.tile()) {
        interrupt::proceed(&cancel)?;
        let mut pixels = Buffer::zeroed(source.spec().dtype, region)?;
        source.read(&mut pixels.pixels_mut()?)?;
        sink.write(&pixels.pixels()?)?;
    }
    sink.finish()
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

#[derive(Debug, Serialize)]
struct Comparison {
    equal: bool,
    images: usize,
    different_pixels: u64,
    pixels: u64,
    largest_difference: f64,
    mean_difference: f64,
}

/// Compares all images of two files, the first with the first and so on.
fn compare(output: &Output, first: &Path, second: &Path, tolerance: f64) -> Result<ExitCode> {
    let (a, b) = (ImageFile::open(first)?, ImageFile::open(second)?);
    if a.series_count() != b.series_count() {
        return Err(Error::invalid_argument(format!(
            "{} has {} images, {} has {}: they cannot be compared",
            first.display(),
            a.series_count(),
            second.display(),
            b.series_count()
        ))
        .with_remedy("take one image out with `parfocal image convert --series N`"));
    }
    let mut found = Comparison {
        equal: true,
        images: a.series_count(),
        different_pixels: 0,
        pixels: 0,
        largest_difference: 0.0,
        mean_difference: 0.0,
    };
    for series in 0..found.images {
        let before = found.different_pixels;
        let pair = (&*a.source(series)?, &*b.source(series)?);
        add_differences(&mut found, pair, tolerance).map_err(|error| {
            error.context(format!("image {series} of {} and {}", first.display(), second.display()))
        })?;
        if found.images > 1 && found.different_pixels > before {
            output.text(format!("image {series}: {} pixels differ", found.different_pixels - before));
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a mean over fewer than 2^53 pixels")]
    if found.pixels > 0 {
        found.mean_difference /= found.pixels as f64;
    }
    found.equal = found.different_pixels == 0;
    let of = if found.images > 1 { format!(" in {} images", found.images) } else { String::new() };
    output.text(format!(
        "{} of {} pixels{of} differ by more than {tolerance}; largest difference {}, mean {}",
        found.different_pixels, found.pixels, found.largest_difference, found.mean_difference
    ));
    output.document(&found)?;
    Ok(if found.equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Adds up the differences of two images; the mean is a sum until all are through.
fn add_differences(
    found: &mut Comparison,
    (a, b): (&dyn ImageSource, &dyn ImageSource),
    tolerance: f64,
) -> Result<()> {
    if a.spec().extent != b.spec().extent {
        return Err(Error::invalid_argument(format!(
            "{} and {}: images of different size cannot be compared",
            a.spec().extent,
            b.spec().extent
        )));
    }
    for region in grid(&a.spec().extent, &Extent::plane(512, 2048)) {
        let read = |source: &dyn ImageSource| -> Result<Vec<f64>> {
            let mut pixels = Buffer::zeroed(source.spec().dtype, region)?;
            source.read(&mut pixels.pixels_mut()?)?;
            numbers(&pixels)
        };
        for (x, y) in read(a)?.into_iter().zip(read(b)?) {
            // Not a number equals not a number: both images say "undefined" there.
            let difference = if x == y || (x.is_nan() && y.is_nan()) { 0.0 } else { (x - y).abs() };
            let difference = if difference.is_nan() { f64::INFINITY } else { difference };
            found.pixels += 1;
            found.different_pixels += u64::from(difference > tolerance);
            found.largest_difference = found.largest_difference.max(difference);
            found.mean_difference += difference;
        }
    }
    Ok(())
}
