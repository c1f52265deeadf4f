//! What the plugin writes: SEC-08, SEC-10.

use std::fs;

use parfocal_testkit::{Call, Loose, Recorder};
use parfocal_types::Error;

use super::SEC;
use crate::{
    case::{Case, Run},
    cases::hand::{Hand, TILES, count_of, usual},
    finding::{Check, Finding},
    scene::{Bench, Scene},
    task::Errand,
    transport::Transport,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "SEC-08",
        sentence: "Secrets of the host never appear in what the plugin writes.",
        demands: "In a process whose environment, home folder and working folder hold a marker, every operator runs and is \
                  made to fail: the marker is in no log line, error, table or record, and not in standard output or error.",
        why: "Reports are sent to strangers.",
        fix: "Log what the operator did, not what it could find.",
        transports: &[Transport::Native],
        run: Run::Written(sec_08),
        ..SEC
    },
    Case {
        id: "SEC-10",
        sentence: "Log lines cannot forge lines, drive a terminal or fill a disk.",
        demands: "What the operators log while they run and fail, with texts and names full of line feeds and escape \
                  sequences, is at most 1,000 lines a run, each of at most 4,096 bytes without control characters. That the \
                  host neutralises and cuts what comes nevertheless is proved on the host.",
        why: "A log is read in a terminal, by root, at night.",
        fix: "Write one line of plain text for one event.",
        run: Run::Written(sec_10),
        ..SEC
    },
];

/// Everything that the operators say: lines of their logs, errors, and results as bytes.
struct Said {
    lines: Vec<Vec<String>>,
    errors: Vec<Error>,
    results: Vec<Vec<u8>>,
}

/// What would drive a terminal, if it got there.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\r\nERROR forged\n\u{9b}31m\u{202e}";

fn everything_said(benches: &[Bench]) -> Result<Said, Finding> {
    let mut said = Said { lines: Vec::new(), errors: Vec::new(), results: Vec::new() };
    for bench in benches {
        let (setting, feed) = usual(bench)?;
        let services = Recorder::new(1);
        let run = bench.drive(&setting.parameters, &services, &Loose::default(), |driver| {
            driver.run(&feed.inputs(), TILES)
        });
        match run {
            Ok(outcome) => said.results.push(outcome.to_bytes()),
            Err(error) => said.errors.push(error),
        }
        for name in ["no-such-operator", ESCAPES] {
            said.errors.extend(bench.library().create(name, &setting.parameters).map(drop).err());
        }
        if let Ok(mut hand) = Hand::new(bench, &setting.parameters, &feed) {
            said.errors.extend(hand.plan(&services).err());
            said.errors.extend(hand.operator.load(ESCAPES.as_bytes(), &services).err());
            said.errors.extend(hand.operator.plan(&[], &services).err());
        }
        let lines = services.notes().into_iter().filter_map(|noted| match noted.call {
            Call::Log(_, text) => Some(text),
            _ => None,
        });
        said.lines.push(lines.collect());
    }
    Ok(said)
}

/// What must not be told. Not made from the seed, so that no random text can hold it.
const MARKER: &str = "pf-secret-marker-4f1d7c";

fn found(place: &str) -> Finding {
    Finding::fail(format!("a secret of the host is in {place}"))
}

/// In another process: fails when the marker of its environment is in anything that the operators say.
pub(crate) fn words(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let said = everything_said(&scene.benches(&library)?)?;
    if said.lines.iter().flatten().any(|line| line.contains(MARKER)) {
        return Err(found("its log"));
    }
    let holds = |error: &Error| {
        error.message().contains(MARKER) || error.remedy().is_some_and(|remedy| remedy.contains(MARKER))
    };
    if said.errors.iter().any(holds) {
        return Err(found("an error"));
    }
    if said.results.iter().any(|bytes| bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()))
    {
        return Err(found("its results"));
    }
    Ok(Finding::pass("it says nothing of it"))
}

fn sec_08(scene: &mut Scene<'_>) -> Check {
    let broken = |error: std::io::Error| Finding::suite_error(format!("no place for secrets: {error}"));
    let home = scene.scratch().join("home");
    fs::create_dir_all(&home).map_err(broken)?;
    for name in [".netrc", ".env", ".gitconfig", "credentials"] {
        fs::write(home.join(name), format!("password {MARKER}\n")).map_err(broken)?;
    }
    let folder = home.to_string_lossy();
    let environment =
        [("HOME", folder.as_ref()), ("API_TOKEN", MARKER), ("PGPASSWORD", MARKER), ("USER", MARKER)];
    scene.elsewhere(Errand::Words, &environment, &home)?;
    // Its output and errors are this child's errors: a file, which the parent keeps for the report.
    let log = fs::read("/proc/self/fd/2").unwrap_or_default();
    if log.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()) {
        return Err(found("its standard output or error"));
    }
    Ok(Finding::pass("a marker in environment and files is in nothing that it says"))
}

/// Most lines of one run.
const MOST_LINES: usize = 1000;
/// Longest line, in bytes: what hosts keep.
const LONGEST_LINE: usize = 4096;

fn sec_10(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let benches = scene.benches(&library)?;
    let said = everything_said(&benches)?;
    let mut count = 0;
    for (bench, lines) in benches.iter().zip(&said.lines) {
        let fail = |sentence: &str| Finding::fail(sentence).with("operator", &bench.descriptor.id);
        count += lines.len();
        if lines.len() > MOST_LINES {
            return Err(fail("it floods the log").with("lines", lines.len()));
        }
        for line in lines {
            let start: String = line.chars().take(100).collect();
            if line.chars().any(char::is_control) {
                return Err(fail("it logs control characters").with("line", start.escape_debug()));
            }
            if line.len() > LONGEST_LINE {
                return Err(fail("it logs a line that is too long")
                    .with("bytes", line.len())
                    .with("begins", start.escape_debug()));
            }
        }
    }
    // What the host keeps of the worst that could come.
    let kept = parfocal_core::services::neutral(&ESCAPES.repeat(1 << 18));
    if kept.len() > 3 * LONGEST_LINE || kept.chars().any(char::is_control) {
        return Err(Finding::suite_error("the host does not neutralise log lines"));
    }
    Ok(Finding::pass(format!("{count} lines of {} are plain", count_of(library.as_ref()))))
}
