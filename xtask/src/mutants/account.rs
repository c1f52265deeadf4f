//! The account of a run: tables, the page, and whether it is good enough.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Outcome;
use super::list::Mutant;

/// The share that goldens and suite have to catch, in percent.
const WANTED: f64 = 90.0;

/// Why survivors are no holes, by file and change.
pub type Reasons = BTreeMap<(String, String), String>;

/// All that was tried, in the order of files and lines.
#[derive(Debug)]
pub struct Account {
    tried: Vec<(Mutant, Outcome)>,
    reasons: Reasons,
}

/// How many of the mutants that compile somebody caught.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    viable: usize,
    unit: usize,
    goldens: usize,
    suite: usize,
    /// By goldens or suite.
    caught: usize,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        let Outcome::Tried { unit, goldens, suite } = outcome else { return };
        self.viable += 1;
        self.unit += usize::from(unit.is_some());
        self.goldens += usize::from(goldens.is_some());
        self.suite += usize::from(suite.is_some());
        self.caught += usize::from(!outcome.survived());
    }

    fn share(self, count: usize) -> f64 {
        100.0 * count as f64 / self.viable.max(1) as f64
    }
}

/// Reads `mutants.toml`.
///
/// # Errors
/// When the file is not as it should be, or gives two reasons for one mutant.
pub fn reasons(text: &str) -> Result<Reasons> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        survivor: Vec<Survivor>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Survivor {
        file: String,
        change: String,
        why: String,
    }
    let file: File = toml::from_str(text).context("the reasons of survivors cannot be read")?;
    let mut reasons = Reasons::new();
    for Survivor { file, change, why } in file.survivor {
        if why.trim().is_empty() {
            bail!("{file}: {change}: the reason is empty");
        }
        if let Some((file, change)) =
            reasons.insert((file.clone(), change.clone()), why).map(|_| (file, change))
        {
            bail!("{file}: {change}: there are two reasons");
        }
    }
    Ok(reasons)
}

/// One mutant in one line.
pub fn line(mutant: &Mutant, outcome: &Outcome) -> String {
    let Outcome::Tried { unit, goldens, suite } = outcome else {
        return format!("unviable  {}", mutant.name);
    };
    let word = if outcome.survived() { "SURVIVED" } else { "caught" };
    let by = [("unit", unit), ("goldens", goldens), ("suite", suite)];
    let by: Vec<String> =
        by.iter().filter_map(|(name, how)| Some(format!("{name}: {}", how.as_deref()?))).collect();
    format!("{word:<9} {} [{}]", mutant.name, by.join("; "))
}

impl Account {
    /// Sorts what was tried.
    pub fn new(mut tried: Vec<(Mutant, Outcome)>, reasons: Reasons) -> Self {
        tried.sort_by(|(one, _), (other, _)| {
            (&one.file, one.line, &one.change).cmp(&(&other.file, other.line, &other.change))
        });
        Self { tried, reasons }
    }

    /// How many mutants compile.
    pub fn viable(&self) -> usize {
        self.counts().viable
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.tried.iter().for_each(|(_, outcome)| counts.add(outcome));
        counts
    }

    fn files(&self) -> BTreeMap<&str, Counts> {
        let mut files: BTreeMap<&str, Counts> = BTreeMap::new();
        for (mutant, outcome) in &self.tried {
            files.entry(short(&mutant.file)).or_default().add(outcome);
        }
        files
    }

    fn survivors(&self) -> impl Iterator<Item = &Mutant> {
        self.tried.iter().filter(|(_, outcome)| outcome.survived()).map(|(mutant, _)| mutant)
    }

    fn reason(&self, mutant: &Mutant) -> Option<&str> {
        self.reasons.get(&(mutant.file.clone(), mutant.change.clone())).map(String::as_str)
    }

    /// The account for a terminal.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<28}{:>8}{:>8}{:>9}{:>7}{:>8}\n",
            "file", "mutants", "unit", "goldens", "suite", "caught"
        );
        let mut row = |name: &str, c: Counts| {
            let _ = writeln!(
                text,
                "{name:<28}{:>8}{:>8}{:>9}{:>7}{:>8}",
                c.viable, c.unit, c.goldens, c.suite, c.caught
            );
        };
        for (file, counts) in self.files() {
            row(file, counts);
        }
        let all = self.counts();
        row("all", all);
        let _ = writeln!(
            text,
            "{:.1} % are caught by goldens or suite, {:.1} % by goldens, {:.1} % by the suite; {} did not compile",
            all.share(all.caught),
            all.share(all.goldens),
            all.share(all.suite),
            self.tried.len() - all.viable
        );
        for mutant in self.survivors() {
            let _ = writeln!(
                text,
                "survived: {}\n  {}",
                mutant.name,
                self.reason(mutant).unwrap_or("without a reason")
            );
        }
        text
    }

    /// The page in Markdown.
    pub fn page(&self, seed: u64) -> String {
        let all = self.counts();
        let mut text = format!(
            "# Mutants of the golden operators\n\nWritten by `cargo xtask mutants --count {} --seed {seed}`; not by hand.\n\n\
             {} of the changes that cargo-mutants knows for `plugins/classical/src`, drawn at random, were tried; {} of them \
             do not compile and count for nothing. Each of the others was seen by three judges, whatever the others said: the \
             unit tests of the plugin, its golden tests (`plugins/classical/tests`: analytic expectations and other people's \
             programs), and the conformance suite (profile `ci`, native, the operators of the changed file). What makes a \
             judge run for ever, or die, is caught. Warnings of the suite do not count.\n\n\
             **Goldens and suite catch {} of {}: {:.1} %.**\n\n",
            all.viable,
            self.tried.len(),
            self.tried.len() - all.viable,
            all.caught,
            all.viable,
            all.share(all.caught)
        );
        text += "| caught by | mutants | of those that compile |\n|---|---|---|\n";
        let only = |goldens: bool, suite: bool| {
            let is = |outcome: &Outcome| matches!(outcome, Outcome::Tried { goldens: g, suite: s, .. } if g.is_some() == goldens && s.is_some() == suite);
            self.tried.iter().filter(|(_, outcome)| is(outcome)).count()
        };
        let rows = [
            ("goldens", all.goldens),
            ("suite", all.suite),
            ("goldens and suite, both", only(true, true)),
            ("goldens alone", only(true, false)),
            ("suite alone", only(false, true)),
            ("goldens or suite", all.caught),
            ("unit tests", all.unit),
        ];
        for (name, count) in rows {
            let _ = writeln!(text, "| {name} | {count} | {:.1} % |", all.share(count));
        }
        text += "\n| file | mutants | unit tests | goldens | suite | goldens or suite |\n|---|---|---|---|---|---|\n";
        for (file, c) in self.files() {
            let _ = writeln!(
                text,
                "| `{file}` | {} | {} | {} | {} | {} |",
                c.viable, c.unit, c.goldens, c.suite, c.caught
            );
        }
        self.survivors_section(&mut text);
        self.list_section(&mut text);
        text
    }

    fn survivors_section(&self, text: &mut String) {
        *text += "\n## Survivors\n\n";
        for mutant in self.survivors() {
            let reason = self.reason(mutant).unwrap_or("No reason is known.");
            let _ = writeln!(
                text,
                "- `{}:{}`: {}. {reason}",
                short(&mutant.file),
                mutant.line,
                code(&mutant.change)
            );
        }
        if self.survivors().next().is_none() {
            *text += "None.\n";
        }
    }

    fn list_section(&self, text: &mut String) {
        *text += "\n## All that compile\n\n| place | change | unit tests | goldens | suite |\n|---|---|---|---|---|\n";
        for (mutant, outcome) in &self.tried {
            let Outcome::Tried { unit, goldens, suite } = outcome else { continue };
            let cell = |how: &Option<String>| how.as_deref().map(cell).unwrap_or_default();
            // The case is enough: what it found is the suite's to tell.
            let suite = suite.as_deref().map(|how| how.split(':').next().unwrap_or(how).to_owned());
            let _ = writeln!(
                text,
                "| `{}:{}` | {} | {} | {} | {} |",
                short(&mutant.file),
                mutant.line,
                code(&mutant.change),
                cell(unit),
                cell(goldens),
                cell(&suite)
            );
        }
    }

    /// Whether the run is good enough.
    ///
    /// # Errors
    /// When too few were caught, or survivors have no reason, or all survive because nothing was tried.
    pub fn verdict(&self) -> Result<()> {
        let all = self.counts();
        if all.viable == 0 {
            bail!("no mutant compiles: nothing was tried");
        }
        let unexplained: BTreeSet<&str> = self
            .survivors()
            .filter(|mutant| self.reason(mutant).is_none())
            .map(|mutant| mutant.name.as_str())
            .collect();
        let share = all.share(all.caught);
        if share < WANTED {
            bail!(
                "{share:.1} % of the mutants are caught, {WANTED} % are wanted: look at the survivors and add a golden test, \
                 or make a case of the suite stricter"
            );
        }
        if !unexplained.is_empty() {
            let names: Vec<&str> = unexplained.into_iter().collect();
            bail!(
                "survivors without a reason in docs/conformance/mutants.toml: add a test that notices, or say why none \
                 can:\n  {}",
                names.join("\n  ")
            );
        }
        Ok(())
    }
}

/// The file from `src` on.
fn short(file: &str) -> &str {
    file.split_once("/src/").map_or(file, |(_, inside)| inside)
}

/// A change as code in a cell of a table.
fn code(change: &str) -> String {
    format!("`{}`", cell(change))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::list;

    fn tried(line: usize, [unit, goldens, suite]: [bool; 3]) -> (Mutant, Outcome) {
        let how = |caught: bool, how: &str| caught.then(|| how.to_owned());
        let outcome = Outcome::Tried {
            unit: how(unit, "tests::one"),
            goldens: how(goldens, "it::two"),
            suite: how(suite, "OPR-05: fail, other pixels"),
        };
        (list::made_up("plugins/classical/src/otsu/mod.rs", line, "replace || with && in run"), outcome)
    }

    fn key() -> (String, String) {
        ("plugins/classical/src/otsu/mod.rs".into(), "replace || with && in run".into())
    }

    /// Ten mutants, of which so many survive; the unit tests catch those.
    fn account(survivors: usize, reasons: Reasons) -> Account {
        let caught = [[false, true, false], [false, false, true], [true, true, true]];
        let of = |line: usize| if line < survivors { [true, false, false] } else { caught[line % 3] };
        let mut all: Vec<_> = (0..10).map(|line| tried(line, of(line))).collect();
        all.push((tried(99, [false; 3]).0, Outcome::Unviable));
        Account::new(all, reasons)
    }

    #[test]
    fn who_catches_what_is_counted_over_the_mutants_that_compile() {
        let account = account(1, Reasons::new());
        let expected = Counts { viable: 10, unit: 4, goldens: 6, suite: 6, caught: 9 };
        assert_eq!(account.counts(), expected);
        let page = account.page(1);
        assert!(page.contains("catch 9 of 10: 90.0 %"), "{page}");
        assert!(page.contains("11 of the changes") && page.contains("; 1 of them do not compile"), "{page}");
        assert!(page.contains("| goldens alone | 3 | 30.0 % |"), "{page}");
        assert!(page.contains("| suite alone | 3 | 30.0 % |"), "{page}");
        assert!(page.contains(r"`replace \|\| with && in run`"), "{page}");
        assert!(page.contains("| it::two | OPR-05 |"), "{page}");
    }

    #[test]
    fn what_unit_tests_alone_catch_survives_and_needs_a_reason() {
        let error = account(1, Reasons::new()).verdict().unwrap_err().to_string();
        assert!(error.contains("without a reason") && error.contains("otsu/mod.rs"), "{error}");
        let explained = account(1, [(key(), "It is only slower.".to_owned())].into());
        explained.verdict().unwrap();
        assert!(explained.page(1).contains("It is only slower."));
    }

    #[test]
    fn too_many_survivors_fail_whatever_their_reasons() {
        let error = account(2, [(key(), "It is only slower.".to_owned())].into()).verdict().unwrap_err();
        assert!(error.to_string().contains("80.0 %"), "{error}");
        assert!(Account::new(Vec::new(), Reasons::new()).verdict().is_err());
    }

    #[test]
    fn reasons_are_read_by_file_and_change_and_none_is_empty_or_given_twice() {
        let one = "[[survivor]]\nfile = \"a.rs\"\nchange = \"replace < with <= in f\"\nwhy = \"Equal ones change nothing.\"\n";
        let read = reasons(one).unwrap();
        assert_eq!(read[&("a.rs".into(), "replace < with <= in f".into())], "Equal ones change nothing.");
        assert!(reasons("").unwrap().is_empty());
        assert!(reasons(&one.repeat(2)).is_err());
        assert!(reasons(&one.replace("Equal ones change nothing.", " ")).is_err());
        assert!(reasons(&one.replace("why", "because")).is_err());
    }
}
