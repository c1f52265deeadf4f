//! Log, progress and cancel, as the host gives them to operators.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use parfocal_operator::{LogLevel, Services};
use parfocal_types::Error;

/// A request to stop, shared by everybody who works on a run.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks everybody to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A line that an operator wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The text, without control characters.
    pub text: String,
}

/// Told of each line as it is written, from the thread of the operator; must return soon.
pub type LogListener = dyn Fn(&LogLine) + Send + Sync;

/// Lines kept for reports; older ones are dropped.
const KEPT_LINES: usize = 200;
/// Longest line kept, in bytes.
const LONGEST_LINE: usize = 4096;

/// The services of one run, shared by all its calls and threads.
#[derive(Default)]
pub struct RunServices {
    cancel: CancelToken,
    seed: u64,
    lines: Mutex<VecDeque<LogLine>>,
    /// Progress of the current call in units of 1/1000; kept for display only.
    progress: AtomicU32,
    listener: Option<Arc<LogListener>>,
}

impl RunServices {
    /// Services that stop with `cancel`; operators that draw random numbers use `seed`.
    #[must_use]
    pub fn new(cancel: CancelToken, seed: u64) -> Self {
        Self { cancel, seed, ..Self::default() }
    }

    /// The same services, which also tell somebody of each line.
    #[must_use]
    pub fn telling(mut self, listener: Arc<LogListener>) -> Self {
        self.listener = Some(listener);
        self
    }

    /// The lines written so far, oldest first; the last two hundred.
    #[must_use]
    pub fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How far the last call that reported came, 0 to 1.
    #[must_use]
    pub fn last_progress(&self) -> f32 {
        f32::from(u16::try_from(self.progress.load(Ordering::Relaxed)).unwrap_or(1000)) / 1000.0
    }
}

impl Services for RunServices {
    fn log(&self, level: LogLevel, text: &str) {
        let line = LogLine { level, text: neutral(text) };
        if let Some(listener) = &self.listener {
            listener(&line);
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn progress(&self, fraction: f32) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..1000")]
        self.progress.store((fraction.clamp(0.0, 1.0) * 1000.0) as u32, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

impl fmt::Debug for RunServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunServices")
            .field("cancel", &self.cancel)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// The text with control characters shown as `␛`-like pictures, so that a plugin cannot forge lines or drive the
/// terminal, and cut to 4096 bytes.
#[must_use]
pub fn neutral(text: &str) -> String {
    let picture = |c: char| match c {
        '\t' => ' ',
        '\u{7f}' => '\u{2421}',
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or(' '),
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    let mut end = text.len().min(LONGEST_LINE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().map(picture).collect()
}

/// An error that a plugin made, with its texts as [`neutral`] leaves them: it is shown to people as a line of log is.
#[must_use]
pub fn neutral_error(error: Error) -> Error {
    error.map_texts(neutral)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_cannot_drive_the_terminal_or_fill_the_memory() {
        let services = RunServices::default();
        services.log(LogLevel::Info, "a\n\u{1b}[31mred\u{9b}");
        services.log(LogLevel::Info, &"ä".repeat(1 << 20));
        let lines = services.lines();
        assert_eq!(lines[0].text, "a\u{240a}\u{241b}[31mred\u{fffd}");
        assert!(lines[1].text.len() <= LONGEST_LINE);
        for _ in 0..1000 {
            services.log(LogLevel::Debug, "x");
        }
        assert_eq!(services.lines().len(), KEPT_LINES);
    }

    #[test]
    fn an_error_of_a_plugin_cannot_drive_the_terminal_or_fill_the_memory() {
        let error = neutral_error(
            Error::not_supported("\u{1b}[2J").with_remedy("b".repeat(1 << 20)).with_origin("org.test 1.0.0"),
        );
        assert_eq!(error.message(), "not supported: \u{241b}[2J");
        assert_eq!(error.kind().details(), [("what", "\u{241b}[2J".to_owned())]);
        assert_eq!(error.remedy().map(str::len), Some(LONGEST_LINE));
        assert_eq!(error.origin(), Some("org.test 1.0.0"));
    }

    #[test]
    fn a_request_to_stop_reaches_every_copy() {
        let token = CancelToken::default();
        let services = RunServices::new(token.clone(), 7);
        assert!(!services.is_cancelled());
        token.cancel();
        assert!(services.is_cancelled());
        assert_eq!(services.seed(), 7);
    }
}
