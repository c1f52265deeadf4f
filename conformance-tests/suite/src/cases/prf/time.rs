//! Time: PRF-01 to PRF-04, PRF-06, PRF-08.

use std::time::{Duration, Instant};

use parfocal_image::{DType, Extent, Region};
use parfocal_operator::Descriptor;
use parfocal_testkit::{Cut, Pattern, Quiet};

use super::PRF;
use crate::{
    case::{Applies, Case, Run, Scope},
    cases::hand::{Hand, outcome, told, usual},
    finding::{Check, Finding, OrFinding},
    scene::{Bench, Feed, Scene},
    status::Severity,
    subject::Subject,
    transport::Transport,
};

const WHY: &str =
    "Numbers that are declared are planned with: a microscope that waits for its software loses the event.";

pub(super) const CASES: &[Case] = &[
    Case {
        id: "PRF-01",
        sentence: "The declared frame rate is met at the declared size.",
        demands: "Warm, for 60 s in profile `full`: median, 95th and 99th percentile of the time for a frame, against what \
                  the manifest declares.",
        why: WHY,
        fix: "Measure on the machine that you name, and declare what holds there.",
        applies: |_, _| Applies::NotYet("declared performance"),
        ..PRF
    },
    Case {
        id: "PRF-02",
        sentence: "The first frame comes soon after loading.",
        demands: "The time from loading the library to the first result of a small image; more than 1 s is a warning.",
        why: WHY,
        fix: "Prepare what does not depend on the image once, and small; keep models out of the library's loading.",
        run: Run::Written(prf_02),
        ..PRF
    },
    Case {
        id: "PRF-03",
        sentence: "No memory is allocated per frame once warm, where real time is declared.",
        demands: "Allocations for each frame after a warm-up.",
        why: WHY,
        fix: "Keep buffers in the instance.",
        applies: |_, _| Applies::NotYet("declared real-time operation"),
        ..PRF
    },
    Case {
        id: "PRF-04",
        sentence: "Subnormal numbers do not slow it down threefold.",
        demands: "The best of five times for a plane of subnormal f32 against that for an ordinary one; three times as long is \
                  a warning.",
        why: "A dark float camera, or a fading filter, gives images full of them: 100 times slower on some processors.",
        fix: "Flush them to zero where that is exact enough, or add an offset.",
        applies: takes_floats,
        run: Run::Written(prf_04),
        ..PRF
    },
    Case {
        id: "PRF-06",
        sentence: "A call costs little besides the work.",
        demands: "The time of `required_input`, and of `run` or `accumulate` for the smallest tile, through every transport \
                  that the plugin has code for; natively, more than 1 ms for `required_input` is a warning.",
        why: "Small tiles are many calls.",
        fix: "Do nothing in a call that does not depend on the tile: that belongs into `plan`.",
        scope: Scope::Transports,
        severity: Severity::Info,
        run: Run::Written(prf_06),
        ..PRF
    },
    Case {
        id: "PRF-08",
        sentence: "It is not slower than the stored figure of the same machine.",
        demands: "The median against the baseline, where one is stored: more than 20 % slower is a warning.",
        why: WHY,
        fix: "Find the change that made it slower.",
        applies: |_, _| Applies::NotYet("stored baselines"),
        ..PRF
    },
];

/// How soon the first result should come.
const SOON: Duration = Duration::from_secs(1);

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn prf_02(scene: &mut Scene<'_>) -> Check {
    // Files are read from the disk, and WASM is compiled, by a lane of before.
    let bench = scene.bench()?;
    let (setting, feed) = usual(&bench)?;
    drop(bench);
    let start = Instant::now();
    let bench = scene.bench()?;
    let loaded = start.elapsed();
    outcome(&bench, &setting, &feed)?;
    let first = start.elapsed();
    let finding = match first > SOON.mul_f64(scene.factor()) {
        true => Finding::warn("the first result takes longer than 1 s"),
        false => Finding::pass("the first result comes within 1 s"),
    };
    Ok(finding.measured("ms to load", millis(loaded)).measured("ms to the first result", millis(first)))
}

fn takes_floats(_: &Subject, operator: Option<&Descriptor>) -> Applies {
    let floats = operator.is_some_and(|operator| {
        operator.inputs.first().is_some_and(|port| port.dtypes.contains(&DType::F32))
    });
    if floats { Applies::Yes } else { Applies::NotDeclared("its first input takes no f32".into()) }
}

/// The best of several times for the whole image.
fn best(bench: &Bench, parameters: &parfocal_types::Parameters, feed: &Feed) -> Result<Duration, Finding> {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        let result = bench.run(parameters, feed, Cut::WHOLE);
        result.map_err(|error| told("it accepted the input in `plan`, and then failed", bench, &error))?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn prf_04(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let mut shape = bench.usual_shape()?.typed(DType::F32).showing(Pattern::Texture);
    // Large enough that the arithmetic is what takes the time.
    let large = shape.clone().sized(Extent::plane(256, 256));
    if bench.accepts(&setting, &bench.feed(&large)?)? {
        shape = large;
    }
    let ordinary = bench.feed(&shape)?;
    if !bench.accepts(&setting, &ordinary)? {
        return Ok(Finding::na("it refuses f32 images with its default parameters"));
    }
    let mut subnormal = ordinary.clone();
    for (_, image) in &mut subnormal.images {
        if image.spec.dtype == DType::F32 {
            for (index, pixel) in (1_u32..).zip(image.pixels.bytes_mut().chunks_exact_mut(4)) {
                // Bits below 0x00800000 are subnormal: 1 to 2^23 - 1, here spread over them.
                pixel.copy_from_slice(&(index.wrapping_mul(0x9E37_79B9) % 0x007F_FFFF + 1).to_ne_bytes());
            }
        }
    }
    let (usual, slow) =
        (best(&bench, &setting.parameters, &ordinary)?, best(&bench, &setting.parameters, &subnormal)?);
    let ratio = slow.as_secs_f64() / usual.as_secs_f64().max(1e-9);
    let finding = match ratio >= 3.0 {
        true => Finding::warn("an image of subnormal numbers takes three times as long, or longer"),
        false => Finding::pass("an image of subnormal numbers takes no three times as long"),
    };
    Ok(finding.measured("ratio", ratio).measured("ms", millis(usual)))
}

/// How long a call may take that only computes a few numbers.
const SMALL_CALL: Duration = Duration::from_millis(1);

/// The median of the times of many calls.
fn median(times: u32, mut call: impl FnMut()) -> Duration {
    let mut taken: Vec<_> = (0..times)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed()
        })
        .collect();
    taken.sort();
    taken.get(taken.len() / 2).copied().unwrap_or_default()
}

fn prf_06(scene: &mut Scene<'_>) -> Check {
    let mut finding = Finding::pass("the smallest calls were timed through every transport");
    let mut slow = false;
    for transport in scene.transports() {
        let bench = scene.bench_through(transport)?;
        let (setting, feed) = usual(&bench)?;
        let failed = |error: parfocal_types::Error| told("the smallest tile fails", &bench, &error);
        let mut hand = Hand::new(&bench, &setting.parameters, &feed).map_err(failed)?;
        hand.plan(&Quiet).map_err(failed)?;
        hand.operator.reset(&Quiet).map_err(failed)?;
        let tiles = hand.tiles(Cut::in_plane(1, 1));
        let core = tiles.first().copied().unwrap_or(Region::default());
        let asked = median(200, || drop(hand.operator.required_input(&core)));
        let worked = match hand.accumulate(&core, &Quiet) {
            Ok(_) => median(200, || drop(hand.accumulate(&core, &Quiet))),
            Err(_) => median(200, || drop(hand.run(&core, &Quiet))),
        };
        slow |= transport == Transport::Native && asked > SMALL_CALL.mul_f64(scene.factor());
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        finding = finding
            .measured(&format!("us for required_input, {transport}"), micros(asked))
            .measured(&format!("us for the smallest tile, {transport}"), micros(worked));
    }
    if slow {
        finding.status = crate::Status::Warn;
        finding.sentence = "`required_input` takes longer than 1 ms".into();
    }
    Ok(finding)
}
