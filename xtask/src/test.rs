//! `cargo xtask test`: tools, plugins, all tests, and one line that counts them.
//!
//! A test that cannot run (no data, no Java) prints `skipped: <reason>` and returns, which the test harness calls
//! passed. Here it is counted as what it is: the harness is asked to show the output of passing tests, and of that
//! output only the skips are passed on.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::plugins;
use crate::process;
use crate::python_tests;
use crate::tools::{self, Wanted};

/// Installs the tools, builds the plugins and runs `cargo test --release` over the workspace (or with `arguments`), and then,
/// without `arguments`, the tests of the Python package.
///
/// The last line is `xtask: N passed, N failed, N skipped`.
///
/// # Errors
/// When the tools or plugins cannot be made, the tests do not build, or one fails.
pub fn command(root: &Path, wanted: &Wanted, arguments: &[String]) -> Result<()> {
    let installed = tools::install(root, wanted)?;
    plugins::build(root, &installed)?;
    let mut cargo = process::cargo();
    cargo.current_dir(root).args(["test", "--release", "--no-fail-fast"]);
    if arguments.is_empty() {
        cargo.arg("--workspace");
    }
    cargo.args(arguments).args(["--", "--show-output"]).stdout(Stdio::piped());
    if let Some(toolchain) = installed.wasm.ready() {
        // Operators that misbehave on purpose, for the tests of the WASM lane; without them those tests skip.
        let manifest = root.join("host/wasm/tests/fixtures/guest/Cargo.toml");
        cargo.env("PARFOCAL_WASM_FIXTURE", toolchain.build("parfocal-wasm-fixture", &manifest)?);
        // A saboteur whose library and component disagree, for the self-test of the conformance suite.
        let manifest = root.join("Cargo.toml");
        cargo.env("PARFOCAL_SABOTEURS_WASM", toolchain.build("parfocal-saboteurs", &manifest)?);
    }
    if let Some(python) = installed.python.ready() {
        cargo.env(plugins::PYTHON_VARIABLE, python);
    }
    let mut child = cargo.spawn().context("could not start `cargo test`")?;
    let mut summary = Summary::default();
    if let Some(stdout) = child.stdout.take() {
        summary.read(stdout, |line| println!("{line}"))?;
    }
    let status = child.wait().context("could not wait for `cargo test`")?;
    // A test program that dies before it can count its tests is a failure too.
    let mut failed = if status.success() { summary.failed } else { summary.failed.max(1) };
    let (mut passed, mut skipped) = (summary.passed(), summary.skipped());
    if arguments.is_empty() {
        let counts = python_tests::run(root, &installed.python)?;
        (passed, failed, skipped) =
            (passed + counts.passed, failed + counts.failed, skipped + counts.skipped);
    }
    println!("xtask: {passed} passed, {failed} failed, {skipped} skipped");
    if !status.success() || failed > 0 {
        bail!("`{}` ended with {status}, {failed} tests failed", process::describe(&cargo));
    }
    Ok(())
}

/// What the test harnesses said, added up.
#[derive(Debug, Default)]
pub struct Summary {
    ok: usize,
    ignored: usize,
    /// How many tests failed.
    pub failed: usize,
    skipped: usize,
    section: Section,
    /// The test whose output is being read.
    test: String,
    /// Tests of this binary that said they skipped.
    skips: BTreeSet<String>,
}

/// Which part of a test binary's output a line belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// The list of tests, and what is outside any list.
    #[default]
    Plain,
    /// Output of passing tests, shown for its skips only.
    Successes,
    /// Output of failing tests, shown whole.
    Failures,
}

impl Summary {
    /// Reads the output of `cargo test` and gives the lines worth showing to `show`.
    ///
    /// # Errors
    /// When the output cannot be read.
    pub fn read(&mut self, output: impl Read, mut show: impl FnMut(&str)) -> Result<()> {
        let mut reader = BufReader::new(output);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).context("could not read the output of `cargo test`")? > 0 {
            let line = String::from_utf8_lossy(&bytes);
            if let Some(line) = self.line(line.trim_end_matches(['\n', '\r'])) {
                show(&line);
            }
            bytes.clear();
        }
        Ok(())
    }

    /// Tests that ran to their end and did not say that they skipped.
    pub fn passed(&self) -> usize {
        self.ok.saturating_sub(self.skipped)
    }

    /// Tests that said they skipped, and those the harness ignored.
    pub fn skipped(&self) -> usize {
        self.skipped + self.ignored
    }

    fn line(&mut self, line: &str) -> Option<String> {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.end_of_binary(counts);
            return Some(line.to_owned());
        }
        match (self.section, line) {
            (Section::Plain | Section::Successes, "failures:") => self.section = Section::Failures,
            (Section::Plain, "successes:") => self.section = Section::Successes,
            (Section::Successes, _) => return self.success(line),
            _ => {}
        }
        (self.section != Section::Successes).then(|| line.to_owned())
    }

    fn success(&mut self, line: &str) -> Option<String> {
        if let Some(test) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            test.clone_into(&mut self.test);
        }
        if !line.starts_with("skipped:") {
            return None;
        }
        self.skips.insert(self.test.clone());
        Some(format!("{}: {line}", self.test))
    }

    fn end_of_binary(&mut self, counts: &str) {
        self.ok += count(counts, "passed");
        self.failed += count(counts, "failed");
        self.ignored += count(counts, "ignored");
        self.skipped += std::mem::take(&mut self.skips).len();
        self.section = Section::Plain;
    }
}

/// The number before a word in `ok. 3 passed; 0 failed; 1 ignored; ...`.
fn count(counts: &str, word: &str) -> usize {
    let words: Vec<&str> = counts.split_whitespace().map(|word| word.trim_end_matches([';', '.'])).collect();
    words
        .windows(2)
        .find_map(|pair| match pair {
            [number, found] if *found == word => number.parse().ok(),
            _ => None,
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 3 tests
test reads_all ... ok
test asks_java ... ok
test breaks ... FAILED

successes:

---- asks_java stdout ----
looking for Java
skipped: there is no Java
skipped: really none

successes:
    asks_java
    reads_all

failures:

---- breaks stdout ----
skipped: this line belongs to a failure
values differ

failures:
    breaks

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 1 test
test other ... ok

successes:
    other

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    fn read() -> (Summary, Vec<String>) {
        let mut summary = Summary::default();
        let mut shown = Vec::new();
        summary.read(OUTPUT.as_bytes(), |line| shown.push(line.to_owned())).unwrap();
        (summary, shown)
    }

    #[test]
    fn a_test_that_says_it_skipped_is_not_counted_as_passed() {
        let (summary, _) = read();
        assert_eq!((summary.passed(), summary.failed, summary.skipped()), (2, 1, 2));
    }

    #[test]
    fn of_passing_tests_only_the_skips_are_shown_and_of_failing_ones_all() {
        let (_, shown) = read();
        assert!(shown.contains(&"asks_java: skipped: there is no Java".to_owned()), "{shown:#?}");
        assert!(!shown.iter().any(|line| line.contains("looking for Java")), "{shown:#?}");
        assert!(shown.contains(&"values differ".to_owned()), "{shown:#?}");
        assert!(shown.contains(&"test other ... ok".to_owned()), "{shown:#?}");
    }
}
