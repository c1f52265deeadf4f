//! What operators say while they work: shown at once, and kept for the document.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use indicatif::ProgressBar;
use parfocal_core::LogLine;
use parfocal_operator::LogLevel;
use parfocal_pipeline::OperatorLog;
use serde::Serialize;

use crate::output::Output;

/// Lines kept for one image: so many warnings and errors, and as many others.
const KEPT_LINES: usize = 1000;

/// A line, as a program gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    operator: String,
    level: &'static str,
    text: String,
}

/// The lines of one image, each of them once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Line>>>);

impl Log {
    /// What the scheduler calls. Warnings are shown, the rest only when asked for; a line that is said again (by each tile,
    /// perhaps) is shown and kept once.
    pub(crate) fn listener(&self, output: &Output, bar: Option<ProgressBar>) -> Arc<OperatorLog> {
        let lines = Arc::clone(&self.0);
        let (shown, least) = (!output.json, if output.verbose { LogLevel::Debug } else { LogLevel::Warning });
        Arc::new(move |operator: &str, line: &LogLine| {
            let level = word(line.level);
            let line_kept = Line { operator: operator.to_owned(), level, text: line.text.clone() };
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.contains(&line_kept) {
                return;
            }
            // A flood of small talk never hides a warning.
            let weighty = |level: &str| level == word(LogLevel::Warning) || level == word(LogLevel::Error);
            if lines.iter().filter(|kept| weighty(kept.level) == weighty(level)).count() >= KEPT_LINES {
                return;
            }
            lines.push(line_kept);
            drop(lines);
            if shown && line.level <= least {
                let text = format!("{level}: {operator}: {}\n", line.text);
                let write = || drop(std::io::stderr().write_all(text.as_bytes()));
                match &bar {
                    Some(bar) => bar.suspend(write),
                    None => write(),
                }
            }
        })
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warning => "warning",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    }
}
