//! Files without OME-XML: ImageJ hyperstacks, the shaped series of tifffile, and plain pages.

use parfocal_image::{Axis, Channel, Extent, ImageSpec, PixelSize};
use parfocal_types::{
    error::{Error, ErrorKind, Result},
    units::Micrometers,
};
use serde::Deserialize;

use super::{
    file::TiffFile,
    image::Planes,
    layout::{Layout, Photometric},
    page::{Page, is_whole_bytes},
};
use crate::ome;

/// An image that is made of pages of the main file; the first one stands for all.
pub(crate) struct Stack {
    pub(crate) planes: Planes,
    pub(crate) spec: ImageSpec,
    pub(crate) sample: u32,
}

/// The images of a plain file: pages of one size and type, in the order in which they first appear, are one stack
/// along Z. Nothing in such a file says what the pages are.
pub(crate) fn plain(file: &TiffFile) -> Vec<Stack> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for number in 0..file.pages.len() {
        let key = |number: u32| {
            file.pages.get(number as usize).map(|page| {
                let layout = &page.layout;
                (
                    layout.width,
                    layout.height,
                    layout.samples,
                    layout.stored,
                    layout.photometric,
                    page.secondary,
                )
            })
        };
        let number = number as u32;
        let known = groups.iter_mut().find(|group| group.first().copied().map(key) == Some(key(number)));
        match known {
            Some(group) => group.push(number),
            None => groups.push(vec![number]),
        }
    }
    groups.into_iter().filter_map(|pages| stack(file, pages)).collect()
}

/// A MetaMorph stack: the strips of all planes follow those of the first, which alone has a directory. `None` for
/// other files.
///
/// # Errors
/// `data-incomplete` when the file ends before its last plane; `not-supported` for a compressed stack.
pub(crate) fn metamorph(file: &mut TiffFile) -> Result<Option<Vec<Stack>>> {
    let count = file.metamorph_planes;
    let (true, [first]) = (count > 1, file.pages.as_slice()) else { return Ok(None) };
    let pages = run_of_planes(first, count, file.bytes.len())
        .ok_or_else(|| Error::not_supported("compressed MetaMorph stacks"))?;
    if (pages.len() as u64) < count {
        return Err(too_few(count, pages.len(), "MetaMorph"));
    }
    file.pages = pages;
    Ok(Some(plain(file)))
}

fn too_few(described: u64, there: usize, what: &str) -> Error {
    let missing = format!("{} of {described} planes", described.saturating_sub(there as u64));
    let message = format!("the {what} stack describes {described} planes, the file has {there}");
    Error::new(ErrorKind::DataIncomplete { missing }, message)
        .with_remedy("copy the file again from its source: it is cut short or damaged")
}

fn stack(file: &TiffFile, pages: Vec<u32>) -> Option<Stack> {
    let sample = pages.first().copied()?;
    let layout = &file.pages.get(sample as usize)?.layout;
    let sizes = [1, 1, pages.len() as u64];
    let spec = spec_of(layout, sizes);
    Some(Stack { planes: Planes::in_order(sizes, layout.samples, pages.into_iter()), spec, sample })
}

/// What a page says about an image of `sizes` planes (T, C, Z) like it.
pub(crate) fn spec_of(layout: &Layout, [t, c, z]: [u64; 3]) -> ImageSpec {
    let extent = Extent::new(t, c.saturating_mul(layout.samples), z, layout.height, layout.width);
    let mut spec = ImageSpec::new(extent, layout.stored.dtype());
    spec.significant_bits = layout.stored.significant_bits();
    let names = sample_names(layout);
    for (channel, name) in spec.channels.iter_mut().zip(names.iter().cycle()) {
        channel.clone_from(name);
    }
    spec
}

/// The samples of a pixel as channels.
fn sample_names(layout: &Layout) -> Vec<Channel> {
    let samples = layout.samples;
    match layout.photometric {
        Photometric::Rgb | Photometric::YCbCr if samples >= 3 => {
            ome::sample_channels(&Channel::default(), samples)
        }
        Photometric::Separated if samples == 4 => {
            ["cyan", "magenta", "yellow", "black"].into_iter().map(Channel::named).collect()
        }
        _ => vec![Channel::default(); usize::try_from(samples).unwrap_or(1)],
    }
}

/// The pages of a stack whose planes lie in one unbroken run although only the first has a directory: how ImageJ
/// writes stacks beyond 4 GiB, and tifffile truncated ones. Planes that start beyond the end of the file are left out.
fn run_of_planes(first: &Page, count: u64, file_len: u64) -> Option<Vec<Page>> {
    let layout = &first.layout;
    let offset = first.contiguous_offset()?;
    let plane = layout.plane_bytes().filter(|bytes| *bytes > 0 && is_whole_bytes(layout.stored))?;
    let starts = (0..count).map_while(|index| offset.checked_add(plane.checked_mul(index)?));
    Some(
        starts
            .take_while(|start| *start < file_len)
            .map(|start| Page::contiguous(layout.clone(), start))
            .collect(),
    )
}

/// The lines `key=value` of an ImageJ description.
struct ImageJ<'a>(&'a str);

impl<'a> ImageJ<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::trim)
    }

    fn count(&self, key: &str) -> u64 {
        self.text(key).and_then(|text| text.parse().ok()).filter(|count| *count > 0).unwrap_or(1)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.text(key)?.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// Whether the description is ImageJ's.
pub(crate) fn is_imagej(description: &str) -> bool {
    description.starts_with("ImageJ=")
}

/// The one image of an ImageJ file: planes lie C fastest, then Z, then T.
///
/// # Errors
/// `data-incomplete` when the file has not the planes that it describes.
pub(crate) fn imagej(file: &mut TiffFile) -> Result<Vec<Stack>> {
    let description = file.description.clone();
    let text = ImageJ(&description);
    let (channels, slices, frames) = (text.count("channels"), text.count("slices"), text.count("frames"));
    let images = text.count("images");
    let Some(first) = file.pages.first() else { return Ok(Vec::new()) };
    let layout = first.layout.clone();
    let product = channels.checked_mul(slices).and_then(|count| count.checked_mul(frames));
    // Stacks that are no hyperstacks say only how many images there are.
    let (channels, slices, frames) =
        if product == Some(images) || images == 1 { (channels, slices, frames) } else { (1, images, 1) };
    let count = channels.saturating_mul(slices).saturating_mul(frames);
    if (file.pages.len() as u64) < count
        && let Some(pages) = run_of_planes(first, count, file.bytes.len())
        && pages.len() > file.pages.len()
    {
        file.pages = pages;
    }
    if (file.pages.len() as u64) < count {
        if file.pages.len() == 1 && images == 1 {
            return Ok(plain(file));
        }
        return Err(too_few(count, file.pages.len(), "ImageJ"));
    }
    let sizes = [frames, channels, slices];
    let mut spec = spec_of(&layout, sizes);
    spec.pixel_size = imagej_pixel_size(&text, file.resolution);
    spec.time_increment = text.number("finterval").filter(|interval| *interval > 0.0).and_then(|interval| {
        let unit = text.text("tunit").unwrap_or("s");
        ome::time_in_seconds(interval, if matches!(unit, "sec" | "second" | "seconds") { "s" } else { unit })
    });
    let order = (0..frames).flat_map(|t| {
        (0..channels).flat_map(move |c| (0..slices).map(move |z| (t * slices + z) * channels + c))
    });
    let planes = Planes::in_order(sizes, layout.samples, order.map(|page| page as u32));
    Ok(vec![Stack { planes, spec, sample: 0 }])
}

/// ImageJ keeps pixels per unit in the resolution tags and names the unit in the description.
fn imagej_pixel_size(text: &ImageJ<'_>, resolution: [Option<f64>; 2]) -> PixelSize {
    // ImageJ escapes what is not ASCII as Java does. `inch` is what a picture with a print resolution becomes: that
    // says nothing about the sample.
    let unit = text.text("unit").unwrap_or_default().replace("\\u00B5", "µ").replace("\\u00b5", "µ");
    let length = |value: f64| {
        ome::length_in_micrometers(value, &unit)
            .filter(|size: &Micrometers| size.0.is_finite() && size.0 > 0.0)
    };
    let [x, y] =
        resolution.map(|per_unit| per_unit.filter(|number| *number > 0.0).and_then(|n| length(1.0 / n)));
    // A negative spacing is a stack taken downwards.
    PixelSize { x, y, z: text.number("spacing").and_then(|spacing| length(spacing.abs())) }
}

/// What tifffile says about an array that it wrote.
#[derive(Deserialize)]
struct Shape {
    shape: Vec<u64>,
    #[serde(default)]
    axes: String,
}

/// The images of a file written by tifffile with its shape description; `None` when pages and shapes do not agree.
pub(crate) fn shaped(file: &mut TiffFile) -> Option<Vec<Stack>> {
    let starts: Vec<(usize, Shape)> = file
        .descriptions
        .iter()
        .map(|(page, text)| Some((*page, serde_json::from_str(text).ok()?)))
        .collect::<Option<_>>()?;
    if starts.is_empty() {
        return None;
    }
    let mut stacks = Vec::new();
    let mut first = 0;
    for (index, (start, shape)) in starts.iter().enumerate() {
        let page = file.pages.get(*start)?;
        let layout = page.layout.clone();
        let sizes = plane_axes(shape, &layout)?;
        let count = sizes.iter().try_fold(1_u64, |count, (_, size)| count.checked_mul(*size))?;
        let end = starts.get(index + 1).map_or(file.pages.len(), |(next, _)| *next);
        if *start != first || count == 0 {
            return None;
        }
        first = end;
        if (end - start) as u64 != count {
            // Only a file of one series is laid out again: page numbers of others would move.
            let pages = run_of_planes(page, count, file.bytes.len()).filter(|_| starts.len() == 1)?;
            if pages.len() as u64 != count {
                return None;
            }
            file.pages = pages;
        }
        stacks.push(shaped_stack(&layout, &sizes, *start as u32, count));
    }
    Some(stacks)
}

/// The axes before those of a page, slowest first, each once; axes that have no meaning here are joined into Z.
fn plane_axes(shape: &Shape, layout: &Layout) -> Option<Vec<(char, u64)>> {
    let page = layout.width.checked_mul(layout.height)?.checked_mul(layout.samples)?;
    let mut inner = 1_u64;
    let mut leading = shape.shape.len();
    while inner != page || leading == shape.shape.len() {
        leading = leading.checked_sub(1)?;
        inner = inner.checked_mul(*shape.shape.get(leading)?)?;
    }
    let sizes = shape.shape.get(..leading)?;
    let letters: Vec<char> = shape.axes.chars().collect();
    let known = letters.len() == shape.shape.len()
        && letters.iter().take(leading).enumerate().all(|(index, letter)| {
            matches!(letter, 'T' | 'C' | 'Z') && !letters.iter().take(index).any(|other| other == letter)
        });
    if known {
        Some(letters.into_iter().zip(sizes.iter().copied()).collect())
    } else {
        Some(vec![('Z', sizes.iter().try_fold(1_u64, |count, size| count.checked_mul(*size))?)])
    }
}

fn shaped_stack(layout: &Layout, axes: &[(char, u64)], start: u32, count: u64) -> Stack {
    let size = |letter: char| axes.iter().find(|(name, _)| *name == letter).map_or(1, |(_, size)| *size);
    let sizes = [size('T'), size('C'), size('Z')];
    let mut planes = Planes { sizes, samples: layout.samples, places: std::collections::HashMap::new() };
    for page in 0..count {
        let mut rest = page;
        let mut position = [0; 3];
        for (letter, size) in axes.iter().rev() {
            let slot = match letter {
                'T' => 0,
                'C' => 1,
                _ => 2,
            };
            if let Some(index) = position.get_mut(slot) {
                *index = rest % size;
            }
            rest /= size;
        }
        if let Some(number) = planes.number(position) {
            planes.places.insert(number, super::image::Place { file: 0, page: start + page as u32 });
        }
    }
    let spec = spec_of(layout, sizes);
    Stack { planes, spec, sample: start }
}

/// Whether an image of this extent can be described: one channel entry each.
pub(crate) fn check_channels(extent: &Extent) -> Result<()> {
    const MAX_CHANNELS: u64 = 65_536;
    if extent[Axis::C] > MAX_CHANNELS {
        return Err(Error::corrupt(format!("an image claims {} channels", extent[Axis::C])));
    }
    Ok(())
}
