//! The handshake, and what the bytes say: ABI-01, ABI-02, ABI-05, ABI-06, ABI-14.

use std::time::{Duration, Instant};

use parfocal_catalog::{Inspection, inspect};
use parfocal_manifest::LaneKind;
use parfocal_operator::Descriptor;

use super::ABI;
use crate::{
    case::{Applies, Case, Run, Scope},
    finding::{Check, Finding, OrFinding},
    scene::Scene,
    state,
    subject::Subject,
    transport::Transport,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ABI-01",
        sentence: "Negotiation comes first: always the same answer, at once, before anything else.",
        demands: "`parfocal_entry` is the first function that is called, a hundred times, from two threads: the same answer \
                  at the same place each time, the first within 10 ms; 100,000 more calls leave no memory, descriptor or \
                  thread behind.",
        why: "Everything else depends on the version that both sides speak.",
        fix: "Answer from constants: no initialisation, no allocation in `parfocal_entry`.",
        transports: &[Transport::Native],
        run: Run::Written(abi_01),
        ..ABI
    },
    Case {
        id: "ABI-02",
        sentence: "Versions that do not fit are refused with the plugin's own range, without a crash.",
        demands: "A host that is newer gets the plugin's own newest version; one that is too old, or too new, gets the \
                  version 0, no table, and the plugin's range. The numbers 0, 1, the plugin's own, those around them and the \
                  largest are tried, for the entry and for the interface.",
        why: "A plugin is loaded by hosts that its author has never seen.",
        fix: "Let the export macro or `PF_PLUGIN` answer, or compare the range before anything else.",
        transports: &[Transport::Native],
        run: Run::Written(abi_02),
        ..ABI
    },
    Case {
        id: "ABI-05",
        sentence: "The library exports its entry and nothing else.",
        demands: "The dynamic symbols that a native library defines, read from its bytes, are `parfocal_entry` and what \
                  linkers add on their own.",
        why: "Two plugins that export the same helper call each other's.",
        fix: "Hide all other symbols: `-fvisibility=hidden`, or a version script.",
        scope: Scope::Package,
        applies: native_code,
        run: Run::Written(abi_05),
        ..ABI
    },
    Case {
        id: "ABI-06",
        sentence: "The structs at the border have the layout that is frozen for their version.",
        demands: "Size, alignment, offsets and shapes of every boundary struct, as the note in the library's bytes gives \
                  them for Rust, equal the table of the interface version. For C the header asserts them when it is compiled.",
        why: "One field more than the host knows, and every call reads the wrong memory.",
        fix: "Build with the SDK of that interface version, unchanged.",
        scope: Scope::Package,
        applies: native_code,
        run: Run::Written(abi_06),
        ..ABI
    },
    Case {
        id: "ABI-14",
        sentence: "Binaries of each released interface version still load.",
        demands: "The museum's binaries load into this host and give their recorded results: the host's own test \
                  (`museum`), not one of the plugin under test.",
        why: "Whoever has a plugin keeps using it.",
        fix: "This is the host's duty: report it to Parfocal.",
        applies: |_, _| Applies::NotDeclared("proved on the host, by its museum of binaries".into()),
        ..ABI
    },
];

/// How long the first answer may take.
const FIRST_ANSWER: Duration = Duration::from_millis(10);

fn abi_01(scene: &mut Scene<'_>) -> Check {
    let probe = scene.probe()?;
    let (descriptors, threads) = (state::descriptors(), state::threads());
    let start = Instant::now();
    let first = probe.entry(1, 1).or_fail("negotiation has no answer")?;
    let took = start.elapsed();
    let ask = || -> Result<(), Finding> {
        for _ in 0..50 {
            let again = probe.entry(1, 1).or_fail("negotiation has no answer when it is asked again")?;
            if again != first {
                return Err(Finding::fail("negotiation answers otherwise when it is asked again")
                    .with("first", format!("version {} of {} to {}", first.version, first.min, first.max))
                    .with("later", format!("version {} of {} to {}", again.version, again.min, again.max)));
            }
        }
        Ok(())
    };
    ask()?;
    std::thread::scope(|scope| {
        let asked = scope.spawn(ask).join();
        asked.unwrap_or_else(|_| Err(Finding::suite_error("a thread of the case panicked")))
    })?;
    let before = state::resident();
    for _ in 0..100_000 {
        probe.entry(1, 1).or_fail("negotiation has no answer when it is asked again")?;
    }
    // What a hundred thousand answers of 16 bytes each would keep, the least that `malloc` gives.
    if state::resident().saturating_sub(before) > 1 << 20 {
        return Err(Finding::fail("negotiation takes memory each time, and keeps it"));
    }
    if state::descriptors() != descriptors {
        return Err(Finding::fail("negotiation opens or closes descriptors"));
    }
    if state::threads() != threads {
        return Err(Finding::fail("negotiation starts threads"));
    }
    let millis = took.as_secs_f64() * 1e3;
    if took > FIRST_ANSWER.mul_f64(scene.factor()) {
        return Err(Finding::fail("negotiation takes longer than 10 ms").measured("ms", millis));
    }
    Ok(Finding::pass("100,101 times the same answer, and nothing else").measured("ms", millis))
}

/// The ranges that a host might ask for, around those of the plugin.
fn ranges(min: u32, max: u32) -> Vec<(u32, u32)> {
    let all = [
        (0, 0),
        (1, 1),
        (0, 1),
        (1, u32::MAX),
        (0, u32::MAX),
        (min, max),
        (max, max),
        (0, min.saturating_sub(1)),
        (max.saturating_add(1), u32::MAX),
        (u32::MAX, u32::MAX),
    ];
    all.into_iter().filter(|(low, high)| low <= high).collect()
}

/// The newest version of both; 0 for none.
fn newest((min, max): (u32, u32), (low, high): (u32, u32)) -> u32 {
    let newest = max.min(high);
    if newest >= min.max(low) { newest } else { 0 }
}

fn abi_02(scene: &mut Scene<'_>) -> Check {
    let probe = scene.probe()?;
    let no_answer = "negotiation has no answer for some range of versions";
    let own = probe.entry(0, u32::MAX).or_fail(no_answer)?;
    let wrong = |what: &str, (low, high): (u32, u32), expected: u32, got: u32| {
        Finding::fail(format!("{what} is negotiated wrongly"))
            .with("host", format!("{low} to {high}"))
            .with("expected", expected)
            .with("got", got)
    };
    for range in ranges(own.min, own.max) {
        let answer = probe.entry(range.0, range.1).or_fail(no_answer)?;
        let expected = newest((own.min, own.max), range);
        if (answer.version, answer.min, answer.max) != (expected, own.min, own.max) {
            return Err(wrong("the entry", range, expected, answer.version));
        }
    }
    let silent = || Finding::fail("the entry has no function to ask for interfaces");
    let ask = |low, high| probe.interface(parfocal_operator::INTERFACE, low, high).or_fail(no_answer);
    let own = ask(0, u32::MAX)?.ok_or_else(silent)?;
    for range in ranges(own.min, own.max) {
        let answer = ask(range.0, range.1)?.ok_or_else(silent)?;
        let expected = newest((own.min, own.max), range);
        if (answer.code, answer.chosen, answer.min, answer.max) != (0, expected, own.min, own.max) {
            return Err(wrong("the interface `operator`", range, expected, answer.chosen));
        }
        if (answer.table == 0) != (expected == 0) {
            return Err(wrong("the table of the interface `operator`", range, expected, answer.chosen));
        }
    }
    Ok(Finding::pass("every range of versions gets the newest that both speak, or none and the plugin's own"))
}

/// For cases about the bytes of native code.
fn native_code(subject: &Subject, _: Option<&Descriptor>) -> Applies {
    if subject.names_code(Transport::Native) {
        Applies::Yes
    } else {
        Applies::NotDeclared("the plugin has no native code".into())
    }
}

/// The native files that the manifest names, as their bytes say.
fn libraries(scene: &Scene<'_>) -> Result<Vec<(String, Inspection)>, Finding> {
    let package = scene.subject().package().ok_or_else(|| Finding::skip("there is no manifest"))?;
    let native = package.candidates.iter().filter(|candidate| candidate.entry.lane == LaneKind::Native);
    native
        .map(|candidate| {
            let name = candidate.path.strip_prefix(scene.subject().folder()).unwrap_or(&candidate.path);
            let inspection = inspect(&candidate.path).or_fail("a file of native code cannot be read")?;
            Ok((name.display().to_string(), inspection))
        })
        .collect()
}

/// Names that linkers define in every library of theirs.
const OF_LINKERS: [&str; 5] = ["_init", "_fini", "_edata", "_end", "__bss_start"];

fn abi_05(scene: &mut Scene<'_>) -> Check {
    let libraries = libraries(scene)?;
    for (file, inspection) in &libraries {
        if !inspection.exports.iter().any(|name| name == "parfocal_entry") {
            return Err(Finding::fail("a library does not export `parfocal_entry`").with("file", file));
        }
        let mut more: Vec<_> = inspection.exports.iter().map(String::as_str).collect();
        more.retain(|name| *name != "parfocal_entry" && !OF_LINKERS.contains(name));
        more.sort_unstable();
        if !more.is_empty() {
            let (count, shown) = (more.len(), more.iter().take(10).copied().collect::<Vec<_>>());
            return Err(Finding::fail("a library exports more than its entry")
                .with("file", file)
                .with("symbols", shown.join(", "))
                .with("how many", count));
        }
    }
    Ok(Finding::pass(format!("{} native files export `parfocal_entry` alone", libraries.len())))
}

fn abi_06(scene: &mut Scene<'_>) -> Check {
    let libraries = libraries(scene)?;
    let mut proved = 0;
    for (file, inspection) in &libraries {
        let Some(note) = &inspection.note else {
            return Err(Finding::fail("a library has no note that can be read")
                .with("file", file)
                .with("problems", inspection.problems.join("; ")));
        };
        if !note.layout_differences.is_empty() {
            return Err(Finding::fail("structs of the border have another layout than their version")
                .with("file", file)
                .with("structs", note.layout_differences.join("; ")));
        }
        proved += usize::from(note.language == "rust");
    }
    if proved == 0 {
        return Ok(Finding::na(
            "the native code is not in Rust: the header asserts its layouts when it is compiled",
        ));
    }
    Ok(Finding::pass(format!("every struct of {proved} native files has the layout of its version")))
}
