//! A small host: plans, cuts, pads, calls in the order that the contract promises, and puts the results together.

use std::{collections::BTreeMap, sync::Mutex, thread};

use parfocal_image::{Axis, Region};
use parfocal_operator::{
    Descriptor, Input, InputRegion, InputSpec, Kind, Operator, Output, Padding, Plan, Services, ThreadSafety,
    Tiles, Tiling,
};
use parfocal_types::{Error, ErrorKind, Result};

use crate::{
    cut::{Cut, Work},
    image::Image,
    memory::{Block, Memory},
    outcome::{Group, Outcome},
    padding::{fill, for_each_row},
    sink::Collected,
};

/// What is connected: the number of each input port, ascending, and its image.
pub type Inputs<'a> = [(u32, &'a Image)];

/// Makes an instance of the operator under test.
pub type Maker<'a> = dyn Fn() -> Result<Box<dyn Operator>> + Sync + 'a;

/// In which order partial results are joined; always neighbours, the earlier one left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merging {
    /// Each to the sum of those before.
    #[default]
    LeftToRight,
    /// Neighbours first, then the pairs, and so on.
    InPairs,
}

/// A call of the operator, for those who look on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A call with tiles or partial results begins.
    Before,
    /// It has returned.
    After,
}

/// Looks on.
pub type Watcher<'a> = dyn Fn(Moment) + Sync + 'a;

/// Says whether a call that failed is made again, on the same instance.
pub type Again<'a> = dyn Fn(&Error) -> bool + Sync + 'a;

/// Drives an operator over images.
pub struct Driver<'a> {
    /// What the operator declares.
    pub descriptor: &'a Descriptor,
    /// Makes its instances.
    pub make: Box<Maker<'a>>,
    /// What it is given as services.
    pub services: &'a (dyn Services + Sync),
    /// Where tiles lie.
    pub memory: &'a dyn Memory,
    /// How many instances take turns; one when the operator allows one at a time.
    pub instances: usize,
    /// Whether each instance works on a thread of its own, at once.
    pub threads: bool,
    /// Whether each call comes from a new thread; without [`threads`](Self::threads) only.
    pub hopping: bool,
    /// In which order partial results are joined.
    pub merging: Merging,
    /// Told of each call.
    pub watch: Option<&'a Watcher<'a>>,
    /// Asked after each call with tiles that failed; a sequence begins anew.
    pub again: Option<&'a Again<'a>>,
}

/// One planned instance.
type Planned = (Box<dyn Operator>, Plan);

impl<'a> Driver<'a> {
    /// A driver with two instances that take turns on one thread.
    #[must_use]
    pub fn new(
        descriptor: &'a Descriptor,
        make: impl Fn() -> Result<Box<dyn Operator>> + Sync + 'a,
        services: &'a (dyn Services + Sync),
        memory: &'a dyn Memory,
    ) -> Self {
        Self {
            descriptor,
            make: Box::new(make),
            services,
            memory,
            instances: 2,
            threads: false,
            hopping: false,
            merging: Merging::default(),
            watch: None,
            again: None,
        }
    }

    /// Makes an instance and plans it for these inputs.
    ///
    /// # Errors
    /// What the operator says to its parameters and inputs.
    pub fn plan(&self, inputs: &Inputs<'_>) -> Result<Planned> {
        let mut operator = (self.make)()?;
        let specs: Vec<_> =
            inputs.iter().map(|(port, image)| InputSpec { port: *port, spec: &image.spec }).collect();
        let plan = operator.plan(&specs, self.services)?;
        Ok((operator, plan))
    }

    /// Runs over a regular cut, in raster order.
    ///
    /// # Errors
    /// What the operator says.
    pub fn run(&self, inputs: &Inputs<'_>, cut: Cut) -> Result<Outcome> {
        self.run_over(inputs, &|work| cut.tiles(work))
    }

    /// Runs over any disjoint tiles that cover the work, in the order in which they are listed.
    ///
    /// # Errors
    /// What the operator says; `internal` when it contradicts itself so that the work cannot go on.
    pub fn run_over(&self, inputs: &Inputs<'_>, tiles: &dyn Fn(&Work) -> Vec<Region>) -> Result<Outcome> {
        let (first, plan) = self.plan(inputs)?;
        let wanted = if self.descriptor.threads == ThreadSafety::Single { 1 } else { self.instances.max(1) };
        let mut instances = vec![first];
        let mut contradictions = Vec::new();
        while instances.len() < wanted {
            let (operator, again) = self.plan(inputs)?;
            if again != plan {
                contradictions.push(
                    "another instance with the same parameters plans otherwise for the same inputs".into(),
                );
            }
            instances.push(operator);
        }
        let work = Work::of(self.descriptor, &plan, inputs.first().map(|(_, image)| &image.spec));
        let outputs =
            plan.outputs.iter().map(|spec| Image::zeroed(spec.clone())).collect::<Result<Vec<_>>>()?;
        let outcome = Outcome { images: outputs, contradictions, ..Outcome::default() };
        let run = Run { driver: self, inputs, plan: &plan, work: &work, outcome: Mutex::new(outcome) };
        run.all(&mut instances, tiles(&work))?;
        run.into_outcome()
    }
}

/// Tiles that one instance works on one after the other.
struct Chain {
    /// Whether it is a sequence, which starts with `reset`.
    sequence: bool,
    tiles: Vec<Region>,
}

struct Run<'a> {
    driver: &'a Driver<'a>,
    inputs: &'a Inputs<'a>,
    plan: &'a Plan,
    work: &'a Work,
    outcome: Mutex<Outcome>,
}

/// An input tile in its memory.
struct Held {
    port: u32,
    block: Box<dyn Block>,
    full: parfocal_image::Extent,
}

impl Run<'_> {
    fn into_outcome(self) -> Result<Outcome> {
        self.outcome.into_inner().map_err(|_| Error::internal("a thread of the driver panicked"))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Outcome) -> T) -> Result<T> {
        let mut outcome =
            self.outcome.lock().map_err(|_| Error::internal("a thread of the driver panicked"))?;
        Ok(work(&mut outcome))
    }

    fn all(&self, instances: &mut [Box<dyn Operator>], tiles: Vec<Region>) -> Result<()> {
        let mut groups = BTreeMap::<Group, Vec<Region>>::new();
        for region in tiles {
            let key =
                std::array::from_fn(|axis| if self.work.grouped[axis] { region.origin[axis] } else { 0 });
            groups.entry(key).or_default().push(region);
        }
        let reduces = self.driver.descriptor.kind == Kind::Reduce;
        for (group, tiles) in groups {
            if reduces {
                self.reduce(instances, group, &tiles)?;
            }
            if !reduces || !self.plan.outputs.is_empty() {
                let chains = self.chains(tiles);
                self.spread(instances, &chains, &|operator, chain| self.run_chain(operator, chain))?;
            }
        }
        Ok(())
    }

    /// Sequences are brought into order; everything else is a chain of one.
    fn chains(&self, tiles: Vec<Region>) -> Vec<Chain> {
        let Some(axis) = self.work.sequence else {
            return tiles.into_iter().map(|tile| Chain { sequence: false, tiles: vec![tile] }).collect();
        };
        let mut order = Vec::new();
        let mut chains = BTreeMap::<[i64; 5], Vec<Region>>::new();
        for tile in tiles {
            let mut place = tile.origin;
            place[axis as usize] = 0;
            let chain = chains.entry(place).or_insert_with(|| {
                order.push(place);
                Vec::new()
            });
            chain.push(tile);
        }
        let sorted = |place: [i64; 5]| {
            let mut tiles = chains.remove(&place).unwrap_or_default();
            tiles.sort_by_key(|tile| tile.origin[axis as usize]);
            Chain { sequence: true, tiles }
        };
        order.into_iter().map(sorted).collect()
    }

    /// Hands chains to instances in turn, on this thread or on one for each.
    fn spread(
        &self,
        instances: &mut [Box<dyn Operator>],
        chains: &[Chain],
        work: &(dyn Fn(&mut dyn Operator, &Chain) -> Result<()> + Sync),
    ) -> Result<()> {
        let count = instances.len();
        if !self.driver.threads || count == 1 {
            for (index, chain) in chains.iter().enumerate() {
                let instance =
                    instances.get_mut(index % count).ok_or_else(|| Error::internal("no instance"))?;
                if self.driver.hopping {
                    on_new_thread(|| self.patiently(instance.as_mut(), chain, work))?;
                } else {
                    self.patiently(instance.as_mut(), chain, work)?;
                }
            }
            return Ok(());
        }
        thread::scope(|scope| {
            let workers: Vec<_> = instances
                .iter_mut()
                .enumerate()
                .map(|(own, instance)| {
                    scope.spawn(move || {
                        let own = chains.iter().skip(own).step_by(count);
                        own.into_iter().try_for_each(|chain| self.patiently(instance.as_mut(), chain, work))
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|_| Err(Error::internal("a thread of the driver panicked")))
            })
        })
    }

    /// Works on a chain, again and again as long as somebody wants it.
    fn patiently(
        &self,
        operator: &mut dyn Operator,
        chain: &Chain,
        work: &(dyn Fn(&mut dyn Operator, &Chain) -> Result<()> + Sync),
    ) -> Result<()> {
        loop {
            match work(operator, chain) {
                Err(error) if self.driver.again.is_some_and(|again| again(&error)) => {}
                result => return result,
            }
        }
    }

    fn watched<T>(&self, call: impl FnOnce() -> T) -> T {
        if let Some(watch) = self.driver.watch {
            watch(Moment::Before);
        }
        let result = call();
        if let Some(watch) = self.driver.watch {
            watch(Moment::After);
        }
        result
    }

    fn run_chain(&self, operator: &mut dyn Operator, chain: &Chain) -> Result<()> {
        if chain.sequence {
            operator.reset(self.driver.services)?;
        }
        chain.tiles.iter().try_for_each(|core| {
            self.run_tile(operator, core).map_err(|error| error.context(format!("at tile {core}")))
        })
    }

    fn run_tile(&self, operator: &mut dyn Operator, core: &Region) -> Result<()> {
        let held = self.held(operator, core)?;
        let mut blocks = Vec::new();
        for (index, spec) in self.plan.outputs.iter().enumerate() {
            let region = self.output_region(spec.extent, core);
            let name = format!("output image {index}");
            blocks.push((self.driver.memory.block(&name, spec.dtype, &region)?, spec.extent));
        }
        let result = {
            let inputs = inputs_of(&held)?;
            let mut outputs = Vec::new();
            for (block, full) in &mut blocks {
                outputs.push(Output { pixels: block.pixels_mut()?, full: *full });
            }
            let mut tiles = Tiles { core: *core, inputs: &inputs, outputs: &mut outputs };
            self.watched(|| operator.run(&mut tiles, self.driver.services))
        };
        let blocks: Vec<_> = blocks.into_iter().map(|(block, _)| block).collect();
        self.inspect(&held, &blocks)?;
        result?;
        self.with(|outcome| {
            blocks.iter().zip(&mut outcome.images).try_for_each(|(block, image)| copy(block.as_ref(), image))
        })?
    }

    fn reduce(&self, instances: &mut [Box<dyn Operator>], group: Group, tiles: &[Region]) -> Result<()> {
        let partials = Mutex::new(BTreeMap::<[i64; 5], Vec<u8>>::new());
        let chains: Vec<_> = tiles.iter().map(|tile| Chain { sequence: false, tiles: vec![*tile] }).collect();
        self.spread(instances, &chains, &|operator, chain| {
            for core in &chain.tiles {
                let held = self.held(operator, core)?;
                let inputs = inputs_of(&held)?;
                let tiles = Tiles { core: *core, inputs: &inputs, outputs: &mut [] };
                let partial = self.watched(|| operator.accumulate(&tiles, self.driver.services));
                self.inspect(&held, &[])?;
                let partial = partial.map_err(|error| error.context(format!("at tile {core}")))?;
                let mut partials =
                    partials.lock().map_err(|_| Error::internal("a thread of the driver panicked"))?;
                partials.insert(core.origin, partial);
            }
            Ok(())
        })?;
        let partials =
            partials.into_inner().map_err(|_| Error::internal("a thread of the driver panicked"))?;
        let total = self.merge(instances, partials.into_values().collect())?;
        let conclusion = self.finish(instances, group, &total)?;
        if !self.plan.outputs.is_empty() {
            for instance in instances {
                instance.conclude(&conclusion, self.driver.services)?;
            }
        }
        Ok(())
    }

    /// Joins partial results, in the order of their tiles.
    fn merge(&self, instances: &mut [Box<dyn Operator>], mut partials: Vec<Vec<u8>>) -> Result<Vec<u8>> {
        let mut turn = 0;
        let mut join = |left: Vec<u8>, right: &[u8]| {
            turn = (turn + 1) % instances.len();
            let instance = instances.get_mut(turn).ok_or_else(|| Error::internal("no instance"))?;
            let merged = self.watched(|| instance.merge(left, right, self.driver.services))?;
            self.with(|outcome| outcome.largest_partial = outcome.largest_partial.max(merged.len()))?;
            Ok::<_, Error>(merged)
        };
        match self.driver.merging {
            Merging::LeftToRight => {
                let mut partials = partials.into_iter();
                let first = partials.next().unwrap_or_default();
                partials.try_fold(first, |left, right| join(left, &right))
            }
            Merging::InPairs => {
                while partials.len() > 1 {
                    let mut joined = Vec::new();
                    let mut rest = partials.into_iter();
                    while let Some(left) = rest.next() {
                        joined.push(match rest.next() {
                            Some(right) => join(left, &right)?,
                            None => left,
                        });
                    }
                    partials = joined;
                }
                Ok(partials.pop().unwrap_or_default())
            }
        }
    }

    fn finish(&self, instances: &mut [Box<dyn Operator>], group: Group, total: &[u8]) -> Result<Vec<u8>> {
        let mut sink = Collected::new(self.driver.descriptor);
        let last = instances.last_mut().ok_or_else(|| Error::internal("no instance"))?;
        let conclusion = self.watched(|| last.finish(total, &mut sink, self.driver.services))?;
        let Collected { tables, records, .. } = sink;
        self.with(|outcome| {
            outcome.tables.extend(tables.into_iter().map(|(port, table)| (group, port, table)));
            outcome.records.extend(records.into_iter().map(|(port, record)| (group, port, record)));
        })?;
        Ok(conclusion)
    }

    /// The input tiles for a part of the work, padded and sealed.
    fn held(&self, operator: &dyn Operator, core: &Region) -> Result<Vec<Held>> {
        let regions = operator.required_input(core)?;
        let connected = self.inputs.iter().map(|(port, _)| *port);
        if !regions.iter().map(|region| region.port).eq(connected.clone()) {
            let asked: Vec<_> = regions.iter().map(|region| region.port).collect();
            return Err(Error::new(
                ErrorKind::Internal,
                format!(
                    "`required_input` names the inputs {asked:?}, the connected ones are {:?}",
                    connected.collect::<Vec<_>>()
                ),
            ));
        }
        let mut held = Vec::new();
        for (InputRegion { port, region, padding }, (_, image)) in regions.into_iter().zip(self.inputs) {
            self.check_halo(core, &region, image)?;
            let region = match padding {
                Padding::Clip => region.intersection(&Region::whole(image.spec.extent)),
                _ => region,
            };
            let name =
                self.driver.descriptor.inputs.get(port as usize).map_or("?", |port| port.name.as_str());
            let mut block =
                self.driver.memory.block(&format!("input `{name}`"), image.spec.dtype, &region)?;
            fill(image, padding, &mut block.pixels_mut()?)?;
            block.seal();
            held.push(Held { port, block, full: image.spec.extent });
        }
        Ok(held)
    }

    /// The halo stays below the declared bound, along the axes where input and work have the same size.
    fn check_halo(&self, core: &Region, required: &Region, image: &Image) -> Result<()> {
        let descriptor = self.driver.descriptor;
        for axis in Axis::ALL.into_iter().filter(|&axis| image.spec.extent[axis] == self.work.extent[axis]) {
            let declared = match axis {
                Axis::T => descriptor.temporal_window.into_iter().fold(descriptor.max_halo[0], u32::max),
                _ => descriptor.max_halo_along(axis),
            };
            let before = core.origin[axis as usize].saturating_sub(required.origin[axis as usize]);
            let halo = before.max(required.end(axis).saturating_sub(core.end(axis)));
            if halo > i64::from(declared) {
                let sentence = format!(
                    "it asks for a halo of {halo} pixels along {} and declares at most {declared}",
                    axis.letter()
                );
                self.with(|outcome| {
                    if !outcome.contradictions.contains(&sentence) {
                        outcome.contradictions.push(sentence);
                    }
                })?;
            }
        }
        Ok(())
    }

    fn inspect(&self, held: &[Held], outputs: &[Box<dyn Block>]) -> Result<()> {
        let blocks = held.iter().map(|held| &held.block).chain(outputs);
        let found: Vec<_> = blocks.filter_map(|block| block.trespass()).collect();
        self.with(|outcome| outcome.trespasses.extend(found))
    }

    /// Where a part of the work lies in an image output: all of it along the axes that are kept whole.
    fn output_region(&self, full: parfocal_image::Extent, core: &Region) -> Region {
        Axis::ALL.into_iter().fold(*core, |region, axis| match self.plan.tiling[axis as usize] {
            Tiling::Whole => region.with(axis, 0, full[axis]),
            _ => region,
        })
    }
}

fn on_new_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        scope.spawn(work).join().unwrap_or_else(|_| Err(Error::internal("a thread of the driver panicked")))
    })
}

fn inputs_of(held: &[Held]) -> Result<Vec<Input<'_>>> {
    held.iter()
        .map(|held| Ok(Input { port: held.port, pixels: held.block.pixels()?, full: held.full, frames: &[] }))
        .collect()
}

/// Copies a tile into its image.
fn copy(block: &dyn Block, image: &mut Image) -> Result<()> {
    let pixels = block.pixels()?;
    let region = *pixels.region();
    let bytes = usize::try_from(region.extent[Axis::X]).unwrap_or(0) * image.spec.dtype.size();
    let mut whole = image.pixels.pixels_mut()?;
    for_each_row(&region, |[t, c, z, y]| {
        let row = Region::new(
            [t, c, z, y, region.origin[4]],
            parfocal_image::Extent::plane(1, region.extent[Axis::X]),
        );
        let from = pixels.part(&row)?;
        let mut to = whole.part_mut(&row)?;
        to.bytes_mut()[..bytes].copy_from_slice(&from.bytes()[..bytes]);
        Ok(())
    })
}
