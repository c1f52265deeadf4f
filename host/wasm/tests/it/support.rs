//! Artifacts, services and tiles for the tests.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use parfocal_core::{Artifact, CancelToken, Lane, Library, Limits, RunServices, Sha256};
use parfocal_image::{Buffer, Extent, ImageSpec, Pixel, Region};
use parfocal_operator::{Input, InputSpec, Operator, Output, Plan, Services, Sink, Tiles};
use parfocal_types::{Column, Field, Parameters, Result, Scalar};
use parfocal_wasm::{WasmLane, WasmOptions};

/// Small enough that a test is quick, large enough for the fixture.
pub(crate) const LIMITS: Limits = Limits { memory: 64 << 20, call: Duration::from_secs(20) };

/// A component that lies in a file of its own as long as this lives.
pub(crate) struct OnDisk {
    pub(crate) artifact: Artifact,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) fn artifact(path: &Path, bytes: &[u8], limits: Limits) -> Artifact {
    Artifact {
        plugin: "org.example.fixture".into(),
        version: semver::Version::new(1, 2, 3),
        path: path.to_owned(),
        sha256: Sha256::of(bytes),
        interface: parfocal_operator::VERSION,
        limits,
    }
}

pub(crate) fn on_disk(bytes: &[u8], limits: Limits) -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.wasm");
    std::fs::write(&path, bytes).unwrap();
    OnDisk { artifact: artifact(&path, bytes, limits), _folder: Some(folder) }
}

pub(crate) fn lane() -> WasmLane {
    WasmLane::new(WasmOptions::default()).unwrap()
}

pub(crate) fn load(bytes: &[u8], limits: Limits) -> Result<Arc<dyn Library>> {
    lane().load(&on_disk(bytes, limits).artifact)
}

fn fixture_path() -> PathBuf {
    match std::env::var_os("PARFOCAL_WASM_FIXTURE") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/wasm/wasm32-unknown-unknown/release/parfocal_wasm_fixture.wasm"),
    }
}

/// The fixture's bytes; `None`, with a sentence, where it was not built.
pub(crate) fn fixture() -> Option<Vec<u8>> {
    let path = fixture_path();
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            println!(
                "skipped: the fixture {} is not there ({error}); `cargo xtask test` builds it",
                path.display()
            );
            None
        }
    }
}

/// The fixture, loaded.
pub(crate) fn fixture_library(limits: Limits) -> Option<Arc<dyn Library>> {
    Some(load(&fixture()?, limits).unwrap())
}

/// The default parameters of an operator, with some replaced.
pub(crate) fn parameters(library: &dyn Library, operator: &str, given: &[(&str, &str)]) -> Parameters {
    let descriptor = library.operators().iter().find(|known| known.id == operator).unwrap();
    Parameters::parse(&descriptor.parameters, given.iter().copied()).unwrap()
}

pub(crate) fn create(library: &dyn Library, operator: &str, given: &[(&str, &str)]) -> Box<dyn Operator> {
    library.create(operator, &parameters(library, operator, given)).unwrap()
}

/// Runs an operator over a whole image.
pub(crate) fn run<I: Pixel, O: Pixel>(
    operator: &mut dyn Operator,
    input: &[I],
    extent: Extent,
    services: &dyn Services,
) -> Result<Vec<O>> {
    let region = Region::whole(extent);
    let input = Buffer::from_slice(input, region)?;
    let dtype = if O::DTYPE == parfocal_image::DType::U8 && I::DTYPE != O::DTYPE {
        parfocal_image::DType::Mask
    } else {
        O::DTYPE
    };
    let mut output = Buffer::zeroed(dtype, region)?;
    let inputs = [Input { port: 0, pixels: input.pixels()?, full: extent, frames: &[] }];
    let mut outputs = [Output { pixels: output.pixels_mut()?, full: extent }];
    operator.run(&mut Tiles { core: region, inputs: &inputs, outputs: &mut outputs }, services)?;
    Ok(output.as_slice::<O>()?.to_vec())
}

/// The image on which the fixture's operators behave.
pub(crate) const EXTENT: Extent = Extent::plane(4, 6);

pub(crate) fn good() -> Vec<u16> {
    (100..124).collect()
}

/// The image on which they do not.
pub(crate) fn bad() -> Vec<u16> {
    vec![13; 24]
}

/// Plans for these images, at the first ports.
pub(crate) fn plan(operator: &mut dyn Operator, specs: &[ImageSpec]) -> Result<Plan> {
    let inputs: Vec<_> = (0..).zip(specs).map(|(port, spec)| InputSpec { port, spec }).collect();
    operator.plan(&inputs, &quiet())
}

pub(crate) fn planned(mut operator: Box<dyn Operator>) -> Box<dyn Operator> {
    plan(&mut *operator, &[ImageSpec::new(EXTENT, parfocal_image::DType::U16)]).unwrap();
    operator
}

pub(crate) fn quiet() -> RunServices {
    RunServices::new(CancelToken::default(), 0)
}

/// A sink that keeps everything.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) columns: Vec<(u32, Vec<Column>)>,
    pub(crate) rows: Vec<(u32, Vec<Vec<Scalar>>)>,
    pub(crate) fields: Vec<(u32, Field)>,
}

impl Sink for Kept {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        self.columns.push((port, columns.to_vec()));
        Ok(())
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        self.rows.push((port, rows));
        Ok(())
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        self.fields.push((port, field));
        Ok(())
    }
}

/// Services that keep every progress.
pub(crate) struct Watching {
    pub(crate) inner: RunServices,
    pub(crate) progress: Mutex<Vec<f32>>,
}

impl Services for Watching {
    fn log(&self, level: parfocal_operator::LogLevel, text: &str) {
        self.inner.log(level, text);
    }

    fn progress(&self, fraction: f32) {
        self.progress.lock().unwrap().push(fraction);
    }

    fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled()
    }

    fn seed(&self) -> u64 {
        self.inner.seed()
    }
}
