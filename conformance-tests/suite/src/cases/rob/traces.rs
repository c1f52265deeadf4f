//! What is left of the plugin's work in the process: ROB-06, ROB-07, ROB-10, ROB-11, ROB-12.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use parfocal_image::{Buffer, DType, PixelsMut, PixelsRef, Region};
use parfocal_testkit::{Block, Memory, Quiet, Recorder};
use parfocal_types::{Error, Result};

use super::ROB;
use crate::{
    case::{Case, Run},
    cases::hand::{Hand, TILES, count_of, outcome, told, usual},
    finding::{Check, Finding},
    scene::{Bench, Feed, Scene},
    state,
    transport::Transport,
    watch::{Policy, Reach, watch},
};

const WHY: &str = "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.";

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ROB-06",
        sentence: "Instances end at once, whatever they were doing.",
        demands: "Instances are ended after their making, after their plan, in the middle of their tiles, after a call that was \
                  cancelled and after one that failed: each end takes less than 2 s. That the host ends a plugin which never \
                  does is its own test.",
        why: WHY,
        fix: "Wait for nothing in `destroy`: no thread that may be asleep, no lock that a call may hold.",
        run: Run::Written(rob_06),
        ..ROB
    },
    Case {
        id: "ROB-07",
        sentence: "No process is started or left behind.",
        demands: "While the plugin is loaded, its operators run and end, the kernel tells of every process that is started: \
                  there is none, and none is left when the case is done. That the host finds and ends what is left, also in a \
                  session of its own, is its own test.",
        why: WHY,
        fix: "Start no processes; what needs one belongs into a worker program.",
        transports: &[Transport::Native],
        run: Run::Written(rob_07),
        ..ROB
    },
    Case {
        id: "ROB-10",
        sentence: "Descriptors of the process stay as they are.",
        demands: "After loading, running and ending, every descriptor of before leads where it led, and the only new one is \
                  the library's own.",
        why: "A closed descriptor is the next file's number: data of one run end in the file of another.",
        fix: "Close what you opened, once, and nothing else.",
        transports: &[Transport::Native],
        run: Run::Written(rob_10),
        ..ROB
    },
    Case {
        id: "ROB-11",
        sentence: "Signal handlers, rounding, locale, folder, environment and limits stay as they are.",
        demands: "After loading, and after every operator has run and ended: the handler of each signal, the blocked signals, \
                  how numbers are rounded and whether subnormal ones count, the locale, the working folder, the mask of new \
                  files, the environment and the limits of the process are those of before.",
        why: "They belong to the whole process: other plugins compute with them.",
        fix: "Set the floating-point mode back before you return; leave the rest alone.",
        transports: &[Transport::Native],
        run: Run::Written(rob_11),
        ..ROB
    },
    Case {
        id: "ROB-12",
        sentence: "Nothing is written to a tile after its call has returned.",
        demands: "The memory of all tiles is kept, filled with a pattern when the host is done with it, and looked at some \
                  time later (0.3 s; 3 s in profile `full`), after the instance has ended: the pattern is untouched.",
        why: "By then the memory belongs to another frame.",
        fix: "Join or stop your threads before `run` returns.",
        transports: &[Transport::Native],
        run: Run::Written(rob_12),
        ..ROB
    },
];

/// How long the end of an instance may take.
const END: Duration = Duration::from_secs(2);

/// Ends an instance on a thread of its own; fails when that takes too long.
fn end(hand: Hand<'_>, bench: &Bench, when: &str, factor: f64) -> Result<(), Finding> {
    let operator = hand.operator;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        drop(operator);
        let _ = tell.send(());
    });
    told.recv_timeout(END.mul_f64(factor)).map_err(|_| {
        Finding::fail(format!("an instance that is ended {when} does not end within 2 s"))
            .with("operator", &bench.descriptor.id)
    })
}

fn rob_06(scene: &mut Scene<'_>) -> Check {
    let (library, factor) = (scene.library()?, scene.factor());
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        let refused = |error: Error| told("an instance cannot be made and planned again", &bench, &error);
        let planned = || -> Result<Hand<'_>, Finding> {
            let mut hand = Hand::new(&bench, &setting.parameters, &feed).map_err(refused)?;
            hand.plan(&Quiet).map_err(refused)?;
            let _ = hand.operator.reset(&Quiet);
            Ok(hand)
        };
        end(
            Hand::new(&bench, &setting.parameters, &feed).map_err(refused)?,
            &bench,
            "after its making",
            factor,
        )?;
        end(planned()?, &bench, "after its plan", factor)?;
        let tiles = planned()?.tiles(TILES);
        let Some(first) = tiles.first() else { continue };
        let mut at_work = planned()?;
        let _ = at_work.accumulate(first, &Quiet);
        let _ = at_work.run(first, &Quiet);
        end(at_work, &bench, "in the middle of its tiles", factor)?;
        let services = Recorder::new(1);
        services.cancel();
        let mut cancelled = planned()?;
        let _ = cancelled.accumulate(first, &services);
        let _ = cancelled.run(first, &services);
        end(cancelled, &bench, "after a call that was cancelled", factor)?;
        let mut failed = planned()?;
        let _ = failed.operator.load(&[0xFF; 64], &Quiet);
        end(failed, &bench, "after a call that failed", factor)?;
    }
    Ok(Finding::pass(format!("instances of {} end at once, in five states", count_of(library.as_ref()))))
}

/// Runs every operator in tiles, once.
fn run_all(scene: &Scene<'_>) -> Result<String, Finding> {
    let library = scene.library()?;
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        outcome(&bench, &setting, &feed)?;
    }
    Ok(count_of(library.as_ref()))
}

fn rob_07(scene: &mut Scene<'_>) -> Check {
    let before = state::children();
    let (result, sight) = watch(Policy::Note, || run_all(scene))?;
    let started = sight.seen.iter().find(|seen| seen.reach == Reach::Processes);
    if let Some(seen) = started {
        return Err(crate::cases::abi::touched("it starts processes, or reaches for others", seen));
    }
    let left = state::children().difference(&before).count();
    if left > 0 {
        return Err(Finding::fail("it leaves processes behind").with("how many", left));
    }
    Ok(Finding::pass(format!("{} start no process", result?)))
}

fn rob_10(scene: &mut Scene<'_>) -> Check {
    // The lane opens its own first.
    drop(scene.lane(Transport::Native)?);
    let before = state::descriptors();
    let library = scene.library()?;
    let what = |place: &str, number: i32, led: &str, leads: &str| {
        Finding::fail(format!("{place}, a descriptor is not what it was"))
            .with("number", number)
            .noting(format!("it led to `{}`, now to `{}`", led.escape_debug(), leads.escape_debug()))
    };
    let nothing = String::from("nothing");
    let compare = |before: &std::collections::BTreeMap<i32, String>, place: &str, allowed: usize| {
        let now = state::descriptors();
        for (number, led) in before {
            let leads = now.get(number).unwrap_or(&nothing);
            if leads != led {
                return Err(what(place, *number, led, leads));
            }
        }
        let mut new: Vec<_> = now.iter().filter(|(number, _)| !before.contains_key(number)).collect();
        // The copy of the library that the lane keeps open.
        let mut own = 0;
        new.retain(|(_, to)| {
            own += usize::from(to.starts_with("/memfd:"));
            !to.starts_with("/memfd:")
        });
        match new.first() {
            Some((number, to)) => Err(what(place, **number, &nothing, to)),
            None if own > allowed => {
                Err(Finding::fail(format!("{place}, memory with a descriptor is left open")))
            }
            None => Ok(now),
        }
    };
    let loaded = compare(&before, "after loading", 1)?;
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        outcome(&bench, &setting, &feed)?;
        compare(&loaded, "after running and ending", 0)
            .map_err(|finding| finding.with("operator", &bench.descriptor.id))?;
    }
    Ok(Finding::pass(format!("descriptors are the same before and after {}", count_of(library.as_ref()))))
}

fn rob_11(scene: &mut Scene<'_>) -> Check {
    let before = state::State::now();
    let changed = |place: &str, differences: &[String]| {
        Finding::fail(format!("{place} it changes what belongs to the whole process"))
            .with("what", differences.join(", "))
    };
    let library = scene.library()?;
    let differences = before.differences(&state::State::now());
    if !differences.is_empty() {
        return Err(changed("when it is loaded,", &differences));
    }
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        // Settings that came from a plan would be there already.
        let result = outcome(&bench, &setting, &feed);
        let differences = before.differences(&state::State::now());
        if !differences.is_empty() {
            return Err(changed("when it runs,", &differences).with("operator", &bench.descriptor.id));
        }
        result?;
    }
    Ok(Finding::pass(format!("{} leave the process as it was", count_of(library.as_ref()))))
}

/// What lies where tiles were.
const PATTERN: u8 = 0x5C;

/// Memory that is kept when its tile is gone.
#[derive(Clone, Default)]
struct Graveyard(Arc<Mutex<Vec<Buffer>>>);

struct Mound {
    buffer: Option<Buffer>,
    yard: Graveyard,
}

impl Memory for Graveyard {
    fn block(&self, _: &str, dtype: DType, region: &Region) -> Result<Box<dyn Block>> {
        Ok(Box::new(Mound { buffer: Some(Buffer::zeroed(dtype, *region)?), yard: self.clone() }))
    }
}

impl Block for Mound {
    fn pixels(&self) -> Result<PixelsRef<'_>> {
        self.buffer.as_ref().ok_or_else(|| Error::internal("a tile that is gone"))?.pixels()
    }

    fn pixels_mut(&mut self) -> Result<PixelsMut<'_>> {
        self.buffer.as_mut().ok_or_else(|| Error::internal("a tile that is gone"))?.pixels_mut()
    }

    fn seal(&mut self) {}

    fn trespass(&self) -> Option<String> {
        None
    }
}

impl Drop for Mound {
    fn drop(&mut self) {
        if let Some(mut buffer) = self.buffer.take() {
            buffer.bytes_mut().fill(PATTERN);
            self.yard.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}

fn rob_12(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let mut yards = Vec::new();
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        let yard = Graveyard::default();
        let run = |feed: &Feed| {
            bench.drive(&setting.parameters, &Quiet, &yard, |driver| driver.run(&feed.inputs(), TILES))
        };
        run(&feed)
            .map_err(|error| told("it accepted the input in `plan`, and then failed", &bench, &error))?;
        yards.push((bench.descriptor.id.clone(), yard));
    }
    // Not a wait for an event: nothing should happen.
    thread::sleep(scene.profile().pick(Duration::from_millis(300), Duration::from_secs(3)));
    let mut tiles = 0;
    for (operator, yard) in &yards {
        let buffers = yard.0.lock().unwrap_or_else(PoisonError::into_inner);
        tiles += buffers.len();
        for buffer in buffers.iter() {
            if let Some(place) = buffer.bytes().iter().position(|byte| *byte != PATTERN) {
                return Err(Finding::fail("a tile was written to after its call had returned")
                    .with("operator", operator)
                    .with("tile", buffer.region())
                    .noting(format!("at byte {place}")));
            }
        }
    }
    Ok(Finding::pass(format!("{tiles} tiles of {} stay as they were left", count_of(library.as_ref()))))
}
