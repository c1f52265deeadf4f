//! The demo: real operators of all three kinds on a stack whose truth is known.

mod overlay;
mod sample;
mod truth;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use parfocal_core::{ImageSource, image::MemoryImage};
use parfocal_image::{Axis, Buffer, Extent, ImageSpec, Region};
use parfocal_io::{
    read::ImageFile,
    table::write_table,
    write::{OmeTiffOptions, OmeTiffWriter},
};
use parfocal_pipeline::{ChainResult, ChainStep, RunOptions, Source, Step, run_chain};
use parfocal_types::{Error, Parameters, Result, Table};
use serde::Serialize;

use crate::{
    args::LaneName,
    files::{self, Declarations},
    folders::Folders,
    host::Host,
    output::Output,
    progress::Progress,
    steps::{self, Images},
};

/// The seed of the demo's sample.
const SEED: u64 = 1;
/// Smallest nucleus, in voxels: a tenth of a typical one. Smaller objects are noise above the threshold.
const SMALLEST: &str = "3000";

/// The share of true nuclei that must be matched for the demo to count as a success.
const ENOUGH: f64 = 0.9;

/// A step of the demo: operator, lane, parameters.
type DemoStep = (&'static str, LaneName, &'static [(&'static str, &'static str)]);

/// The steps; the input of each is the image of the one before.
const STEPS: [DemoStep; 5] = [
    ("org.example.subtract-offset-c/subtract-offset", LaneName::Native, &[("offset", "100")]),
    ("gaussian", LaneName::Native, &[("sigma", "2")]),
    ("otsu-threshold", LaneName::Wasm, &[]),
    ("connected-components", LaneName::Wasm, &[("dimensions", "3d"), ("min-size", SMALLEST)]),
    ("measure-objects", LaneName::Native, &[("dimensions", "3d")]),
];

#[derive(Debug, Serialize)]
struct Report {
    score: truth::Score,
    files: Vec<PathBuf>,
    seconds: f64,
}

/// Makes the sample, runs the chain, and tells what was found.
pub(crate) fn command(output: &Output, folders: &Folders, folder: &Path) -> Result<ExitCode> {
    let started = Instant::now();
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::not_found(format!("the folder {} cannot be made", folder.display())).with_source(error)
    })?;
    let stack = folder.join("stack.ome.tif");
    output.text(
        "1  a stack of three channels, with nuclei, filaments and cytoplasm, as a widefield microscope",
    );
    output.text("   with a water objective of NA 1.2 and an sCMOS camera would take it");
    let sample = sample::make(SEED)?;
    write(&sample.image, &stack)?;
    output.text(format!(
        "   {}  {}, {}",
        stack.display(),
        sample.image.spec().extent,
        sample.image.spec().dtype
    ));

    output.text("2  five operators of three kinds on its channel `DAPI`");
    let source = files::open(&stack, 0)?.view(Some("DAPI"), Declarations::default())?.source;
    let chain = chain(output, &mut Host::open(folders)?)?;
    let labels = folder.join("nuclei.ome.tif");
    let result = run(output, &chain, &source, &labels)?;
    let table = result
        .steps
        .iter()
        .flat_map(|step| &step.tables)
        .map(|(_, table)| table)
        .next_back()
        .ok_or_else(|| Error::internal("the chain gave no table"))?;
    let mut written = vec![stack, labels.clone()];
    written.extend(write_tables(table, folder)?);

    let found = MemoryImage::read(&*ImageFile::open(&labels)?.source(0)?)?;
    let found = found.pixels().as_slice::<u32>()?;
    let plane = plane_of(&source.spec().extent);
    let score =
        truth::score(&truth::projected(&sample.phantom.labels, plane), &truth::projected(found, plane))?;
    let picture = folder.join("overlay.png");
    overlay::write(&picture, &sample.image, &truth::projected(found, plane))?;
    written.push(picture);
    let report = Report { score, files: written, seconds: started.elapsed().as_secs_f64() };
    show(output, &report, table)?;
    #[allow(clippy::cast_precision_loss, reason = "a number of nuclei")]
    let good = report.score.matched as f64 >= ENOUGH * report.score.truth as f64;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plane_of(extent: &Extent) -> usize {
    usize::try_from(extent[Axis::Y] * extent[Axis::X]).unwrap_or(0)
}

fn write(image: &MemoryImage, path: &Path) -> Result<()> {
    let sink = OmeTiffWriter::create(path, image.spec(), &OmeTiffOptions::default())?;
    let extent = image.spec().extent;
    for t in 0..extent[Axis::T] {
        for c in 0..extent[Axis::C] {
            for z in 0..extent[Axis::Z] {
                let origin = [t, c, z].map(|index| i64::try_from(index).unwrap_or(i64::MAX));
                let region = Region::new(
                    [origin[0], origin[1], origin[2], 0, 0],
                    Extent::plane(extent[Axis::Y], extent[Axis::X]),
                );
                let mut plane = Buffer::zeroed(image.spec().dtype, region)?;
                image.read(&mut plane.pixels_mut()?)?;
                sink.write(&plane.pixels()?)?;
            }
        }
    }
    sink.finish()
}

fn chain(output: &Output, host: &mut Host) -> Result<Vec<ChainStep>> {
    let mut chain: Vec<ChainStep> = Vec::new();
    for (index, (operator, lane, parameters)) in STEPS.iter().enumerate() {
        let (selection, library) = host.load(operator, Some(*lane)).map_err(|error| {
            let remedy = error.remedy().map(str::to_owned).unwrap_or_default();
            error.with_remedy(format!("{remedy}; `cargo xtask demo` builds the plugins that the demo needs"))
        })?;
        let descriptor = &selection.descriptor;
        let parameters = Parameters::parse(&descriptor.parameters, parameters.iter().copied())?;
        let settings: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        output.text(format!(
            "   {:20} {:6}  {:34} {}",
            descriptor.id,
            selection.lane.name(),
            selection.artifact.label(),
            settings.join(" ")
        ));
        let previous = if index == 0 { Source::Original(0) } else { Source::Step(index - 1, 0) };
        let inputs = steps::connect(descriptor, &BTreeMap::new(), &mut Images::default(), Some(previous))?;
        let step = Step { library, operator: descriptor.id.clone(), parameters };
        chain.push(ChainStep { step, inputs });
    }
    Ok(chain)
}

fn run(
    output: &Output,
    chain: &[ChainStep],
    source: &Arc<dyn ImageSource>,
    labels: &Path,
) -> Result<ChainResult> {
    let progress = Progress::new(output, "demo");
    let options = RunOptions { progress: progress.callback(), ..RunOptions::default() };
    let last = chain.len().saturating_sub(2);
    let mut sinks = |step: usize, port: usize, spec: &ImageSpec| {
        if step == last && port == 0 {
            return Ok(Some(OmeTiffWriter::create(labels, spec, &OmeTiffOptions::default())?));
        }
        Ok(None)
    };
    run_chain(chain, std::slice::from_ref(source), &mut sinks, &options)
}

fn write_tables(table: &Table, folder: &Path) -> Result<Vec<PathBuf>> {
    ["nuclei.csv", "nuclei.parquet"]
        .into_iter()
        .map(|name| {
            let path = folder.join(name);
            write_table(&path, table, &[])?;
            Ok(path)
        })
        .collect()
}

fn show(output: &Output, report: &Report, table: &Table) -> Result<()> {
    let score = &report.score;
    output.text("3  found against true, seen from above");
    output.text(format!(
        "   {} nuclei in the sample, {} found, {} of them match (mean overlap {:.2})",
        score.truth, score.found, score.matched, score.mean_overlap
    ));
    output.text(format!(
        "   measured on measured pixels: {} rows, {} columns",
        table.rows().len(),
        table.columns().len()
    ));
    output.text(format!("4  {:.0} s; look at", report.seconds));
    for file in &report.files {
        output.text(format!("   {}", file.display()));
    }
    output.document(report)
}
