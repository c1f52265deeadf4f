//! Mutants: their list, a sample of it, and how one is put into a source file.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{FOLDER, PACKAGE};
use crate::process;
use crate::tools::digest;

/// One change to a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// What cargo-mutants calls it: file, line, column and change.
    pub name: String,
    /// The file, from the workspace's root on.
    pub file: String,
    /// The line that changes first.
    pub line: usize,
    /// What changes, without a line number; a second one of the same words in a file ends in `(2)`, and so on.
    pub change: String,
    span: Span,
    replacement: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Span {
    start: Place,
    end: Place,
}

/// Line and column, in characters from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Place {
    line: usize,
    column: usize,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    file: String,
    span: Span,
    replacement: String,
}

/// All mutants of the golden operators, or of the files that match a pattern. Tests are left out.
///
/// # Errors
/// When cargo-mutants fails, or there are none.
pub fn list(root: &Path, program: &Path, pattern: Option<&str>) -> Result<Vec<Mutant>> {
    let mut command = Command::new(program);
    command.current_dir(root).args([
        "mutants",
        "--list",
        "--json",
        "--no-config",
        "--package",
        PACKAGE,
        "--file",
    ]);
    command.arg(pattern.map_or_else(|| format!("{FOLDER}/src/**/*.rs"), str::to_owned));
    let mutants = parse(&process::output(&mut command)?)?;
    if mutants.is_empty() {
        bail!("there is nothing to mutate; does the pattern of --file name files of {FOLDER}/src?");
    }
    Ok(mutants)
}

fn parse(json: &str) -> Result<Vec<Mutant>> {
    let mut listed: Vec<Listed> = serde_json::from_str(json).context("the list of mutants cannot be read")?;
    listed
        .sort_by_key(|one| (one.file.clone(), one.span.start.line, one.span.start.column, one.name.clone()));
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mutants = listed.into_iter().map(|Listed { name, file, span, replacement }| {
        let change = name.split_once(": ").map_or(name.as_str(), |(_, change)| change).to_owned();
        let count = seen.entry((file.clone(), change.clone())).or_default();
        *count += 1;
        let change = if *count > 1 { format!("{change} ({count})") } else { change };
        Mutant { name, file, line: span.start.line, change, span, replacement }
    });
    Ok(mutants.collect())
}

/// Digest of the sources that are mutated.
///
/// # Errors
/// When they cannot be read.
pub fn sources(root: &Path) -> Result<String> {
    let folder = format!("{FOLDER}/src");
    let files = process::output(Command::new("git").current_dir(root).args(["ls-files", "-z", &folder]))?;
    let mut text = String::new();
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        text += &format!("{file} {}\n", digest::of_file(&root.join(file))?);
    }
    Ok(digest::of_bytes(&text))
}

/// The mutants in an order that only the seed decides: whoever needs more takes them from the same list.
pub fn shuffled(mut mutants: Vec<Mutant>, seed: u64) -> Vec<Mutant> {
    let mut state = seed;
    let mut random = || {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    for last in (1..mutants.len()).rev() {
        let other = usize::try_from(random() % (last as u64 + 1)).unwrap_or(0);
        mutants.swap(last, other);
    }
    mutants
}

/// The operators that a file is part of; all, for one that they share.
pub fn operators(file: &str) -> &'static [&'static str] {
    let inside = file.split_once("/src/").map_or(file, |(_, inside)| inside);
    match inside.split(['/', '.']).next().unwrap_or(inside) {
        "components" => &["connected-components"],
        "gaussian" => &["gaussian"],
        "identity" => &["identity"],
        "measure" => &["measure-objects"],
        "median" => &["median"],
        "otsu" => &["otsu-threshold"],
        "top_hat" => &["top-hat"],
        _ => &[
            "gaussian",
            "median",
            "top-hat",
            "otsu-threshold",
            "connected-components",
            "measure-objects",
            "identity",
        ],
    }
}

impl Mutant {
    /// The source with the change.
    ///
    /// # Errors
    /// When the place is not in the source: it is not the one that was listed.
    pub fn applied(&self, source: &str) -> Result<String> {
        let (start, end) = (offset(source, self.span.start), offset(source, self.span.end));
        let parts = start.and_then(|start| source.get(..start)).zip(end.and_then(|end| source.get(end..)));
        let Some((before, after)) = parts else { bail!("{} has no such place", self.name) };
        Ok(format!("{before}{}{after}", self.replacement))
    }
}

/// Where a place is, in bytes.
fn offset(source: &str, place: Place) -> Option<usize> {
    let mut start = 0;
    for _ in 1..place.line {
        start += source.get(start..)?.find('\n')? + 1;
    }
    let line = source.get(start..)?;
    let column = place.column.checked_sub(1)?;
    let inside = line.char_indices().map(|(at, _)| at).chain([line.len()]).nth(column)?;
    Some(start + inside)
}

/// A mutant for tests of the account.
#[cfg(test)]
pub(super) fn made_up(file: &str, line: usize, change: &str) -> Mutant {
    let place = Place { line, column: 1 };
    Mutant {
        name: format!("{file}:{line}:1: {change}"),
        file: file.into(),
        line,
        change: change.into(),
        span: Span { start: place, end: place },
        replacement: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sums in one function, the second behind a letter of two bytes.
    const SOURCE: &str = "fn sum() -> u32 {\n    /* µ */ 1 + 2 + 3\n}\n";

    fn listed(column: usize, change: &str) -> String {
        format!(
            r#"{{"name":"plugins/classical/src/median/mod.rs:2:{column}: {change}","file":"plugins/classical/src/median/mod.rs",
            "package":"p","genre":"BinaryOperator","function":null,"replacement":"-",
            "span":{{"start":{{"line":2,"column":{column}}},"end":{{"line":2,"column":{}}}}}}}"#,
            column + 1
        )
    }

    fn two() -> Vec<Mutant> {
        let change = "replace + with - in sum";
        parse(&format!("[{},{}]", listed(19, change), listed(15, change))).unwrap()
    }

    #[test]
    fn changes_of_the_same_words_are_told_apart_without_line_numbers() {
        let changes: Vec<String> = two().into_iter().map(|mutant| mutant.change).collect();
        assert_eq!(changes, ["replace + with - in sum", "replace + with - in sum (2)"]);
    }

    #[test]
    fn a_change_goes_where_it_was_listed_counted_in_characters() {
        let changed: Vec<String> = two().iter().map(|mutant| mutant.applied(SOURCE).unwrap()).collect();
        assert_eq!(changed[0], SOURCE.replace("1 + 2", "1 - 2"));
        assert_eq!(changed[1], SOURCE.replace("2 + 3", "2 - 3"));
        assert!(two()[0].applied("fn sum() {}\n").is_err(), "another file than the one that was listed");
    }

    #[test]
    fn the_order_follows_from_the_seed_and_holds_every_mutant_once() {
        let many: Vec<Mutant> = (0..50).map(|line| Mutant { line, ..two()[0].clone() }).collect();
        let lines = |seed| shuffled(many.clone(), seed).iter().map(|mutant| mutant.line).collect::<Vec<_>>();
        assert_eq!(lines(1), lines(1));
        assert_ne!(lines(1), lines(2));
        let mut sorted = lines(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_that_operators_share_belongs_to_all_of_them() {
        assert_eq!(operators("plugins/classical/src/otsu/histogram.rs"), ["otsu-threshold"]);
        assert_eq!(operators("plugins/classical/src/top_hat.rs"), ["top-hat"]);
        assert_eq!(operators("plugins/classical/src/pixels.rs").len(), 7);
    }
}
