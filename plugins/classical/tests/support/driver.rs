//! A small host: cuts an image into tiles, pads them as `numpy.pad` does, and calls the one trait in its order of calls.
//!
//! Two instances take turns, input tiles lie in larger buffers (so that strides matter), and output tiles are full of
//! rubbish before they are written.

use parfocal_image::{Axis, Buffer, DType, Extent, ImageSpec, Pixel, PixelsRef, Region};
use parfocal_operator::{
    Descriptor, Input, InputRegion, InputSpec, Kind, LogLevel, Operator, Output, Padding, PortKind, Registry,
    Services, Sink, Tiles, Tiling,
};
use parfocal_types::{
    Column, Error, Field, Parameters, Result, Scalar,
    table::{Record, Table},
};

use parfocal_classical::ParfocalRegistry;

/// An image in memory.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) spec: ImageSpec,
    pub(crate) pixels: Buffer,
}

impl Image {
    pub(crate) fn new<T: Pixel>(extent: Extent, data: &[T]) -> Self {
        Self::of(ImageSpec::new(extent, T::DTYPE), data)
    }

    pub(crate) fn of<T: Pixel>(spec: ImageSpec, data: &[T]) -> Self {
        let pixels = Buffer::from_slice(data, Region::whole(spec.extent)).unwrap();
        Self { spec, pixels }
    }

    pub(crate) fn mask(extent: Extent, data: &[u8]) -> Self {
        let mut pixels = Buffer::zeroed(DType::Mask, Region::whole(extent)).unwrap();
        pixels.bytes_mut().copy_from_slice(data);
        Self { spec: ImageSpec::new(extent, DType::Mask), pixels }
    }

    pub(crate) fn slice<T: Pixel>(&self) -> &[T] {
        self.pixels.as_slice().unwrap()
    }
}

/// What came out.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) images: Vec<Image>,
    /// One for each group, for each table port.
    pub(crate) tables: Vec<Table>,
    /// One for each group, for each record port.
    pub(crate) records: Vec<Record>,
    /// Most bytes that a merged partial result had.
    pub(crate) largest_partial: usize,
}

impl PartialEq for Outcome {
    fn eq(&self, other: &Self) -> bool {
        let bits = |tables: &[Table]| format!("{tables:?}");
        let images = |outcome: &Self| -> Vec<Vec<u8>> {
            outcome.images.iter().map(|image| image.pixels.bytes().to_vec()).collect()
        };
        images(self) == images(other)
            && bits(&self.tables) == bits(&other.tables)
            && format!("{:?}", self.records) == format!("{:?}", other.records)
    }
}

/// How an image is cut: lines at `offset`, `offset + tile`, ... along each axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) tile: [u64; 5],
    pub(crate) offset: [u64; 5],
}

impl Cut {
    pub(crate) const WHOLE: Self = Self { tile: [u64::MAX; 5], offset: [0; 5] };

    pub(crate) fn in_plane(y: u64, x: u64) -> Self {
        Self { tile: [1, 1, 1, y, x], offset: [0; 5] }
    }

    pub(crate) fn in_stack(z: u64, y: u64, x: u64) -> Self {
        Self { tile: [1, 1, z, y, x], offset: [0; 5] }
    }

    pub(crate) fn shifted(mut self, z: u64, y: u64, x: u64) -> Self {
        self.offset = [0, 0, z, y, x];
        self
    }

    fn lines(&self, axis: usize, size: u64) -> Vec<(u64, u64)> {
        let tile = self.tile[axis].clamp(1, size);
        let mut start = 0;
        let mut end = if self.offset[axis].is_multiple_of(tile) { tile } else { self.offset[axis] % tile };
        let mut lines = Vec::new();
        while start < size {
            lines.push((start, end.min(size) - start));
            (start, end) = (end, end + tile);
        }
        lines
    }
}

pub(crate) fn descriptor(id: &str) -> Descriptor {
    ParfocalRegistry::descriptors()
        .into_iter()
        .find(|descriptor| descriptor.id == id)
        .expect("a known operator")
}

pub(crate) fn create(id: &str, parameters: &[(&str, &str)]) -> Result<Box<dyn Operator>> {
    let specs = descriptor(id).parameters;
    ParfocalRegistry::create(id, &Parameters::parse(&specs, parameters.iter().copied())?)
}

/// Runs an operator, or panics with its error.
pub(crate) fn run(id: &str, parameters: &[(&str, &str)], inputs: &[&Image], cut: Cut) -> Outcome {
    try_run(id, parameters, inputs, cut)
        .unwrap_or_else(|error| panic!("{id} {parameters:?} {cut:?}: {error}"))
}

/// Runs an operator over a regular cut.
pub(crate) fn try_run(id: &str, parameters: &[(&str, &str)], inputs: &[&Image], cut: Cut) -> Result<Outcome> {
    run_with(id, parameters, inputs, &|work, fixed| {
        let lines: Vec<_> = (0..5)
            .map(|axis| match fixed[axis] {
                Some(size) => Cut { tile: [size; 5], offset: [0; 5] }.lines(axis, work.0[axis]),
                None => cut.lines(axis, work.0[axis]),
            })
            .collect();
        let mut regions = vec![Region::default()];
        for axis in Axis::ALL {
            regions = regions
                .into_iter()
                .flat_map(|region| {
                    lines[axis as usize]
                        .iter()
                        .map(move |&(start, size)| region.with(axis, start as i64, size))
                })
                .collect();
        }
        regions
    })
}

/// Says how the work is cut, given its extent and the sizes along axes that leave no choice.
pub(crate) type Cutter<'a> = &'a dyn Fn(Extent, [Option<u64>; 5]) -> Vec<Region>;

/// Runs an operator over any disjoint boxes that cover the work, in any order.
pub(crate) fn run_with(
    id: &str,
    parameters: &[(&str, &str)],
    inputs: &[&Image],
    cutter: Cutter<'_>,
) -> Result<Outcome> {
    let descriptor = descriptor(id);
    descriptor.validate()?;
    let specs = specs(inputs);
    let mut instances = [create(id, parameters)?, create(id, parameters)?];
    let plan = instances[0].plan(&specs, &Quiet)?;
    assert_eq!(instances[1].plan(&specs, &Quiet)?, plan, "equal instances make equal plans");
    let work = plan.outputs.first().unwrap_or(&inputs[0].spec).extent;
    let reduces = descriptor.kind == Kind::Reduce;
    let grouped: [bool; 5] = std::array::from_fn(|axis| reduces && !plan.reduce_over[axis]);
    let fixed = std::array::from_fn(|axis| match plan.tiling[axis] {
        Tiling::Whole => Some(work.0[axis]),
        Tiling::Each | Tiling::InOrder => Some(1),
        Tiling::Split if grouped[axis] => Some(1),
        Tiling::Split => None,
    });
    let mut host = Host {
        descriptor: &descriptor,
        inputs,
        outputs: plan
            .outputs
            .iter()
            .map(|spec| Image { spec: spec.clone(), pixels: rubbish(spec) })
            .collect(),
    };
    let mut outcome =
        Outcome { images: Vec::new(), tables: Vec::new(), records: Vec::new(), largest_partial: 0 };
    let mut groups = std::collections::BTreeMap::<[i64; 5], Vec<Region>>::new();
    for region in cutter(work, fixed) {
        let key = std::array::from_fn(|axis| if grouped[axis] { region.origin[axis] } else { 0 });
        groups.entry(key).or_default().push(region);
    }
    for regions in groups.values() {
        if reduces {
            host.reduce(&mut instances, regions, &mut outcome)?;
        }
        if !reduces || !host.outputs.is_empty() {
            for (index, region) in regions.iter().enumerate() {
                host.run(instances[index % 2].as_mut(), region)?;
            }
        }
    }
    outcome.images = host.outputs;
    Ok(outcome)
}

/// Images as inputs: the first goes into the first port, and so on.
pub(crate) fn specs<'a>(images: &[&'a Image]) -> Vec<InputSpec<'a>> {
    (0..).zip(images).map(|(port, image)| InputSpec { port, spec: &image.spec }).collect()
}

fn rubbish(spec: &ImageSpec) -> Buffer {
    let mut pixels = Buffer::zeroed(spec.dtype, Region::whole(spec.extent)).unwrap();
    pixels.bytes_mut().fill(0xA5);
    pixels
}

struct Host<'a> {
    descriptor: &'a Descriptor,
    inputs: &'a [&'a Image],
    outputs: Vec<Image>,
}

/// A tile of an input, and where it lies in its buffer.
struct Tile {
    port: u32,
    buffer: Buffer,
    region: Region,
    full: Extent,
}

impl Host<'_> {
    fn tiles(&self, operator: &dyn Operator, core: &Region) -> Result<Vec<Tile>> {
        let regions = operator.required_input(core)?;
        let ports: Vec<_> = regions.iter().map(|input| input.port as usize).collect();
        assert_eq!(ports, Vec::from_iter(0..self.inputs.len()), "a region for each connected input");
        let tiles = regions.iter().zip(self.inputs).map(|(InputRegion { port, region, padding }, image)| {
            for axis in Axis::ALL {
                let halo = core.origin[axis as usize] - region.origin[axis as usize];
                if image.spec.extent[axis]
                    == self.outputs.first().map_or(image.spec.extent, |o| o.spec.extent)[axis]
                {
                    let declared = i64::from(self.descriptor.max_halo_along(axis));
                    assert!(halo <= declared, "a halo of {halo} along {}", axis.letter());
                }
            }
            let full = image.spec.extent;
            let region = match padding {
                Padding::Clip => region.intersection(&Region::whole(full)),
                _ => *region,
            };
            Tile { port: *port, buffer: padded(image, &region, *padding), region, full }
        });
        Ok(tiles.collect())
    }

    fn run(&mut self, operator: &mut dyn Operator, core: &Region) -> Result<()> {
        let tiles = self.tiles(operator, core)?;
        let inputs = inputs_of(&tiles);
        let mut buffers: Vec<_> = self
            .outputs
            .iter()
            .map(|output| {
                let mut buffer = Buffer::zeroed(output.spec.dtype, *core).unwrap();
                buffer.bytes_mut().fill(0x5A);
                buffer
            })
            .collect();
        {
            let mut outputs: Vec<_> = buffers
                .iter_mut()
                .zip(&self.outputs)
                .map(|(buffer, output)| Output {
                    pixels: buffer.pixels_mut().unwrap(),
                    full: output.spec.extent,
                })
                .collect();
            operator.run(&mut Tiles { core: *core, inputs: &inputs, outputs: &mut outputs }, &Quiet)?;
        }
        for (buffer, output) in buffers.iter().zip(&mut self.outputs) {
            copy(buffer, &mut output.pixels);
        }
        Ok(())
    }

    fn reduce(
        &self,
        instances: &mut [Box<dyn Operator>; 2],
        regions: &[Region],
        outcome: &mut Outcome,
    ) -> Result<()> {
        let mut total: Option<Vec<u8>> = None;
        for (index, core) in regions.iter().enumerate() {
            let tiles = self.tiles(instances[index % 2].as_ref(), core)?;
            let inputs = inputs_of(&tiles);
            let tiles = Tiles { core: *core, inputs: &inputs, outputs: &mut [] };
            let partial = instances[index % 2].accumulate(&tiles, &Quiet)?;
            total = Some(match total {
                None => partial,
                Some(left) => instances[(index / 2) % 2].merge(left, &partial, &Quiet)?,
            });
            outcome.largest_partial = outcome.largest_partial.max(total.as_ref().map_or(0, Vec::len));
        }
        let mut sink = Collected { descriptor: self.descriptor, table: None, record: Vec::new() };
        let conclusion = instances[0].finish(&total.unwrap_or_default(), &mut sink, &Quiet)?;
        if !self.outputs.is_empty() {
            for instance in instances {
                instance.conclude(&conclusion, &Quiet)?;
            }
        }
        outcome.tables.extend(sink.table);
        if !sink.record.is_empty() {
            outcome.records.push(sink.record);
        }
        Ok(())
    }
}

fn inputs_of(tiles: &[Tile]) -> Vec<Input<'_>> {
    tiles
        .iter()
        .map(|tile| Input { port: tile.port, pixels: tile.pixels(), full: tile.full, frames: &[] })
        .collect()
}

impl Tile {
    fn pixels(&self) -> PixelsRef<'_> {
        self.buffer.pixels().unwrap().part(&self.region).unwrap()
    }
}

/// The position inside an axis whose pixel stands at `position`.
fn source(position: i64, size: i64, padding: Padding) -> Option<i64> {
    match padding {
        _ if (0..size).contains(&position) => Some(position),
        Padding::Clip | Padding::Zero => None,
        Padding::Edge => Some(position.clamp(0, size - 1)),
        Padding::Symmetric => {
            let place = position.rem_euclid(2 * size);
            Some(place.min(2 * size - 1 - place))
        }
        Padding::Reflect => {
            let period = (2 * (size - 1)).max(1);
            let place = position.rem_euclid(period);
            Some(place.min(period - place).min(size - 1))
        }
    }
}

/// The pixels of `region`, in a buffer that is one pixel wider and one row higher.
pub(crate) fn padded(image: &Image, region: &Region, padding: Padding) -> Buffer {
    let mut buffer =
        Buffer::zeroed(image.spec.dtype, region.grown(Axis::Y, 0, 1).grown(Axis::X, 1, 0)).unwrap();
    buffer.bytes_mut().fill(0x77);
    let size = image.spec.dtype.size();
    let full = image.spec.extent;
    let strides = |extent: &Extent| -> [usize; 5] {
        let mut strides = [size; 5];
        for axis in (0..4).rev() {
            strides[axis] = strides[axis + 1] * extent.0[axis + 1] as usize;
        }
        strides
    };
    let outer = *buffer.region();
    let (to_strides, from_strides) = (strides(&outer.extent), strides(&full));
    let columns: Vec<Option<usize>> = (region.origin[4]..region.end(Axis::X))
        .map(|x| source(x, full.0[4] as i64, padding).map(|x| x as usize * size))
        .collect();
    let from_bytes = image.pixels.bytes();
    for_each_row(region, |row| {
        let mut from = Some(0);
        let mut to = size * (region.origin[4] - outer.origin[4]) as usize;
        for axis in 0..4 {
            let place = source(row[axis], full.0[axis] as i64, padding);
            from = from.zip(place).map(|(from, place)| from + place as usize * from_strides[axis]);
            to += (row[axis] - outer.origin[axis]) as usize * to_strides[axis];
        }
        let target = &mut buffer.bytes_mut()[to..to + columns.len() * size];
        for (pixel, column) in target.chunks_exact_mut(size).zip(&columns) {
            match from.zip(*column) {
                Some((from, column)) => {
                    pixel.copy_from_slice(&from_bytes[from + column..from + column + size])
                }
                None => pixel.fill(0),
            }
        }
    });
    buffer
}

fn copy(from: &Buffer, to: &mut Buffer) {
    let region = *from.region();
    let size = from.dtype().size();
    let full = to.region().extent;
    let row_bytes = region.extent.0[4] as usize * size;
    let mut taken = 0;
    for_each_row(&region, |row| {
        let start = (0..4).fold(0, |sum, axis| (sum + row[axis] as usize) * full.0[axis + 1] as usize);
        let start = (start + region.origin[4] as usize) * size;
        to.bytes_mut()[start..start + row_bytes].copy_from_slice(&from.bytes()[taken..taken + row_bytes]);
        taken += row_bytes;
    });
}

fn for_each_row(region: &Region, mut visit: impl FnMut([i64; 4])) {
    let range = |axis: Axis| region.origin[axis as usize]..region.end(axis);
    for t in range(Axis::T) {
        for c in range(Axis::C) {
            for z in range(Axis::Z) {
                for y in range(Axis::Y) {
                    visit([t, c, z, y]);
                }
            }
        }
    }
}

/// Services that nobody listens to.
pub(crate) struct Quiet;

impl Services for Quiet {
    fn log(&self, _: LogLevel, _: &str) {}
    fn progress(&self, _: f32) {}
    fn is_cancelled(&self) -> bool {
        false
    }
    fn seed(&self) -> u64 {
        0
    }
}

struct Collected<'a> {
    descriptor: &'a Descriptor,
    table: Option<Table>,
    record: Record,
}

impl Collected<'_> {
    fn check(&self, port: u32, kind: PortKind) -> Result<()> {
        match self.descriptor.outputs.get(port as usize) {
            Some(output) if output.kind == kind => Ok(()),
            _ => Err(Error::invalid_argument(format!("output {port} is no {kind:?}"))),
        }
    }
}

impl Sink for Collected<'_> {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        self.check(port, PortKind::Table)?;
        assert!(self.table.is_none(), "columns come once");
        self.table = Some(Table::new(columns.to_vec()));
        Ok(())
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        self.check(port, PortKind::Table)?;
        let table = self.table.as_mut().expect("columns come before rows");
        rows.into_iter().try_for_each(|row| table.push(row))
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        self.check(port, PortKind::Record)?;
        self.record.push(field);
        Ok(())
    }
}
