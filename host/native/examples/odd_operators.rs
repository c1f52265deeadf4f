//! A plugin in Rust for the tests of the lane: one operator gives back what it was told, one panics when it is asked to.

#![allow(clippy::panic, reason = "the panic is what the test is about")]

use parfocal_abi::Registry;
use parfocal_image::{DType, ImageSpec, PixelClass, Region, Supports};
use parfocal_operator::{
    Descriptor, InputPort, Kind, Operator, OutputKind, OutputPort, Plan, Services, ThreadSafety, Tiles,
};
use parfocal_types::{
    Error, ErrorKind, ParameterKind, ParameterRole, ParameterSpec, Parameters, Result, Unit,
};

struct Odd;

impl Registry for Odd {
    const PLUGIN: &'static str = "org.example.odd";
    const VERSION: &'static str = "0.1.0";

    fn descriptors() -> Vec<Descriptor> {
        vec![descriptor("echo"), descriptor("panic"), descriptor("refuse")]
    }

    fn create(operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        if parameters.len() != 5 {
            return Err(Error::internal(format!("{} parameters came, 5 were declared", parameters.len())));
        }
        Ok(Box::new(Behaviour(operator.to_owned())))
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
    Descriptor {
        id: id.into(),
        summary: "Does what its name says.".into(),
        kind: Kind::Map,
        threads: ThreadSafety::Single,
        deterministic: true,
        temporal_window: [1, 2],
        max_halo: [0, 1, 2, 3, 4],
        yields: PixelClass::Restored,
        preserves: Supports::from_bits(0b101_0101),
        inputs: vec![InputPort {
            name: "image".into(),
            dtypes: DType::ALL.to_vec(),
            labels: false,
            optional: false,
        }],
        outputs: vec![OutputPort { name: "image".into(), kind: OutputKind::Image }],
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

struct Behaviour(String);

impl Operator for Behaviour {
    fn plan(&mut self, inputs: &[ImageSpec]) -> Result<Plan> {
        Ok(Plan::like(&inputs[0]))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<Region>> {
        Ok(vec![*core])
    }

    fn run(&mut self, _tiles: &mut Tiles<'_>, _services: &dyn Services) -> Result<()> {
        match self.0.as_str() {
            "panic" => panic!("the filter met {}", "a comet"),
            "refuse" => Err(Error::new(
                ErrorKind::OutOfRange { min: "1".into(), max: "2".into(), got: "3".into() },
                "three is too much",
            )
            .with_remedy("take two")),
            _ => Ok(()),
        }
    }
}

parfocal_abi::export_native!(Odd);
