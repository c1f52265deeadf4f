//! Known vulnerabilities of the dependencies, from the RustSec advisory database.
//!
//! The database is a git repository with one file per advisory: a TOML header with the ranges of versions that are
//! patched or were never affected, then prose. It is meant to move, so it is not pinned; it is fetched at each check
//! into `.tools/advisory-db`. Where it cannot be fetched, a copy that is there is used and its age told; without one
//! the step is skipped, with the reason. `PARFOCAL_ADVISORY_DB` names a copy to use instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use semver::{Comparator, Op, Version, VersionReq};
use serde::Deserialize;

use super::Outcome;
use super::metadata::{Metadata, Package};
use crate::{process, tools};

const DATABASE: &str = "https://github.com/RustSec/advisory-db";

/// A shallow clone is about 5 MB.
const LIMIT: Duration = Duration::from_secs(60);

/// Vulnerabilities that do not touch us, with the reason, such as `("RUSTSEC-2000-0000", "we never call it")`.
const ACCEPTED: &[(&str, &str)] = &[];

#[derive(Deserialize)]
struct Advisory {
    advisory: Header,
    versions: Versions,
}

#[derive(Deserialize)]
struct Header {
    id: String,
    withdrawn: Option<String>,
    informational: Option<String>,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

/// What an advisory means for a package.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Vulnerable(String),
    /// Unmaintained, unsound under conditions, or a notice: worth a line, no failure.
    Note(String),
}

/// Compares every dependency with the database.
///
/// # Errors
/// When a dependency has a known vulnerability that is not accepted here, or an advisory cannot be read.
pub fn check(root: &Path, metadata: &Metadata) -> Result<Outcome> {
    let (database, source) = match given()?.map_or_else(|| fetched(root), Ok) {
        Ok(found) => found,
        Err(why) => {
            return Ok(Outcome::Skipped(format!("the advisory database could not be fetched: {why:#}")));
        }
    };
    let (mut vulnerable, mut notes) = (Vec::new(), Vec::new());
    for package in metadata.foreign() {
        for verdict in advisories(&database, package)? {
            match verdict {
                Verdict::Vulnerable(id) if ACCEPTED.iter().all(|(accepted, _)| *accepted != id) => {
                    vulnerable.push(format!("{} {}: {id}", package.name, package.version));
                }
                Verdict::Vulnerable(_) => {}
                Verdict::Note(what) => notes.push(format!("{} {}: {what}", package.name, package.version)),
            }
        }
    }
    if !vulnerable.is_empty() {
        bail!("known vulnerabilities ({source}), see https://rustsec.org:\n  {}", vulnerable.join("\n  "));
    }
    let notes = if notes.is_empty() { String::new() } else { format!("; to note: {}", notes.join(", ")) };
    Ok(Outcome::Ok(format!("no known vulnerability ({source}){notes}")))
}

/// The copy that the environment names, with a few words on which database it is.
fn given() -> Result<Option<(PathBuf, String)>> {
    let Some(given) = std::env::var_os("PARFOCAL_ADVISORY_DB") else { return Ok(None) };
    let folder = PathBuf::from(given);
    if !folder.join("crates").is_dir() {
        bail!("PARFOCAL_ADVISORY_DB names {}, which has no folder `crates`", folder.display());
    }
    Ok(Some((folder, "the database of PARFOCAL_ADVISORY_DB".into())))
}

/// The newest copy that can be had, with a few words on its age.
fn fetched(root: &Path) -> Result<(PathBuf, String)> {
    if !process::in_path("git") {
        bail!("there is no git in PATH");
    }
    let folder = tools::folder(root).join("advisory-db");
    let log = tools::folder(root).join("log").join("advisory-db.txt");
    let fetched = if folder.join("crates").is_dir() { update(&folder, &log) } else { clone(&folder, &log) };
    let date =
        || process::output(Command::new("git").arg("-C").arg(&folder).args(["log", "-1", "--format=%cs"]));
    match fetched {
        Ok(()) => Ok((folder.clone(), format!("database of {}", date()?.trim()))),
        Err(_) if folder.join("crates").is_dir() => {
            Ok((folder.clone(), format!("copy of {}, no newer one could be fetched", date()?.trim())))
        }
        Err(why) => Err(why),
    }
}

fn clone(folder: &Path, log: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    git(Command::new("git").args(["clone", "--quiet", "--depth", "1", DATABASE]).arg(folder), log)
}

fn update(folder: &Path, log: &Path) -> Result<()> {
    git(
        Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(["fetch", "--quiet", "--depth", "1", "origin", "HEAD"]),
        log,
    )?;
    git(Command::new("git").arg("-C").arg(folder).args(["reset", "--quiet", "--hard", "FETCH_HEAD"]), log)
}

fn git(command: &mut Command, log: &Path) -> Result<()> {
    process::run_logged(command.env("GIT_TERMINAL_PROMPT", "0"), log, LIMIT)
}

/// The verdicts of all advisories on one package.
fn advisories(database: &Path, package: &Package) -> Result<Vec<Verdict>> {
    let folder = database.join("crates").join(&package.name);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()
        .with_context(|| format!("could not list {}", folder.display()))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let version = Version::parse(&package.version)
        .with_context(|| format!("{} has a version that is not semver: {}", package.name, package.version))?;
    let mut verdicts = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
        verdicts.extend(judge(&text, &version).with_context(|| format!("in {}", file.display()))?);
    }
    Ok(verdicts)
}

/// What one advisory says about one version.
fn judge(text: &str, version: &Version) -> Result<Option<Verdict>> {
    let header = text
        .split_once("```toml")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(header, _)| header)
        .ok_or_else(|| anyhow!("there is no TOML header"))?;
    let Advisory { advisory, versions } = toml::from_str(header).context("the header is not understood")?;
    let safe = versions.patched.iter().chain(&versions.unaffected).any(|range| includes(range, version));
    Ok(match (safe || advisory.withdrawn.is_some(), advisory.informational) {
        (true, _) => None,
        (false, Some(kind)) => Some(Verdict::Note(format!("{} ({kind})", advisory.id))),
        (false, None) => Some(Verdict::Vulnerable(advisory.id)),
    })
}

/// Whether a range includes a version, where a pre-release is simply a version before its release.
///
/// (Cargo's own rule keeps pre-releases out of ranges that do not name one; for advisories that would call every
/// release candidate vulnerable.)
fn includes(range: &VersionReq, version: &Version) -> bool {
    if version.pre.is_empty() {
        return range.matches(version);
    }
    range.comparators.iter().all(|comparator| {
        let bound = bound(comparator);
        match comparator.op {
            Op::Greater => *version > bound,
            Op::GreaterEq => *version >= bound,
            Op::Less => *version < bound,
            Op::LessEq => *version <= bound,
            _ => comparator.matches(version),
        }
    })
}

fn bound(comparator: &Comparator) -> Version {
    Version {
        pre: comparator.pre.clone(),
        ..Version::new(comparator.major, comparator.minor.unwrap_or(0), comparator.patch.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERFLOW: &str = "```toml
[advisory]
id = \"RUSTSEC-2021-0003\"
package = \"smallvec\"
date = \"2021-01-08\"

[versions]
patched = [\">= 0.6.14, < 1.0.0\", \">= 1.6.1\"]
unaffected = [\"< 0.6.3\"]
```

# A heap overflow
";

    fn verdict(text: &str, version: &str) -> Option<Verdict> {
        judge(text, &Version::parse(version).unwrap()).unwrap()
    }

    #[test]
    fn a_version_between_the_patched_and_the_unaffected_is_vulnerable() {
        let vulnerable = Some(Verdict::Vulnerable("RUSTSEC-2021-0003".into()));
        assert_eq!(verdict(OVERFLOW, "0.6.3"), vulnerable);
        assert_eq!(verdict(OVERFLOW, "1.6.0"), vulnerable);
        assert_eq!(verdict(OVERFLOW, "0.6.2"), None);
        assert_eq!(verdict(OVERFLOW, "0.6.14"), None);
        assert_eq!(verdict(OVERFLOW, "1.6.1"), None);
    }

    #[test]
    fn a_release_candidate_stands_before_its_release() {
        assert_eq!(verdict(OVERFLOW, "2.0.0-rc.15"), None);
        assert!(verdict(OVERFLOW, "1.6.1-rc.1").is_some());
    }

    #[test]
    fn an_unmaintained_crate_is_a_note_and_a_withdrawn_advisory_nothing() {
        let unmaintained = OVERFLOW.replace("date =", "informational = \"unmaintained\"\ndate =");
        assert!(matches!(verdict(&unmaintained, "1.6.0"), Some(Verdict::Note(_))));
        let withdrawn = OVERFLOW.replace("date =", "withdrawn = \"2022-01-01\"\ndate =");
        assert_eq!(verdict(&withdrawn, "1.6.0"), None);
    }
}
