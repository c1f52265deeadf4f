//! Steps one after the other, each on images of the earlier ones.

use std::{collections::BTreeMap, sync::Arc};

use parfocal_core::{ImageSink, ImageSource};
use parfocal_image::ImageSpec;
use parfocal_types::error::{Error, Result};

use crate::{
    planned,
    run::{Run, run},
    scratch::Scratch,
    sinks::{Both, Discard, Unmade},
    step::{Estimate, RunOptions, Step, StepResult},
};

/// Where an input of a step comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// One of the images that the chain was given, by its index.
    Original(usize),
    /// An image output of an earlier step: index of the step, index of the port.
    Step(usize, usize),
}

/// A step of a chain.
#[derive(Debug, Clone)]
pub struct ChainStep {
    /// What to run.
    pub step: Step,
    /// Its inputs, each with the index of its port. An optional port may be left out.
    pub inputs: Vec<(usize, Source)>,
}

/// What a chain gives.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainResult {
    /// What each step gave, in order.
    pub steps: Vec<StepResult>,
}

impl ChainStep {
    /// Steps that each take the first image output of the one before, the first step the first original.
    ///
    /// # Errors
    /// `invalid-argument` when a step that is not the last gives no image; `not-found` for an operator that its
    /// library does not have.
    pub fn in_a_row(steps: Vec<Step>) -> Result<Vec<Self>> {
        let mut chain = Vec::with_capacity(steps.len());
        let mut source = Some(Source::Original(0));
        for (index, step) in steps.into_iter().enumerate() {
            let Some(input) = source else {
                return Err(Error::invalid_argument(format!(
                    "{} comes after a step that gives no image",
                    step.label()
                ))
                .with_remedy("name the image that it shall take"));
            };
            let port = step.descriptor()?.outputs.iter().position(|port| port.kind.is_image());
            source = port.map(|port| Source::Step(index, port));
            chain.push(Self { step, inputs: vec![(0, input)] });
        }
        Ok(chain)
    }
}

/// Checks a chain before any work, with the log, seed and cancel of `options`: that every input exists and every step takes what it gets. Gives the image outputs of
/// each step, with class and supports, each with the index of its port.
///
/// # Errors
/// `invalid-argument` for an input that does not exist (yet); see [`check`](crate::check) for the rest.
pub fn check_chain(
    chain: &[ChainStep],
    originals: &[ImageSpec],
    options: &RunOptions,
) -> Result<Vec<Vec<(usize, ImageSpec)>>> {
    let mut outputs: Vec<Vec<(usize, ImageSpec)>> = Vec::with_capacity(chain.len());
    for (index, step) in chain.iter().enumerate() {
        let mut specs = Vec::with_capacity(step.inputs.len());
        for (input, source) in &step.inputs {
            let spec = match *source {
                Source::Original(number) => originals.get(number),
                Source::Step(earlier, port) => outputs
                    .get(earlier)
                    .and_then(|ports| ports.iter().find(|(index, _)| *index == port))
                    .map(|(_, spec)| spec),
            };
            specs.push((*input, spec.cloned().ok_or_else(|| missing(step, index, *source))?));
        }
        outputs.push(planned::check_with(&step.step, &specs, &options.services(&step.step))?);
    }
    Ok(outputs)
}

/// How each step of a chain would run, in their order, if all its images went into [`Scratch`] files: nothing is read or
/// written. Steps run one after the other, so that a chain needs what the most demanding of them needs.
///
/// # Errors
/// Those of [`check_chain`]; `out-of-memory` when even the smallest tile of a step does not fit the budget.
pub fn estimate_chain(
    chain: &[ChainStep],
    originals: &[Arc<dyn ImageSource>],
    options: &RunOptions,
) -> Result<Vec<Estimate>> {
    let mut images: BTreeMap<Source, Arc<dyn ImageSource>> = originals
        .iter()
        .enumerate()
        .map(|(number, source)| (Source::Original(number), Arc::clone(source)))
        .collect();
    let mut estimates = Vec::with_capacity(chain.len());
    for (index, step) in chain.iter().enumerate() {
        let inputs = step
            .inputs
            .iter()
            .map(|(port, source)| {
                let image = images.get(source).cloned();
                Ok((*port, image.ok_or_else(|| missing(step, index, *source))?))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut nowhere =
            |_, spec: &ImageSpec| Ok(Box::new(Discard::planned(spec.clone())) as Box<dyn ImageSink>);
        let run = Run::prepare(&step.step, &inputs, &mut nowhere, options)?;
        estimates.push(*run.estimate());
        for (port, spec) in run.outputs() {
            images.insert(Source::Step(index, port), Arc::new(Unmade(spec.clone())));
        }
    }
    Ok(estimates)
}

fn missing(step: &ChainStep, index: usize, source: Source) -> Error {
    let what = match source {
        Source::Original(number) => format!("image {number} of the chain, which was not given"),
        Source::Step(earlier, _) if earlier >= index => {
            format!("an output of step {earlier}, which does not come before it")
        }
        Source::Step(earlier, port) => format!("output {port} of step {earlier}, which gives no such image"),
    };
    Error::invalid_argument(format!("step {index} takes {what}")).with_origin(step.step.label())
}

/// Makes the sink of an image output of a step, from the index of the step, the index of the port and what it will be;
/// `None` for an image that is not wanted outside the chain.
pub type ChainSinkFactory<'a> =
    dyn FnMut(usize, usize, &ImageSpec) -> Result<Option<Box<dyn ImageSink>>> + 'a;

/// Checks and runs a chain. Images that later steps need lie in [`Scratch`] files until the last of them is done.
///
/// # Errors
/// Those of [`check_chain`] before any work, and those of [`Run::start`](crate::Run::start). Files of steps that were
/// complete when a later one failed stay.
pub fn run_chain(
    chain: &[ChainStep],
    originals: &[Arc<dyn ImageSource>],
    outputs: &mut ChainSinkFactory<'_>,
    options: &RunOptions,
) -> Result<ChainResult> {
    let specs: Vec<_> = originals.iter().map(|source| source.spec().clone()).collect();
    // The plan of a single step is checked when it is prepared.
    if chain.len() != 1 {
        check_chain(chain, &specs, options)?;
    }
    let mut kept: BTreeMap<Source, Arc<dyn ImageSource>> = originals
        .iter()
        .enumerate()
        .map(|(number, source)| (Source::Original(number), Arc::clone(source)))
        .collect();
    let mut steps = Vec::with_capacity(chain.len());
    for (index, step) in chain.iter().enumerate() {
        let needed = |source: &Source| {
            let mut later = chain.iter().skip(index + 1).flat_map(|later| &later.inputs);
            later.any(|(_, used)| used == source)
        };
        let inputs = step
            .inputs
            .iter()
            .map(|(port, source)| {
                let kept = kept.get(source).cloned();
                Ok((*port, kept.ok_or_else(|| missing(step, index, *source))?))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut made = Vec::new();
        let mut sinks = |port: usize, spec: &ImageSpec| {
            let source = Source::Step(index, port);
            let (sink, scratch) = open(outputs(index, port, spec)?, spec, needed(&source), options)?;
            made.extend(scratch.map(|scratch| (source, Arc::new(scratch) as Arc<dyn ImageSource>)));
            Ok(sink)
        };
        steps.push(run(&step.step, &inputs, &mut sinks, &part_of(options, index, chain.len()))?);
        kept.extend(made);
        kept.retain(|source, _| needed(source));
    }
    Ok(ChainResult { steps })
}

/// The sink of an output: the caller's, a scratch image for later steps, both, or none.
fn open(
    wanted: Option<Box<dyn ImageSink>>,
    spec: &ImageSpec,
    needed: bool,
    options: &RunOptions,
) -> Result<(Box<dyn ImageSink>, Option<Scratch>)> {
    let folder = options.scratch.as_deref();
    match (wanted, needed) {
        (None, false) => Ok((Box::new(Discard::new(spec.clone())), None)),
        (Some(sink), false) => Ok((sink, None)),
        (None, true) => {
            let scratch = Scratch::create(spec.clone(), folder)?;
            Ok((scratch.sink(), Some(scratch)))
        }
        (Some(first), true) => {
            let scratch = Scratch::with_grid(spec.clone(), first.tile(), folder)?;
            Ok((Box::new(Both { first, second: scratch.sink() }), Some(scratch)))
        }
    }
}

/// The options of one step of several: its progress is a part of the chain's.
fn part_of(options: &RunOptions, index: usize, count: usize) -> RunOptions {
    let mut options = options.clone();
    if let Some(whole) = options.progress.take() {
        #[allow(clippy::cast_precision_loss, reason = "steps of a chain are few")]
        let (index, count) = (index as f64, count as f64);
        options.progress = Some(Arc::new(move |part| whole((index + part) / count)));
    }
    options
}
