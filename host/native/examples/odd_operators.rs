//! A plugin in Rust for the tests of the lane. `echo` gives back what it was told, `fragile` panics where it is asked to
//! and remembers, `refuse` returns an error.

#![allow(clippy::panic, reason = "the panic is what the test is about")]

use std::sync::atomic::{AtomicI64, Ordering};

use parfocal_abi::Registry;
use parfocal_image::{Axis, DType, PixelClass, Region, Supports};
use parfocal_operator::{
    Descriptor, InputPort, InputRegion, InputSpec, Kind, LogLevel, Operator, OutputPort, Padding, Plan,
    PortKind, Services, Sink, ThreadSafety, Tiles, Tiling,
};
use parfocal_types::{
    Column, ColumnKind, Error, ErrorKind, Field, ParameterKind, ParameterRole, ParameterSpec, Parameters,
    Result, Scalar, Unit,
};

struct Odd;

impl Registry for Odd {
    const PLUGIN: &'static str = "org.example.odd";
    const VERSION: &'static str = "0.1.0";

    fn descriptors() -> Vec<Descriptor> {
        vec![descriptor("echo"), descriptor("fragile"), descriptor("refuse")]
    }

    fn create(operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        match operator {
            "echo" => Ok(Box::new(Echo(parameters.clone()))),
            "fragile" => {
                ALIVE.fetch_add(1, Ordering::Relaxed);
                Ok(Box::new(Fragile::default()))
            }
            _ => Ok(Box::new(Refuse)),
        }
    }
}

fn descriptor(id: &str) -> Descriptor {
    let spec = |name: &str, unit, kind| ParameterSpec {
        name: name.into(),
        doc: format!("The parameter {name}."),
        role: ParameterRole::Setting,
        unit,
        kind,
    };
    let labels = InputPort {
        name: "labels".into(),
        kind: PortKind::Labels,
        dtypes: vec![DType::U8, DType::U32],
        optional: true,
    };
    let found = OutputPort {
        name: "found".into(),
        kind: PortKind::Labels,
        yields: PixelClass::Predicted,
        preserves: Supports::NONE,
        network: true,
    };
    Descriptor {
        id: id.into(),
        summary: "Does what its name says.".into(),
        kind: Kind::Reduce,
        threads: ThreadSafety::Single,
        deterministic: true,
        temporal_window: [1, 2],
        max_halo: [0, 1, 2, 3, 4],
        inputs: vec![InputPort::image("image", &DType::ALL), labels],
        outputs: vec![
            OutputPort {
                yields: PixelClass::Restored,
                ..OutputPort::new("image", PortKind::Image, Supports::from_bits(0b101_0101))
            },
            found,
            OutputPort::new("table", PortKind::Table, Supports::ALL),
            OutputPort::new("record", PortKind::Record, Supports::ALL),
        ],
        parameters: vec![
            spec("flag", Unit::None, ParameterKind::Flag { default: true }),
            spec("integer", Unit::Pixel, ParameterKind::Integer { default: -3, min: i64::MIN, max: 9 }),
            spec("number", Unit::Micrometer, ParameterKind::Number { default: 0.5, min: -1.0, max: 1e300 }),
            spec(
                "choice",
                Unit::None,
                ParameterKind::Choice { default: "b".into(), options: vec!["a".into(), "b".into()] },
            ),
            spec("text", Unit::None, ParameterKind::Text { default: "grün".into() }),
        ],
    }
}

/// Says in the log which call it was, and with what.
struct Echo(Parameters);

fn say(services: &dyn Services, text: String) {
    services.log(LogLevel::Info, &text);
}

impl Operator for Echo {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        for input in inputs {
            say(services, format!("plan {}", input.port));
        }
        say(services, format!("seed {}", services.seed()));
        let mut plan = Plan::like(inputs[0].spec)
            .tiled(Axis::T, Tiling::InOrder)
            .tiled(Axis::C, Tiling::Each)
            .tiled(Axis::Z, Tiling::Whole)
            .tile_size(Axis::Y, 16, 512)
            .with_memory(7);
        plan.outputs.extend(inputs[1..].iter().map(|input| input.spec.clone()));
        (plan.bytes, plan.reduce_over) = (11, [true, false, true, false, true]);
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core).padded(Padding::Reflect), InputRegion::new(1, *core)])
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        say(services, "reset".into());
        Ok(())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        for input in tiles.inputs {
            say(services, format!("{} {:?}", input.port, input.frames));
        }
        say(services, self.0.iter().map(|(name, value)| format!("{name}={value} ")).collect());
        Ok(())
    }

    fn merge(&mut self, mut left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        say(services, "merge".into());
        left.extend_from_slice(right);
        Ok(left)
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        say(services, "finish".into());
        let row = || {
            let text = Scalar::Text("grün".into());
            vec![Scalar::Flag(true), Scalar::Integer(-2), Scalar::Number(f64::INFINITY), text]
        };
        let kinds = [ColumnKind::Flag, ColumnKind::Integer, ColumnKind::Number, ColumnKind::Text];
        let columns: Vec<Column> =
            kinds.into_iter().map(|kind| Column::new(format!("{kind:?}"), kind, Unit::Photon)).collect();
        sink.columns(2, &columns)?;
        // As many rows as the total is long, and two more; the first cell of each says whether its number is even.
        let numbered = |number: usize| {
            let mut row = row();
            row[0] = Scalar::Flag(number.is_multiple_of(2));
            row
        };
        sink.rows(2, (0..total.len() + 2).map(numbered).collect())?;
        for value in row() {
            sink.field(3, Field { name: "value".into(), unit: Unit::Volt, value })?;
        }
        Ok(total.to_vec())
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        say(services, format!("conclude {conclusion:?}"));
        Ok(())
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        say(services, "save".into());
        Ok(vec![4, 5])
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        say(services, format!("load {state:?}"));
        Ok(())
    }
}

/// How many instances of `fragile` there are.
static ALIVE: AtomicI64 = AtomicI64::new(0);

/// Panics at time point 13, and is broken from then on.
#[derive(Default)]
struct Fragile {
    story: Vec<String>,
    broken: std::sync::Mutex<bool>,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Fragile {
    fn work(&self, core: &Region) -> Result<()> {
        let mut broken = self.broken.lock().map_err(|_| Error::internal("called again after a panic"))?;
        *broken = true;
        if core.origin[0] == 13 {
            panic!("the filter met {}", "a comet");
        }
        *broken = false;
        Ok(())
    }
}

impl Operator for Fragile {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        self.story.push(format!("plan {} {} seed {}", inputs[0].port, inputs[0].spec.name, services.seed()));
        self.work(&Region::new([inputs[0].spec.extent.0[0].cast_signed(); 5], inputs[0].spec.extent))?;
        let plan = Plan::like(inputs[0].spec);
        Ok(if inputs[0].spec.name == "sequence" { plan.tiled(Axis::T, Tiling::InOrder) } else { plan })
    }

    fn reset(&mut self, _services: &dyn Services) -> Result<()> {
        self.story.retain(|word| !word.starts_with("load"));
        Ok(())
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        self.work(core)?;
        // The port tells how long the story is.
        Ok(vec![InputRegion::new(u32::try_from(self.story.len()).unwrap_or(u32::MAX), *core)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        self.work(&tiles.core)?;
        say(services, format!("{:?} of {}", self.story, ALIVE.load(Ordering::Relaxed)));
        Ok(())
    }

    fn conclude(&mut self, conclusion: &[u8], _services: &dyn Services) -> Result<()> {
        self.story.push(format!("conclude {conclusion:?}"));
        Ok(())
    }

    fn load(&mut self, state: &[u8], _services: &dyn Services) -> Result<()> {
        self.story.push(format!("load {state:?}"));
        Ok(())
    }
}

struct Refuse;

impl Operator for Refuse {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _services: &dyn Services) -> Result<Plan> {
        Ok(Plan::like(inputs[0].spec))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn run(&mut self, _tiles: &mut Tiles<'_>, _services: &dyn Services) -> Result<()> {
        let kind = ErrorKind::OutOfRange { min: "1".into(), max: "2".into(), got: "3".into() };
        Err(Error::new(kind, "three is too much").with_remedy("take two"))
    }
}

parfocal_abi::export_native!(Odd);
