//! Calls by hand, in any order and with anything, for cases about calls; and what such cases have in common.

use std::sync::Mutex;

use parfocal_core::Library;
use parfocal_image::{Axis, Buffer, DType, Region};
use parfocal_operator::{
    Descriptor, Input, InputRegion, InputSpec, Kind, Operator, Output, Padding, Plan, Services, Sink, Tiles,
    Tiling,
};
use parfocal_testkit::{Cut, Loose, Outcome, Quiet, Setting, Work, fill};
use parfocal_types::{Error, Parameters, Result};

use crate::{
    finding::{Finding, OrFinding, said},
    scene::{Bench, Feed},
};

/// The most pixels that are made for a tile which an operator asks for.
const MOST_PIXELS: u64 = 1 << 22;

/// Cuts that give every operator several tiles of the usual images.
pub(super) const TILES: Cut = Cut::in_stack(2, 19, 23);

/// The defaults, and the first images that the operator accepts with them.
pub(super) fn usual(bench: &Bench) -> Result<(Setting, Feed), Finding> {
    let about = |finding: Finding| finding.with("operator", &bench.descriptor.id);
    let setting =
        bench.settings().defaults().or_fail("the defaults lie outside of their own limits").map_err(about)?;
    let shape = bench.usual_shape().map_err(about)?;
    Ok((setting, bench.feed(&shape)?))
}

/// What the operator gives for them, in tiles.
pub(super) fn outcome(bench: &Bench, setting: &Setting, feed: &Feed) -> Result<Outcome, Finding> {
    let result = bench.run(&setting.parameters, feed, TILES);
    result.map_err(|error| told("it accepted the input in `plan`, and then failed", bench, &error))
}

/// A finding about an operator and what it said.
pub(super) fn told(sentence: impl Into<String>, bench: &Bench, error: &Error) -> Finding {
    said(Finding::fail(sentence).with("operator", &bench.descriptor.id), error)
}

/// Fails unless the operator still gives what it gave before.
pub(super) fn still(
    bench: &Bench,
    setting: &Setting,
    feed: &Feed,
    before: &Outcome,
    sentence: &str,
) -> Result<(), Finding> {
    let after = outcome(bench, setting, feed)?;
    match before.difference(&after) {
        None => Ok(()),
        Some(difference) => {
            Err(Finding::fail(sentence).with("operator", &bench.descriptor.id).with("difference", difference))
        }
    }
}

/// The names of a library's operators, for sentences.
pub(super) fn count_of(library: &dyn Library) -> String {
    match library.operators() {
        [one] => format!("operator `{}`", one.id),
        several => format!("{} operators", several.len()),
    }
}

/// An instance in somebody's hand.
pub(super) struct Hand<'a> {
    pub(super) operator: Box<dyn Operator>,
    pub(super) plan: Option<Plan>,
    descriptor: Descriptor,
    feed: &'a Feed,
}

impl<'a> Hand<'a> {
    pub(super) fn new(bench: &Bench, parameters: &Parameters, feed: &'a Feed) -> Result<Self> {
        Ok(Self {
            operator: bench.create(parameters)?,
            plan: None,
            descriptor: bench.descriptor.clone(),
            feed,
        })
    }

    pub(super) fn plan(&mut self, services: &dyn Services) -> Result<()> {
        let inputs = self.feed.inputs();
        let specs: Vec<_> =
            inputs.iter().map(|(port, image)| InputSpec { port: *port, spec: &image.spec }).collect();
        self.plan = Some(self.operator.plan(&specs, services)?);
        Ok(())
    }

    /// The tiles of the work; a whole input before it was planned.
    pub(super) fn tiles(&self, cut: Cut) -> Vec<Region> {
        let first = self.feed.images.first().map(|(_, image)| &image.spec);
        match &self.plan {
            Some(plan) => cut.tiles(&Work::of(&self.descriptor, plan, first)),
            None => vec![Region::whole(first.map(|spec| spec.extent).unwrap_or_default())],
        }
    }

    /// The axis along which the work is a sequence, once it is planned.
    pub(super) fn sequence(&self) -> Option<Axis> {
        let first = self.feed.images.first().map(|(_, image)| &image.spec);
        self.plan.as_ref().and_then(|plan| Work::of(&self.descriptor, plan, first).sequence)
    }

    /// Whether a host would call `run` or `accumulate` for this part: it is planned, the part lies in the work, and it is no
    /// second pass of a reduction, which has to follow a first one over the same tiles.
    fn is_lawful(&self, core: &Region, accumulates: bool) -> bool {
        let Some(plan) = &self.plan else { return false };
        let work = Work::of(&self.descriptor, plan, self.feed.images.first().map(|(_, image)| &image.spec));
        let reduces = self.descriptor.kind == Kind::Reduce;
        !core.extent.is_empty() && Region::whole(work.extent).contains(core) && reduces == accumulates
    }

    fn check(&self, core: &Region, accumulates: bool) -> Result<()> {
        match self.is_lawful(core, accumulates) {
            true => Ok(()),
            false => Err(Error::invalid_argument("no host makes this call")),
        }
    }

    fn inputs(&self, core: &Region) -> Result<Vec<(u32, Buffer)>> {
        let regions = self.operator.required_input(core)?;
        let mut inputs = Vec::new();
        for InputRegion { port, region, padding } in regions {
            let Some((_, image)) = self.feed.images.iter().find(|(known, _)| *known == port) else {
                continue;
            };
            let whole = Region::whole(image.spec.extent);
            let region = if padding == Padding::Clip { region.intersection(&whole) } else { region };
            if region.extent.count().is_none_or(|count| count > MOST_PIXELS) {
                return Err(Error::invalid_argument("it asks for more than there is"));
            }
            let mut buffer = Buffer::zeroed(image.spec.dtype, region)?;
            fill(image, padding, &mut buffer.pixels_mut()?)?;
            inputs.push((port, buffer));
        }
        Ok(inputs)
    }

    fn outputs(&self, core: &Region) -> Result<Vec<(Buffer, parfocal_image::Extent)>> {
        let mut outputs = Vec::new();
        for spec in self.plan.iter().flat_map(|plan| &plan.outputs) {
            let tiling = self.plan.as_ref().map_or([Tiling::Split; 5], |plan| plan.tiling);
            let region = Axis::ALL.into_iter().fold(*core, |region, axis| match tiling[axis as usize] {
                Tiling::Whole => region.with(axis, 0, spec.extent[axis]),
                _ => region,
            });
            if region.extent.count().is_none_or(|count| count > MOST_PIXELS) {
                return Err(Error::invalid_argument("a tile larger than this case makes"));
            }
            outputs.push((Buffer::zeroed(spec.dtype, region)?, spec.extent));
        }
        Ok(outputs)
    }

    /// Calls `run` for a part of the work.
    pub(super) fn run(&mut self, core: &Region, services: &dyn Services) -> Result<Vec<Buffer>> {
        self.check(core, false)?;
        let held = self.inputs(core)?;
        let mut made = self.outputs(core)?;
        let inputs = self.tiles_of(&held)?;
        let mut outputs = Vec::new();
        for (buffer, full) in &mut made {
            outputs.push(Output { pixels: buffer.pixels_mut()?, full: *full });
        }
        self.operator.run(&mut Tiles { core: *core, inputs: &inputs, outputs: &mut outputs }, services)?;
        Ok(made.into_iter().map(|(buffer, _)| buffer).collect())
    }

    /// Calls `accumulate` for a part of the work.
    pub(super) fn accumulate(&mut self, core: &Region, services: &dyn Services) -> Result<Vec<u8>> {
        self.check(core, true)?;
        let held = self.inputs(core)?;
        let inputs = self.tiles_of(&held)?;
        self.operator.accumulate(&Tiles { core: *core, inputs: &inputs, outputs: &mut [] }, services)
    }

    fn tiles_of<'h>(&self, held: &'h [(u32, Buffer)]) -> Result<Vec<Input<'h>>> {
        let full = |port: u32| {
            let image = self.feed.images.iter().find(|(known, _)| *known == port);
            image.map(|(_, image)| image.spec.extent).unwrap_or_default()
        };
        held.iter()
            .map(|(port, buffer)| {
                Ok(Input { port: *port, pixels: buffer.pixels()?, full: full(*port), frames: &[] })
            })
            .collect()
    }
}

/// Takes tables and records, and keeps none.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn columns(&mut self, _: u32, _: &[parfocal_types::table::Column]) -> Result<()> {
        Ok(())
    }

    fn rows(&mut self, _: u32, _: Vec<Vec<parfocal_types::table::Scalar>>) -> Result<()> {
        Ok(())
    }

    fn field(&mut self, _: u32, _: parfocal_types::table::Field) -> Result<()> {
        Ok(())
    }
}

/// Memory that does something before each tile is made: between the calls of a run.
pub(super) struct Between<'a> {
    pub(super) work: &'a (dyn Fn() + Sync),
    /// Before the first block, and before each so many.
    pub(super) every: u64,
    pub(super) count: Mutex<u64>,
}

impl parfocal_testkit::Memory for Between<'_> {
    fn block(&self, what: &str, dtype: DType, region: &Region) -> Result<Box<dyn parfocal_testkit::Block>> {
        let now = {
            let mut count = self.count.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *count += 1;
            *count == 1 || count.is_multiple_of(self.every)
        };
        if now {
            (self.work)();
        }
        Loose::default().block(what, dtype, region)
    }
}

/// The outcome of a run during which `work` is done between calls.
pub(super) fn outcome_with(
    bench: &Bench,
    setting: &Setting,
    feed: &Feed,
    every: u64,
    work: &(dyn Fn() + Sync),
) -> Result<Outcome, Finding> {
    let memory = Between { work, every, count: Mutex::new(0) };
    let result =
        bench.drive(&setting.parameters, &Quiet, &memory, |driver| driver.run(&feed.inputs(), TILES));
    result.map_err(|error| told("it accepted the input in `plan`, and then failed", bench, &error))
}
