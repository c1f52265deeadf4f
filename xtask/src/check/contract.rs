//! The numbers of the contract: every rule has a case in the conformance suite, and every case a rule.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Outcome;

/// Where rules are written, and where cases are.
const RULES: &str = "sdk";
const CASES: &str = "conformance-tests/suite/src/cases";

/// The groups of rules.
const GROUPS: [&str; 6] = ["MAN", "ABI", "OPR", "SEC", "ROB", "PRF"];

/// Holds the numbers in the documentation of the contract against the cases of the suite.
///
/// # Errors
/// When a number has no case, or a case no number.
pub fn check(root: &Path) -> Result<Outcome> {
    let rules = numbers(&root.join(RULES), bracketed)?;
    let cases = numbers(&root.join(CASES), |text, at| text[..at].ends_with("id: \""))?;
    let wrong = differences(&rules, &cases);
    if cases.is_empty() {
        bail!("there is no case in {CASES}");
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n  "));
    }
    Ok(Outcome::Ok(format!("{} rules, each with its case", cases.len())))
}

fn differences(rules: &BTreeMap<String, PathBuf>, cases: &BTreeMap<String, PathBuf>) -> Vec<String> {
    let lacking = |some: &BTreeMap<String, PathBuf>, others: &BTreeMap<String, PathBuf>, what: &str| {
        let lacking = some.iter().filter(|(number, _)| !others.contains_key(*number));
        lacking.map(|(number, file)| format!("{number} in {} has no {what}", file.display())).collect()
    };
    let mut wrong: Vec<String> = lacking(rules, cases, "case in the suite");
    wrong.extend(lacking(cases, rules, "rule in the contract"));
    wrong
}

/// Whether the number that starts here stands in brackets: a mention in running text is no rule.
fn bracketed(text: &str, at: usize) -> bool {
    text[..at].ends_with(['(', '[', ',']) || text[..at].ends_with(", ")
}

/// All numbers in the files below a folder, each with the first file that has it.
fn numbers(folder: &Path, counts: impl Fn(&str, usize) -> bool) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for file in files(folder)? {
        let text = fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
        for group in GROUPS {
            for (at, _) in text.match_indices(group) {
                let number = text.get(at..at + 6).filter(|number| is_number(number));
                if let Some(number) = number.filter(|_| counts(&text, at)) {
                    found.entry(number.to_owned()).or_insert_with(|| file.clone());
                }
            }
        }
    }
    Ok(found)
}

fn is_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.get(3) == Some(&b'-') && bytes[4..].iter().all(u8::is_ascii_digit)
}

/// The source files below a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("could not read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ending| ending == "rs" || ending == "in" || ending == "wit")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(names: &[&str]) -> BTreeMap<String, PathBuf> {
        names.iter().map(|name| ((*name).to_owned(), PathBuf::from("x.rs"))).collect()
    }

    #[test]
    fn a_rule_without_a_case_and_a_case_without_a_rule_are_named() {
        let wrong = differences(&written(&["OPR-01", "OPR-99"]), &written(&["OPR-01", "SEC-03"]));
        assert_eq!(
            wrong,
            ["OPR-99 in x.rs has no case in the suite", "SEC-03 in x.rs has no rule in the contract"]
        );
    }

    #[test]
    fn numbers_count_in_brackets_and_as_ids_only() {
        let folder = std::env::temp_dir().join(format!("parfocal-contract-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.rs"), "(OPR-05), \\[MAN-01\\], see OPR-07, (ABI-1x) id: \"SEC-02\"")
            .unwrap();
        let rules = numbers(&folder, bracketed).unwrap();
        assert_eq!(rules.into_keys().collect::<Vec<_>>(), ["MAN-01", "OPR-05"]);
        let cases = numbers(&folder, |text, at| text[..at].ends_with("id: \"")).unwrap();
        assert_eq!(cases.into_keys().collect::<Vec<_>>(), ["SEC-02"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
