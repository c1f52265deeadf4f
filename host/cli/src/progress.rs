//! Progress on standard error, when it is a terminal.

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{Output, interactive};

/// A bar, or nothing.
pub(crate) struct Progress(Option<ProgressBar>);

/// Steps of the bar.
const STEPS: f64 = 1000.0;

impl Progress {
    pub(crate) fn new(output: &Output, label: &str) -> Self {
        if output.quiet || output.json || !interactive() {
            return Self(None);
        }
        let bar = ProgressBar::new(STEPS as u64);
        let style =
            ProgressStyle::with_template("  {msg:30!}  {bar:24.cyan/blue}  {percent:>3} %  {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏░"));
        bar.set_message(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// The bar, for those who write to standard error beside it.
    pub(crate) fn bar(&self) -> Option<ProgressBar> {
        self.0.clone()
    }

    /// What the scheduler calls.
    pub(crate) fn callback(&self) -> Option<Arc<dyn Fn(f64) + Send + Sync>> {
        let bar = self.0.clone()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        Some(Arc::new(move |fraction: f64| bar.set_position((fraction.clamp(0.0, 1.0) * STEPS) as u64)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
