//! The tests of the Python package and of the plugins in Python, with the judges' interpreter, which has numpy.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process;
use crate::tools::Status;

/// Folders with tests, and the folder from which their modules are found besides.
const FOLDERS: &[(&str, Option<&str>)] = &[
    ("sdk/python", None),
    ("plugins/python-examples/invert-contrast", Some("sdk/python")),
    ("plugins/python-examples/intensity-summary", Some("sdk/python")),
];

/// How tests ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Ran to their end.
    pub passed: usize,
    /// Failed, or could not begin.
    pub failed: usize,
    /// Said that they cannot run here.
    pub skipped: usize,
}

/// Runs all of them and shows what `unittest` says. Without Python they count as one that was skipped.
///
/// # Errors
/// When the interpreter cannot be started.
pub fn run(root: &Path, python: &Status<PathBuf>) -> Result<Counts> {
    let python = match python {
        Status::Ready(python) => python,
        Status::LeftOut(why) => {
            println!("skipped: the tests of the Python package: {why}");
            return Ok(Counts { skipped: 1, ..Counts::default() });
        }
    };
    let mut all = Counts::default();
    for (folder, modules) in FOLDERS {
        let mut unittest = Command::new(python);
        unittest
            .current_dir(root.join(folder))
            .args(["-B", "-m", "unittest", "discover", "-s", "tests", "-t", "."]);
        if let Some(modules) = modules {
            unittest.env("PYTHONPATH", root.join(modules));
        }
        println!("     Running unittest in {folder}");
        let output = unittest.stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("could not start `{}`", process::describe(&unittest)))?;
        let said = String::from_utf8_lossy(&output.stderr);
        println!("{}", said.trim_end());
        let counts = count(&said, output.status.success());
        all.passed += counts.passed;
        all.failed += counts.failed;
        all.skipped += counts.skipped;
    }
    Ok(all)
}

/// Reads `Ran 12 tests in 0.1s` and `FAILED (failures=1, errors=2, skipped=3)`.
fn count(said: &str, success: bool) -> Counts {
    let words = said.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let after = |name: &str| {
        let last = words
            .windows(2)
            .filter(|pair| pair[0] == name)
            .filter_map(|pair| pair[1].parse::<usize>().ok())
            .next_back();
        last.unwrap_or(0)
    };
    let (ran, skipped) = (after("Ran"), after("skipped"));
    let failed = after("failures") + after("errors");
    let failed = if success { failed } else { failed.max(1) };
    Counts { passed: ran.saturating_sub(failed + skipped), failed, skipped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unittest_says_is_counted() {
        let good = "..s\n----\nRan 31 tests in 4.2s\n\nOK (skipped=1)\n";
        assert_eq!(count(good, true), Counts { passed: 30, failed: 0, skipped: 1 });
        let bad = "Ran 31 tests in 4.2s\n\nFAILED (failures=2, errors=1)\n";
        assert_eq!(count(bad, false), Counts { passed: 28, failed: 3, skipped: 0 });
    }

    #[test]
    fn an_interpreter_that_dies_is_a_failure() {
        assert_eq!(count("Segmentation fault", false), Counts { passed: 0, failed: 1, skipped: 0 });
    }
}
