//! Who looks at a mutant: unit tests, golden tests, conformance suite.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::FOLDER;
use super::tree::{Plugin, Tree};
use crate::process;

/// A mutant may be slower than the original by so much before it counts as one that never ends.
const SLOWER: u32 = 3;

/// No test program is ended before this: the computer may be busy.
const SHORTEST: Duration = Duration::from_secs(60);

/// The suite ends cases itself; this is for when it does not.
const SUITE: Duration = Duration::from_secs(30 * 60);

/// Describing a plugin takes a moment.
const PACKAGING: Duration = Duration::from_secs(60);

/// Address space of a program that runs mutated code, in KiB: one that allocates for ever has to end before the computer does.
const MEMORY: u32 = 8 << 20;

/// How often the suite is asked when what it found does not come again.
const ATTEMPTS: usize = 3;

/// All that is needed to judge.
#[derive(Debug)]
pub struct Judges {
    package: PathBuf,
    scratch: PathBuf,
    program: PathBuf,
    python: PathBuf,
    data: PathBuf,
    unit_limit: Duration,
    goldens_limit: Duration,
    /// The unbroken plugin, and the operators with which the suite is content.
    unbroken: PathBuf,
    content: BTreeSet<&'static str>,
}

/// How a program ended.
#[derive(Debug)]
enum Ended {
    Itself(ExitStatus),
    /// It said what was waited for, and was ended.
    Heard,
    TooLate,
}

impl Judges {
    /// Tries the unbroken plugin.
    ///
    /// # Errors
    /// When the judges are not content with it.
    pub fn new(root: &Path, tree: &Tree, program: PathBuf, python: PathBuf, plugin: &Plugin) -> Result<Self> {
        let scratch = root.join("target/mutants");
        let data =
            std::env::var_os("PARFOCAL_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
        let mut judges = Self {
            package: tree.package(),
            unbroken: scratch.join("unbroken"),
            scratch,
            program,
            python,
            data,
            unit_limit: SHORTEST * SLOWER,
            goldens_limit: SUITE,
            content: BTreeSet::new(),
        };
        let (unit, unit_time) = timed(|| judges.unit(plugin))?;
        let (goldens, goldens_time) = timed(|| judges.goldens(plugin))?;
        if let Some(why) = unit.or(goldens) {
            bail!("the tests of the plugin fail without a mutation: {why}");
        }
        eprintln!(
            "mutants: unit tests take {:.1} s, goldens {:.1} s",
            unit_time.as_secs_f64(),
            goldens_time.as_secs_f64()
        );
        judges.unit_limit = SHORTEST.max(unit_time * SLOWER);
        judges.goldens_limit = SHORTEST.max(goldens_time * SLOWER);
        let unbroken = judges.unbroken.clone();
        if let Some(why) = judges.packaged(plugin, &unbroken)? {
            bail!("the plugin cannot be packaged without a mutation: {why}");
        }
        Ok(judges)
    }

    /// The unit test that fails, if one does.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn unit(&self, plugin: &Plugin) -> Result<Option<String>> {
        self.tests(&plugin.unit, self.unit_limit)
    }

    /// The golden test that fails, if one does.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn goldens(&self, plugin: &Plugin) -> Result<Option<String>> {
        self.tests(&plugin.goldens, self.goldens_limit)
    }

    fn tests(&self, program: &Path, limit: Duration) -> Result<Option<String>> {
        let mut command = frugal(program);
        command.current_dir(&self.package).stderr(Stdio::null());
        command.env("PARFOCAL_JUDGE_PYTHON", &self.python).env("PARFOCAL_DATA", &self.data);
        let mut failed = None;
        let ended = limited(&mut command, limit, |line| {
            failed = failing(line);
            failed.is_some()
        })?;
        Ok(match ended {
            Ended::Heard => failed,
            Ended::TooLate => Some("it never ends".into()),
            Ended::Itself(status) if status.success() => None,
            Ended::Itself(status) => Some(format!("the tests end with {status}")),
        })
    }

    /// The case that fails, if one does. Only what fails twice counts: the suite also looks at time and memory, and this
    /// computer is busy.
    ///
    /// # Errors
    /// When the suite breaks, or is not content with the unbroken plugin.
    pub fn suite(&mut self, plugin: &Plugin, operators: &[&'static str]) -> Result<Option<String>> {
        let package = self.scratch.join("mutant");
        if let Some(why) = self.packaged(plugin, &package)? {
            return Ok(Some(why));
        }
        for operator in operators {
            if !self.content.contains(operator) {
                if let Some(Found { case, sentence, .. }) = self.confirmed(&self.unbroken, operator)? {
                    bail!("the suite refuses {operator} without a mutation: {case}, {sentence}");
                }
                self.content.insert(operator);
            }
            if let Some(Found { case, sentence, status }) = self.confirmed(&package, operator)? {
                return Ok(Some(format!("{case}: {status}, {sentence}")));
            }
        }
        Ok(None)
    }

    fn confirmed(&self, package: &Path, operator: &str) -> Result<Option<Found>> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.conform(package, operator, None)? else { return Ok(None) };
            if let Some(again) = self.conform(package, operator, Some(&found.case))? {
                return Ok(Some(again));
            }
        }
        Ok(None)
    }

    fn packaged(&self, plugin: &Plugin, output: &Path) -> Result<Option<String>> {
        let _ = fs::remove_dir_all(output);
        let mut command = frugal(&self.program);
        command.arg("package").arg(self.package.join("../..").join(FOLDER)).arg("--output").arg(output);
        command.arg("--native").arg(&plugin.library);
        let log = self.log(&mut command)?;
        Ok(match limited(&mut command, PACKAGING, |_| false)? {
            Ended::Itself(status) if status.success() => None,
            Ended::Itself(_) => Some(format!("it cannot be packaged: {}", words(&log))),
            Ended::Heard | Ended::TooLate => Some("it cannot be packaged: it never ends".into()),
        })
    }

    fn conform(&self, package: &Path, operator: &str, case: Option<&str>) -> Result<Option<Found>> {
        let report = self.scratch.join("report.json");
        let _ = fs::remove_file(&report);
        let mut command = Command::new(&self.program);
        command.arg("conform").arg(package).args([
            "--operator",
            operator,
            "--transport",
            "native",
            "--fail-fast",
        ]);
        command.args(["--patience", "2", "--report"]).arg(&report);
        if let Some(case) = case {
            command.args(["--case", case]);
        }
        let log = self.log(&mut command)?;
        match limited(&mut command, SUITE, |_| false)? {
            Ended::Itself(_) => {}
            Ended::Heard | Ended::TooLate => bail!("the suite does not end on {operator}"),
        }
        let text = fs::read_to_string(&report)
            .with_context(|| format!("`{}` wrote no report: {}", process::describe(&command), words(&log)))?;
        first_failure(&text)
    }

    /// Sends what a program says on standard error to a file.
    fn log(&self, command: &mut Command) -> Result<PathBuf> {
        let log = self.scratch.join("log.txt");
        let file = fs::File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
        command.stderr(file);
        Ok(log)
    }
}

/// What a program said, in one line.
fn words(log: &Path) -> String {
    let said = fs::read_to_string(log).unwrap_or_default();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    Ok((work()?, start.elapsed()))
}

/// What speaks against a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Found {
    case: String,
    status: String,
    sentence: String,
}

/// The first result of a report that speaks against the plugin.
fn first_failure(report: &str) -> Result<Option<Found>> {
    #[derive(Deserialize)]
    struct Report {
        results: Vec<Found>,
    }
    let report: Report = serde_json::from_str(report).context("the report of the suite cannot be read")?;
    let mut against = report.results.into_iter();
    Ok(against.find(|result| matches!(result.status.as_str(), "fail" | "crash" | "timeout")))
}

/// The test that a line of a test program calls failed.
fn failing(line: &str) -> Option<String> {
    let test = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(test.trim_end_matches(" - should panic").to_owned())
}

/// How long one look at a program's output waits.
const STEP: Duration = Duration::from_secs(1);

/// What is left of a time limit, asked for at least once in a [`STEP`]. Time in which nobody asked hardly counts: the
/// computer slept, or somebody stopped this program and the one that it watches.
#[derive(Debug)]
struct Patience {
    left: Duration,
    seen: Instant,
}

impl Patience {
    fn left(&mut self) -> Duration {
        let now = Instant::now();
        self.left = self.left.saturating_sub((now - self.seen).min(2 * STEP));
        self.seen = now;
        self.left
    }
}

/// A program with little memory.
fn frugal(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")).arg(program);
    command
}

/// Runs a program in a process group of its own, until it ends, or says what `stop` waits for, or its time is over. Then the
/// whole group is ended.
fn limited(command: &mut Command, limit: Duration, mut stop: impl FnMut(&str) -> bool) -> Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut child =
        command.spawn().with_context(|| format!("could not start `{}`", process::describe(command)))?;
    let (tell, told) = mpsc::channel();
    let output = child.stdout.take().context("a program without an output")?;
    let reader = thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let _ = tell.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    let mut patience = Patience { left: limit, seen: Instant::now() };
    let mut ended = loop {
        match told.recv_timeout(patience.left().min(STEP)) {
            Ok(line) if stop(&line) => break Some(Ended::Heard),
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Timeout) if patience.left().is_zero() => break Some(Ended::TooLate),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break None,
        }
    };
    while ended.is_none() {
        ended = match child.try_wait().context("could not wait for a program")? {
            Some(status) => Some(Ended::Itself(status)),
            None if patience.left().is_zero() => Some(Ended::TooLate),
            None => {
                thread::sleep(Duration::from_millis(5));
                None
            }
        };
    }
    // Whoever is left of the group: Python that a test asked, say.
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let _ = child.wait();
    let _ = reader.join();
    ended.context("a program ended in no way")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_test_is_named_and_nothing_else_is_one() {
        assert_eq!(failing("test filters::median ... FAILED").as_deref(), Some("filters::median"));
        for line in ["test filters::median ... ok", "test result: FAILED. 1 passed", "failures:"] {
            assert_eq!(failing(line), None, "{line}");
        }
    }

    #[test]
    fn what_speaks_against_a_plugin_is_the_first_failure_and_no_warning() {
        let result = |case: &str, status: &str| {
            format!(r#"{{"case":"{case}","status":"{status}","sentence":"s","level":"L2"}}"#)
        };
        let report = |results: &[String]| format!(r#"{{"format":"x","results":[{}]}}"#, results.join(","));
        let fine = [result("OPR-06", "warn"), result("OPR-09", "suite-error"), result("OPR-10", "skip")];
        assert_eq!(first_failure(&report(&fine)).unwrap(), None);
        let bad = [result("OPR-06", "warn"), result("OPR-07", "timeout"), result("OPR-08", "fail")];
        assert_eq!(first_failure(&report(&bad)).unwrap().unwrap().case, "OPR-07");
        assert!(first_failure("").is_err());
    }

    #[test]
    fn a_program_ends_when_it_said_enough_or_its_time_is_over_with_what_it_started() {
        let shell = |text: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", text]);
            command
        };
        let long = Duration::from_secs(600);
        // The program that is left behind holds the output open: the reader ends because it is ended, too.
        let heard = limited(&mut shell("echo enough; sleep 600 & sleep 600"), long, |line| line == "enough");
        assert!(matches!(heard.unwrap(), Ended::Heard));
        let late = limited(&mut shell("sleep 600 & sleep 600"), Duration::from_millis(50), |_| false);
        assert!(matches!(late.unwrap(), Ended::TooLate));
        let itself = limited(&mut shell("exit 3"), long, |_| false).unwrap();
        assert!(matches!(itself, Ended::Itself(status) if status.code() == Some(3)));
    }

    #[test]
    fn time_in_which_everything_was_stopped_hardly_counts() {
        let hour = Duration::from_secs(3600);
        let Some(long_ago) = Instant::now().checked_sub(hour) else {
            println!("skipped: this computer started less than an hour ago");
            return;
        };
        let mut patience = Patience { left: hour, seen: long_ago };
        assert!(patience.left() > hour - 5 * STEP);
    }

    #[test]
    fn a_program_cannot_take_all_memory() {
        let mut command = frugal(Path::new("sh"));
        command.args(["-c", "ulimit -v"]);
        let mut said = String::new();
        limited(&mut command, Duration::from_secs(60), |line| {
            line.clone_into(&mut said);
            false
        })
        .unwrap();
        assert_eq!(said, MEMORY.to_string());
    }
}
