//! Measures objects: how many pixels, where, how bright, how long their border.
//!
//! Everything that is added up is a whole number or an `exact_sum`, so that tiles add up to the whole image bit for bit,
//! in any order. Rounding comes at the end, once (`columns`).

mod border;
mod columns;
mod exact_sum;
mod object;

use std::collections::BTreeMap;

use parfocal_plugin::{
    bytes::{Reader, Writer},
    prelude::*,
};

use crate::gaussian::Dimensions;
use columns::Units;
use object::Object;

/// Measures the objects of a label image, and their intensities in another image.
///
/// In planes: area, centroid, bounding box, equivalent diameter, perimeter and circularity; in stacks volume instead of
/// area, and no perimeter. Lengths and areas are in micrometers when the image says how large its pixels are, else in
/// pixels; each column tells its unit. `pixels`, `centroid` and `bbox` are always on the pixel grid, whose origin is the
/// centre of the first pixel; `position` is the centroid in micrometers. The perimeter is scikit-image's (four
/// neighbours), in micrometers where pixels are square; circularity is 4 pi area / perimeter^2, not a number where there is
/// no perimeter (single pixels) or pixels are not square. Of an intensity image with several channels next to labels with
/// one, every channel has its own columns. An object with a pixel that is not a number has no intensity.
///
/// What labels and intensities support together, the table supports too, but for fine detail: a number for each object
/// shows no structure inside it.
#[derive(Debug, Operator)]
#[operator(id = "measure-objects", kind = reduce, deterministic, max_halo = [0, 0, 0, 2, 2])]
#[input(name = "labels", dtypes = [u32, u8, u16], labels)]
#[input(name = "intensity", dtypes = [u8, i8, u16, i16, u32, f32], optional)]
#[output(
    name = "objects",
    kind = table,
    preserves = [localisation, counting, gross_morphology, intensity, rare_event_search, rare_event_frequency]
)]
pub struct MeasureObjects {
    /// Objects of each plane (`2d`), or of the whole stack (`3d`).
    #[parameter(setting, default = "2d")]
    dimensions: Dimensions,
    planned: Option<Planned>,
}

/// What is known after the plan.
#[derive(Debug)]
struct Planned {
    units: Units,
    /// Names of the intensity channels that an object has, for the columns.
    channels: Vec<String>,
    /// The intensity image, if there is one.
    intensity: Option<Intensities>,
}

/// Which intensities belong to a channel of labels.
#[derive(Debug, Clone, Copy)]
enum Intensities {
    /// Those of the same channel.
    OfChannel,
    /// Those of all channels, so many.
    OfAll(u64),
}

/// Port of the labels.
const LABELS: u32 = 0;

/// Port of the intensity image.
const INTENSITY: u32 = 1;

/// Port of the table.
const OBJECTS: u32 = 0;

/// Objects that are handed over at a time.
const ROWS: usize = 4096;

/// Objects that are counted at a time. With more, what was counted so far is written down, and begun anew.
const MOST_OBJECTS: usize = 4096;

impl MeasureObjects {
    fn planned(&self) -> Result<&Planned> {
        self.planned.as_ref().ok_or_else(parfocal_plugin::map::not_planned)
    }
}

/// The axes of labels and intensities agree; several channels of intensities may stand next to one of labels.
fn check(labels: &ImageSpec, intensity: &ImageSpec) -> Result<()> {
    let differs = |axis: &Axis| {
        let (ours, theirs) = (labels.extent[*axis], intensity.extent[*axis]);
        ours != theirs && !(*axis == Axis::C && ours == 1)
    };
    match Axis::ALL.iter().find(|axis| differs(axis)) {
        None => Ok(()),
        Some(axis) => Err(Error::invalid_argument(format!(
            "the labels are {} and the intensity image is {}: they differ along {}",
            labels.extent,
            intensity.extent,
            axis.letter()
        ))
        .with_remedy("measure on the image in which the objects were found, or one of the same size")),
    }
}

impl Operator for MeasureObjects {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let at = |port| inputs.iter().find(|input| input.port == port).map(|input| input.spec);
        let (Some(labels), intensity) = (at(LABELS), at(INTENSITY)) else { return Err(no_labels()) };
        let mut channels = Vec::new();
        if let Some(intensity) = intensity {
            check(labels, intensity)?;
            let several = labels.extent[Axis::C] == 1 && intensity.extent[Axis::C] > 1;
            channels =
                if several { columns::channel_names(&intensity.channels) } else { vec![String::new()] };
        }
        let stack = self.dimensions == Dimensions::Stack;
        if !stack && labels.extent[Axis::Z] > 1 {
            Context::new(services).warn(
                "each plane is measured for itself: an object of several planes has a row in each; `dimensions=3d` measures volumes",
            );
        }
        let size = match intensity {
            Some(intensity) if labels.pixel_size == PixelSize::UNKNOWN => intensity.pixel_size,
            _ => labels.pixel_size,
        };
        let mut plan = Plan::without_images();
        plan.reduce_over[Axis::Z as usize] = stack;
        plan.bytes_per_pixel = bytes_per_pixel(labels.dtype, stack);
        // Nodes of the tree are half empty at worst.
        plan.bytes = (MOST_OBJECTS
            * (2 * size_of::<(u32, Object)>() + Object::intensity_bytes(channels.len())))
            as u64;
        let intensities = |_| match channels.len() {
            1 => Intensities::OfChannel,
            all => Intensities::OfAll(all as u64),
        };
        let intensity = intensity.map(intensities);
        self.planned = Some(Planned { units: Units::of(size, stack), channels, intensity });
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let planned = self.planned()?;
        let halo = if self.dimensions == Dimensions::Stack { 0 } else { border::HALO };
        let labels = Halo::in_plane(halo, halo).around(core);
        let mut regions = vec![InputRegion::new(LABELS, labels).padded(Padding::Zero)];
        regions.extend(planned.intensity.map(|intensity| match intensity {
            Intensities::OfChannel => InputRegion::new(INTENSITY, *core),
            Intensities::OfAll(count) => InputRegion::new(INTENSITY, core.with(Axis::C, 0, count)),
        }));
        Ok(regions)
    }

    fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        Err(Error::not_supported("`run`, because measurements have no image output"))
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let planned = self.planned()?;
        let labels = tiles.input(LABELS).ok_or_else(no_labels)?;
        let cx = Context::new(services);
        // Labels of few bits are widened once; most are `u32` already.
        let mut widened = Vec::new();
        let view = match labels.pixels.dtype() {
            DType::U32 => labels.pixels.view::<u32>()?,
            dtype => {
                with_pixel_type!(dtype, T => {
                    let rows = labels.pixels.view::<T>()?;
                    widened.extend(rows.rows().flatten().map(|label| label.to_f64() as u32));
                });
                View::dense(&widened, *labels.pixels.region())?
            }
        };
        let core = view.part(&tiles.core)?;
        let mut found = Found::new(planned.channels.len());
        match tiles.input(INTENSITY) {
            None => found.find::<u8>(&core, None, &cx)?,
            Some(intensity) => with_pixel_type!(intensity.pixels.dtype(), T => {
                found.find(&core, Some(&intensity.pixels.view::<T>()?), &cx)?;
            }),
        }
        if self.dimensions == Dimensions::Plane {
            border::count(&view, &cx, |label, border| found.object(label).border.add(&border))?;
        }
        Ok(found.into_bytes())
    }

    fn merge(&mut self, mut left: Vec<u8>, right: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
        // Parts of one object are added up at the end: joining costs what is new, not what there was.
        left.extend_from_slice(right);
        Ok(left)
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let planned = self.planned()?;
        let mut objects: BTreeMap<u32, Object> = BTreeMap::new();
        let mut reader = Reader::new(total);
        let cx = Context::new(services);
        while !reader.rest().is_empty() {
            cx.worked(size_of::<Object>())?;
            let part = Object::read(&mut reader, planned.channels.len())?;
            match objects.get_mut(&part.label) {
                Some(object) => object.merge(&part),
                None => drop(objects.insert(part.label, part)),
            }
        }
        sink.columns(OBJECTS, &planned.units.columns(&planned.channels))?;
        let objects: Vec<Object> = objects.into_values().collect();
        for some in objects.chunks(ROWS) {
            cx.check_cancelled()?;
            sink.rows(OBJECTS, some.iter().map(|object| planned.units.row(object)).collect())?;
        }
        Ok(Vec::new())
    }
}

fn no_labels() -> Error {
    Error::invalid_argument("objects are measured in a label image, and there is none")
}

/// Memory that grows with a tile, at worst: that of a tile of one row. Objects do not count: of them there are at most
/// [`MOST_OBJECTS`], and what is written down of them is the result. In tiles of many rows nearly all of this is left over,
/// enough for the result of a tile full of objects of 4 x 4 pixels.
const fn bytes_per_pixel(labels: DType, stack: bool) -> u32 {
    let rows_around = if stack { 0 } else { 2 * border::HALO as u32 };
    let widened = if matches!(labels, DType::U32) { 0 } else { 4 * (1 + rows_around) };
    widened + if stack { 0 } else { border::ROWS as u32 * 4 }
}

/// The objects of a tile.
struct Found {
    channels: usize,
    objects: BTreeMap<u32, Object>,
    written: Writer,
}

impl Found {
    fn new(channels: usize) -> Self {
        Self { channels, objects: BTreeMap::new(), written: Writer::default() }
    }

    fn object(&mut self, label: u32) -> &mut Object {
        if self.objects.len() >= MOST_OBJECTS && !self.objects.contains_key(&label) {
            self.write_down();
        }
        self.objects.entry(label).or_insert_with(|| Object::new(label, self.channels))
    }

    fn write_down(&mut self) {
        self.objects.values().for_each(|object| object.write(&mut self.written));
        self.objects.clear();
    }

    fn find<T: Pixel>(
        &mut self,
        core: &View<'_, u32>,
        intensity: Option<&View<'_, T>>,
        cx: &Context<'_>,
    ) -> Result<()> {
        let origin: [u64; 3] =
            core::array::from_fn(|axis| core.region().origin[axis + 2].max(0).unsigned_abs());
        let channels = self.channels;
        for z in 0..core.depth() {
            for y in 0..core.height() {
                cx.worked((1 + channels) * core.width())?;
                let mut end = 0;
                for same in core.row(0, 0, z, y).chunk_by(|one, other| one == other) {
                    let start = end;
                    end += same.len();
                    if same[0] == 0 {
                        continue;
                    }
                    let object = self.object(same[0]);
                    let place = [z as u64 + origin[0], y as u64 + origin[1], start as u64 + origin[2]];
                    object.add_run(place, same.len() as u64);
                    let Some(pixels) = intensity else { continue };
                    for channel in 0..channels {
                        object.add_intensities(channel, &pixels.row(0, channel, z, y)[start..end]);
                    }
                }
            }
        }
        Ok(())
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.write_down();
        self.written.into_bytes()
    }
}
