//! What an operator may ask of the host while it works.

use core::fmt;

use parfocal_operator::{LogLevel, Services};
use parfocal_types::{Error, Result};

/// The host's services, for the length of one call.
#[derive(Clone, Copy)]
pub struct Context<'a>(&'a dyn Services);

impl<'a> Context<'a> {
    /// The context of a call.
    #[must_use]
    pub fn new(services: &'a dyn Services) -> Self {
        Self(services)
    }

    /// Asks whether to go on. Once a row is usual.
    ///
    /// # Errors
    /// `cancelled` when somebody asked to stop: return it.
    pub fn check_cancelled(&self) -> Result<()> {
        if self.0.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Tells something worth knowing.
    pub fn info(&self, text: impl fmt::Display) {
        self.0.log(LogLevel::Info, &text.to_string());
    }

    /// Tells that the result may not be what the user expects.
    pub fn warn(&self, text: impl fmt::Display) {
        self.0.log(LogLevel::Warning, &text.to_string());
    }

    /// Tells how far the call has come, 0 to 1.
    pub fn progress(&self, fraction: f32) {
        self.0.progress(fraction);
    }

    /// The seed of the run, for random numbers.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seed()
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}
