//! How often the workers of a library died of late: back-off, and an end to it.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use parfocal_core::Artifact;
use parfocal_types::{Error, ErrorKind, Result};

/// Told of each worker that died or had to be ended: which file's code it ran, what happened, and how many of that file's died
/// in a row, this one included.
pub type DeathListener = dyn Fn(&Artifact, &Error, u32) + Send + Sync;

/// Deaths in a row after which no new worker is started.
pub const MOST_DEATHS: u32 = 3;
/// The pause before the second worker in a row; each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The deaths in a row.
#[derive(Debug, Default)]
pub(crate) struct Deaths(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    in_a_row: u32,
    last: Option<Instant>,
}

impl Deaths {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more; how many there are in a row.
    pub(crate) fn note(&self) -> u32 {
        let mut state = self.lock();
        state.in_a_row = state.in_a_row.saturating_add(1);
        state.last = Some(Instant::now());
        state.in_a_row
    }

    /// A tile was worked on to its end: what was before does not count any more.
    pub(crate) fn forgive(&self) {
        self.lock().in_a_row = 0;
    }

    /// Waits as long as a new worker has to, before it is started.
    ///
    /// # Errors
    /// `plugin-died` after too many deaths in a row.
    pub(crate) fn wait_or_refuse(&self) -> Result<()> {
        let (in_a_row, last) = {
            let state = self.lock();
            (state.in_a_row, state.last)
        };
        if in_a_row >= MOST_DEATHS {
            let sentence =
                format!("its workers died {in_a_row} times in a row, and no further one is started");
            return Err(Error::new(ErrorKind::PluginDied { signal: "several times".into() }, sentence)
                .with_remedy(
                    "use another version or another lane, and send the lines above to the plugin's author",
                ));
        }
        if let (Some(last), Some(doublings)) = (last, in_a_row.checked_sub(1)) {
            thread::sleep((FIRST_PAUSE * 2_u32.pow(doublings)).saturating_sub(last.elapsed()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_whose_workers_keep_dying_gets_no_further_one_until_a_call_goes_well() {
        let deaths = Deaths::default();
        for _ in 0..MOST_DEATHS {
            assert!(deaths.wait_or_refuse().is_ok());
            deaths.note();
        }
        let error = deaths.wait_or_refuse().unwrap_err();
        assert_eq!(error.kind().name(), "plugin-died");
        deaths.forgive();
        assert!(deaths.wait_or_refuse().is_ok());
    }
}
