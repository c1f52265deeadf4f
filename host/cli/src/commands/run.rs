//! `parfocal run`.

mod tables;
mod targets;

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use parfocal_core::{CancelToken, ImageSource};
use parfocal_image::{DType, Extent, ImageSpec};
use parfocal_io::{
    ome::Note,
    write::{OmeTiffOptions, OmeTiffWriter, write_whole},
};
use parfocal_pipeline::{ChainResult, RunOptions, Scratch, Source, estimate_chain, run_chain};
use parfocal_types::{Error, Field, Result, Scalar, units::Micrometers};
use serde::Serialize;

use self::{tables::Tables, targets::Targets};
use crate::{
    args::{Run, Word},
    commands::image::write_plane,
    files::{self, Declarations},
    folders::Folders,
    host::Host,
    interrupt,
    log::{Line, Log},
    names::{self, Named},
    output::{ErrorReport, Output},
    progress::Progress,
    steps::{self, Chain, Origin},
};

/// What the run did with one image.
#[derive(Debug, Serialize)]
struct ImageReport {
    image: PathBuf,
    /// What its results are called.
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    declared: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
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

impl ImageReport {
    fn new(image: &Named) -> Self {
        Self {
            image: image.path.clone(),
            name: image.name.clone(),
            declared: Vec::new(),
            warnings: Vec::new(),
            written: Vec::new(),
            records: Vec::new(),
            log: Vec::new(),
            announced_peak_bytes: None,
            error: None,
        }
    }
}

#[derive(Debug, Serialize)]
struct RecordReport {
    operator: String,
    /// What the step is called.
    step: String,
    fields: Vec<Field>,
}

/// The whole run, as a program gets it.
#[derive(Debug, Serialize)]
struct Document {
    steps: Vec<StepReport>,
    images: Vec<ImageReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tables: Vec<PathBuf>,
    /// Images that the run did not come to before it was stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_reached: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct StepReport {
    name: String,
    operator: String,
    plugin: String,
    version: String,
    lane: &'static str,
    sha256: String,
    /// Who vouches for the plugin, or why nobody need.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<String>,
    parameters: parfocal_types::Parameters,
    /// By port, what it takes: `image` is the original, `image:<channel>` a channel of its file, `file:<name>` another file,
    /// anything else the step of that name.
    inputs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed_over: Vec<String>,
}

/// An image that results were made from.
#[derive(Debug, Serialize)]
struct SourceReport {
    /// What its results are called.
    name: String,
    /// The file's name, without its folder.
    file: String,
    series: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
}

pub(crate) fn command(output: &Output, folders: &Folders, run: &Run, order: &[Word]) -> Result<ExitCode> {
    let images = names::named(files::expand(&run.images)?)?;
    let targets = Targets::new(run, images.len())?;
    let mut host = Host::open(folders)?;
    if run.in_process {
        host.in_process(folders)?;
    }
    for warning in host.catalog.warnings() {
        output.warning(warning);
    }
    let chain = steps::chain(&mut host, run, order)?;
    if let (Some(file), true) = (chain.files().next(), images.len() > 1) {
        return Err(Error::invalid_argument(format!(
            "an input of a step is {}, but there are {} images",
            file.display(),
            images.len()
        ))
        .with_remedy("run the chain once for each image, with the file that belongs to it"));
    }
    targets.check(&chain, &images)?;
    if !run.dry_run {
        targets.make_folder()?;
    }
    if output.verbose {
        for picked in &chain.picked {
            let trust = picked.vouch.accepted().unwrap_or("nobody was asked who made it");
            output.remark(format!("{}: {} is {trust}", picked.descriptor.id, picked.artifact.label()));
        }
    }
    let cancel = interrupt::token();
    let mut document = Document {
        steps: step_reports(&chain),
        images: Vec::new(),
        tables: Vec::new(),
        not_reached: Vec::new(),
    };
    let mut tables = Tables::default();
    for image in &images {
        if cancel.is_cancelled() {
            document.not_reached.push(image.path.clone());
            continue;
        }
        let log = Log::default();
        let mut report = match one(output, run, &chain, image, &targets, &cancel, &log) {
            Ok((report, mut result)) => {
                tables.add(&chain, &mut result, (images.len() > 1).then_some(&image.name));
                report
            }
            Err(error) => {
                let shown = image.path.display().to_string();
                let error = if error.message().contains(&shown) { error } else { error.context(shown) };
                output.warning(&error);
                ImageReport { error: Some(ErrorReport::from(&error)), ..ImageReport::new(image) }
            }
        };
        report.log = log.lines();
        show(output, run, &report);
        document.images.push(report);
    }
    let good = document.images.iter().any(|image| image.error.is_none());
    if good && !run.dry_run {
        document.tables = tables.write(&targets, &joint_notes(run, &document)?)?;
        write_records(&targets, &document.images)?;
    }
    for table in &document.tables {
        output.text(format!("{}", table.display()));
    }
    output.document(&document)?;
    Ok(sum_up(output, &document))
}

/// Says how many of several images failed or were not reached, and gives the exit code.
fn sum_up(output: &Output, document: &Document) -> ExitCode {
    let all = document.images.len() + document.not_reached.len();
    let errors: Vec<_> = document.images.iter().filter_map(|image| image.error.as_ref()).collect();
    if !errors.is_empty() && all > 1 {
        let first: Vec<_> = errors.iter().take(3).map(|error| error.message()).collect();
        let more = if errors.len() > first.len() { "; ..." } else { "" };
        output.remark(format!("{} of {all} images failed: {}{more}", errors.len(), first.join("; ")));
    }
    if !document.not_reached.is_empty() {
        let names: Vec<_> = document.not_reached.iter().map(|path| path.display().to_string()).collect();
        output.remark(format!("{} of {all} images were not reached: {}", names.len(), names.join(", ")));
    }
    let done = errors.is_empty() && document.not_reached.is_empty();
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn step_reports(chain: &Chain) -> Vec<StepReport> {
    let steps = chain.steps.iter().zip(&chain.picked);
    steps
        .zip(chain.names.iter().zip(&chain.wiring))
        .map(|((step, picked), (name, wiring))| StepReport {
            name: name.clone(),
            operator: picked.descriptor.id.clone(),
            plugin: picked.artifact.plugin.clone(),
            version: picked.artifact.version.to_string(),
            lane: picked.lane.name(),
            sha256: picked.artifact.sha256.to_string(),
            trust: picked.vouch.accepted().map(str::to_owned),
            parameters: step.step.parameters.clone(),
            inputs: wiring.clone(),
            passed_over: picked.passed_over.clone(),
        })
        .collect()
}

fn source_report(run: &Run, report: &ImageReport) -> SourceReport {
    SourceReport {
        name: report.name.clone(),
        file: report.image.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        series: run.series,
        channel: run.channel.clone(),
    }
}

/// The steps, the sources and the user's declarations, as they are written into outputs.
fn notes(steps: &[StepReport], sources: &[SourceReport], declared: &[String]) -> Result<Vec<Note>> {
    let document = serde_json::json!({ "steps": steps, "sources": sources, "declared": declared });
    Ok(vec![Note { namespace: "parfocal.org/steps/1".into(), text: document.to_string() }])
}

/// The notes of what was made from all images that succeeded.
fn joint_notes(run: &Run, document: &Document) -> Result<Vec<Note>> {
    let good: Vec<_> = document.images.iter().filter(|image| image.error.is_none()).collect();
    let sources: Vec<_> = good.iter().map(|image| source_report(run, image)).collect();
    let mut declared: Vec<String> = Vec::new();
    for image in &good {
        for said in &image.declared {
            // What holds for one of several images is said of that one.
            let said = if good.len() > 1 { format!("{}: {said}", image.name) } else { said.clone() };
            declared.push(said);
        }
    }
    notes(&document.steps, &sources, &declared)
}

fn options(run: &Run, cancel: &CancelToken, progress: &Progress) -> RunOptions {
    let defaults = RunOptions::default();
    RunOptions {
        threads: run.threads.map_or(defaults.threads, NonZeroUsize::get),
        memory: run.memory,
        tile: run.tile.map(|side| Extent::plane(side.get(), side.get())),
        cancel: cancel.clone(),
        progress: progress.callback(),
        log: None,
        seed: run.seed,
        scratch: None,
    }
}

/// Opens what the chain takes from outside; what the user declared, and declared in vain, goes into the report.
fn open(run: &Run, chain: &Chain, report: &mut ImageReport) -> Result<Vec<Arc<dyn ImageSource>>> {
    let file = files::open(&report.image, run.series)?;
    let mut sources = Vec::with_capacity(chain.originals.len());
    for (number, original) in chain.originals.iter().enumerate() {
        let declared = Declarations {
            pixel_size: run.pixel_size.map(Micrometers),
            measured: run.declare_measured,
            labels: original.labels,
        };
        let view = match &original.origin {
            Origin::Image => file.view(run.channel.as_deref(), declared)?,
            Origin::Channel(channel) => file.view(Some(channel), declared)?,
            Origin::File(path) => files::open(path, 0)?.view(None, declared)?,
        };
        let taken = |source: &Source| *source == Source::Original(number);
        if chain.steps.iter().flat_map(|step| &step.inputs).any(|(_, source)| taken(source)) {
            add_new(&mut report.declared, view.declared);
            add_new(&mut report.warnings, view.warnings);
        }
        sources.push(view.source);
    }
    Ok(sources)
}

fn add_new(all: &mut Vec<String>, lines: Vec<String>) {
    for line in lines {
        if !all.contains(&line) {
            all.push(line);
        }
    }
}

/// Runs the chain on one image.
fn one(
    output: &Output,
    run: &Run,
    chain: &Chain,
    image: &Named,
    targets: &Targets,
    cancel: &CancelToken,
    log: &Log,
) -> Result<(ImageReport, ChainResult)> {
    let mut report = ImageReport::new(image);
    let sources = open(run, chain, &mut report)?;
    for warning in &report.warnings {
        output.remark(format!("warning: {}: {warning}", image.path.display()));
    }
    let progress = Progress::new(output, &image.name);
    let mut options = options(run, cancel, &progress);
    options.log = Some(log.listener(output, progress.bar()));
    if run.dry_run {
        let estimates = estimate_chain(&chain.steps, &sources, &options)?;
        report.announced_peak_bytes = estimates.iter().map(|estimate| estimate.peak_bytes).max();
        return Ok((report, ChainResult { steps: Vec::new() }));
    }
    let target = last_image(chain).and_then(|_| targets.image_of(&image.name));
    let notes = notes(&step_reports(chain), &[source_report(run, &report)], &report.declared)?;
    let result = execute(chain, &sources, target.as_deref(), &notes, &options)?;
    report.written.extend(target.filter(|target| target.exists()));
    report.announced_peak_bytes = result.steps.iter().map(|step| step.report.estimate.peak_bytes).max();
    for ((step, picked), name) in result.steps.iter().zip(&chain.picked).zip(&chain.names) {
        let operator = &picked.descriptor.id;
        report.records.extend(step.records.iter().map(|(_, fields)| RecordReport {
            operator: operator.clone(),
            step: name.clone(),
            fields: fields.clone(),
        }));
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
    sources: &[Arc<dyn ImageSource>],
    target: Option<&Path>,
    notes: &[Note],
    options: &RunOptions,
) -> Result<ChainResult> {
    let last = last_image(chain);
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
    let result = run_chain(&chain.steps, sources, &mut sinks, options)?;
    if let (Some(path), Some(scratch)) = (target, plane) {
        write_plane(&scratch, path, None, scratch.spec().dtype != DType::U8)?;
    }
    Ok(result)
}

fn write_records(targets: &Targets, images: &[ImageReport]) -> Result<()> {
    for path in &targets.records {
        let text = serde_json::to_string_pretty(images)
            .map_err(|error| Error::internal(format!("records cannot be written as JSON: {error}")))?;
        write_whole(path, text.as_bytes())?;
    }
    Ok(())
}

fn show(output: &Output, run: &Run, report: &ImageReport) {
    for path in &report.written {
        output.text(format!("{}", path.display()));
    }
    for record in &report.records {
        let fields: Vec<_> = record.fields.iter().map(field).collect();
        output.text(format!("{}  {}: {}", report.name, record.step, fields.join(", ")));
    }
    if let (Some(bytes), true) = (report.announced_peak_bytes, run.dry_run) {
        let mebibytes = bytes.div_ceil(1 << 20);
        output.text(format!("{}  needs about {mebibytes} MiB for tiles", report.image.display()));
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
