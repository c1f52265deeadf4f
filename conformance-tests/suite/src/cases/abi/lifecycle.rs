//! Instances from their making to their end: ABI-07 to ABI-10, ABI-16.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use parfocal_image::Region;
use parfocal_operator::{InputRegion, InputSpec, Operator, Plan, Services, Sink, ThreadSafety, Tiles};
use parfocal_testkit::{Loose, Outcome, Quiet, Setting};
use parfocal_types::{Error, Result};

use super::ABI;
use crate::{
    case::{Case, Run},
    cases::hand::{Hand, TILES, count_of, outcome, outcome_with, still, told, usual},
    finding::{Check, Finding, OrFinding},
    scene::{Bench, Feed, Scene},
    state,
    transport::Transport,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ABI-07",
        sentence: "A thousand instances made and ended leave nothing behind.",
        demands: "After a warm-up, 1,000 instances (each operator's in turn; 1,000 of each in profile `full`) are made, planned \
                  and ended: resident memory grows by no more than 1 % or 512 KiB, descriptors and threads stay the same.",
        why: "Viewers make an instance with every click.",
        fix: "Free in `destroy` what `create` and `plan` took, threads and files too.",
        transports: &[Transport::Native, Transport::Wasm],
        budget: Duration::from_secs(40),
        run: Run::Written(abi_07),
        ..ABI
    },
    Case {
        id: "ABI-08",
        sentence: "An operator can be ended and made again in one process.",
        demands: "Made, used, ended and made again it gives the same results; instances that are ended before their plan, \
                  between plan and use, and in the middle of their tiles change nothing.",
        why: "Libraries stay loaded for the life of a process.",
        fix: "Keep no state outside of the instance.",
        run: Run::Written(abi_08),
        ..ABI
    },
    Case {
        id: "ABI-09",
        sentence: "Two instances do not know of each other.",
        demands: "Instances with other parameters run between the tiles of one: it gives what it gives alone, and so do they. \
                  Operators that allow one instance at a time are left out.",
        why: "Hosts run the same operator on two channels at once.",
        fix: "Keep parameters and state in the instance.",
        run: Run::Written(abi_09),
        ..ABI
    },
    Case {
        id: "ABI-10",
        sentence: "Two copies of a plugin, as two versions of it are, work side by side.",
        demands: "The library is loaded twice, at two places in memory with globals of their own, as two versions would be. \
                  Used in turn, tile by tile, both give what the first gave before the second was there.",
        why: "A run of last year is repeated with last year's version while a new one goes on.",
        fix: "Use no names that the whole process or computer shares: no fixed shared memory, no environment, no symbols that \
              interpose.",
        transports: &[Transport::Native],
        run: Run::Written(abi_10),
        ..ABI
    },
    Case {
        id: "ABI-16",
        sentence: "An instance works whichever thread calls it, as long as it is one at a time.",
        demands: "Each call on an instance comes from a new thread, its making and its end too: results are those of one \
                  thread. The contract forbids no thread; that two call one instance at once the host prevents.",
        why: "Schedulers move instances between threads.",
        fix: "Use no thread-local state in an instance.",
        run: Run::Written(abi_16),
        ..ABI
    },
];

/// Memory may grow by this much without being called a leak: what allocators keep for themselves.
const SLACK: u64 = 512 << 10;

fn abi_07(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let benches = scene.benches(&library)?;
    let tried: Vec<_> =
        benches.iter().map(|bench| Ok((bench, usual(bench)?))).collect::<Result<_, Finding>>()?;
    let times = scene.profile().pick(1, tried.len());
    let lives = |count: usize| -> Result<(), Finding> {
        for (bench, (setting, feed)) in tried.iter().cycle().take(count) {
            let lived = Hand::new(bench, &setting.parameters, feed).and_then(|mut hand| hand.plan(&Quiet));
            lived.map_err(|error| told("an instance cannot be made and planned again", bench, &error))?;
        }
        Ok(())
    };
    lives(300 * times)?;
    let before = (state::resident(), state::descriptors(), state::threads());
    lives(1000 * times)?;
    let grown = state::resident().saturating_sub(before.0);
    if grown > SLACK.max(before.0 / 100) {
        return Err(Finding::fail("memory grows with every instance that is made and ended")
            .measured("bytes", grown as f64));
    }
    let now = state::descriptors();
    if now != before.1 {
        let (more, less) = (now.len(), before.1.len());
        return Err(Finding::fail("instances leave descriptors behind, or take some along")
            .measured("before", less as f64)
            .measured("after", more as f64));
    }
    if state::threads() != before.2 {
        return Err(Finding::fail("instances leave threads behind"));
    }
    let sentence =
        format!("{} instances of {} leave nothing behind", 1000 * times, count_of(library.as_ref()));
    Ok(Finding::pass(sentence).measured("bytes", grown as f64))
}

fn abi_08(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        let before = outcome(&bench, &setting, &feed)?;
        let refused = |error: Error| told("an instance cannot be made again", &bench, &error);
        drop(Hand::new(&bench, &setting.parameters, &feed).map_err(refused)?);
        let mut planned = Hand::new(&bench, &setting.parameters, &feed).map_err(refused)?;
        planned.plan(&Quiet).map_err(refused)?;
        drop(planned);
        // Ended with tiles still to come.
        let mut begun = Hand::new(&bench, &setting.parameters, &feed).map_err(refused)?;
        begun.plan(&Quiet).map_err(refused)?;
        if let Some(first) = begun.tiles(TILES).first() {
            let _ = begun.operator.reset(&Quiet);
            let _ = begun.accumulate(first, &Quiet);
            let _ = begun.run(first, &Quiet);
        }
        drop(begun);
        still(&bench, &setting, &feed, &before, "made again, it gives another result")?;
    }
    Ok(Finding::pass(format!("{}: made, ended and made again, the same results", count_of(library.as_ref()))))
}

/// Another set of parameters that the operator accepts for these images; the defaults where there is none.
fn another(bench: &Bench, setting: &Setting, feed: &Feed) -> Result<Setting, Finding> {
    let broken = "the defaults lie outside of their own limits";
    let mut settings = bench.settings().edges().or_fail(broken)?;
    settings.retain(|other| other.parameters != setting.parameters);
    for other in settings {
        if bench.accepts(&other, feed)? {
            return Ok(other);
        }
    }
    Ok(setting.clone())
}

fn abi_09(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let mut tried = 0;
    for bench in scene.benches(&library)? {
        if bench.descriptor.threads == ThreadSafety::Single {
            continue;
        }
        let (setting, feed) = usual(&bench)?;
        let other = another(&bench, &setting, &feed)?;
        let alone = (outcome(&bench, &setting, &feed)?, outcome(&bench, &other, &feed)?);
        let between: Mutex<Vec<Result<Outcome, Finding>>> = Mutex::new(Vec::new());
        let run_other = || {
            let mut between = between.lock().unwrap_or_else(PoisonError::into_inner);
            if between.len() < 3 {
                between.push(outcome(&bench, &other, &feed));
            }
        };
        let mixed = outcome_with(&bench, &setting, &feed, 3, &run_other)?;
        let differs = |difference| {
            Finding::fail("an instance changes what another gives")
                .with("operator", &bench.descriptor.id)
                .with("parameters", format!("{} beside {}", setting.name, other.name))
                .with("difference", difference)
        };
        if let Some(difference) = alone.0.difference(&mixed) {
            return Err(differs(difference));
        }
        for outcome in between.into_inner().unwrap_or_else(PoisonError::into_inner) {
            if let Some(difference) = alone.1.difference(&outcome?) {
                return Err(differs(difference));
            }
        }
        tried += 1;
    }
    if tried == 0 {
        return Ok(Finding::na("all its operators allow one instance at a time"));
    }
    Ok(Finding::pass(format!("instances of {tried} operators, used in turn, give what each gives alone")))
}

fn abi_10(scene: &mut Scene<'_>) -> Check {
    let one = scene.library()?;
    let benches = scene.benches(&one)?;
    let mut before = Vec::new();
    for bench in &benches {
        let (setting, feed) = usual(bench)?;
        let outcome = outcome(bench, &setting, &feed)?;
        before.push((setting, feed, outcome));
    }
    let other = scene.artifact(Transport::Native)?;
    let other =
        scene.lane(Transport::Native)?.load(&other).or_fail("a second copy of the library does not load")?;
    for ((one, other), (setting, feed, before)) in benches.iter().zip(scene.benches(&other)?).zip(&before) {
        let differs = |difference| {
            Finding::fail("two copies of the library change each other's results")
                .with("operator", &one.descriptor.id)
                .with("difference", difference)
        };
        let between: Mutex<Option<Result<Outcome, Finding>>> = Mutex::new(None);
        let run_other = || {
            between
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_with(|| outcome(&other, setting, feed));
        };
        let mixed = outcome_with(one, setting, feed, 3, &run_other)?;
        let there = match between.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(there) => there?,
            None => outcome(&other, setting, feed)?,
        };
        for after in [mixed, there] {
            if let Some(difference) = before.difference(&after) {
                return Err(differs(difference));
            }
        }
    }
    Ok(Finding::pass(format!("two copies with {} work side by side", count_of(one.as_ref()))))
}

/// An operator that is called from a new thread each time, and ended on one too.
struct Hopping(Mutex<Option<Box<dyn Operator>>>);

impl Hopping {
    fn call<T: Send>(&self, work: impl FnOnce(&mut dyn Operator) -> Result<T> + Send) -> Result<T> {
        let slot = &self.0;
        thread::scope(|scope| {
            let call = scope.spawn(move || {
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                let operator = slot.as_deref_mut().ok_or_else(|| Error::internal("no instance"))?;
                work(operator)
            });
            call.join().unwrap_or_else(|_| Err(Error::internal("a thread of the case panicked")))
        })
    }
}

impl Drop for Hopping {
    fn drop(&mut self) {
        let operator = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let _ = thread::spawn(move || drop(operator)).join();
    }
}

/// The case gives services that nobody listens to; they need not follow to the other thread.
impl Operator for Hopping {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        self.call(|operator| operator.plan(inputs, &Quiet))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        self.call(|operator| operator.required_input(core))
    }

    fn reset(&mut self, _: &dyn Services) -> Result<()> {
        self.call(|operator| operator.reset(&Quiet))
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        self.call(|operator| operator.run(tiles, &Quiet))
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, _: &dyn Services) -> Result<Vec<u8>> {
        self.call(|operator| operator.accumulate(tiles, &Quiet))
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
        self.call(|operator| operator.merge(left, right, &Quiet))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        // A sink stays with its thread.
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_deref_mut().ok_or_else(|| Error::internal("no instance"))?.finish(total, sink, services)
    }

    fn conclude(&mut self, conclusion: &[u8], _: &dyn Services) -> Result<()> {
        self.call(|operator| operator.conclude(conclusion, &Quiet))
    }
}

fn abi_16(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        let before = outcome(&bench, &setting, &feed)?;
        let make = || -> Result<Box<dyn Operator>> {
            let create = || bench.create(&setting.parameters);
            let made = thread::scope(|scope| scope.spawn(create).join());
            let operator = made.unwrap_or_else(|_| Err(Error::internal("a thread of the case panicked")))?;
            Ok(Box::new(Hopping(Mutex::new(Some(operator)))))
        };
        let memory = Loose::default();
        let driver = parfocal_testkit::Driver::new(&bench.descriptor, make, &Quiet, &memory);
        let hopping = driver.run(&feed.inputs(), TILES);
        let hopping = hopping
            .map_err(|error| told("called from one thread after another, it fails", &bench, &error))?;
        if let Some(difference) = before.difference(&hopping) {
            return Err(Finding::fail("called from one thread after another, it gives another result")
                .with("operator", &bench.descriptor.id)
                .with("difference", difference));
        }
    }
    Ok(Finding::pass(format!("{} work from any thread", count_of(library.as_ref()))))
}
