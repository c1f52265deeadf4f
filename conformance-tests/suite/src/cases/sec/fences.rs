//! Inside and outside of fences: SEC-01, SEC-02, SEC-07.

use std::time::Duration;

use parfocal_catalog::inspect;
use parfocal_manifest::PermissionKind;
use parfocal_testkit::Cut;

use super::SEC;
use crate::{
    case::{Case, Run, Scope},
    cases::{
        abi::touched,
        hand::{TILES, count_of, outcome, told, usual},
    },
    finding::{Check, Finding, OrFinding},
    scene::Scene,
    transport::Transport,
    watch::{Policy, Reach, Sight, watch},
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "SEC-01",
        sentence: "Fenced in, with nothing granted, the plugin describes itself and gives the same bytes.",
        demands: "In a worker that has no files, no network, no new processes and no environment, the operator describes \
                  itself and gives, to the last bit, what the same library gives in the case's own process. That the fences \
                  hold against files, environment, exec, TCP, UDP, unix sockets, ptrace, signals and raw devices is proved on \
                  the host with a library that tries them all.",
        why: "A plugin sees unpublished data, and runs in a worker unless the user trusts it.",
        fix: "Ask in the manifest for what is needed, and work without it where you can. A difference here means that the \
              result depends on something outside of the image.",
        scope: Scope::Operator,
        transports: &[Transport::Worker],
        quick: &[Transport::Worker],
        run: Run::Written(sec_01),
        ..SEC
    },
    Case {
        id: "SEC-02",
        sentence: "Nothing is used that the manifest does not ask for.",
        demands: "While instances are made, planned and run in the case's own process, the kernel tells each system call for \
                  files, sockets, processes, and doors of the system, and refuses it: there is none, but for permissions of \
                  the manifest and for what run-time libraries look up about the machine (processors, memory).",
        why: "Even where a host would allow it, its user has not been asked.",
        fix: "Ask for it in the manifest with a reason, or do without.",
        transports: &[Transport::Native],
        run: Run::Written(sec_02),
        ..SEC
    },
    Case {
        id: "SEC-07",
        sentence: "A WASM component gets nothing but the contract: no WASI, bounded memory, time and stack.",
        demands: "The component's bytes import nothing but interfaces of `parfocal`; every operator loads and works within the \
                  memory and time that the manifest states. That endless loops, endless memory, deep recursion and a million \
                  host calls are stopped or survived is proved on the host with components that try them.",
        why: "What is not in the interface does not exist for the guest: that is the fence.",
        fix: "Build without WASI adapters; state the limits that the operators need.",
        transports: &[Transport::Wasm],
        budget: Duration::from_secs(40),
        run: Run::Written(sec_07),
        ..SEC
    },
];

/// How a worker says that all its fences stand.
const FENCED: &str = "sandboxed:";

fn sec_01(scene: &mut Scene<'_>) -> Check {
    let fenced = scene.bench()?;
    let isolation = fenced.library().info().isolation.clone();
    if !isolation.starts_with(FENCED) {
        return Err(Finding::skip("this computer does not put up all fences").noting(isolation));
    }
    let open = scene.bench_through(Transport::Native)?;
    if fenced.descriptor != open.descriptor {
        return Err(Finding::fail("fenced in, it describes itself otherwise"));
    }
    let mut trials = open.trials()?;
    trials.truncate(scene.profile().pick(3, usize::MAX));
    for (setting, feed) in &trials {
        for cut in [Cut::WHOLE, TILES] {
            let expected = open.run(&setting.parameters, feed, cut);
            let expected = expected
                .map_err(|error| told("it accepted the input in `plan`, and then failed", &open, &error))?;
            let found = fenced.run(&setting.parameters, feed, cut);
            let found = found.map_err(|error| {
                told("fenced in, it fails", &fenced, &error)
                    .with("parameters", &setting.name)
                    .with("input", &feed.name)
            })?;
            if let Some(difference) = expected.difference(&found) {
                return Err(Finding::fail(
                    "fenced in, it gives another result than in the case's own process",
                )
                .with("parameters", &setting.name)
                .with("input", &feed.name)
                .with("difference", difference));
            }
        }
    }
    Ok(Finding::pass(format!(
        "{} images give the same bytes in a worker and in the case's own process",
        trials.len()
    ))
    .noting(isolation))
}

/// What the manifest asks for.
pub(super) fn asked_for(scene: &Scene<'_>) -> Vec<Reach> {
    let permissions =
        scene.subject().manifest().map(|manifest| manifest.permissions.clone()).unwrap_or_default();
    let reach = |kind: &PermissionKind| match kind {
        PermissionKind::Network { .. } => Reach::Network,
        PermissionKind::Files { .. } | PermissionKind::Serial { .. } => Reach::Files,
    };
    permissions.iter().map(|permission| reach(&permission.kind)).collect()
}

fn sec_02(scene: &mut Scene<'_>) -> Check {
    let asked_for = asked_for(scene);
    let library = scene.library()?;
    let mut runs = 0;
    for bench in scene.benches(&library)? {
        let clean = |sight: &Sight, setting: &str| match sight
            .seen
            .iter()
            .find(|seen| !asked_for.contains(&seen.reach))
        {
            Some(seen) => Err(touched("it reaches for what its manifest does not ask for", seen)
                .with("operator", &bench.descriptor.id)
                .with("parameters", setting)),
            None => Ok(()),
        };
        // The first instances of all are made, and planned, in here.
        let (trials, sight) = watch(Policy::Deny, || bench.trials())?;
        clean(&sight, "those of the first plans")?;
        // With a permission that is refused here it may fail: SEC-03 is about how.
        let trials = match trials {
            Err(_) if !sight.seen.is_empty() => continue,
            trials => trials?,
        };
        for (setting, feed) in trials.iter().take(scene.profile().pick(4, usize::MAX)) {
            let (result, sight) = watch(Policy::Deny, || bench.run(&setting.parameters, feed, TILES))?;
            clean(&sight, &setting.name)?;
            if sight.seen.is_empty() {
                result.map_err(|error| {
                    told("it accepted the input in `plan`, and then failed", &bench, &error)
                })?;
            }
            runs += 1;
        }
    }
    if runs == 0 {
        return Ok(Finding::na("without what its manifest asks for it runs nothing; SEC-03 is about that"));
    }
    Ok(Finding::pass(format!("{runs} runs of {} reach for nothing outside", count_of(library.as_ref()))))
}

fn sec_07(scene: &mut Scene<'_>) -> Check {
    let artifact = scene.artifact(Transport::Wasm)?;
    let inspection = inspect(&artifact.path).or_fail("the component cannot be read")?;
    let mut foreign: Vec<_> = inspection.imports.iter().map(String::as_str).collect();
    foreign.retain(|name| !name.starts_with("parfocal:"));
    if !foreign.is_empty() {
        return Err(Finding::fail("the component imports what is not of the contract")
            .with("imports", foreign.join(", ")));
    }
    let library = scene.library()?;
    for bench in scene.benches(&library)? {
        let (setting, feed) = usual(&bench)?;
        outcome(&bench, &setting, &feed)?;
    }
    let count = inspection.imports.len();
    Ok(Finding::pass(format!(
        "{count} imports of the contract alone; {} work within the limits",
        count_of(library.as_ref())
    )))
}
