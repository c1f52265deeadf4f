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
use object::{Border, Object};

/// Measures the objects of a label image, and their intensities in another image.
///
/// In planes: area, centroid, bounding box, equivalent diameter, perimeter and circularity; in stacks volume instead of
/// area, and no perimeter. Lengths and areas are in micrometers when the image says how large its pixels are, else in
/// pixels; each column tells its unit. `pixels`, `centroid` and `bbox` are always on the pixel grid, whose origin is the
/// centre of the first pixel; `position` is the centroid in micrometers. The perimeter is scikit-image's (four
/// neighbours), in micrometers where pixels are square; circularity is 4 pi area / perimeter^2, not a number where there is
/// no perimeter (single pixels) or pixels are not square. Of an intensity image with several channels next to labels with
/// one, every channel has its own columns. An object with a pixel that is not a number has no intensity.
#[derive(Debug, Operator)]
#[operator(id = "measure-objects", kind = reduce, preserves = all, deterministic, max_halo = [0, 0, 0, 2, 2])]
#[input(name = "labels", dtypes = [u32, u8, u16], labels)]
#[input(name = "intensity", dtypes = [u8, i8, u16, i16, u32, f32], optional)]
#[output(name = "objects", kind = table)]
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
    /// Whether the intensity image's channels all belong to the one channel of labels, and how many they are.
    all_channels: Option<u64>,
    images: usize,
}

/// Port of the table.
const OBJECTS: u32 = 0;

/// Objects that are handed over at a time.
const ROWS: usize = 4096;

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
    fn plan(&mut self, inputs: &[ImageSpec]) -> Result<Plan> {
        let (labels, intensity) = match inputs {
            [labels] => (labels, None),
            [labels, intensity] => (labels, Some(intensity)),
            _ => {
                return Err(Error::invalid_argument("objects are measured in one label image and one other"));
            }
        };
        let mut channels = Vec::new();
        let mut all_channels = None;
        if let Some(intensity) = intensity {
            check(labels, intensity)?;
            let several = labels.extent[Axis::C] == 1 && intensity.extent[Axis::C] > 1;
            all_channels = several.then_some(intensity.extent[Axis::C]);
            channels =
                if several { columns::channel_names(&intensity.channels) } else { vec![String::new()] };
        }
        let stack = self.dimensions == Dimensions::Stack;
        let size = if labels.pixel_size == PixelSize::UNKNOWN {
            intensity.map_or(PixelSize::UNKNOWN, |intensity| intensity.pixel_size)
        } else {
            labels.pixel_size
        };
        self.planned =
            Some(Planned { units: Units::of(size, stack), channels, all_channels, images: inputs.len() });
        let mut plan = Plan::without_images().padded(Padding::Zero);
        plan.reduce_over[Axis::Z as usize] = stack;
        // A run for every pixel at worst, and an object for each run.
        Ok(plan.with_memory(256))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<Region>> {
        let planned = self.planned()?;
        let halo = if self.dimensions == Dimensions::Stack { 0 } else { border::HALO };
        let intensity = planned.all_channels.map_or(*core, |count| core.with(Axis::C, 0, count));
        let regions = [Halo::in_plane(halo, halo).around(core), intensity];
        Ok(regions.into_iter().take(planned.images).collect())
    }

    fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        Err(Error::not_supported("`run`, because measurements have no image output"))
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let planned = self.planned()?;
        let Some((labels, intensities)) = tiles.inputs.split_first() else {
            return Err(Error::invalid_argument("there is no tile of labels"));
        };
        let cx = Context::new(services);
        let mut found = Found::new(planned.channels.len());
        // Labels of few bits are widened once; most are `u32` already.
        let region = *labels.pixels.region();
        let mut widened = Vec::new();
        let view = match labels.pixels.dtype() {
            DType::U32 => labels.pixels.view::<u32>()?,
            dtype => {
                with_pixel_type!(dtype, T => {
                    let rows = labels.pixels.view::<T>()?;
                    widened.extend(rows.rows().flatten().map(|label| label.to_f64() as u32));
                });
                View::dense(&widened, region)?
            }
        };
        found.find(&view.part(&tiles.core)?, &cx)?;
        if self.dimensions == Dimensions::Plane {
            border::count(&view, &cx, |label, border| found.add_border(label, border))?;
        }
        if let Some(intensity) = intensities.first() {
            with_pixel_type!(intensity.pixels.dtype(), T => found.measure(&intensity.pixels.view::<T>()?, &cx)?);
        }
        Ok(found.into_bytes())
    }

    fn merge(&mut self, mut left: Vec<u8>, right: &[u8]) -> Result<Vec<u8>> {
        // Parts of one object are added up at the end: joining costs what is new, not what there was.
        left.extend_from_slice(right);
        Ok(left)
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let planned = self.planned()?;
        let mut objects: BTreeMap<u32, Object> = BTreeMap::new();
        let mut reader = Reader::new(total);
        while !reader.rest().is_empty() {
            let part = Object::read(&mut reader, planned.channels.len())?;
            match objects.get_mut(&part.label) {
                Some(object) => object.merge(&part),
                None => drop(objects.insert(part.label, part)),
            }
        }
        let cx = Context::new(services);
        sink.columns(OBJECTS, &planned.units.columns(&planned.channels))?;
        let objects: Vec<Object> = objects.into_values().collect();
        for some in objects.chunks(ROWS) {
            cx.check_cancelled()?;
            sink.rows(OBJECTS, some.iter().map(|object| planned.units.row(object)).collect())?;
        }
        Ok(Vec::new())
    }
}

/// Pixels of one object side by side, in places of the tile.
struct Run {
    row: [usize; 2],
    start: usize,
    end: usize,
    object: usize,
}

/// The objects of a tile.
struct Found {
    channels: usize,
    places: BTreeMap<u32, usize>,
    objects: Vec<Object>,
    runs: Vec<Run>,
}

impl Found {
    fn new(channels: usize) -> Self {
        Self { channels, places: BTreeMap::new(), objects: Vec::new(), runs: Vec::new() }
    }

    fn place(&mut self, label: u32) -> usize {
        let (objects, channels) = (&mut self.objects, self.channels);
        *self.places.entry(label).or_insert_with(|| {
            objects.push(Object::new(label, channels));
            objects.len() - 1
        })
    }

    fn find(&mut self, core: &View<'_, u32>, cx: &Context<'_>) -> Result<()> {
        let origin: [u64; 3] =
            core::array::from_fn(|axis| core.region().origin[axis + 2].max(0).unsigned_abs());
        for z in 0..core.depth() {
            for y in 0..core.height() {
                cx.worked(core.width())?;
                let mut start = 0;
                for same in core.row(0, 0, z, y).chunk_by(|one, other| one == other) {
                    let end = start + same.len();
                    if same[0] != 0 {
                        let object = self.place(same[0]);
                        let place = [z as u64 + origin[0], y as u64 + origin[1], start as u64 + origin[2]];
                        self.objects[object].add_run(place, same.len() as u64);
                        self.runs.push(Run { row: [z, y], start, end, object });
                    }
                    start = end;
                }
            }
        }
        Ok(())
    }

    fn add_border(&mut self, label: u32, more: Border) {
        let place = self.place(label);
        let border = &mut self.objects[place].border;
        border.straight += more.straight;
        border.diagonal += more.diagonal;
        border.corner += more.corner;
    }

    fn measure<T: Pixel>(&mut self, pixels: &View<'_, T>, cx: &Context<'_>) -> Result<()> {
        for channel in 0..self.channels {
            for Run { row: [z, y], start, end, object } in &self.runs {
                cx.worked(end - start)?;
                let row = pixels.row(0, channel, *z, *y);
                self.objects[*object].add_intensities(channel, &row[*start..*end]);
            }
        }
        Ok(())
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.objects.iter().for_each(|object| object.write(&mut writer));
        writer.into_bytes()
    }
}
