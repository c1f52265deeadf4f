//! What the code says about itself: ABI-03, ABI-04, ABI-11, ABI-13.

use std::time::{Duration, Instant};

use parfocal_testkit::Recorder;
use parfocal_types::{ErrorKind, Parameters};
use serde_json::Value;

use super::ABI;
use crate::{
    case::{Case, Run},
    cases::hand::{TILES, count_of, told, usual},
    finding::{Check, Finding, OrFinding},
    scene::Scene,
    transport::Transport,
    watch::{Policy, Seen, watch},
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ABI-03",
        sentence: "The code describes itself exactly as the manifest does.",
        demands: "The operators in the code and in plugin.toml are the same, in the same order, field by field.",
        why: "Discovery reads the manifest, calls go to the code: where they differ, one of them lies.",
        fix: "Run `parfocal package` again: it writes what the code says.",
        quick: &Transport::ALL,
        run: Run::Written(abi_03),
        ..ABI
    },
    Case {
        id: "ABI-04",
        sentence: "Unknown names are answered with not-found.",
        demands: "An unknown operator, one with garbage behind its name, a part of a name, an empty name and one of 10 kB \
                  end in `not-found` when an instance is made; natively an unknown interface has the code of not-found, and \
                  an unknown extension none.",
        why: "Old recipes name operators that a new version no longer has.",
        fix: "Compare whole names, and return `not-found` for all others.",
        run: Run::Written(abi_04),
        ..ABI
    },
    Case {
        id: "ABI-11",
        sentence: "Loading and describing is quick, and touches nothing.",
        demands: "While a native library is loaded and describes itself, no file but the library and those that it is linked \
                  to is opened, no socket, no process: the kernel tells each system call. It takes less than 100 ms (more \
                  is a warning); for WASM with compiled code from the cache.",
        why: "A program that starts looks at all its plugins.",
        fix: "Open models and devices in `plan`, not when the library loads.",
        transports: &[Transport::Native, Transport::Wasm],
        budget: Duration::from_secs(40),
        run: Run::Written(abi_11),
        ..ABI
    },
    Case {
        id: "ABI-13",
        sentence: "Texts are valid UTF-8, and over-long ones are cut at a character.",
        demands: "Names, sentences, errors and log lines that come out are UTF-8, none longer than two mebibytes; an \
                  operator's name of a mebibyte with long characters, which errors repeat, is tried too.",
        why: "Texts end in terminals, files and web pages.",
        fix: "Use the SDK's text type; give its length in bytes, and cut between characters.",
        run: Run::Written(abi_13),
        ..ABI
    },
];

fn abi_03(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let (code, manifest) = (library.operators(), scene.subject().operators());
    let names = |operators: &[parfocal_operator::Descriptor]| {
        operators.iter().map(|operator| operator.id.clone()).collect::<Vec<_>>().join(", ")
    };
    if names(code) != names(manifest) {
        return Err(Finding::fail("the code has other operators than the manifest")
            .with("code", names(code))
            .with("manifest", names(manifest)));
    }
    for (code, manifest) in code.iter().zip(manifest) {
        let value = |descriptor| {
            serde_json::to_value(descriptor).map_err(|error| Finding::suite_error(error.to_string()))
        };
        if let Some((place, here, there)) = difference(&value(code)?, &value(manifest)?, String::new()) {
            return Err(Finding::fail("code and manifest describe an operator differently")
                .with("operator", &code.id)
                .with("field", place)
                .with("code", here)
                .with("manifest", there));
        }
        if code != manifest {
            return Err(Finding::fail("code and manifest describe an operator differently")
                .with("operator", &code.id));
        }
    }
    Ok(Finding::pass(format!("code and manifest say the same of {}", count_of(library.as_ref()))))
}

/// The first place at which two values differ, and both sides there.
fn difference(one: &Value, other: &Value, place: String) -> Option<(String, String, String)> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<_> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            names.into_iter().find_map(|name| {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                difference(
                    one.get(name).unwrap_or(&Value::Null),
                    other.get(name).unwrap_or(&Value::Null),
                    place,
                )
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let items = one.iter().zip(other).enumerate();
            items
                .into_iter()
                .find_map(|(index, (one, other))| difference(one, other, format!("{place}[{index}]")))
        }
        (one, other) if one == other => None,
        (one, other) => Some((place, one.to_string(), other.to_string())),
    }
}

/// Names that no operator has, made from one that exists.
fn strange_names(known: &str) -> Vec<(&'static str, String)> {
    vec![
        ("an unknown name", "no-such-operator".into()),
        ("an empty name", String::new()),
        ("a name with a letter more", format!("{known}x")),
        ("a name with a letter less", known.chars().skip(1).collect()),
        ("a name with a space behind it", format!("{known} ")),
        ("a name with a zero byte behind it", format!("{known}\0")),
        ("a name with a line feed behind it", format!("{known}\n")),
        ("a name in capitals", known.to_uppercase()),
        ("two names", format!("{known}{known}")),
        ("a name of 10 kB", known.chars().chain("-x".chars()).cycle().take(10_000).collect()),
    ]
}

fn abi_04(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    for bench in scene.benches(&library)? {
        let parameters =
            bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?.parameters;
        for (what, name) in strange_names(&bench.descriptor.id) {
            if library.operators().iter().any(|operator| operator.id == name) {
                continue;
            }
            match library.create(&name, &parameters).map(drop) {
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(told(format!("{what} is not answered with not-found"), &bench, &error));
                }
                Ok(()) => {
                    return Err(Finding::fail(format!("{what} makes an instance"))
                        .with("operator", &bench.descriptor.id));
                }
            }
        }
    }
    if scene.transport() == Transport::Native {
        let probe = scene.probe()?;
        for name in ["no-such-interface", "", "operator ", "operato", "Operator"] {
            let answer =
                probe.interface(name, 0, u32::MAX).or_fail("the entry cannot be asked for interfaces")?;
            if let Some(answer) = answer.filter(|answer| answer.code != ErrorKind::NotFound.code()) {
                return Err(Finding::fail("an unknown interface is not answered with not-found")
                    .with("interface", format!("{name:?}"))
                    .with("code", answer.code));
            }
        }
        if probe.has_extension("no-such-extension").or_fail("the entry cannot be asked for extensions")? {
            return Err(Finding::fail("it claims to have an extension that does not exist"));
        }
    }
    Ok(Finding::pass(format!("names around those of {} are not found", count_of(library.as_ref()))))
}

/// How long loading and describing should take.
const QUICK: Duration = Duration::from_millis(100);

/// Whether a call belongs to loading a library, and is not the library's own.
fn is_loading(seen: &Seen, own: &std::path::Path) -> bool {
    let Some(path) = &seen.path else { return false };
    let name = path.rsplit('/').next().unwrap_or_default();
    let library = name.ends_with(".so") || name.contains(".so.") || path == "/etc/ld.so.cache";
    library || path.starts_with("/proc/self/fd/") || std::path::Path::new(path) == own
}

fn abi_11(scene: &mut Scene<'_>) -> Check {
    let transport = scene.transport();
    let artifact = scene.artifact(transport)?;
    let lane = scene.lane(transport)?;
    if transport == Transport::Native {
        let (loaded, sight) = watch(Policy::Note, || lane.load(&artifact))?;
        loaded.or_fail("the plugin does not load")?;
        if let Some(seen) = sight.seen.iter().find(|seen| !is_loading(seen, &artifact.path)) {
            return Err(touched("loading it reaches for what lies outside", seen));
        }
    } else {
        // The first time compiles it.
        lane.load(&artifact).or_fail("the plugin does not load")?;
    }
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let lane = scene.lane(transport)?;
        let start = Instant::now();
        lane.load(&artifact).or_fail("the plugin does not load")?;
        best = best.min(start.elapsed());
    }
    let millis = best.as_secs_f64() * 1e3;
    if best > QUICK.mul_f64(scene.factor()) {
        return Ok(Finding::warn("loading and describing takes longer than 100 ms").measured("ms", millis));
    }
    Ok(Finding::pass("loading it opens nothing else, and is quick").measured("ms", millis))
}

/// A finding that names a system call.
pub(in crate::cases) fn touched(sentence: &str, seen: &Seen) -> Finding {
    let finding = Finding::fail(sentence).with("system call", seen.call);
    match &seen.path {
        // It may differ from run to run.
        Some(path) => finding.noting(format!("on `{}`", path.escape_debug())),
        None => finding,
    }
}

/// The length of a name that is tried, in bytes; what comes out may repeat it, and say as much again.
const LONGEST: usize = 1 << 20;

fn check_text(what: &str, text: &str) -> Result<(), Finding> {
    // Where bytes were no UTF-8 the lane puts this character.
    if text.contains('\u{fffd}') {
        return Err(Finding::fail(format!("{what} is no UTF-8"))
            .with("text", text.chars().take(100).collect::<String>().escape_debug()));
    }
    if text.len() > 2 * LONGEST {
        return Err(Finding::fail(format!("{what} is longer than two mebibytes")).with("bytes", text.len()));
    }
    Ok(())
}

fn abi_13(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    for bench in scene.benches(&library)? {
        let described = serde_json::to_string(&bench.descriptor)
            .map_err(|error| Finding::suite_error(error.to_string()))?;
        check_text("a text of its description", &described)?;
        let parameters =
            bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?.parameters;
        // Characters of two and of three bytes: a cut at any number of bytes meets the middle of one of them.
        let names = [
            "ä".repeat(LONGEST / 2 + 1),
            "€".repeat(LONGEST / 3 + 1),
            format!("x{}", "ä".repeat(3000)),
            "🔬".repeat(3000),
        ];
        for name in names {
            if let Err(error) = library.create(&name, &parameters).map(drop) {
                check_text("an error's message", error.message())?;
                check_text("an error's remedy", error.remedy().unwrap_or_default())?;
            }
        }
        if let Err(error) = library.create(&bench.descriptor.id, &Parameters::default()).map(drop) {
            check_text("an error's message", error.message())?;
        }
        let (setting, feed) = usual(&bench)?;
        let services = Recorder::new(1);
        let result =
            bench.drive(&setting.parameters, &services, &parfocal_testkit::Loose::default(), |driver| {
                driver.run(&feed.inputs(), TILES)
            });
        if let Err(error) = result {
            check_text("an error's message", error.message())?;
        }
        for noted in services.notes() {
            if let parfocal_testkit::Call::Log(_, text) = noted.call {
                check_text("a line of its log", &text)?;
            }
        }
    }
    Ok(Finding::pass(format!("all texts of {} are UTF-8", count_of(library.as_ref()))))
}
