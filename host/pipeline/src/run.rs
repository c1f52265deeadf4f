//! Runs one step.

use std::sync::Arc;

use parfocal_core::{Frame, FrameAllocator, ImageSink, ImageSource, RunServices};
use parfocal_image::{ImageSpec, Region};
use parfocal_operator::{Input, Kind, LogLevel, Operator, Output, Services, ThreadSafety, Tiles};
use parfocal_types::error::{Error, ErrorKind, Result};

use crate::{
    collect::join,
    grid::Grid,
    planned::{Facts, Planned},
    progress::Meter,
    read::{InputTile, read_tile},
    reduce::{Partials, reduce},
    services::{Quiet, Stop, TileServices},
    shape::Shapes,
    sinks::Discard,
    step::{Estimate, Report, RunOptions, Step, StepResult},
    workers::for_each,
    write::Writer,
};

/// Makes the sink of an image output, from the index of its port and what it will be.
pub type SinkFactory<'a> = dyn FnMut(usize, &ImageSpec) -> Result<Box<dyn ImageSink>> + 'a;

/// Checks and runs a step on images, each with the index of its input port: [`Run::prepare`], then [`Run::start`].
///
/// # Errors
/// Theirs.
pub fn run(
    step: &Step,
    inputs: &[(usize, Arc<dyn ImageSource>)],
    outputs: &mut SinkFactory<'_>,
    options: &RunOptions,
) -> Result<StepResult> {
    Run::prepare(step, inputs, outputs, options)?.start()
}

/// How a step would run if its sinks took pieces of 256 x 256 pixels; [`Run::estimate`] knows it for the real sinks.
///
/// # Errors
/// As [`Run::prepare`].
pub fn estimate(
    step: &Step,
    inputs: &[(usize, Arc<dyn ImageSource>)],
    options: &RunOptions,
) -> Result<Estimate> {
    let mut nowhere = |_, spec: &ImageSpec| Ok(Box::new(Discard::new(spec.clone())) as Box<dyn ImageSink>);
    Ok(*Run::prepare(step, inputs, &mut nowhere, options)?.estimate())
}

/// A step that is checked and ready to start.
pub struct Run {
    step: Step,
    facts: Facts,
    first: Box<dyn Operator>,
    sources: Vec<Arc<dyn ImageSource>>,
    writers: Vec<Writer>,
    grid: Grid,
    estimate: Estimate,
    /// What each instance declares that it needs for itself.
    instance_bytes: u64,
    services: RunServices,
    options: RunOptions,
}

impl Run {
    /// Checks everything that can be checked before the work: the inputs against the operator's ports, its plan, and
    /// whether the memory suffices. `outputs` is asked for a sink for each image output, in the order of the ports.
    ///
    /// # Errors
    /// See [`check`](crate::check); `out-of-memory` when even the smallest tile does not fit the budget; what
    /// `outputs` says.
    pub fn prepare(
        step: &Step,
        inputs: &[(usize, Arc<dyn ImageSource>)],
        outputs: &mut SinkFactory<'_>,
        options: &RunOptions,
    ) -> Result<Self> {
        let services = options.services(step);
        let specs = inputs.iter().map(|(port, source)| (*port, source.spec().clone())).collect();
        let planned = Planned::new(step, specs, &services)?;
        let mut inputs = inputs.to_vec();
        inputs.sort_by_key(|(port, _)| *port);
        let sources: Vec<_> = inputs.into_iter().map(|(_, source)| source).collect();
        let writers = open_writers(&planned.facts, outputs)?;
        let chunks: Vec<_> = sources.iter().map(|source| source.chunk()).collect();
        let grids: Vec<_> = writers.iter().map(Writer::grid).collect();
        let budget = options.memory;
        let shapes = Shapes { planned: &planned, chunks: &chunks, grids: &grids, budget };
        let tile = shapes.choose(options.tile)?;
        let grid = Grid::new(planned.facts.work, tile, planned.facts.apart());
        let workers = count_workers(&shapes, &grid, options.threads)?;
        let second = planned.facts.descriptor.kind == Kind::Reduce && !writers.is_empty();
        let estimate = Estimate {
            tile: grid.tile(),
            tiles: grid.total(),
            passes: 1 + u64::from(second),
            workers,
            peak_bytes: shapes.peak(&grid.tile(), workers as u64)?,
        };
        let instance_bytes = shapes.instance(&grid.tile());
        let Planned { facts, operator: first } = planned;
        let (step, options) = (step.clone(), options.clone());
        Ok(Self { step, facts, first, sources, writers, grid, estimate, instance_bytes, services, options })
    }

    /// How it will go.
    #[must_use]
    pub fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// What the image outputs will be, each with the index of its port.
    pub fn outputs(&self) -> impl Iterator<Item = (usize, &ImageSpec)> {
        self.facts.images.iter().copied().zip(&self.facts.plan.outputs)
    }

    /// Does the work. Blocks until it is done or has stopped; outputs appear only when everything succeeded.
    ///
    /// # Errors
    /// `cancelled` when somebody asked to stop; what the operator says, with plugin, version, operator and tile as
    /// origin; what sources and sinks say.
    pub fn start(self) -> Result<StepResult> {
        let Self { step, facts, first, sources, writers, grid, estimate, instance_bytes, services, options } =
            self;
        let mut instances = vec![first];
        while instances.len() < estimate.workers {
            let own = |error: Error| error.with_origin(&facts.label);
            let mut instance = step.library.create(&step.operator, &step.parameters).map_err(own)?;
            facts.plan_again(instance.as_mut(), &Quiet(&services)).map_err(own)?;
            instances.push(instance);
        }
        let reserved = instance_bytes.saturating_mul(estimate.workers as u64);
        let allocator = FrameAllocator::keeping(
            options.memory.saturating_sub(reserved),
            estimate.peak_bytes.saturating_sub(reserved),
        );
        let context = Context {
            meter: Meter::new(estimate.tiles.saturating_mul(estimate.passes), options.progress),
            services,
            stop: Stop::new(options.cancel),
            partials: Partials::default(),
            facts,
            sources,
            writers,
            grid,
            allocator,
        };
        let groups = match context.facts.descriptor.kind {
            Kind::Reduce => reduce(&context, &mut instances)?,
            Kind::Map if context.facts.sequence().is_some() => {
                in_order(&context, &mut instances)?;
                Vec::new()
            }
            Kind::Map | Kind::Whole => {
                for_each(&mut instances, estimate.tiles, &context.stop, |instance, tile| {
                    context.run_tile(instance.as_mut(), &context.grid.region(0, tile))
                })?;
                Vec::new()
            }
        };
        drop(instances);
        let (tables, records) = join(&context.facts.descriptor, groups)
            .map_err(|error| error.with_origin(&context.facts.label))?;
        let report = Report {
            estimate,
            peak_bytes: context.allocator.peak().saturating_add(reserved),
            peak_partials: context.partials.peak(),
            log: context.services.lines(),
        };
        context.writers.into_iter().try_for_each(Writer::finish)?;
        let images = context.facts.images.into_iter().zip(context.facts.plan.outputs).collect();
        Ok(StepResult { images, tables, records, report })
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("step", &self.step)
            .field("estimate", &self.estimate)
            .finish_non_exhaustive()
    }
}

/// Runs sequences: the positions along one axis, from the first to the last, for each place of the others.
fn in_order(context: &Context, instances: &mut [Box<dyn Operator>]) -> Result<()> {
    for_each(instances, context.grid.tiles(), &context.stop, |instance, place| {
        let begin = context.grid.region(0, place);
        instance.reset(&context.services()).map_err(|error| context.own(error, &begin))?;
        for position in 0..context.grid.groups() {
            if context.stop.is_set() {
                return Err(Error::cancelled());
            }
            context.run_tile(instance.as_mut(), &context.grid.region(position, place))?;
        }
        Ok(())
    })
}

fn open_writers(facts: &Facts, outputs: &mut SinkFactory<'_>) -> Result<Vec<Writer>> {
    let ports = facts.images.iter().zip(&facts.plan.outputs);
    ports
        .map(|(&port, spec)| {
            let sink = outputs(port, spec)?;
            if sink.spec().extent == spec.extent && sink.spec().dtype == spec.dtype {
                return Ok(Writer::new(sink));
            }
            Err(Error::internal(format!("the sink of output {port} is for another image")))
        })
        .collect()
}

/// As many workers as asked for, if operator, tiles and memory allow it.
fn count_workers(shapes: &Shapes<'_>, grid: &Grid, threads: usize) -> Result<usize> {
    if shapes.planned.facts.descriptor.threads == ThreadSafety::Single {
        return Ok(1);
    }
    // A sequence is one worker's from its begin to its end; and where every position waits for the neighbours of a place,
    // nobody may be ahead.
    let pieces = match shapes.planned.facts.sequence() {
        Some(_) if shapes.is_aligned(&grid.tile()) => grid.tiles(),
        Some(_) => 1,
        None => grid.total(),
    };
    let most = threads.clamp(1, usize::try_from(pieces).unwrap_or(usize::MAX).max(1));
    for workers in (2..=most).rev() {
        if shapes.peak(&grid.tile(), workers as u64)? <= shapes.budget {
            return Ok(workers);
        }
    }
    Ok(1)
}

/// What all workers of a run share.
pub(crate) struct Context {
    pub(crate) facts: Facts,
    sources: Vec<Arc<dyn ImageSource>>,
    writers: Vec<Writer>,
    pub(crate) grid: Grid,
    allocator: FrameAllocator,
    services: RunServices,
    pub(crate) stop: Stop,
    meter: Meter,
    pub(crate) partials: Partials,
}

impl Context {
    /// Whether there is an image to write.
    pub(crate) fn has_images(&self) -> bool {
        !self.writers.is_empty()
    }

    /// Services for a call that is not for one tile.
    pub(crate) fn services(&self) -> TileServices<'_> {
        TileServices::new(&self.services, &self.stop, None)
    }

    /// Says whose error it is, and for which part of the work. A call that stopped because it was asked to is no error
    /// of the operator.
    pub(crate) fn own(&self, error: Error, core: &Region) -> Error {
        if *error.kind() == ErrorKind::Cancelled && self.stop.is_set() {
            return Error::cancelled();
        }
        error.with_origin(format!("{}, tile {core}", self.facts.label))
    }

    /// A call for one tile, and a second when the process or instance that ran it died: the tile is still here, and what died
    /// was made anew. Not in a sequence, where what it remembered is gone.
    fn patiently<T>(&self, core: &Region, mut call: impl FnMut() -> Result<T>) -> Result<T> {
        let died = |error: &Error| matches!(error.kind(), ErrorKind::PluginDied { .. });
        let result = match call() {
            Err(error) if died(&error) && self.facts.sequence().is_none() && !self.stop.is_set() => {
                let warning = format!("{error}; tile {core} is computed again");
                self.services.log(LogLevel::Warning, &warning);
                call()
            }
            result => result,
        };
        result.map_err(|error| self.own(error, core))
    }

    /// Computes and writes one tile.
    pub(crate) fn run_tile(&self, instance: &mut dyn Operator, core: &Region) -> Result<()> {
        let services = TileServices::new(&self.services, &self.stop, Some(&self.meter));
        let tiles = self.read(instance, core)?;
        let inputs = self.inputs(&tiles)?;
        let specs = self.facts.plan.outputs.iter().enumerate();
        let mut frames = specs
            .map(|(index, spec)| self.allocator.allocate(spec.dtype, self.facts.output_region(index, core)))
            .collect::<Result<Vec<_>>>()?;
        self.patiently(core, || {
            // A frame may hold pixels of an earlier tile. An operator that forgets some leaves zeros, not another place's image.
            frames.iter_mut().for_each(Frame::clear);
            let mut outputs = Vec::with_capacity(frames.len());
            for (frame, spec) in frames.iter_mut().zip(&self.facts.plan.outputs) {
                outputs.push(Output { pixels: frame.pixels_mut()?, full: spec.extent });
            }
            let mut work = Tiles { core: *core, inputs: &inputs, outputs: &mut outputs };
            instance.run(&mut work, &services)
        })?;
        drop(tiles);
        for (writer, frame) in self.writers.iter().zip(&frames) {
            writer.write(&frame.pixels()?, &self.allocator)?;
        }
        services.complete();
        Ok(())
    }

    /// Computes the partial result of one tile.
    pub(crate) fn accumulate_tile(&self, instance: &mut dyn Operator, core: &Region) -> Result<Vec<u8>> {
        let services = TileServices::new(&self.services, &self.stop, Some(&self.meter));
        let tiles = self.read(instance, core)?;
        let work = Tiles { core: *core, inputs: &self.inputs(&tiles)?, outputs: &mut [] };
        let partial = self.patiently(core, || instance.accumulate(&work, &services))?;
        services.complete();
        Ok(partial)
    }

    fn read(&self, instance: &dyn Operator, core: &Region) -> Result<Vec<InputTile>> {
        let windows = self.facts.windows(instance, core).map_err(|error| self.own(error, core))?;
        let inputs = self.sources.iter().zip(&windows);
        inputs.map(|(source, window)| read_tile(source, window, &self.allocator)).collect()
    }

    fn inputs<'a>(&self, tiles: &'a [InputTile]) -> Result<Vec<Input<'a>>> {
        let inputs = tiles.iter().zip(&self.facts.inputs).zip(&self.facts.ports);
        inputs
            .map(|((tile, spec), &port)| {
                let port = u32::try_from(port).unwrap_or(u32::MAX);
                Ok(Input { port, pixels: tile.pixels()?, full: spec.extent, frames: &[] })
            })
            .collect()
    }
}
