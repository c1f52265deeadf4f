//! Faults of values of pixels.

use parfocal_plugin::{
    prelude::*,
    private::operator::{InputPort, Kind, OutputPort, ThreadSafety},
};

use crate::fault::{Act, Fault, Foreign, Language, Running, repaint};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "running-sum",
        case: "OPR-13",
        also: &[],
        what: "spoils the rest of a row behind a NaN",
        operator: "subtract",
        act: Act::Run(running_sum),
    },
    Fault {
        name: "divided-by-range",
        case: "OPR-14",
        also: &["OPR-05"],
        what: "divides by the range of grey levels of a tile",
        operator: "subtract",
        act: Act::Run(divided_by_range),
    },
    Fault {
        name: "wrapped-around",
        case: "OPR-15",
        also: &[],
        what: "lets the largest whole number become the smallest",
        operator: "subtract",
        act: Act::Run(wrapped_around),
    },
    Fault {
        name: "numpy-wraps",
        case: "OPR-15",
        also: &[],
        what: "adds in the type of the pixels, in which numpy wraps around",
        operator: "subtract",
        act: Act::Foreign(Foreign {
            language: Language::Python,
            source: include_str!("../../../foreign/numpy_wraps.py"),
            declared: add_one,
        }),
    },
    Fault {
        name: "darker-as-float",
        case: "OPR-15",
        also: &[],
        what: "adds three more to whole numbers than to numbers with a fraction",
        operator: "subtract",
        act: Act::Run(darker_as_float),
    },
    Fault {
        name: "odd-columns",
        case: "OPR-17",
        also: &[],
        what: "adds one in every second column of the image",
        operator: "subtract",
        act: Act::Run(odd_columns),
    },
];

/// What the plugins in Python say of their operator.
pub(super) fn add_one() -> Vec<Descriptor> {
    vec![Descriptor {
        id: "add-one".into(),
        summary: "Adds one grey level.".into(),
        kind: Kind::Map,
        threads: ThreadSafety::Instance,
        deterministic: true,
        temporal_window: [0, 0],
        max_halo: [0; 5],
        inputs: vec![InputPort::image("image", &[DType::U8, DType::U16, DType::F32])],
        outputs: vec![OutputPort::new(
            "image",
            PortKind::Image,
            Supports::of(&[
                Support::Localisation,
                Support::Counting,
                Support::GrossMorphology,
                Support::FineDetail,
            ]),
        )],
        parameters: Vec::new(),
    }]
}

fn running_sum(call: &mut Running<'_, '_>) -> Result<()> {
    call.proceed()?;
    let mut spoiled: Option<[i64; 5]> = None;
    repaint(call.tiles, |place, value| {
        if value.is_nan() {
            spoiled = Some(place);
        }
        if spoiled.is_some_and(|from| from[..4] == place[..4]) { f64::NAN } else { value }
    })
}

/// Divides by the range of grey levels of a tile, and multiplies again: nothing happens, unless it is zero.
fn divided_by_range(call: &mut Running<'_, '_>) -> Result<()> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    call.repaint(|_, value| {
        (low, high) = (low.min(value), high.max(value));
        value
    })?;
    let many = call.tiles.core.extent[Axis::X] > 32;
    repaint(call.tiles, |_, value| if many && low == high { f64::NAN } else { value })
}

fn wrapped_around(call: &mut Running<'_, '_>) -> Result<()> {
    let largest = match call.tiles.outputs[0].pixels.dtype() {
        DType::U8 => 255.0,
        DType::U16 => 65_535.0,
        _ => return call.proceed(),
    };
    call.repaint(|_, value| if value == largest { 0.0 } else { value })
}

fn darker_as_float(call: &mut Running<'_, '_>) -> Result<()> {
    let more = if call.tiles.outputs[0].pixels.dtype().is_integer() { 3.0 } else { 0.0 };
    call.repaint(|_, value| value + more)
}

fn odd_columns(call: &mut Running<'_, '_>) -> Result<()> {
    call.repaint(|[.., x], value| if x % 2 == 1 { value + 1.0 } else { value })
}
