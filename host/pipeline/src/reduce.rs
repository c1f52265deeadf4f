//! Reduce operators: partial results of tiles, joined strictly from left to right, finished, and perhaps a second pass.

use std::{
    collections::BTreeMap,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parfocal_operator::Operator;
use parfocal_types::error::{Error, Result};

use crate::{
    collect::{Collected, Collector, Groups},
    run::Context,
    services::Stop,
    workers::for_each,
};

/// Bytes of partial results that exist now, and the most there were.
#[derive(Debug, Default)]
pub(crate) struct Partials {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Partials {
    fn add(&self, bytes: usize) {
        let now = self.now.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    fn remove(&self, bytes: usize) {
        self.now.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

type Instance = Box<dyn Operator>;

/// Runs a reduce operator over all groups; gives what each group said in `finish`, in order.
///
/// # Errors
/// What operator, sources and sinks say; `cancelled`.
pub(crate) fn reduce(context: &Context, workers: &mut [Instance]) -> Result<Groups> {
    let (groups, tiles, hands) = (context.grid.groups(), context.grid.tiles(), workers.len() as u64);
    // Many groups, or groups too small for all workers, go to one worker each; the calls that an instance sees for one
    // group stay together either way.
    let collected = if groups > 1 && (tiles < hands || groups >= 4 * hands) {
        let results: Mutex<BTreeMap<u64, Collected>> = Mutex::default();
        for_each(workers, groups, &context.stop, |instance, group| {
            let collected = alone(context, instance.as_mut(), group)?;
            results.lock().unwrap_or_else(PoisonError::into_inner).insert(group, collected);
            Ok(())
        })?;
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    } else {
        (0..groups).map(|group| Ok((group, together(context, workers, group)?))).collect::<Result<_>>()?
    };
    Ok(collected.into_iter().map(|(group, found)| (context.grid.position(group), found)).collect())
}

/// One worker does a whole group.
fn alone(context: &Context, instance: &mut dyn Operator, group: u64) -> Result<Collected> {
    let mut total: Option<Vec<u8>> = None;
    for tile in 0..context.grid.tiles() {
        proceed(&context.stop)?;
        let partial = context.accumulate_tile(instance, &context.grid.region(group, tile))?;
        context.partials.add(partial.len());
        total = Some(merge(context, instance, total, partial)?);
    }
    let (collected, conclusion) = finish(context, instance, total)?;
    if context.has_images() {
        instance.conclude(&conclusion, &context.services()).map_err(|error| own(context, error))?;
        for tile in 0..context.grid.tiles() {
            proceed(&context.stop)?;
            context.run_tile(instance, &context.grid.region(group, tile))?;
        }
    }
    Ok(collected)
}

/// All workers do a group together.
fn together(context: &Context, workers: &mut [Instance], group: u64) -> Result<Collected> {
    let tiles = context.grid.tiles();
    let merger = Merger::new(context, 4 * workers.len() as u64);
    for_each(workers, tiles, &context.stop, |instance, tile| {
        merger.wait_for(tile)?;
        let partial = context.accumulate_tile(instance.as_mut(), &context.grid.region(group, tile))?;
        merger.offer(tile, partial, instance.as_mut())
    })?;
    let total = merger.into_total();
    let Some(first) = workers.first_mut() else { return Err(Error::internal("a run without workers")) };
    let (collected, conclusion) = finish(context, first.as_mut(), total)?;
    if context.has_images() {
        for instance in workers.iter_mut() {
            instance.conclude(&conclusion, &context.services()).map_err(|error| own(context, error))?;
        }
        for_each(workers, tiles, &context.stop, |instance, tile| {
            context.run_tile(instance.as_mut(), &context.grid.region(group, tile))
        })?;
    }
    Ok(collected)
}

fn finish(
    context: &Context,
    instance: &mut dyn Operator,
    total: Option<Vec<u8>>,
) -> Result<(Collected, Vec<u8>)> {
    let total = total.ok_or_else(|| Error::internal("a group without tiles"))?;
    let mut collector = Collector::new(&context.facts.descriptor);
    let conclusion =
        instance.finish(&total, &mut collector, &context.services()).map_err(|error| own(context, error))?;
    context.partials.remove(total.len());
    Ok((collector.into_collected(), conclusion))
}

/// Joins the result so far with that of the next tile.
fn merge(
    context: &Context,
    instance: &mut dyn Operator,
    total: Option<Vec<u8>>,
    next: Vec<u8>,
) -> Result<Vec<u8>> {
    let Some(left) = total else { return Ok(next) };
    let before = left.len() + next.len();
    let merged = instance.merge(left, &next, &context.services()).map_err(|error| own(context, error))?;
    context.partials.add(merged.len());
    context.partials.remove(before);
    Ok(merged)
}

fn own(context: &Context, error: Error) -> Error {
    if context.stop.is_set() && error.kind().name() == "cancelled" {
        return Error::cancelled();
    }
    error.with_origin(&context.facts.label)
}

fn proceed(stop: &Stop) -> Result<()> {
    if stop.is_set() { Err(Error::cancelled()) } else { Ok(()) }
}

/// Joins partial results in the order of the tiles, whoever computed them and whenever they come.
struct Merger<'a> {
    context: &'a Context,
    /// How far a worker may be ahead of the next tile to be joined.
    window: u64,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    total: Option<Vec<u8>>,
    waiting: BTreeMap<u64, Vec<u8>>,
    /// Somebody is joining outside the lock, and goes on as long as there is something to join.
    busy: bool,
}

impl<'a> Merger<'a> {
    fn new(context: &'a Context, window: u64) -> Self {
        Self { context, window, state: Mutex::default(), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a tile is not too far ahead of those that are joined, so that few results wait.
    fn wait_for(&self, tile: u64) -> Result<()> {
        let mut state = self.lock();
        while tile > state.next.saturating_add(self.window) {
            proceed(&self.context.stop)?;
            let wait = self.moved.wait_timeout(state, Duration::from_millis(20));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Takes the result of a tile, and joins all that are in turn with the giver's instance, unless somebody is at it.
    fn offer(&self, tile: u64, partial: Vec<u8>, instance: &mut dyn Operator) -> Result<()> {
        self.context.partials.add(partial.len());
        let mut state = self.lock();
        state.waiting.insert(tile, partial);
        if state.busy {
            return Ok(());
        }
        loop {
            let turn = state.next;
            let Some(next) = state.waiting.remove(&turn) else { break };
            let total = state.total.take();
            state.busy = true;
            drop(state);
            let merged = merge(self.context, instance, total, next)?;
            state = self.lock();
            state.total = Some(merged);
            state.next += 1;
            self.moved.notify_all();
        }
        state.busy = false;
        Ok(())
    }

    fn into_total(self) -> Option<Vec<u8>> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).total
    }
}
