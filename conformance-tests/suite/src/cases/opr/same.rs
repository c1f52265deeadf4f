//! The same every time and everywhere: OPR-04, OPR-30, OPR-31.

use std::path::Path;

use parfocal_core::Sha256;
use parfocal_operator::Descriptor;
use parfocal_testkit::{Cut, Loose, Recorder, Setting};

use super::{differs, ran};
use crate::{
    case::{Applies, Case, Run, Scope},
    finding::{Check, Finding, OrFinding, said},
    scene::{Bench, Feed, Scene},
    status::Badge,
    subject::Subject,
    task::Errand,
    transport::Transport,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-04",
        sentence: "The same input, parameters and seed give the same bytes, every time.",
        demands: "Five runs in one process, runs with one, two and four instances on threads of their own, and \
                  a run in another process give identical pixels, tables and records for the same seed.",
        why: "A result that cannot be repeated cannot be checked, and a difference between two runs must \
                  mean something.",
        fix: "Draw random numbers from `Services::seed` only, iterate over sorted collections, and sum in \
                  a fixed order.",
        badge: Some(Badge::Deterministic),
        run: Run::Written(opr_04),
        ..Case::USUAL
    },
    Case {
        id: "OPR-30",
        sentence: "Native code and WASM component of one operator give the same bytes.",
        demands: "With the same images and parameters, the outcomes through both are identical to the last bit \
                  for operators that declare `deterministic`; others get a warning.",
        why: "A result must not depend on whether a lab runs the trusted or the fenced build.",
        fix: "Use the SDK's mathematics instead of the system's, no fused multiply-add, and no sums whose \
                  order the compiler chooses; or do not declare `deterministic`.",
        scope: Scope::Transports,
        badge: Some(Badge::Deterministic),
        applies: both_lanes,
        run: Run::Written(opr_30),
        ..Case::USUAL
    },
    Case {
        id: "OPR-31",
        sentence: "Language, time zone, folder and environment do not change results.",
        demands: "The same run in another process with other LANG, LC_ALL, TZ, HOME, TMPDIR and working folder \
                  gives the same bytes.",
        why: "A comma for a decimal point in one lab's locale has ruined tables before.",
        fix: "Read no environment, and format and parse numbers without the locale.",
        run: Run::Written(opr_31),
        ..Case::USUAL
    },
];

/// The seed of the runs: some operators draw random numbers from it.
const SEED: u64 = 0x5EED;

fn seeded(
    bench: &Bench,
    setting: &Setting,
    feed: &Feed,
    cut: Cut,
    instances: usize,
) -> Result<parfocal_testkit::Outcome, Finding> {
    let services = Recorder::new(SEED);
    let result = bench.drive(&setting.parameters, &services, &Loose::default(), |mut driver| {
        driver.instances = instances.min(bench.most_instances());
        driver.threads = instances > 1;
        driver.run(&feed.inputs(), cut)
    });
    ran(result, setting, feed)
}

/// Tiles for runs on threads.
const TILES: Cut = Cut::in_stack(2, 13, 17);

fn opr_04(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let trials = bench.trials()?;
    for (number, (setting, feed)) in trials.iter().enumerate() {
        let first = seeded(&bench, setting, feed, TILES, 1)?;
        // The same seed, five times with the first images and twice with the others.
        for _ in 0..if number == 0 { 4 } else { 1 } {
            let again = seeded(&bench, setting, feed, TILES, 1)?;
            if let Some(difference) = first.difference(&again) {
                return Err(differs("a second run gives another result", &difference, setting, feed));
            }
        }
        let threads: &[usize] = if number == 0 { &[2, 4] } else { &[4] };
        for &instances in threads {
            let shared = seeded(&bench, setting, feed, TILES, instances)?;
            if let Some(difference) = first.difference(&shared) {
                return Err(differs("several threads give another result", &difference, setting, feed)
                    .with("threads", instances));
            }
        }
    }
    let here = digest(scene)?.sentence;
    let there = scene.elsewhere(Errand::Digest, &[], scene.scratch())?;
    if here != there {
        return Err(Finding::fail("another process gives another result")
            .with("here", here)
            .with("there", there));
    }
    Ok(Finding::pass(format!(
        "{} images give the same bytes in every run, on threads, and in another process",
        trials.len()
    )))
}

/// The digest of everything that the trials give.
pub(crate) fn digest(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let mut bytes = Vec::new();
    for (setting, feed) in &bench.trials()? {
        let outcome = seeded(&bench, setting, feed, Cut::WHOLE, 1)?;
        bytes.extend_from_slice(&Sha256::of(&outcome.to_bytes()).0);
    }
    Ok(Finding::pass(Sha256::of(&bytes).to_string()))
}

fn opr_31(scene: &mut Scene<'_>) -> Check {
    let here = digest(scene)?.sentence;
    let surroundings: [&[(&str, &str)]; 2] = [
        &[
            ("LANG", "de_DE.UTF-8"),
            ("LC_ALL", "tr_TR.UTF-8"),
            ("TZ", "Pacific/Chatham"),
            ("HOME", "/nonexistent"),
            ("USER", "nobody"),
        ],
        &[
            ("LANG", "C"),
            ("TZ", "UTC"),
            ("TMPDIR", "/nonexistent"),
            ("PATH", "/nonexistent"),
            ("OMP_NUM_THREADS", "3"),
            ("RUST_BACKTRACE", "1"),
        ],
    ];
    for (environment, folder) in surroundings.into_iter().zip([Path::new("/"), scene.scratch()]) {
        let there = scene.elsewhere(Errand::Digest, environment, folder)?;
        if here != there {
            let shown: Vec<_> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
            return Err(Finding::fail("another environment or folder gives another result")
                .with("environment", shown.join(" ")));
        }
    }
    Ok(Finding::pass("two other environments and folders give the same bytes"))
}

/// For cases that need both kinds of code.
fn both_lanes(subject: &Subject, _: Option<&Descriptor>) -> Applies {
    if subject.names_code(Transport::Native) && subject.names_code(Transport::Wasm) {
        Applies::Yes
    } else {
        Applies::NotDeclared("the plugin has code for one lane only".into())
    }
}

fn opr_30(scene: &mut Scene<'_>) -> Check {
    let native = scene.bench_through(Transport::Native)?;
    let wasm = scene.bench_through(Transport::Wasm)?;
    let trials = native.trials()?;
    for (setting, feed) in &trials {
        if !wasm.accepts(setting, feed)? {
            return Err(Finding::fail("the WASM component refuses what the library accepts")
                .with("parameters", &setting.name)
                .with("input", &feed.name));
        }
        let first = seeded(&native, setting, feed, TILES, 1)?;
        let second = seeded(&wasm, setting, feed, TILES, 1)?;
        if let Some(difference) = first.difference(&second) {
            let finding = differs("library and WASM component give other bytes", &difference, setting, feed);
            let declared = native.descriptor.deterministic;
            return Err(if declared { finding } else { Finding { status: crate::Status::Warn, ..finding } });
        }
    }
    refuse_alike(&native, &wasm)?;
    Ok(Finding::pass(format!("{} images give the same bytes in both", trials.len())))
}

/// What one refuses, the other refuses too.
fn refuse_alike(native: &Bench, wasm: &Bench) -> Result<(), Finding> {
    let shape = native.usual_shape()?;
    let feed = native.feed(&shape)?;
    for setting in native.settings().edges().or_fail("the defaults lie outside of their own limits")? {
        let (first, second) = (native.accepts(&setting, &feed)?, wasm.accepts(&setting, &feed)?);
        if first != second {
            let who = if first { "the component" } else { "the library" };
            let error = parfocal_types::Error::not_supported(setting.name.clone());
            return Err(said(Finding::fail(format!("{who} alone refuses a set of parameters")), &error));
        }
    }
    Ok(())
}
