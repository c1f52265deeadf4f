//! `cargo xtask mutants`: breaks the golden operators on purpose, one small change at a time, and asks who notices.
//!
//! A sample of the changes that cargo-mutants knows for `plugins/classical/src` is tried in a copy of the repository
//! below `target/mutants`. Three judges see each mutant, whatever the others say: the unit tests of the plugin, its golden
//! tests (`plugins/classical/tests`: analytic expectations and other people's programs), and the conformance suite
//! (`parfocal conform`, profile `ci`, native) on the operators of the changed file. A mutant counts as caught when goldens or
//! suite notice it. One that neither notices needs a reason in `docs/conformance/mutants.toml`.

pub mod account;
pub mod judges;
pub mod list;
pub mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::process;
use crate::tools;
use account::Account;
use judges::Judges;
use list::Mutant;
use tree::{Built, Tree};

/// The package whose operators are broken.
pub const PACKAGE: &str = "parfocal-classical";

/// Its folder.
pub const FOLDER: &str = "plugins/classical";

/// Fewer mutants than this say too little to be written down.
const ENOUGH: usize = 60;

const PAGE: &str = "docs/conformance/mutants.md";
const REASONS: &str = "docs/conformance/mutants.toml";

/// Which mutants are tried.
#[derive(Debug, Clone, clap::Args)]
pub struct Asked {
    /// How many mutants that compile are tried; with fewer than 60 nothing is written down.
    #[arg(long, default_value_t = 66)]
    count: usize,
    /// What the sample follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only mutants of files that match, such as `**/otsu/*.rs`; nothing is written down then.
    #[arg(long, value_name = "PATTERN")]
    file: Option<String>,
    /// Take over what an earlier run of the same sources found, except for survivors, which are tried again.
    #[arg(long)]
    resume: bool,
}

/// How a mutant fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It does not compile, and counts for nothing.
    Unviable,
    /// Who noticed, each with what it noticed.
    Tried {
        /// The unit tests.
        unit: Option<String>,
        /// The golden tests.
        goldens: Option<String>,
        /// The conformance suite.
        suite: Option<String>,
    },
}

/// Tries the mutants, prints the account, writes the page.
///
/// # Errors
/// When something cannot be built, the judges are not content with the unbroken plugin, under 90 % are caught, or a
/// survivor has no reason.
pub fn command(root: &Path, asked: &Asked) -> Result<()> {
    let cargo_mutants = tools::mutation::install(root)?;
    let python = tools::python::install(root)?;
    let program = program(root)?;
    let all = list::list(root, &cargo_mutants, asked.file.as_deref())?;
    let sources = list::sources(root)?;
    let tree = Tree::copy(root)?;
    eprintln!("mutants: {} known; building the plugin without any", all.len());
    let Built::Ready(plugin) = tree.build()? else { bail!("{PACKAGE} does not compile") };
    let mut judges = Judges::new(root, &tree, program, python, &plugin)?;
    let mut notes = Notes::open(root, &sources, asked.resume)?;
    let mut tried = Vec::new();
    for mutant in list::shuffled(all, asked.seed) {
        if tried.iter().filter(|(_, outcome)| *outcome != Outcome::Unviable).count() >= asked.count {
            break;
        }
        let start = Instant::now();
        let outcome = match notes.known(&mutant) {
            Some(outcome) => outcome,
            None => try_one(&tree, &mut judges, &mutant)?,
        };
        notes.write(&mutant, &outcome)?;
        eprintln!(
            "{:4} {} ({:.0} s)",
            tried.len() + 1,
            account::line(&mutant, &outcome),
            start.elapsed().as_secs_f64()
        );
        tried.push((mutant, outcome));
    }
    finish(root, asked, tried)
}

fn try_one(tree: &Tree, judges: &mut Judges, mutant: &Mutant) -> Result<Outcome> {
    let _broken = tree.apply(mutant)?;
    match tree.build()? {
        Built::Unviable => Ok(Outcome::Unviable),
        Built::Ready(plugin) => Ok(Outcome::Tried {
            unit: judges.unit(&plugin)?,
            goldens: judges.goldens(&plugin)?,
            suite: judges.suite(&plugin, list::operators(&mutant.file))?,
        }),
    }
}

fn finish(root: &Path, asked: &Asked, tried: Vec<(Mutant, Outcome)>) -> Result<()> {
    let path = root.join(REASONS);
    let text = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    let account = Account::new(tried, account::reasons(&text)?);
    print!("{}", account.table());
    if asked.file.is_none() && account.viable() >= ENOUGH {
        let page = root.join(PAGE);
        fs::write(&page, account.page(asked.seed))
            .with_context(|| format!("could not write {}", page.display()))?;
        println!("written to {PAGE}");
    }
    account.verdict()
}

/// The program with the suite, and beside it the one in which it looks at plugins. Native is enough, so both are built
/// without the WASM runtime, one by one.
fn program(root: &Path) -> Result<PathBuf> {
    eprintln!("mutants: building the suite");
    let folder = root.join("target/mutants");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    for (package, name) in [("parfocal-cli", "parfocal"), ("parfocal-worker-program", "parfocal-worker")] {
        let mut cargo = process::cargo();
        cargo.current_dir(root).args(["build", "--release", "--quiet", "--package", package]);
        cargo.arg("--no-default-features");
        process::run(&mut cargo)?;
        // A copy: whoever builds the program meanwhile does not exchange the judge.
        let copy = folder.join(name);
        let _ = fs::remove_file(&copy);
        fs::copy(root.join("target/release").join(name), &copy)
            .with_context(|| format!("could not write {}", copy.display()))?;
    }
    Ok(folder.join("parfocal"))
}

/// What was found so far, one line for each mutant, so that a run that is interrupted is not lost.
struct Notes {
    file: fs::File,
    /// Digest of the sources that were mutated.
    sources: String,
    known: BTreeMap<String, Outcome>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    sources: String,
    mutant: String,
    outcome: Outcome,
}

impl Notes {
    fn open(root: &Path, sources: &str, resume: bool) -> Result<Self> {
        let path = root.join("target/mutants/outcomes.jsonl");
        let old = if resume { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let mut options = fs::File::options();
        let file = options.create(true).append(resume).truncate(!resume).write(true).open(&path);
        let file = file.with_context(|| format!("could not write {}", path.display()))?;
        Ok(Self { file, sources: sources.to_owned(), known: known(&old, sources) })
    }

    fn known(&self, mutant: &Mutant) -> Option<Outcome> {
        self.known.get(&mutant.name).cloned()
    }

    fn write(&mut self, mutant: &Mutant, outcome: &Outcome) -> Result<()> {
        let (sources, mutant) = (self.sources.clone(), mutant.name.clone());
        let line = serde_json::to_string(&Note { sources, mutant, outcome: outcome.clone() })?;
        writeln!(self.file, "{line}").context("could not write down what was found")
    }
}

/// Outcomes for these sources, without those of survivors.
fn known(notes: &str, sources: &str) -> BTreeMap<String, Outcome> {
    let notes = notes.lines().filter_map(|line| serde_json::from_str::<Note>(line).ok());
    let mut known = BTreeMap::new();
    for note in notes.filter(|note| note.sources == sources) {
        known.insert(note.mutant, note.outcome);
    }
    known.retain(|_, outcome| !outcome.survived());
    known
}

impl Outcome {
    /// Whether neither goldens nor suite noticed.
    pub fn survived(&self) -> bool {
        matches!(self, Self::Tried { goldens: None, suite: None, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_caught_is_taken_over_while_the_sources_are_the_same() {
        let caught =
            r#"{"sources":"a","mutant":"one","outcome":{"tried":{"unit":null,"goldens":"t","suite":null}}}"#;
        let survivor =
            r#"{"sources":"a","mutant":"two","outcome":{"tried":{"unit":"u","goldens":null,"suite":null}}}"#;
        let unviable = r#"{"sources":"a","mutant":"three","outcome":"unviable"}"#;
        let torn = r#"{"sources":"a","mut"#;
        let text = [caught, survivor, unviable, torn].join("\n");
        assert_eq!(known(&text, "a").keys().collect::<Vec<_>>(), ["one", "three"]);
        assert!(known(&text, "b").is_empty());
    }
}
