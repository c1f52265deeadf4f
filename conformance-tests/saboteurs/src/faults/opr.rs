//! Faults of what operators mean.

use std::{collections::BTreeSet, env, hint, process, thread, thread::ThreadId};

use parfocal_plugin::{
    prelude::*,
    private::{
        operator::{LogLevel, Operator as Behaviour},
        types::{Column, Field, ParameterValue, Scalar},
    },
};

use crate::fault::{Act, Fault, Make, Sabotage, repaint, with};

/// The faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "lost-calibration",
        case: "OPR-01",
        also: &[],
        what: "plans an output whose pixels are twice as large as its input's",
        operator: "smooth",
        act: Act::Wrap(with::<LostCalibration>),
    },
    Fault {
        name: "unwritten-pixel",
        case: "OPR-01",
        also: &["OPR-05", "OPR-09", "OPR-12", "OPR-15", "OPR-17", "OPR-18"],
        what: "leaves the first pixel of each tile as it was",
        operator: "subtract",
        act: Act::Wrap(with::<UnwrittenPixel>),
    },
    Fault {
        name: "broken-refusal",
        case: "OPR-02",
        also: &[],
        what: "answers pixel types that it does not declare as if something were broken",
        operator: "subtract",
        act: Act::Wrap(with::<BrokenRefusal>),
    },
    Fault {
        name: "refused-type",
        case: "OPR-03",
        also: &[],
        what: "refuses a pixel type that it declares",
        operator: "smooth",
        act: Act::Wrap(with::<RefusedType>),
    },
    Fault {
        name: "process-number",
        case: "OPR-04",
        also: &["OPR-31"],
        what: "adds a number that each process draws for itself",
        operator: "subtract",
        act: Act::Wrap(with::<ProcessNumber>),
    },
    Fault {
        name: "tile-corner",
        case: "OPR-05",
        also: &["OPR-12", "OPR-18"],
        what: "adds one to the first pixel of each tile",
        operator: "smooth",
        act: Act::Wrap(with::<TileCorner>),
    },
    Fault {
        name: "halo-in-vain",
        case: "OPR-06",
        also: &[],
        what: "asks for a halo that it does not use",
        operator: "smooth",
        act: Act::Wrap(with::<HaloInVain>),
    },
    Fault {
        name: "raster-order",
        case: "OPR-07",
        also: &[],
        what: "is wrong for a tile that lies before the one that the instance worked on last",
        operator: "subtract",
        act: Act::Wrap(with::<RasterOrder>),
    },
    Fault {
        name: "one-sided-merge",
        case: "OPR-07",
        also: &["OPR-05"],
        what: "forgets the pixels of the right side when it joins results that were joined before",
        operator: "stretch",
        act: Act::Wrap(with::<OneSidedMerge>),
    },
    Fault {
        name: "written-input",
        case: "OPR-08",
        also: &["OPR-09"],
        what: "writes to the tile that it reads",
        operator: "subtract",
        act: Act::Wrap(with::<WrittenInput>),
    },
    Fault {
        name: "beyond-the-row",
        case: "OPR-09",
        also: &[],
        what: "writes one pixel beyond the end of each row",
        operator: "subtract",
        act: Act::Wrap(with::<BeyondTheRow>),
    },
    Fault {
        name: "divided-by-nothing",
        case: "OPR-11",
        also: &[],
        what: "divides by the number of pixels, which may be zero",
        operator: "subtract",
        act: Act::Wrap(with::<DividedByNothing>),
    },
    Fault {
        name: "second-column",
        case: "OPR-12",
        also: &["ROB-13"],
        what: "reads the second column of an image that has one only",
        operator: "subtract",
        act: Act::Wrap(with::<SecondColumn>),
    },
    Fault {
        name: "running-sum",
        case: "OPR-13",
        also: &[],
        what: "spoils the rest of a row behind a NaN",
        operator: "subtract",
        act: Act::Wrap(with::<RunningSum>),
    },
    Fault {
        name: "divided-by-range",
        case: "OPR-14",
        also: &["OPR-05"],
        what: "divides by the range of grey levels of a tile",
        operator: "subtract",
        act: Act::Wrap(with::<DividedByRange>),
    },
    Fault {
        name: "wrapped-around",
        case: "OPR-15",
        also: &[],
        what: "lets the largest whole number become the smallest",
        operator: "subtract",
        act: Act::Wrap(with::<WrappedAround>),
    },
    Fault {
        name: "odd-columns",
        case: "OPR-17",
        also: &[],
        what: "adds one in every second column of the image",
        operator: "subtract",
        act: Act::Wrap(with::<OddColumns>),
    },
    Fault {
        name: "long-memory",
        case: "OPR-18",
        also: &["OPR-04", "OPR-05", "OPR-07", "OPR-12", "OPR-21", "OPR-23"],
        what: "forgets nothing when a new sequence starts",
        operator: "change",
        act: Act::Wrap(with::<LongMemory>),
    },
    Fault {
        name: "short-index",
        case: "OPR-19",
        also: &[],
        what: "counts pixels of the image in 32 bits",
        operator: "subtract",
        act: Act::Wrap(with::<ShortIndex>),
    },
    Fault {
        name: "refused-limit",
        case: "OPR-20",
        also: &[],
        what: "refuses a parameter at the limit that it declares",
        operator: "erode",
        act: Act::Create(refused_limit),
    },
    Fault {
        name: "deaf",
        case: "OPR-21",
        also: &[],
        what: "asks whether to stop, and does not listen",
        operator: "smooth",
        act: Act::Wrap(with::<Deaf>),
    },
    Fault {
        name: "progress-backwards",
        case: "OPR-22",
        also: &[],
        what: "reports progress that falls",
        operator: "subtract",
        act: Act::Wrap(with::<ProgressBackwards>),
    },
    Fault {
        name: "own-thread",
        case: "OPR-23",
        also: &["ABI-16"],
        what: "is wrong on another thread than that of its first tile",
        operator: "subtract",
        act: Act::Wrap(with::<OwnThread>),
    },
    Fault {
        name: "leak",
        case: "OPR-24",
        also: &[],
        what: "keeps a copy of each tile for ever",
        operator: "subtract",
        act: Act::Wrap(with::<Leak>),
    },
    Fault {
        name: "silent-micrometer",
        case: "OPR-27",
        also: &[],
        what: "takes a pixel for one micrometer when nobody knows its size",
        operator: "erode",
        act: Act::Wrap(with::<SilentMicrometer>),
    },
    Fault {
        name: "gaps",
        case: "OPR-28",
        also: &[],
        what: "leaves out every second number of labels",
        operator: "number",
        act: Act::Wrap(with::<Gaps>),
    },
    Fault {
        name: "twice-the-area",
        case: "OPR-29",
        also: &[],
        what: "gives twice the area of each object",
        operator: "measure",
        act: Act::Wrap(with::<TwiceTheArea>),
    },
    Fault {
        name: "language",
        case: "OPR-31",
        also: &[],
        what: "adds one where people speak German",
        operator: "subtract",
        act: Act::Wrap(with::<Language>),
    },
];

/// Plans an output whose pixels are twice as large as its input's.
#[derive(Default)]
struct LostCalibration;

impl Sabotage for LostCalibration {
    fn plan(
        &mut self,
        inner: &mut dyn Behaviour,
        inputs: &[InputSpec<'_>],
        services: &dyn Services,
    ) -> Result<Plan> {
        let mut plan = inner.plan(inputs, services)?;
        for output in &mut plan.outputs {
            output.pixel_size.x = output.pixel_size.x.map(|size| Micrometers(2.0 * size.0));
        }
        Ok(plan)
    }
}

/// Leaves the first pixel of each tile as it was.
#[derive(Default)]
struct UnwrittenPixel;

impl Sabotage for UnwrittenPixel {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        let bytes = |tiles: &mut Tiles<'_>| tiles.outputs[0].pixels.bytes_mut().first().copied();
        let before = bytes(tiles);
        inner.run(tiles, services)?;
        if let (Some(byte), Some(before)) = (tiles.outputs[0].pixels.bytes_mut().first_mut(), before) {
            *byte = before;
        }
        Ok(())
    }
}

/// Answers what it cannot work on as if something were broken.
#[derive(Default)]
struct BrokenRefusal;

impl Sabotage for BrokenRefusal {
    fn plan(
        &mut self,
        inner: &mut dyn Behaviour,
        inputs: &[InputSpec<'_>],
        services: &dyn Services,
    ) -> Result<Plan> {
        inner.plan(inputs, services).map_err(|error| Error::internal(error.message()))
    }
}

/// Refuses a pixel type that it declares.
#[derive(Default)]
struct RefusedType;

impl Sabotage for RefusedType {
    fn plan(
        &mut self,
        inner: &mut dyn Behaviour,
        inputs: &[InputSpec<'_>],
        services: &dyn Services,
    ) -> Result<Plan> {
        if inputs.iter().any(|input| input.spec.dtype == DType::I16) {
            return Err(Error::not_supported("pixels of type i16"));
        }
        inner.plan(inputs, services)
    }
}

/// Adds a number that each process draws for itself.
#[derive(Default)]
struct ProcessNumber;

impl Sabotage for ProcessNumber {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let number = f64::from(process::id() % 97);
        repaint(tiles, |_, value| if value > 97.0 { value - number } else { value })
    }
}

/// Adds one to the first pixel of each tile.
#[derive(Default)]
struct TileCorner;

impl Sabotage for TileCorner {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let corner = tiles.core.origin;
        repaint(tiles, |place, value| if place == corner { value + 1.0 } else { value })
    }
}

/// Asks for a halo that it does not use: the operator gets the part of it that it asked for itself.
#[derive(Default)]
struct HaloInVain;

impl Sabotage for HaloInVain {
    fn required_input(&self, inner: &dyn Behaviour, core: &Region) -> Result<Vec<InputRegion>> {
        let mut regions = inner.required_input(core)?;
        for InputRegion { region, .. } in &mut regions {
            let halo = core.origin[4] - region.origin[4];
            *region = region.grown(Axis::X, (3 - halo).unsigned_abs(), 0);
        }
        Ok(regions)
    }

    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        let wanted = inner.required_input(&tiles.core)?;
        let mut inputs = tiles.inputs.to_vec();
        for (input, wanted) in inputs.iter_mut().zip(wanted) {
            input.pixels = input.pixels.part(&wanted.region)?;
        }
        let (core, mut outputs) = (tiles.core, Vec::new());
        for Output { pixels, full } in &mut *tiles.outputs {
            outputs.push(Output { pixels: pixels.reborrow(), full: *full });
        }
        inner.run(&mut Tiles { core, inputs: &inputs, outputs: &mut outputs }, services)
    }
}

/// Is wrong for a tile that lies before the one that the instance worked on last.
#[derive(Default)]
struct RasterOrder {
    last: Option<[i64; 5]>,
}

impl Sabotage for RasterOrder {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let back = self.last.replace(tiles.core.origin).is_some_and(|last| last > tiles.core.origin);
        repaint(tiles, |_, value| if back { value + 1.0 } else { value })
    }
}

/// Forgets the pixels of the right side when it joins results that were joined before.
#[derive(Default)]
struct OneSidedMerge {
    joined: BTreeSet<Vec<u8>>,
}

impl Sabotage for OneSidedMerge {
    fn merge(
        &mut self,
        inner: &mut dyn Behaviour,
        left: Vec<u8>,
        right: &[u8],
        services: &dyn Services,
    ) -> Result<Vec<u8>> {
        if self.joined.contains(right) {
            return Ok(left);
        }
        let both = inner.merge(left, right, services)?;
        self.joined.insert(both.clone());
        Ok(both)
    }
}

/// Writes to the tile that it reads.
#[derive(Default)]
struct WrittenInput;

impl Sabotage for WrittenInput {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        if let Some(input) = tiles.inputs.first().filter(|input| !input.pixels.bytes().is_empty()) {
            let place = input.pixels.bytes().as_ptr().cast_mut();
            // SAFETY: none: writing to what may only be read is the fault.
            unsafe { place.write_volatile(place.read_volatile()) };
        }
        inner.run(tiles, services)
    }
}

/// Writes one pixel beyond the end of each row. Where rows lie side by side, that is the first of the next row, and is
/// overwritten by what belongs there.
#[derive(Default)]
struct BeyondTheRow;

impl Sabotage for BeyondTheRow {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        for output in &mut *tiles.outputs {
            let size = output.pixels.dtype().size();
            let width = output.pixels.region().extent[Axis::X] as usize * size;
            let step = output.pixels.strides()[3] * size;
            let bytes = output.pixels.bytes_mut();
            for row in (0..bytes.len()).step_by(step.max(1)) {
                if let Some(byte) = bytes.get_mut(row + width) {
                    *byte = 0x11;
                }
            }
        }
        inner.run(tiles, services)
    }
}

/// Divides by the number of pixels, which may be zero.
#[derive(Default)]
struct DividedByNothing;

impl Sabotage for DividedByNothing {
    fn plan(
        &mut self,
        inner: &mut dyn Behaviour,
        inputs: &[InputSpec<'_>],
        services: &dyn Services,
    ) -> Result<Plan> {
        let plan = inner.plan(inputs, services)?;
        for output in &plan.outputs {
            hint::black_box(1_000_000 / output.extent.count().unwrap_or(1));
        }
        Ok(plan)
    }
}

/// Reads the second column of an image that has one only.
#[derive(Default)]
struct SecondColumn;

impl Sabotage for SecondColumn {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        let columns: Vec<_> = (0..tiles.inputs[0].full[Axis::X]).collect();
        hint::black_box(columns[1]);
        inner.run(tiles, services)
    }
}

/// Spoils the rest of a row behind a NaN.
#[derive(Default)]
struct RunningSum;

impl Sabotage for RunningSum {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let mut spoiled: Option<[i64; 5]> = None;
        repaint(tiles, |place, value| {
            if value.is_nan() {
                spoiled = Some(place);
            }
            if spoiled.is_some_and(|from| from[..4] == place[..4]) { f64::NAN } else { value }
        })
    }
}

/// Divides by the range of grey levels of a tile, and multiplies again: nothing happens, unless it is zero.
#[derive(Default)]
struct DividedByRange;

impl Sabotage for DividedByRange {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        repaint(tiles, |_, value| {
            (low, high) = (low.min(value), high.max(value));
            value
        })?;
        let many = tiles.core.extent[Axis::X] > 32;
        repaint(tiles, |_, value| if many && low == high { f64::NAN } else { value })
    }
}

/// Lets the largest whole number become the smallest.
#[derive(Default)]
struct WrappedAround;

impl Sabotage for WrappedAround {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let largest = match tiles.outputs[0].pixels.dtype() {
            DType::U8 => 255.0,
            DType::U16 => 65_535.0,
            _ => return Ok(()),
        };
        repaint(tiles, |_, value| if value == largest { 0.0 } else { value })
    }
}

/// Adds one in every second column of the image.
#[derive(Default)]
struct OddColumns;

impl Sabotage for OddColumns {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        repaint(tiles, |[.., x], value| if x % 2 == 1 { value + 1.0 } else { value })
    }
}

/// Forgets nothing when a new sequence starts.
#[derive(Default)]
struct LongMemory;

impl Sabotage for LongMemory {
    fn reset(&mut self, _: &mut dyn Behaviour, _: &dyn Services) -> Result<()> {
        Ok(())
    }

    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        // What is remembered of a place of another size would be noticed as an error.
        inner.run(tiles, services).or_else(|_| {
            inner.reset(services)?;
            inner.run(tiles, services)
        })
    }
}

/// Counts pixels of the image in 32 bits: behind the last that it can count, it is wrong.
#[derive(Default)]
struct ShortIndex;

impl Sabotage for ShortIndex {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        let width = tiles.outputs[0].full[Axis::X].cast_signed();
        inner.run(tiles, services)?;
        repaint(tiles, |[.., y, x], value| {
            let index = y * width + x;
            if i32::try_from(index).is_ok() { value } else { value + 1.0 }
        })
    }
}

/// Refuses a parameter at the limit that it declares.
fn refused_limit(operator: &str, parameters: &Parameters, make: Make<'_>) -> Result<Box<dyn Behaviour>> {
    if parameters.get("distance") == Some(&ParameterValue::Number(1.0)) {
        return Err(Error::invalid_argument("a distance of 1 um is too long"));
    }
    make(operator, parameters)
}

/// Asks whether to stop, and does not listen.
#[derive(Default)]
struct Deaf;

/// Services of a host that never asks to stop.
struct Unheard<'a>(&'a dyn Services);

impl Services for Unheard<'_> {
    fn log(&self, level: LogLevel, text: &str) {
        self.0.log(level, text);
    }

    fn progress(&self, fraction: f32) {
        self.0.progress(fraction);
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled();
        false
    }

    fn seed(&self) -> u64 {
        self.0.seed()
    }
}

impl Sabotage for Deaf {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, &Unheard(services))
    }
}

/// Reports progress that falls.
#[derive(Default)]
struct ProgressBackwards;

impl Sabotage for ProgressBackwards {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        services.progress(0.9);
        inner.run(tiles, services)?;
        services.progress(0.1);
        Ok(())
    }
}

/// Is wrong on another thread than that of its first tile.
#[derive(Default)]
struct OwnThread {
    own: Option<ThreadId>,
}

impl Sabotage for OwnThread {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let here = thread::current().id();
        let strange = *self.own.get_or_insert(here) != here;
        repaint(tiles, |_, value| if strange { value + 1.0 } else { value })
    }
}

/// Keeps a copy of each tile for ever.
#[derive(Default)]
struct Leak;

impl Sabotage for Leak {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        let copies: Vec<Vec<u8>> = tiles.inputs.iter().map(|input| input.pixels.bytes().to_vec()).collect();
        hint::black_box(Vec::leak(copies));
        inner.run(tiles, services)
    }
}

/// Takes a pixel for one micrometer when nobody knows its size.
#[derive(Default)]
struct SilentMicrometer;

impl Sabotage for SilentMicrometer {
    fn plan(
        &mut self,
        inner: &mut dyn Behaviour,
        inputs: &[InputSpec<'_>],
        services: &dyn Services,
    ) -> Result<Plan> {
        let mut specs: Vec<_> = inputs.iter().map(|input| (input.port, input.spec.clone())).collect();
        let sizes: Vec<_> = specs.iter().map(|(_, spec)| spec.pixel_size).collect();
        for (_, spec) in &mut specs {
            spec.pixel_size.x = spec.pixel_size.x.or(Some(Micrometers(1.0)));
            spec.pixel_size.y = spec.pixel_size.y.or(Some(Micrometers(1.0)));
        }
        let inputs: Vec<_> = specs.iter().map(|(port, spec)| InputSpec { port: *port, spec }).collect();
        let mut plan = inner.plan(&inputs, services)?;
        plan.outputs.iter_mut().zip(sizes).for_each(|(output, size)| output.pixel_size = size);
        Ok(plan)
    }
}

/// Leaves out every second number of labels.
#[derive(Default)]
struct Gaps;

impl Sabotage for Gaps {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        repaint(tiles, |_, label| 2.0 * label)
    }
}

/// Gives twice the area of each object.
#[derive(Default)]
struct TwiceTheArea;

/// A sink that doubles the second column.
struct Doubled<'a>(&'a mut dyn Sink);

impl Sink for Doubled<'_> {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        self.0.columns(port, columns)
    }

    fn rows(&mut self, port: u32, mut rows: Vec<Vec<Scalar>>) -> Result<()> {
        for row in &mut rows {
            if let Some(Scalar::Number(area)) = row.get_mut(1) {
                *area *= 2.0;
            }
        }
        self.0.rows(port, rows)
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        self.0.field(port, field)
    }
}

impl Sabotage for TwiceTheArea {
    fn finish(
        &mut self,
        inner: &mut dyn Behaviour,
        total: &[u8],
        sink: &mut dyn Sink,
        services: &dyn Services,
    ) -> Result<Vec<u8>> {
        inner.finish(total, &mut Doubled(sink), services)
    }
}

/// Adds one where people speak German.
#[derive(Default)]
struct Language;

impl Sabotage for Language {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        inner.run(tiles, services)?;
        let german = env::var("LANG").is_ok_and(|language| language.starts_with("de"));
        repaint(tiles, |_, value| if german { value + 1.0 } else { value })
    }
}
