//! How long the lane takes for each of its steps, on this machine: compile, load from the cache, make an instance, call,
//! and move an image of 8 MiB. Takes the path of the tests' fixture component.
//!
//! ```text
//! cargo run --release -p parfocal-wasm --example lane_times -- <fixture.wasm>
//! ```

#[path = "../tests/fixtures/guest/src/operators.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::panic,
    reason = "the fixture's operators, compiled natively to compare"
)]
mod operators;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use parfocal_core::{Artifact, CancelToken, Lane, Library, Limits, RunServices, Sha256};
use parfocal_image::{Buffer, DType, Extent, ImageSpec, Region};
use parfocal_operator::{Input, InputSpec, Operator, Output, Tiles};
use parfocal_types::{Parameters, Result};
use parfocal_wasm::{WasmLane, WasmOptions};

/// The shortest of several rounds: what the step costs when nothing else runs.
fn best(rounds: u32, mut step: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut shortest = Duration::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        step()?;
        shortest = shortest.min(start.elapsed());
    }
    Ok(shortest)
}

fn show(what: &str, time: Duration) {
    println!("{what:<44} {:>10.3} ms", time.as_secs_f64() * 1e3);
}

fn plan(operator: &mut dyn Operator, extent: Extent) -> Result<()> {
    let spec = ImageSpec::new(extent, DType::U16);
    let services = RunServices::new(CancelToken::default(), 0);
    operator.plan(&[InputSpec { port: 0, spec: &spec }], &services).map(drop)
}

fn run(operator: &mut dyn Operator, input: &Buffer, output: &mut Buffer) -> Result<()> {
    let extent = input.region().extent;
    let services = RunServices::new(CancelToken::default(), 0);
    let inputs = [Input { port: 0, pixels: input.pixels()?, full: extent, frames: &[] }];
    let mut outputs = [Output { pixels: output.pixels_mut()?, full: extent }];
    operator
        .run(&mut Tiles { core: Region::whole(extent), inputs: &inputs, outputs: &mut outputs }, &services)
}

/// A run of an operator in both lanes.
fn both(library: &dyn Library, name: &str, extent: Extent) -> Result<(Duration, Duration)> {
    let descriptors = operators::descriptors();
    let specs = descriptors.iter().find(|known| known.id == name).map(|known| &known.parameters[..]);
    let parameters = Parameters::parse(specs.unwrap_or_default(), [])?;
    let data: Vec<u16> = (0..extent.count().unwrap_or(0)).map(|index| (index % 4093) as u16).collect();
    let input = Buffer::from_slice(&data, Region::whole(extent))?;
    let mut output = Buffer::zeroed(DType::U16, Region::whole(extent))?;
    let mut times = [Duration::ZERO; 2];
    for (time, mut operator) in
        times.iter_mut().zip([operators::create(name, &parameters)?, library.create(name, &parameters)?])
    {
        plan(&mut *operator, extent)?;
        *time = best(30, || run(&mut *operator, &input, &mut output))?;
    }
    Ok((times[0], times[1]))
}

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).ok_or_else(|| {
        parfocal_types::Error::invalid_argument("which component?")
            .with_remedy("give the path of the fixture")
    })?;
    let bytes = std::fs::read(&path).map_err(|error| {
        parfocal_types::Error::not_found("the component cannot be read").with_source(error)
    })?;
    let artifact = Artifact {
        plugin: "org.example.fixture".into(),
        version: semver::Version::new(1, 0, 0),
        sha256: Sha256::of(&bytes),
        path: path.into(),
        interface: parfocal_operator::VERSION,
        limits: Limits::default(),
    };
    let folder = std::env::temp_dir().join(format!("parfocal-lane-times-{}", std::process::id()));
    let cold = WasmLane::new(WasmOptions::default())?;
    show("load: read, compile, check, describe", best(3, || cold.load(&artifact).map(drop))?);
    let warm = WasmLane::new(WasmOptions { cache_dir: Some(folder.clone()) })?;
    warm.load(&artifact)?;
    show("load: read, from the cache, check, describe", best(20, || warm.load(&artifact).map(drop))?);
    let library = warm.load(&artifact)?;
    let none = Parameters::default();
    show("create an instance", best(200, || library.create("count", &none).map(drop))?);

    let mut operator = library.create("count", &none)?;
    let core = Region::whole(Extent::plane(1, 1));
    let calls = best(20, || (0..1000).try_for_each(|_| operator.required_input(black_box(&core)).map(drop)))?;
    show("call: required-input", calls / 1000);
    plan(&mut *operator, Extent::plane(1, 1))?;
    let input = Buffer::from_slice(&[1_u16], core)?;
    let mut output = Buffer::zeroed(DType::U16, core)?;
    let calls = best(20, || (0..1000).try_for_each(|_| run(&mut *operator, &input, &mut output)))?;
    show("call: run with one pixel", calls / 1000);

    let extent = Extent::plane(2048, 2048);
    let (from, mut to) = (vec![7_u16; 1 << 22], vec![0_u16; 1 << 22]);
    let memcpy = best(30, || {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        Ok(())
    })?;
    show("memcpy of 8 MiB", memcpy);
    for name in ["misbehave", "smooth"] {
        let (native, wasm) = both(&*library, name, extent)?;
        show(&format!("8 MiB through `{name}`, native"), native);
        show(&format!("8 MiB through `{name}`, wasm"), wasm);
        println!(
            "    wasm / native {:.2}, wasm / memcpy {:.2}, crossing / memcpy {:.2}",
            wasm.as_secs_f64() / native.as_secs_f64(),
            wasm.as_secs_f64() / memcpy.as_secs_f64(),
            (wasm.as_secs_f64() - native.as_secs_f64()) / memcpy.as_secs_f64()
        );
    }
    // The folder lies in the system's place for such; what is left there does no harm.
    let _ = std::fs::remove_dir_all(folder);
    Ok(())
}
