//! `parfocal run`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use parfocal_core::{CancelToken, ImageSource};
use parfocal_image::{DType, Extent, ImageSpec};
use parfocal_io::{
    ome::Note,
    table::write_table,
    write::{OmeTiffOptions, OmeTiffWriter, write_whole},
};
use parfocal_pipeline::{ChainResult, RunOptions, Scratch, check_chain, run_chain};
use parfocal_types::{Column, ColumnKind, Error, Field, Result, Scalar, Table, Unit, units::Micrometers};
use serde::Serialize;

use crate::{
    args::{Run, Word},
    commands::image::write_plane,
    files::{self, Declarations},
    folders::Folders,
    host::Host,
    log::{Line, Log},
    output::{ErrorReport, Output},
    progress::Progress,
    steps::{self, Chain},
};

/// What the run did with one image.
#[derive(Debug, Serialize)]
struct ImageReport {
    image: PathBuf,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    written: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<RecordReport>,
    /// What operators said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    announced_peak_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorReport>,
}

#[derive(Debug, Serialize)]
struct RecordReport {
    operator: String,
    fields: Vec<Field>,
}

/// The whole run, as a program gets it.
#[derive(Debug, Serialize)]
struct Document {
    steps: Vec<StepReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    declared: Vec<String>,
    images: Vec<ImageReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tables: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct StepReport {
    operator: String,
    plugin: String,
    version: String,
    lane: &'static str,
    sha256: String,
    parameters: parfocal_types::Parameters,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed_over: Vec<String>,
}

/// Where the results of a run go.
struct Targets {
    /// An image file, or `None`.
    image: Option<PathBuf>,
    tables: Vec<PathBuf>,
    records: Vec<PathBuf>,
    /// With several images: everything goes in here.
    folder: Option<PathBuf>,
}

pub(crate) fn command(output: &Output, folders: &Folders, run: &Run, order: &[Word]) -> Result<ExitCode> {
    let images = files::expand(&run.images)?;
    let targets = Targets::new(run, images.len())?;
    let mut host = Host::open(folders)?;
    for warning in host.catalog.warnings() {
        output.warning(warning);
    }
    let chain = steps::chain(&mut host, run, order)?;
    let cancel = CancelToken::default();
    let on_interrupt = cancel.clone();
    // Without a handler an interrupt ends the program at once; nothing half-written appears in either case.
    let _ = ctrlc::set_handler(move || on_interrupt.cancel());
    let mut document = Document {
        steps: step_reports(&chain),
        declared: declared(run),
        images: Vec::new(),
        tables: Vec::new(),
    };
    let mut tables = Tables::default();
    for image in &images {
        let label = images.len() > 1;
        let log = Log::default();
        let done = one(output, run, &chain, image, &targets, &cancel, &log).and_then(|(report, result)| {
            tables.add(&chain, &result, label.then_some(image)).map(|()| report)
        });
        let mut report = done.unwrap_or_else(|error| {
            let error = error.context(image.display());
            output.warning(&error);
            ImageReport {
                image: image.clone(),
                written: Vec::new(),
                records: Vec::new(),
                log: Vec::new(),
                announced_peak_bytes: None,
                error: Some(ErrorReport::from(&error)),
            }
        });
        report.log = log.lines();
        show(output, &report);
        document.images.push(report);
        if cancel.is_cancelled() {
            break;
        }
    }
    if !run.dry_run {
        document.tables = tables.write(&targets, &notes(&document.steps, &document.declared)?)?;
        write_records(&targets, &document.images)?;
    }
    for table in &document.tables {
        output.text(format!("{}", table.display()));
    }
    output.document(&document)?;
    let failed = document.images.iter().any(|image| image.error.is_some());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Targets {
    fn new(run: &Run, images: usize) -> Result<Self> {
        let mut targets = Self { image: None, tables: Vec::new(), records: Vec::new(), folder: None };
        for path in &run.output {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
            if ends(&[".csv", ".parquet"]) {
                targets.tables.push(path.clone());
            } else if ends(&[".json"]) {
                targets.records.push(path.clone());
            } else if ends(&[".tif", ".tiff", ".btf", ".png"]) && images == 1 {
                if targets.image.replace(path.clone()).is_some() {
                    return Err(Error::invalid_argument("two image files were named for one result")
                        .with_remedy("run the chain twice, or name one"));
                }
            } else if path.is_dir() || path.extension().is_none() {
                std::fs::create_dir_all(path).map_err(|error| {
                    Error::not_found(format!("the folder {} cannot be made", path.display()))
                        .with_source(error)
                })?;
                targets.folder = Some(path.clone());
            } else if images > 1 {
                return Err(Error::invalid_argument(format!(
                    "{images} images cannot all be written to {}",
                    path.display()
                ))
                .with_remedy("name a folder"));
            } else {
                return Err(Error::invalid_argument(format!(
                    "{} does not say what to write",
                    path.display()
                ))
                .with_remedy("end it in .ome.tif, .tif, .png, .csv, .parquet or .json, or name a folder"));
            }
        }
        if run.output.is_empty() && !run.dry_run {
            return Err(Error::invalid_argument("nowhere to write the result")
                .with_remedy("add `-o result.ome.tif`, `-o objects.csv`, `-o record.json`, or a folder"));
        }
        Ok(targets)
    }

    /// The image file for one input.
    fn image_of(&self, input: &Path) -> Option<PathBuf> {
        match (&self.image, &self.folder) {
            (Some(image), _) => Some(image.clone()),
            (None, Some(folder)) => Some(folder.join(format!("{}.ome.tif", files::stem(input)))),
            (None, None) => None,
        }
    }
}

fn step_reports(chain: &Chain) -> Vec<StepReport> {
    chain
        .steps
        .iter()
        .zip(&chain.picked)
        .map(|(step, picked)| StepReport {
            operator: picked.descriptor.id.clone(),
            plugin: picked.artifact.plugin.clone(),
            version: picked.artifact.version.to_string(),
            lane: picked.lane.name(),
            sha256: picked.artifact.sha256.to_string(),
            parameters: step.step.parameters.clone(),
            passed_over: picked.passed_over.clone(),
        })
        .collect()
}

/// What the user said about the images that the files do not.
fn declared(run: &Run) -> Vec<String> {
    let size = run.pixel_size.map(|size| format!("the user gave the pixel size: {size} µm"));
    let measured = run.declare_measured.then(|| "the user declared the images measured".to_owned());
    size.into_iter().chain(measured).collect()
}

/// The steps and the user's declarations, as they are written into outputs.
fn notes(steps: &[StepReport], declared: &[String]) -> Result<Vec<Note>> {
    let document = serde_json::json!({ "steps": steps, "declared": declared });
    Ok(vec![Note { namespace: "parfocal.org/steps/1".into(), text: document.to_string() }])
}

fn options(run: &Run, cancel: &CancelToken, progress: &Progress) -> RunOptions {
    let defaults = RunOptions::default();
    RunOptions {
        threads: run.threads.unwrap_or(defaults.threads).max(1),
        memory: run.memory,
        tile: run.tile.map(|side| Extent::plane(side, side)),
        cancel: cancel.clone(),
        progress: progress.callback(),
        log: None,
        seed: run.seed,
        scratch: None,
    }
}

/// Runs the chain on one image.
fn one(
    output: &Output,
    run: &Run,
    chain: &Chain,
    path: &Path,
    targets: &Targets,
    cancel: &CancelToken,
    log: &Log,
) -> Result<(ImageReport, ChainResult)> {
    let declared =
        Declarations { pixel_size: run.pixel_size.map(Micrometers), measured: run.declare_measured };
    let source = files::open(path, run.series, run.channel.as_deref(), declared)?;
    let mut report = ImageReport {
        image: path.to_owned(),
        written: Vec::new(),
        records: Vec::new(),
        log: Vec::new(),
        announced_peak_bytes: None,
        error: None,
    };
    let progress = Progress::new(output, &files::stem(path));
    let mut options = options(run, cancel, &progress);
    options.log = Some(log.listener(output, progress.bar()));
    if run.dry_run {
        check_chain(&chain.steps, &[source.spec().clone()], &options)?;
        if let [only] = chain.steps.as_slice() {
            let inputs: Vec<_> = only.inputs.iter().map(|(port, _)| (*port, Arc::clone(&source))).collect();
            let estimate = parfocal_pipeline::estimate(&only.step, &inputs, &options)?;
            report.announced_peak_bytes = Some(estimate.peak_bytes);
        }
        return Ok((report, ChainResult { steps: Vec::new() }));
    }
    let target = targets.image_of(path);
    let notes = notes(&step_reports(chain), &self::declared(run))?;
    let result = execute(chain, &source, target.as_deref(), &notes, &options)?;
    report.written.extend(target.filter(|target| target.exists()));
    report.announced_peak_bytes = result.steps.iter().map(|step| step.report.estimate.peak_bytes).max();
    for (step, picked) in result.steps.iter().zip(&chain.picked) {
        for (_, fields) in &step.records {
            report
                .records
                .push(RecordReport { operator: picked.descriptor.id.clone(), fields: fields.clone() });
        }
    }
    Ok((report, result))
}

/// The place of the chain's last image: index of the step and of the port.
fn last_image(chain: &Chain) -> Option<(usize, usize)> {
    chain.picked.iter().enumerate().rev().find_map(|(index, picked)| {
        picked.descriptor.outputs.iter().position(|port| port.kind.is_image()).map(|port| (index, port))
    })
}

fn execute(
    chain: &Chain,
    source: &Arc<dyn ImageSource>,
    target: Option<&Path>,
    notes: &[Note],
    options: &RunOptions,
) -> Result<ChainResult> {
    let last = last_image(chain);
    if target.is_some() && last.is_none() {
        return Err(Error::invalid_argument("the chain gives no image")
            .with_remedy("name a table (.csv, .parquet) or a record (.json) for its result"));
    }
    let png = target.is_some_and(|path| path.extension().is_some_and(|ending| ending == "png"));
    let mut plane: Option<Scratch> = None;
    let mut sinks = |step: usize, port: usize, spec: &ImageSpec| match target {
        Some(_) if Some((step, port)) == last && png => {
            let scratch = Scratch::create(spec.clone(), None)?;
            let sink = scratch.sink();
            plane = Some(scratch);
            Ok(Some(sink))
        }
        Some(path) if Some((step, port)) == last => {
            let options = OmeTiffOptions { notes: notes.to_vec(), ..OmeTiffOptions::default() };
            Ok(Some(OmeTiffWriter::create(path, spec, &options)?))
        }
        _ => Ok(None),
    };
    let result = run_chain(&chain.steps, std::slice::from_ref(source), &mut sinks, options)?;
    if let (Some(path), Some(scratch)) = (target, plane) {
        write_plane(&scratch, path, None, scratch.spec().dtype != DType::U8)?;
    }
    Ok(result)
}

/// The tables of all images, one for each table port of the chain.
#[derive(Default)]
struct Tables(Vec<(String, Table)>);

impl Tables {
    /// Adds the tables of one image; with a label, a column says which image a row belongs to.
    fn add(&mut self, chain: &Chain, result: &ChainResult, label: Option<&PathBuf>) -> Result<()> {
        for (step, picked) in result.steps.iter().zip(&chain.picked) {
            for (port, table) in &step.tables {
                let name = picked.descriptor.outputs.get(*port).map_or("table", |port| port.name.as_str());
                let name = format!("{}-{name}", picked.descriptor.id);
                let mut columns = table.columns().to_vec();
                if label.is_some() {
                    columns.insert(0, Column::new("image", ColumnKind::Text, Unit::None));
                }
                let place = match self.0.iter().position(|(known, _)| *known == name) {
                    Some(place) => place,
                    None => {
                        self.0.push((name, Table::new(columns)));
                        self.0.len() - 1
                    }
                };
                for row in table.rows() {
                    let image = label.map(|path| Scalar::Text(files::stem(path)));
                    self.0[place].1.push(image.into_iter().chain(row.iter().cloned()).collect())?;
                }
            }
        }
        Ok(())
    }

    fn write(&self, targets: &Targets, notes: &[Note]) -> Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        if !targets.tables.is_empty() {
            // The chain's last table is what was asked for.
            let Some((_, table)) = self.0.last() else {
                return Err(Error::invalid_argument("the chain gives no table")
                    .with_remedy("end it with an operator that does, such as measure-objects"));
            };
            for path in &targets.tables {
                write_table(path, table, notes)?;
                written.push(path.clone());
            }
        } else if let Some(folder) = &targets.folder {
            for (name, table) in &self.0 {
                let path = folder.join(format!("{name}.csv"));
                write_table(&path, table, notes)?;
                written.push(path);
            }
        }
        Ok(written)
    }
}

fn write_records(targets: &Targets, images: &[ImageReport]) -> Result<()> {
    for path in &targets.records {
        let text = serde_json::to_string_pretty(images)
            .map_err(|error| Error::internal(format!("records cannot be written as JSON: {error}")))?;
        write_whole(path, text.as_bytes())?;
    }
    Ok(())
}

fn show(output: &Output, report: &ImageReport) {
    for path in &report.written {
        output.text(format!("{}", path.display()));
    }
    for record in &report.records {
        let fields: Vec<_> = record.fields.iter().map(field).collect();
        output.text(format!("{}  {}: {}", files::stem(&report.image), record.operator, fields.join(", ")));
    }
    if let (Some(bytes), true, None) = (report.announced_peak_bytes, report.written.is_empty(), &report.error)
        && report.records.is_empty()
    {
        output.text(format!("{}  takes {} MiB for tiles", report.image.display(), bytes.div_ceil(1 << 20)));
    }
}

fn field(field: &Field) -> String {
    let value = match &field.value {
        Scalar::Flag(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Number(value) => value.to_string(),
        Scalar::Text(value) => value.clone(),
    };
    let unit = field.unit.symbol();
    let space = if unit.is_empty() { "" } else { " " };
    format!("{} {value}{space}{unit}", field.name)
}
