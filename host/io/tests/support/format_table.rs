//! The table of `docs/formats.md`: every real file, and whether it is read as tifffile reads it. Needs `judge` beside
//! it.

use std::path::{Path, PathBuf};

use crate::judge::{self, Verdict};

/// Writes the table anew.
pub(crate) const COMMAND: &str = "cargo run --release -p parfocal-io --example format-table";

const BEGIN: &str = "<!-- format-table: begin, written by a command -->\n";
const END: &str = "<!-- format-table: end -->\n";

/// Sets of files that the table lists.
const SETS: [&str; 2] = ["tiff_valid", "vendor_ome"];

/// One file.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) set: &'static str,
    name: String,
    what: String,
    pub(crate) verdict: Verdict,
}

impl Row {
    /// Whether the file is neither read rightly nor refused by name.
    pub(crate) fn is_wrong(&self) -> bool {
        !matches!(self.verdict, Verdict::Equal | Verdict::NotSupported(_))
    }
}

/// Reads all files of the sets next to the judge.
pub(crate) fn rows(data: &Path, python: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for set in SETS {
        let files = judge::tiffs(&data.join(set));
        let answers = judge::ask(python, &files);
        for path in files {
            let answer = &answers[&path];
            let what = answer.series.first().and_then(|levels| levels.first());
            rows.push(Row {
                set,
                name: path.file_name().unwrap_or_default().display().to_string(),
                what: what.map_or_else(String::new, |level| {
                    format!(
                        "{} {}",
                        level.shape.iter().map(u64::to_string).collect::<Vec<_>>().join(" x "),
                        level.dtype
                    )
                }),
                verdict: judge::verdict(&path, answer),
            });
        }
    }
    rows
}

/// The table with its sums.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for set in SETS {
        let all = rows.iter().filter(|row| row.set == set);
        let equal = all.clone().filter(|row| row.verdict == Verdict::Equal).count();
        text.push_str(&format!("\n`{set}`: {equal} of {} files equal.\n\n", all.clone().count()));
        text.push_str("| file | pixels (T x C x Z x Y x X) | |\n|---|---|---|\n");
        for row in all {
            let verdict = match &row.verdict {
                Verdict::Equal => "equal".to_owned(),
                Verdict::NotSupported(what) => format!("not supported: {what}"),
                Verdict::BothRefuse(why) => format!("refused by both: {why}"),
                Verdict::Different(why) => format!("DIFFERENT: {why}"),
            };
            text.push_str(&format!("| {} | {} | {verdict} |\n", row.name, row.what));
        }
    }
    text.push('\n');
    text
}

/// The page with the table.
pub(crate) fn page() -> PathBuf {
    judge::root().join("docs/formats.md")
}

/// The page's text with this table; `None` when the marks are missing.
pub(crate) fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}
