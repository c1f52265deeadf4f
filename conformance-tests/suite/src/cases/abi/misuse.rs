//! What nobody should do, and somebody will: ABI-12, ABI-15.

use std::time::Duration;

use parfocal_operator::Services;
use parfocal_testkit::{Quiet, Random, Recorder};
use parfocal_types::{Error, ErrorKind};

use super::ABI;
use crate::{
    case::{Case, Run},
    cases::hand::{Hand, Nowhere, TILES, count_of, outcome, still, told, usual},
    finding::{Check, Finding},
    scene::{Bench, Feed, Scene},
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ABI-12",
        sentence: "A panic or exception becomes an error; it never unwinds across the border.",
        demands: "Before and after `plan`, functions are called out of order, for other kinds of operator, cancelled, and with \
                  partial results, conclusions and states that are rubbish: each call returns, the process lives, and a new \
                  instance gives the results of before. Tiles are always whole: no host gives others.",
        why: "Unwinding into code of another language is undefined.",
        fix: "Catch everything at the border, as the export macro does, and check state and bytes before use.",
        budget: Duration::from_secs(40),
        run: Run::Written(abi_12),
        ..ABI
    },
    Case {
        id: "ABI-15",
        sentence: "A saved state loads into a fresh instance, and a broken one is refused.",
        demands: "In the middle of the work: save, load into a fresh instance, save again: the same bytes. Random states \
                  (three of 1 MB), cut ones and ones with a changed length are refused as corrupt or incompatible, never \
                  with a crash, and afterwards the results are those of before.",
        why: "Sequences go on after a restart, on another machine, with another version.",
        fix: "Begin the state with its version, and check its length before reading.",
        budget: Duration::from_secs(40),
        run: Run::Written(abi_15),
        ..ABI
    },
];

/// Calls everything that is wrong. Whatever comes back is fine: that it comes back is the demand.
fn misuse(hand: &mut Hand<'_>, bytes: &[Vec<u8>]) {
    let services = Recorder::new(1);
    services.cancel();
    let tiles = hand.tiles(TILES);
    if let Some(core) = tiles.first() {
        let _ = hand.operator.required_input(core);
        for services in [&services as &dyn Services, &Quiet] {
            let _ = hand.run(core, services);
            let _ = hand.accumulate(core, services);
        }
    }
    for bytes in bytes {
        let _ = hand.operator.merge(bytes.clone(), bytes, &Quiet);
        let _ = hand.operator.merge(Vec::new(), bytes, &Quiet);
        let _ = hand.operator.finish(bytes, &mut Nowhere, &Quiet);
        let _ = hand.operator.conclude(bytes, &Quiet);
        let _ = hand.operator.load(bytes, &Quiet);
    }
    let _ = hand.operator.reset(&Quiet);
    let _ = hand.operator.save(&Quiet);
}

/// Bytes that are no partial result, no conclusion, no state: empty, short, long, all zero, all ones, random.
fn rubbish(random: &mut Random) -> Vec<Vec<u8>> {
    let mut drawn = |length: usize| (0..length).map(|_| random.bits().to_le_bytes()[0]).collect::<Vec<u8>>();
    vec![Vec::new(), vec![1], vec![0; 64], vec![0xFF; 64], drawn(7), drawn(64), drawn(4096)]
}

fn abi_12(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let mut random = scene.random();
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        let before = outcome(&bench, &setting, &feed)?;
        let bytes = rubbish(&mut random);
        let refused = |error: Error| told("an instance cannot be made again", &bench, &error);
        let mut unplanned = Hand::new(&bench, &setting.parameters, &feed).map_err(refused)?;
        misuse(&mut unplanned, &bytes);
        drop(unplanned);
        let mut planned = Hand::new(&bench, &setting.parameters, &feed).map_err(refused)?;
        planned.plan(&Quiet).map_err(refused)?;
        misuse(&mut planned, &bytes);
        // Planned a second time.
        let _ = planned.plan(&Quiet);
        misuse(&mut planned, &bytes);
        drop(planned);
        still(
            &bench,
            &setting,
            &feed,
            &before,
            "after calls that were wrong, a new instance gives another result",
        )?;
    }
    Ok(Finding::pass(format!("{} survive calls that are wrong", count_of(library.as_ref()))))
}

/// An instance in the middle of its work.
fn at_work<'a>(bench: &'a Bench, feed: &'a Feed) -> Result<Hand<'a>, Finding> {
    let (setting, _) = usual(bench)?;
    let failed = |error: Error| told("an instance cannot be brought to work", bench, &error);
    let mut hand = Hand::new(bench, &setting.parameters, feed).map_err(failed)?;
    hand.plan(&Quiet).map_err(failed)?;
    hand.operator.reset(&Quiet).map_err(failed)?;
    for core in hand.tiles(parfocal_testkit::Cut::WHOLE).iter().take(2) {
        // Kind reduce has no `run` before a conclusion.
        let _ = hand.accumulate(core, &Quiet);
        let _ = hand.run(core, &Quiet);
    }
    Ok(hand)
}

fn abi_15(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let mut random = scene.random();
    let mut with_state = 0;
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        let before = outcome(&bench, &setting, &feed)?;
        let failed = |what: &'static str| {
            let bench = &bench;
            move |error: Error| told(what, bench, &error)
        };
        let saved =
            at_work(&bench, &feed)?.operator.save(&Quiet).map_err(failed("it cannot save its state"))?;
        let mut fresh =
            Hand::new(&bench, &setting.parameters, &feed).map_err(failed("an instance cannot be made"))?;
        fresh.plan(&Quiet).map_err(failed("it refuses the images that it accepted before"))?;
        fresh
            .operator
            .load(&saved, &Quiet)
            .map_err(failed("a fresh instance refuses the state that another saved"))?;
        let again = fresh.operator.save(&Quiet).map_err(failed("it cannot save the state that it loaded"))?;
        if again != saved {
            return Err(Finding::fail("a state that was loaded is saved otherwise")
                .with("operator", &bench.descriptor.id)
                .with("bytes saved", saved.len())
                .with("bytes saved again", again.len()));
        }
        drop(fresh);
        with_state += usize::from(!saved.is_empty());
        refuse_broken(&bench, &feed, &setting.parameters, &saved, &mut random)?;
        still(&bench, &setting, &feed, &before, "after broken states were refused, it gives another result")?;
    }
    let sentence = format!("states of {} go round, broken ones are refused", count_of(library.as_ref()));
    Ok(Finding::pass(sentence).with("operators with a state", with_state))
}

/// Broken states are refused with the right error, each by an instance of its own.
fn refuse_broken(
    bench: &Bench,
    feed: &Feed,
    parameters: &parfocal_types::Parameters,
    saved: &[u8],
    random: &mut Random,
) -> Result<(), Finding> {
    let mut drawn =
        |length: usize| (0..length / 8).flat_map(|_| random.bits().to_le_bytes()).collect::<Vec<u8>>();
    let mut broken = vec![
        ("random bytes", drawn(1 << 20)),
        ("random bytes", drawn(1 << 20)),
        ("random bytes", drawn(1 << 20)),
    ];
    if !saved.is_empty() {
        broken.push(("a state that is cut off", saved[..saved.len() - 1].to_vec()));
        broken.push(("half a state", saved[..saved.len() / 2].to_vec()));
        broken.push(("a state with a byte too many", [saved, &[0]].concat()));
    }
    for (what, state) in broken {
        if state.is_empty() {
            continue;
        }
        let made = Hand::new(bench, parameters, feed).and_then(|mut hand| hand.plan(&Quiet).map(|()| hand));
        let mut hand = made.map_err(|error| told("an instance cannot be made again", bench, &error))?;
        match hand.operator.load(&state, &Quiet) {
            Err(error)
                if matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::Incompatible { .. }) => {}
            Err(error) => return Err(told(format!("{what} is refused with the wrong error"), bench, &error)),
            Ok(()) => {
                return Err(Finding::fail(format!("{what} is taken for a state"))
                    .with("operator", &bench.descriptor.id));
            }
        }
    }
    Ok(())
}
