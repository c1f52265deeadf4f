//! Faults of labels, lengths and measurements.

use parfocal_plugin::{prelude::*, private::operator::Operator as Behaviour};

use crate::fault::{Act, Fault, Planning, Running, Sabotage, with};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "silent-micrometer",
        case: "OPR-27",
        also: &[],
        what: "takes a pixel for one micrometer when nobody knows its size",
        operator: "erode",
        act: Act::Plan(silent_micrometer),
    },
    Fault {
        name: "gaps",
        case: "OPR-28",
        also: &[],
        what: "leaves out every second number of labels",
        operator: "number",
        act: Act::Run(gaps),
    },
    Fault {
        name: "twice-the-area",
        case: "OPR-29",
        also: &[],
        what: "gives twice the area of each object",
        operator: "measure",
        act: Act::Wrap(with::<TwiceTheArea>),
    },
];

fn silent_micrometer(call: &mut Planning<'_>) -> Result<Plan> {
    let mut specs: Vec<_> = call.inputs.iter().map(|input| (input.port, input.spec.clone())).collect();
    let sizes: Vec<_> = specs.iter().map(|(_, spec)| spec.pixel_size).collect();
    for (_, spec) in &mut specs {
        spec.pixel_size.x = spec.pixel_size.x.or(Some(Micrometers(1.0)));
        spec.pixel_size.y = spec.pixel_size.y.or(Some(Micrometers(1.0)));
    }
    let inputs: Vec<_> = specs.iter().map(|(port, spec)| InputSpec { port: *port, spec }).collect();
    let mut plan = call.inner.plan(&inputs, call.services)?;
    plan.outputs.iter_mut().zip(sizes).for_each(|(output, size)| output.pixel_size = size);
    Ok(plan)
}

fn gaps(call: &mut Running<'_, '_>) -> Result<()> {
    call.repaint(|_, label| 2.0 * label)
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
