//! Times the filters on a 2048 x 2048 frame, on one thread, next to scipy when a Python with it is there.
//!
//! `cargo run --release -p parfocal-classical --example bench-filters [repeats] [all | only <words>]`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/support/driver.rs"]
mod driver;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/support/images.rs"]
mod images;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/support/python.rs"]
mod python;

use std::{collections::BTreeMap, hint::black_box, time::Instant};

use driver::{Image, Quiet};
use parfocal_image::{Buffer, DType, Extent, Region};
use parfocal_operator::{Input, InputRegion, Output, Tiles};

const SIZE: u64 = 2048;

/// Operator, parameters, halo.
const CASES: [(&str, &[(&str, &str)]); 9] = [
    ("identity", &[]),
    ("gaussian", &[("sigma", "1")]),
    ("gaussian", &[("sigma", "2")]),
    ("gaussian", &[("sigma", "10")]),
    ("median", &[("radius", "1")]),
    ("median", &[("radius", "2")]),
    ("median", &[("radius", "3")]),
    ("median", &[("radius", "10")]),
    ("top-hat", &[("radius", "20")]),
];

fn main() {
    let repeats = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    // Large windows take scipy minutes: only asked for with `all`. `only` leaves scipy out, and cases without the words.
    let which = std::env::args().nth(2).unwrap_or_default();
    let only: Vec<String> = std::env::args().skip(3).collect();
    let ask = || {
        if which == "only" {
            Err("not asked".into())
        } else {
            python::judge("bench.py", "numpy, scipy", &format!("{repeats} {which}"))
        }
    };
    let scipy = ask().unwrap_or_else(|why| {
        println!("without scipy: {why}");
        serde_json::Value::Null
    });
    println!("{:<24} {:>5} {:>10} {:>10} {:>7}", "operator", "type", "ours ms", "scipy ms", "ratio");
    for (id, parameters) in CASES {
        for dtype in [DType::U8, DType::U16, DType::F32] {
            let values: BTreeMap<_, _> = parameters.iter().copied().collect();
            let name =
                values.iter().fold(id.to_owned(), |name, (key, value)| format!("{name} {key}={value}"));
            let shown = format!("{name} {dtype}");
            if !only.iter().all(|word| shown.contains(word)) {
                continue;
            }
            let ours = time(id, parameters, dtype, repeats);
            let theirs = scipy[&shown].as_f64();
            let (theirs, ratio) = match theirs {
                Some(theirs) => (format!("{theirs:.1}"), format!("{:.1}", theirs / ours)),
                None => ("-".to_owned(), "-".to_owned()),
            };
            println!("{name:<24} {dtype:>5} {ours:>10.1} {theirs:>10} {ratio:>7}");
        }
    }
}

/// The frame that scipy gets too: discs of a 12-bit camera, scaled for 8 bits.
fn frame(dtype: DType) -> Image {
    let extent = Extent::plane(SIZE, SIZE);
    let values = images::discs(extent, 1);
    match dtype {
        DType::U8 => {
            images::typed::<u8>(extent, &values.iter().map(|value| value / 16.0).collect::<Vec<_>>())
        }
        DType::U16 => images::typed::<u16>(extent, &values),
        _ => images::typed::<f32>(extent, &values),
    }
}

/// The fastest of several runs over the frame as one tile, in milliseconds.
fn time(id: &str, parameters: &[(&str, &str)], dtype: DType, repeats: u32) -> f64 {
    let image = frame(dtype);
    let core = Region::whole(image.spec.extent);
    let mut operator = driver::create(id, parameters).expect("known parameters");
    operator.plan(&driver::specs(&[&image]), &Quiet).expect("a plan");
    let InputRegion { port, region, padding } = operator.required_input(&core).expect("planned")[0];
    let tile = driver::padded(&image, &region, padding);
    let pixels = tile.pixels().and_then(|pixels| pixels.part(&region)).expect("the region is inside");
    let mut buffer = Buffer::zeroed(dtype, core).expect("memory");
    (0..repeats)
        .map(|_| {
            let inputs = [Input { port, pixels, full: core.extent, frames: &[] }];
            let outputs = &mut [Output { pixels: buffer.pixels_mut().expect("memory"), full: core.extent }];
            let start = Instant::now();
            operator.run(&mut Tiles { core, inputs: &inputs, outputs }, &Quiet).expect("it runs");
            let ms = start.elapsed().as_secs_f64() * 1e3;
            black_box(buffer.bytes());
            ms
        })
        .fold(f64::INFINITY, f64::min)
}
