//! The flow of calls: OPR-21, OPR-22, OPR-23.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parfocal_image::Extent;
use parfocal_operator::ThreadSafety;
use parfocal_testkit::{Call, Cut, Loose, Moment, Outcome, Quiet, Recorder, Setting};
use parfocal_types::{Error, ErrorKind};

use super::{differs, failed, ran};
use crate::{
    case::{Case, Run},
    finding::{Check, Finding, OrFinding, said},
    scene::{Bench, Feed, Scene, Shape},
    status::Badge,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-21",
        sentence: "A request to stop is honoured within 100 ms, and the instance works afterwards.",
        demands: "At ten seeded points of a run somebody asks to stop: the call returns `cancelled` within 100 \
                  ms, and the same instance then gives the right result; calls that last longer than 100 ms \
                  ask. The image is made large enough for calls of a fifth of a second, up to 2048 x 2048 a plane; \
                  operators whose calls never ask and are shorter even then are not judged.",
        why: "A user who presses stop is looking at a sample that bleaches.",
        fix: "Call `check_cancelled` once a row, and return its error at once.",
        badge: Some(Badge::PromptCancel),
        budget: Duration::from_secs(40),
        run: Run::Written(opr_21),
        ..Case::USUAL
    },
    Case {
        id: "OPR-22",
        sentence: "Progress rises from 0 to 1 within a call, and comes from the call only.",
        demands: "Within each call fractions are numbers from 0 to 1 that never fall; none comes after the \
                  call has returned; more than a thousand a second are a warning. Operators that tell none are \
                  not judged: hosts count tiles.",
        why: "A bar that jumps back is believed by nobody.",
        fix: "Report the share of the rows that are done, from the thread of the call, every few milliseconds at \
                  most; or report nothing.",
        run: Run::Written(opr_22),
        ..Case::USUAL
    },
    Case {
        id: "OPR-23",
        sentence: "Instances work at once as declared.",
        demands: "Declared `instance`: eight threads with an instance each give what one gives, again and \
                  again; one instance may change threads between calls. Declared `single`: in one process a \
                  second instance is refused as busy while the first lives.",
        why: "Hosts use all processors; a hidden global is a result that changes with the load.",
        fix: "Keep everything in the instance, or declare `threads = single`.",
        budget: Duration::from_secs(30),
        run: Run::Written(opr_23),
        ..Case::USUAL
    },
];

/// The images for cases about time: large enough that a call takes a while.
fn large(bench: &Bench, usual: &Shape) -> Result<Feed, Finding> {
    let [t, c, z, ..] = usual.extent.0;
    let side = if t * c * z > 2 { 160 } else { 512 };
    bench.feed(&usual.clone().sized(Extent::new(t, c, z, side, side)))
}

/// How long a request to stop may go unheard, without the machine's factor.
const PROMPT: Duration = Duration::from_millis(100);

fn opr_21(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let mut random = scene.random();
    let usual = bench.usual_shape()?;
    let allowed = PROMPT.mul_f64(scene.factor());
    let usual_feed = large(&bench, &usual)?;
    let (mut points, mut slowest, mut longest) = (0, Duration::ZERO, Duration::ZERO);
    let mut settings = bench.settings().edges().or_fail("the defaults lie outside of their own limits")?;
    settings.truncate(scene.profile().pick(4, 20));
    let lasting = match settings.first() {
        Some(defaults) if bench.accepts(defaults, &usual_feed)? => {
            lasting(&bench, &usual, defaults, &usual_feed)?
        }
        _ => None,
    };
    for (number, setting) in settings.iter().enumerate() {
        let feed = lasting.as_ref().filter(|_| number == 0).unwrap_or(&usual_feed);
        if !bench.accepts(setting, feed)? {
            continue;
        }
        let run = |recorder: &Recorder| {
            let watch = |moment| match moment {
                Moment::Before => recorder.begin_call(),
                Moment::After => recorder.end_call(),
            };
            bench.drive(&setting.parameters, recorder, &Loose::default(), |mut driver| {
                driver.instances = 1;
                driver.watch = Some(&watch);
                driver.run(&feed.inputs(), Cut::WHOLE)
            })
        };
        // The best of three: what another process does to the clock is not the operator's fault.
        let mut silence = Duration::MAX;
        let mut questions = 0;
        let mut expected = None;
        for _ in 0..3 {
            let recorder = Recorder::new(1);
            expected = Some(ran(run(&recorder), setting, feed)?);
            (silence, questions) = (silence.min(recorder.longest_silence()), recorder.questions());
            if silence <= allowed {
                break;
            }
        }
        let Some(expected) = expected else { continue };
        longest = longest.max(silence);
        if silence > allowed {
            return Err(Finding::fail(
                "a call goes on for longer than 100 ms without asking whether to stop",
            )
            .with("parameters", &setting.name)
            .with("input", &feed.name)
            .measured("longest silence ms", silence.as_secs_f64() * 1e3));
        }
        for _ in 0..if questions > 0 { 10 / settings.len().min(5) + 1 } else { 0 } {
            let question = random.below(questions);
            slowest = slowest.max(stop_at(&bench, setting, feed, question, allowed, &expected)?);
            points += 1;
        }
    }
    let finding = if points == 0 && longest.is_zero() {
        Finding::na("it accepts no image that is large enough to be stopped at")
    } else if points == 0 {
        Finding::na("its calls are too short to be stopped, even for large images: none asked")
    } else {
        Finding::pass(format!("stopped at {points} points, and worked again each time"))
    };
    Ok(finding
        .measured("slowest stop ms", slowest.as_secs_f64() * 1e3)
        .measured("longest silence ms", longest.as_secs_f64() * 1e3))
}

/// The largest side of a plane for cases about time.
const LARGEST_SIDE: u64 = 2048;

/// How long calls should last for a stop to come in the middle.
const LASTING: Duration = Duration::from_millis(200);

/// The smallest images for which a call lasts for a while, up to the largest side; `None` where the usual ones do, or where
/// larger ones are refused.
fn lasting(bench: &Bench, usual: &Shape, setting: &Setting, feed: &Feed) -> Result<Option<Feed>, Finding> {
    let Some((_, image)) = feed.images.first() else { return Ok(None) };
    let [t, c, z, mut side, _] = image.spec.extent.0;
    // The tiles of most operators are planes: one will do.
    let plane = bench.feed(&usual.clone().sized(Extent::plane(side, side)))?;
    let [t, c, z] = if bench.accepts(setting, &plane)? { [1; 3] } else { [t, c, z] };
    let mut found = None;
    while longest_call(bench, setting, found.as_ref().unwrap_or(feed))? < LASTING {
        let most = (2 * LARGEST_SIDE * LARGEST_SIDE / (t * c * z).max(1)).isqrt().min(LARGEST_SIDE);
        if side >= most {
            break;
        }
        side = (2 * side).min(most);
        let larger = bench.feed(&usual.clone().sized(Extent::new(t, c, z, side, side)))?;
        if !bench.accepts(setting, &larger)? {
            break;
        }
        found = Some(larger);
    }
    Ok(found)
}

/// The longest call of a run.
fn longest_call(bench: &Bench, setting: &Setting, feed: &Feed) -> Result<Duration, Finding> {
    let call = Mutex::new((Instant::now(), Duration::ZERO));
    let watch = |moment| {
        let (begun, longest) = &mut *call.lock().unwrap_or_else(PoisonError::into_inner);
        match moment {
            Moment::Before => *begun = Instant::now(),
            Moment::After => *longest = (*longest).max(begun.elapsed()),
        }
    };
    let result = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
        driver.instances = 1;
        driver.watch = Some(&watch);
        driver.run(&feed.inputs(), Cut::WHOLE)
    });
    ran(result, setting, feed)?;
    let (_, longest) = call.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(longest)
}

/// Stops at one question, goes on with the same instance, and compares. How long the stop took.
fn stop_at(
    bench: &Bench,
    setting: &Setting,
    feed: &Feed,
    question: u64,
    allowed: Duration,
    expected: &Outcome,
) -> Result<Duration, Finding> {
    let recorder = Recorder::new(1);
    recorder.cancel_at_question(question);
    let stopped = AtomicBool::new(false);
    let again = |error: &Error| {
        let first = !stopped.swap(true, Ordering::Relaxed) && *error.kind() == ErrorKind::Cancelled;
        if first {
            recorder.go_on();
        }
        first
    };
    // The longest that one call went on after it could have heard; what the driver does after a call is not the operator's.
    let call = Mutex::new((Instant::now(), Duration::ZERO));
    let watch = |moment| {
        let (begun, deaf) = &mut *call.lock().unwrap_or_else(PoisonError::into_inner);
        match (moment, recorder.since_cancelled()) {
            (Moment::Before, _) => *begun = Instant::now(),
            (Moment::After, Some(since)) => *deaf = (*deaf).max(since.min(begun.elapsed())),
            (Moment::After, None) => {}
        }
    };
    let result = bench.drive(&setting.parameters, &recorder, &Loose::default(), |mut driver| {
        driver.instances = 1;
        driver.again = Some(&again);
        driver.watch = Some(&watch);
        driver.run(&feed.inputs(), Cut::WHOLE)
    });
    let (_, deaf) = *call.lock().unwrap_or_else(PoisonError::into_inner);
    let about = |finding: Finding| {
        finding.with("parameters", &setting.name).with("input", &feed.name).with("question", question)
    };
    let outcome = match result {
        Ok(outcome) => outcome,
        // Plans, merges and ends of a reduction are stopped too, and are not made again here.
        Err(error) if *error.kind() == ErrorKind::Cancelled && !stopped.load(Ordering::Relaxed) => {
            return Ok(Duration::ZERO);
        }
        Err(error) if *error.kind() == ErrorKind::Cancelled => {
            return Err(about(Finding::fail("after a stop the instance goes on to say that it is stopped")));
        }
        Err(error) => {
            return Err(about(said(
                Finding::fail("a request to stop ends in another error than `cancelled`"),
                &error,
            )));
        }
    };
    if !stopped.load(Ordering::Relaxed) {
        return match recorder.since_cancelled() {
            // It asked less often than the first time, which no rule forbids.
            None => Ok(Duration::ZERO),
            // Behind a border the host asks too, at the beginning of calls and now and then: short calls may never ask.
            Some(_) if bench.library().info().lane != "native" && deaf <= allowed => Ok(deaf),
            Some(_) => {
                Err(about(Finding::fail("it asked whether to stop, was told to, and went on to the end")))
            }
        };
    }
    if let Some(difference) = expected.difference(&outcome) {
        return Err(about(differs(
            "after a stop the same instance gives another result",
            &difference,
            setting,
            feed,
        )));
    }
    if deaf > allowed {
        return Err(about(Finding::fail("it took longer than 100 ms to stop"))
            .measured("ms", deaf.as_secs_f64() * 1e3));
    }
    Ok(deaf)
}

fn opr_22(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let usual = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let feed = large(&bench, &usual)?;
    if !bench.accepts(&setting, &feed)? {
        return Err(Finding::skip("a larger image is refused"));
    }
    let recorder = Recorder::new(1);
    let problem = Mutex::new(None);
    let total = std::sync::atomic::AtomicUsize::new(0);
    let caller = thread::current().id();
    let start = Instant::now();
    let watch = |moment| {
        let notes = recorder.notes();
        recorder.clear();
        let fractions: Vec<f32> = notes
            .iter()
            .filter_map(|noted| if let Call::Progress(fraction) = noted.call { Some(fraction) } else { None })
            .collect();
        total.fetch_add(fractions.len(), Ordering::Relaxed);
        let wrong = if moment == Moment::Before && !fractions.is_empty() {
            Some("progress is told outside of a call".to_owned())
        } else if let Some(noted) = notes.iter().find(|noted| noted.thread != caller) {
            Some(format!("a service is called from another thread than that of the call: {:?}", noted.call))
        } else {
            fall(&fractions)
        };
        if let (Some(wrong), Ok(mut problem)) = (wrong, problem.lock()) {
            problem.get_or_insert(wrong);
        }
    };
    let result = bench.drive(&setting.parameters, &recorder, &Loose::default(), |mut driver| {
        driver.instances = 1;
        driver.watch = Some(&watch);
        driver.run(&feed.inputs(), Cut::WHOLE)
    });
    ran(result, &setting, &feed)?;
    let seconds = start.elapsed().as_secs_f64();
    // A late thread would still be telling.
    thread::sleep(Duration::from_millis(30));
    let late = recorder.notes().iter().any(|noted| matches!(noted.call, Call::Progress(_)));
    if let Some(problem) = problem.into_inner().ok().flatten() {
        return Err(Finding::fail(problem).with("input", &feed.name));
    }
    if late {
        return Err(Finding::fail("progress is told after the last call has returned"));
    }
    let total = total.into_inner();
    let rate = total as f64 / seconds.max(1e-3);
    let finding = if rate > 1000.0 && total > 1000 {
        Finding::warn(
            "progress is told more often than a thousand times a second, and each time costs a call",
        )
    } else if total == 0 {
        Finding::na("it tells no progress, which hosts make up for by the tile")
    } else {
        Finding::pass(format!("{total} fractions never fell"))
    };
    Ok(finding.measured("calls a second", rate))
}

/// What is wrong with the fractions of one call.
fn fall(fractions: &[f32]) -> Option<String> {
    if let Some(wrong) = fractions.iter().find(|fraction| !(0.0..=1.0).contains(*fraction)) {
        return Some(format!("a progress of {wrong}, which is no fraction from 0 to 1"));
    }
    let falls = fractions.windows(2).find(|pair| pair[1] < pair[0])?;
    Some(format!("progress falls from {} to {} within a call", falls[0], falls[1]))
}

fn opr_23(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let trials = bench.trials()?;
    if bench.descriptor.threads == ThreadSafety::Single {
        return single(&bench, &trials);
    }
    let rounds = scene.profile().pick(3, 25);
    let cut = Cut::in_stack(1, 12, 16);
    for (number, (setting, feed)) in trials.iter().enumerate() {
        let serial = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
            driver.instances = 1;
            driver.run(&feed.inputs(), cut)
        });
        let serial = ran(serial, setting, feed)?;
        for _ in 0..if number == 0 { rounds } else { 1 } {
            let shared = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
                (driver.instances, driver.threads) = (8, true);
                driver.run(&feed.inputs(), cut)
            });
            let shared = ran(shared, setting, feed)?;
            if let Some(difference) = serial.difference(&shared) {
                return Err(differs(
                    "eight instances at once give another result than one",
                    &difference,
                    setting,
                    feed,
                ));
            }
        }
        if number == 0 {
            let hopping = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
                (driver.instances, driver.hopping) = (1, true);
                driver.run(&feed.inputs(), cut)
            });
            let hopping = ran(hopping, setting, feed)?;
            if let Some(difference) = serial.difference(&hopping) {
                return Err(differs(
                    "an instance that changes threads gives another result",
                    &difference,
                    setting,
                    feed,
                ));
            }
        }
    }
    Ok(Finding::pass(format!("eight threads give what one gives, for {} images", trials.len())))
}

/// One instance at a time: the second is refused as long as the first lives.
fn single(bench: &Bench, trials: &[(Setting, Feed)]) -> Check {
    let Some((setting, feed)) = trials.first() else { return Ok(Finding::na("it accepts no image")) };
    if bench.library().info().lane != "native" {
        return Ok(Finding::na("here each instance has a process or a memory of its own"));
    }
    let first = bench.create(&setting.parameters).map_err(|error| failed(&error, setting, feed))?;
    match bench.create(&setting.parameters) {
        Err(error) if *error.kind() == ErrorKind::Busy => {}
        Err(error) => {
            return Err(said(
                Finding::fail("a second instance is refused with another error than busy"),
                &error,
            ));
        }
        Ok(_) => return Err(Finding::fail("a second instance is made while the first lives")),
    }
    drop(first);
    bench.create(&setting.parameters).map_err(|error| {
        said(Finding::fail("after the first instance has ended, a second is refused"), &error)
    })?;
    Ok(Finding::pass("a second instance is refused while the first lives"))
}
