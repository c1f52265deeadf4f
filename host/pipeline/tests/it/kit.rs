//! Libraries made of closures, sinks that hold the scheduler to the contract, and brute force to compare with.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use parfocal_core::{
    ImageSink, ImageSource, Library, LibraryInfo,
    image::{MemoryImage, copy_pixels},
};
use parfocal_image::{Axis, Buffer, DType, Extent, ImageSpec, PixelsRef, Region, Supports};
use parfocal_operator::{Descriptor, InputPort, Kind, Operator, OutputPort, PortKind, ThreadSafety, VERSION};
use parfocal_pipeline::{RunOptions, Step, StepResult, run};
use parfocal_types::{Error, Parameters, Result};

pub(crate) type Maker = dyn Fn() -> Box<dyn Operator> + Send + Sync;

/// A library of one operator.
pub(crate) struct OneOperator {
    info: LibraryInfo,
    descriptors: Vec<Descriptor>,
    make: Box<Maker>,
}

impl Library for OneOperator {
    fn info(&self) -> &LibraryInfo {
        &self.info
    }

    fn operators(&self) -> &[Descriptor] {
        &self.descriptors
    }

    fn create(&self, operator: &str, _parameters: &Parameters) -> Result<Box<dyn Operator>> {
        if operator == self.descriptors[0].id {
            Ok((self.make)())
        } else {
            Err(Error::not_found("no such operator"))
        }
    }
}

/// A step of an operator written in a test.
pub(crate) fn step(
    descriptor: Descriptor,
    make: impl Fn() -> Box<dyn Operator> + Send + Sync + 'static,
) -> Step {
    descriptor.validate().unwrap();
    let operator = descriptor.id.clone();
    let info = LibraryInfo {
        plugin: "org.test".into(),
        version: semver::Version::new(1, 2, 3),
        lane: "test",
        interface: VERSION,
        isolation: String::new(),
    };
    let library = OneOperator { info, descriptors: vec![descriptor], make: Box::new(make) };
    Step { library: Arc::new(library), operator, parameters: Parameters::default() }
}

pub(crate) fn descriptor(id: &str, kind: Kind, outputs: &[(&str, PortKind)]) -> Descriptor {
    Descriptor {
        id: id.into(),
        summary: String::new(),
        kind,
        threads: ThreadSafety::Instance,
        deterministic: true,
        temporal_window: [0; 2],
        max_halo: [64; 5],
        inputs: vec![port("image")],
        outputs: outputs.iter().map(|(name, kind)| OutputPort::new(name, *kind, Supports::ALL)).collect(),
        parameters: Vec::new(),
    }
}

pub(crate) fn port(name: &str) -> InputPort {
    InputPort::image(name, &[DType::U16, DType::U32])
}

/// A made-up image whose pixels differ from their neighbours in every direction.
pub(crate) fn image(extent: Extent) -> MemoryImage {
    let count = extent.count().unwrap();
    let pixels: Vec<u16> = (0..count).map(|index| noise(index) % 1000).collect();
    let spec = measured(ImageSpec::new(extent, DType::U16));
    MemoryImage::new(spec, Buffer::from_slice(&pixels, Region::whole(extent)).unwrap()).unwrap()
}

pub(crate) fn measured(mut spec: ImageSpec) -> ImageSpec {
    spec.channels = spec.channels.into_iter().map(parfocal_image::Channel::measured).collect();
    spec
}

/// A hash of a number, as the mixer of SplitMix64 makes it.
#[allow(clippy::cast_possible_truncation, reason = "16 of its bits")]
pub(crate) fn noise(index: u64) -> u16 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z >> 40) as u16
}

pub(crate) fn source(image: &MemoryImage) -> Arc<dyn ImageSource> {
    Arc::new(image.clone())
}

/// The pixel at a position, T C Z Y X.
pub(crate) fn at(buffer: &Buffer, [t, c, z, y, x]: [usize; 5]) -> u16 {
    buffer.view::<u16>().unwrap().row(t, c, z, y)[x]
}

/// What was written, and whether it was finished.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) pixels: Arc<Mutex<Buffer>>,
    pub(crate) finished: Arc<AtomicBool>,
    pub(crate) pieces: Arc<AtomicUsize>,
}

impl Written {
    pub(crate) fn new(spec: &ImageSpec) -> Self {
        let pixels = Buffer::zeroed(spec.dtype, Region::whole(spec.extent)).unwrap();
        Self { pixels: Arc::new(Mutex::new(pixels)), finished: Arc::default(), pieces: Arc::default() }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::SeqCst)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.pixels.lock().unwrap().bytes().to_vec()
    }

    pub(crate) fn values(&self) -> Vec<u16> {
        self.pixels.lock().unwrap().as_slice::<u16>().unwrap().to_vec()
    }
}

/// A sink that refuses what the contract forbids: boxes off the grid, thick boxes, a pixel given twice.
struct StrictSink {
    spec: ImageSpec,
    grid: Extent,
    written: Written,
    seen: Mutex<Buffer>,
}

impl ImageSink for StrictSink {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn tile(&self) -> Extent {
        self.grid
    }

    fn write(&self, pixels: &PixelsRef<'_>) -> Result<()> {
        let region = *pixels.region();
        for axis in [Axis::T, Axis::C, Axis::Z] {
            assert_eq!(region.extent[axis], 1, "a piece is one plane thick: {region}");
        }
        for axis in [Axis::Y, Axis::X] {
            let step = i64::try_from(self.grid[axis]).unwrap();
            assert_eq!(
                region.origin[axis as usize] % step,
                0,
                "{region} starts off the grid of {}",
                self.grid
            );
            let end = region.end(axis);
            let last = i64::try_from(self.spec.extent[axis]).unwrap();
            assert!(end % step == 0 || end == last, "{region} ends off the grid of {}", self.grid);
        }
        let mut seen = self.seen.lock().unwrap();
        let mut seen = seen.view_mut::<u8>().unwrap();
        for row in seen.part_mut(&region).unwrap().rows_mut() {
            assert!(row.iter().all(|&count| count == 0), "a pixel of {region} is given twice");
            row.fill(1);
        }
        let mut target = self.written.pixels.lock().unwrap();
        copy_pixels(pixels, &mut target.pixels_mut().unwrap().part_mut(&region).unwrap())?;
        self.written.pieces.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        assert!(self.seen.lock().unwrap().bytes().iter().all(|&count| count == 1), "pixels are missing");
        self.written.finished.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// A strict sink, and where to look at what was written.
pub(crate) fn strict_sink(spec: &ImageSpec, grid: Extent) -> (Box<dyn ImageSink>, Written) {
    let written = Written::new(spec);
    let seen = Mutex::new(Buffer::zeroed(DType::U8, Region::whole(spec.extent)).unwrap());
    (Box::new(StrictSink { spec: spec.clone(), grid, written: written.clone(), seen }), written)
}

/// Runs a step on images at its first ports, into strict sinks with this grid.
pub(crate) fn run_into(
    step: &Step,
    inputs: &[Arc<dyn ImageSource>],
    grid: Extent,
    options: &RunOptions,
) -> (Result<StepResult>, Vec<Written>) {
    let mut written = Vec::new();
    let mut factory = |_: usize, spec: &ImageSpec| {
        let (sink, what) = strict_sink(spec, grid);
        written.push(what);
        Ok(sink)
    };
    let inputs: Vec<_> = inputs.iter().cloned().enumerate().collect();
    let result = run(step, &inputs, &mut factory, options);
    (result, written)
}

pub(crate) fn options(threads: usize) -> RunOptions {
    RunOptions { threads, memory: 64 << 20, ..RunOptions::default() }
}

pub(crate) fn tiled(threads: usize, tile: Extent) -> RunOptions {
    RunOptions { tile: Some(tile), ..options(threads) }
}
