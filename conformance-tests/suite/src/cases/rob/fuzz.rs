//! Any order of calls: ROB-13.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use parfocal_image::{DType, Extent, Region};
use parfocal_testkit::{Cut, Outcome, Pattern, Random, Recorder, Setting};
use parfocal_types::{Error, ErrorKind};

use super::ROB;
use crate::{
    case::{Case, Run},
    cases::hand::{Hand, Nowhere, count_of, outcome, still, usual},
    finding::{Check, Finding, OrFinding, said},
    scene::{Bench, Feed, Scene, Shape},
};

pub(super) const CASES: &[Case] = &[Case {
    id: "ROB-13",
    sentence: "Random sequences of calls end in results or typed errors.",
    demands: "Sequences of up to 40 calls in any order (2 s of them; in profile `full` ten minutes for each file), with drawn \
              parameters, images, tiles, cancels, partial results and states, good ones and bad: no crash, no hang, no \
              panic, and between them each operator gives the results of before. The seed repeats them; the log names the \
              sequence.",
    why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
    fix: "Run it again with `--reproduce` and the seed of the report: the sequence and its calls are in the finding, or, \
          after a crash, the sequence is the last line of the log.",
    budget: Duration::from_secs(90),
    run: Run::Written(rob_13),
    ..ROB
}];

/// Calls of one sequence.
const MOST_CALLS: u64 = 40;

/// What an operator is fuzzed with.
struct Ground<'a> {
    bench: &'a Bench,
    setting: Setting,
    feeds: Vec<Feed>,
    before: Outcome,
}

fn rob_13(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let benches = scene.benches(&library)?;
    let mut grounds = Vec::new();
    for bench in &benches {
        let (setting, feed) = usual(bench)?;
        let before = outcome(bench, &setting, &feed)?;
        let mut feeds = vec![feed];
        for extent in [
            Extent::plane(1, 1),
            Extent::plane(3, 64),
            Extent::new(2, 1, 2, 9, 5),
            Extent::new(1, 4, 1, 8, 8),
        ] {
            let dtype = if extent.0[4] == 5 { Some(DType::F32) } else { None };
            let shape =
                Shape { dtype, optional: extent.0[4] != 64, ..Shape::of(extent).showing(Pattern::Texture) };
            feeds.push(bench.feed(&shape)?);
        }
        grounds.push(Ground { bench, setting, feeds, before });
    }
    // The transports of a file share its ten minutes: behind them is the same code.
    let transport = scene.transport();
    let same = scene.transports().iter().filter(|other| other.artifact() == transport.artifact()).count();
    let whole = Duration::from_secs(600) / u32::try_from(same.max(1)).unwrap_or(1);
    let time = scene.profile().pick(Duration::from_secs(2), whole);
    let start = Instant::now();
    let mut random = scene.random();
    let (mut sequences, mut calls) = (0_u64, 0_u64);
    while start.elapsed() < time {
        let seed = random.bits();
        let mut own = Random::new(seed);
        let index = usize::try_from(own.below(grounds.len() as u64)).unwrap_or(0);
        let Some(ground) = grounds.get(index) else { break };
        // For the log's tail, should this be the last.
        eprintln!("sequence {sequences} on `{}`", ground.bench.descriptor.id);
        calls += sequence(ground, &mut own, sequences)?;
        sequences += 1;
        if sequences % 16 == 0 {
            still(
                ground.bench,
                &ground.setting,
                &ground.feeds[0],
                &ground.before,
                "after random calls it gives another result",
            )
            .map_err(|finding| finding.with("sequence", sequences))?;
        }
    }
    for ground in &grounds {
        still(
            ground.bench,
            &ground.setting,
            &ground.feeds[0],
            &ground.before,
            "after random calls it gives another result",
        )?;
    }
    let sentence = format!("random calls of {} end in results or typed errors", count_of(library.as_ref()));
    Ok(Finding::pass(sentence).measured("sequences", sequences as f64).measured("calls", calls as f64))
}

/// One sequence; how many calls it had.
fn sequence(ground: &Ground<'_>, random: &mut Random, number: u64) -> Result<u64, Finding> {
    let Ground { bench, setting, feeds, .. } = ground;
    let settings = bench.settings();
    let drawn = match random.below(3) {
        0 => setting.clone(),
        _ => settings.drawn(random).or_fail("the defaults lie outside of their own limits")?,
    };
    let pick = usize::try_from(random.below(feeds.len() as u64)).unwrap_or(0);
    let feed = feeds.get(pick).unwrap_or(&feeds[0]);
    let mut told = Vec::new();
    let judge = |result: Result<(), Error>, told: &[String]| match result {
        Err(error) if is_broken(&error) => {
            let finding = Finding::fail("a call ended in an error that says that something is broken")
                .with("operator", &bench.descriptor.id)
                .with("parameters", &drawn.name)
                .with("input", &feed.name)
                .with("sequence", number)
                .with("calls", told.join(", "));
            Err(said(finding, &error))
        }
        _ => Ok(()),
    };
    let made = Hand::new(bench, &drawn.parameters, feed);
    told.push("create".to_owned());
    let mut hand = match made {
        Ok(hand) => hand,
        Err(error) => return judge(Err(error), &told).map(|()| 1),
    };
    let mut blobs: Vec<Vec<u8>> = vec![Vec::new(), (0..40).map(|_| random.bits().to_le_bytes()[0]).collect()];
    let calls = 1 + random.below(MOST_CALLS);
    for call in 0..calls {
        let services = Recorder::new(random.bits());
        if random.below(6) == 0 {
            services.cancel_at_question(random.below(20));
        }
        // Most sequences begin as they should.
        let choice = if call == 0 && random.below(8) != 0 { 0 } else { random.below(12) };
        let (name, result) = one_call(&mut hand, choice, random, &services, &mut blobs);
        told.push(name.to_owned());
        judge(result, &told)?;
    }
    // Its end may not panic either.
    if catch_unwind(AssertUnwindSafe(|| drop(hand))).is_err() {
        return Err(Finding::fail("ending an instance panics")
            .with("operator", &bench.descriptor.id)
            .with("sequence", number));
    }
    Ok(calls + 2)
}

/// Whether an error says that code is broken, not that a call was wrong.
fn is_broken(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Internal | ErrorKind::PluginDied { .. } | ErrorKind::Timeout { .. })
}

fn one_call(
    hand: &mut Hand<'_>,
    choice: u64,
    random: &mut Random,
    services: &Recorder,
    blobs: &mut Vec<Vec<u8>>,
) -> (&'static str, Result<(), Error>) {
    let blob = |random: &mut Random, blobs: &[Vec<u8>]| {
        let index = usize::try_from(random.below(blobs.len() as u64)).unwrap_or(0);
        blobs.get(index).cloned().unwrap_or_default()
    };
    let core = core(hand, random);
    let mut keep = |result: Result<Vec<u8>, Error>| {
        result.map(|bytes| {
            if blobs.len() < 8 {
                blobs.push(bytes)
            }
        })
    };
    match choice {
        0 => ("plan", hand.plan(services)),
        1 => ("required_input", hand.operator.required_input(&core).map(drop)),
        2 => ("reset", hand.operator.reset(services)),
        3..=5 => ("run", hand.run(&core, services).map(drop)),
        6 => ("accumulate", keep(hand.accumulate(&core, services))),
        7 => {
            let (left, right) = (blob(random, blobs), blob(random, blobs));
            let merged = hand.operator.merge(left, &right, services);
            (
                "merge",
                merged.map(|bytes| {
                    if blobs.len() < 8 {
                        blobs.push(bytes)
                    }
                }),
            )
        }
        8 => {
            let total = blob(random, blobs);
            let conclusion = hand.operator.finish(&total, &mut Nowhere, services);
            (
                "finish",
                conclusion.map(|bytes| {
                    if blobs.len() < 8 {
                        blobs.push(bytes)
                    }
                }),
            )
        }
        9 => {
            let conclusion = blob(random, blobs);
            ("conclude", hand.operator.conclude(&conclusion, services))
        }
        10 => ("save", keep(hand.operator.save(services))),
        _ => {
            let state = blob(random, blobs);
            ("load", hand.operator.load(&state, services))
        }
    }
}

/// A tile of the work.
fn core(hand: &Hand<'_>, random: &mut Random) -> Region {
    let cut = Cut::in_stack(1 + random.below(3), 1 + random.below(30), 1 + random.below(40));
    let tiles = hand.tiles(cut);
    let index = usize::try_from(random.below(tiles.len().max(1) as u64)).unwrap_or(0);
    tiles.get(index).copied().unwrap_or_default()
}
