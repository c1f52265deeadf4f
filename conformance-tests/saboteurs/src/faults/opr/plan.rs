//! Faults of plans and refusals.

use parfocal_plugin::{
    prelude::*,
    private::{operator::Operator as Behaviour, types::ParameterValue},
};

use crate::fault::{Act, Fault, Make, Planning, Running};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "lost-calibration",
        case: "OPR-01",
        also: &[],
        what: "plans an output whose pixels are twice as large as its input's",
        operator: "smooth",
        act: Act::Plan(lost_calibration),
    },
    Fault {
        name: "unwritten-pixel",
        case: "OPR-01",
        also: &["OPR-05", "OPR-09", "OPR-12", "OPR-15", "OPR-17", "OPR-18"],
        what: "leaves the first pixel of each tile as it was",
        operator: "subtract",
        act: Act::Run(unwritten_pixel),
    },
    Fault {
        name: "broken-refusal",
        case: "OPR-02",
        also: &[],
        what: "answers pixel types that it does not declare as if something were broken",
        operator: "subtract",
        act: Act::Plan(broken_refusal),
    },
    Fault {
        name: "refused-type",
        case: "OPR-03",
        also: &[],
        what: "refuses a pixel type that it declares",
        operator: "smooth",
        act: Act::Plan(refused_type),
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
        name: "takes-nan",
        case: "OPR-20",
        also: &[],
        what: "takes what is no number for the default of a parameter",
        operator: "subtract",
        act: Act::Create(takes_nan),
    },
];

fn lost_calibration(call: &mut Planning<'_>) -> Result<Plan> {
    let mut plan = call.proceed()?;
    for output in &mut plan.outputs {
        output.pixel_size.x = output.pixel_size.x.map(|size| Micrometers(2.0 * size.0));
    }
    Ok(plan)
}

fn unwritten_pixel(call: &mut Running<'_, '_>) -> Result<()> {
    let before = call.tiles.outputs[0].pixels.bytes_mut().first().copied();
    call.proceed()?;
    if let (Some(byte), Some(before)) = (call.tiles.outputs[0].pixels.bytes_mut().first_mut(), before) {
        *byte = before;
    }
    Ok(())
}

/// Answers what it cannot work on as if something were broken.
fn broken_refusal(call: &mut Planning<'_>) -> Result<Plan> {
    call.proceed().map_err(|error| Error::internal(error.message()))
}

fn refused_type(call: &mut Planning<'_>) -> Result<Plan> {
    if call.inputs.iter().any(|input| input.spec.dtype == DType::I16) {
        return Err(Error::not_supported("pixels of type i16"));
    }
    call.proceed()
}

fn takes_nan(operator: &str, parameters: &Parameters, make: Make<'_>) -> Result<Box<dyn Behaviour>> {
    let number = |value: &ParameterValue| match value {
        ParameterValue::Number(number) if number.is_nan() => ParameterValue::Number(10.0),
        other => other.clone(),
    };
    let parameters = parameters.iter().map(|(name, value)| (name.to_owned(), number(value)));
    make(operator, &parameters.collect())
}

fn refused_limit(operator: &str, parameters: &Parameters, make: Make<'_>) -> Result<Box<dyn Behaviour>> {
    if parameters.get("distance") == Some(&ParameterValue::Number(1.0)) {
        return Err(Error::invalid_argument("a distance of 1 um is too long"));
    }
    make(operator, parameters)
}
