//! What an operator may ask of the host while it works.

use core::{cell::Cell, fmt};

use parfocal_operator::{LogLevel, Services};
use parfocal_types::{Error, Result};

/// Pixels of work after which [`Context::worked`] asks the host: half a millisecond of a smoothing filter, a few of a heavy one.
const ASK_AFTER: usize = 1 << 16;

/// The host's services, for the length of one call: [`MapOperator`](crate::MapOperator) hands it over, in a call of
/// [`Operator`](parfocal_operator::Operator) it is made of the services that come with the call.
#[derive(Clone)]
pub struct Context<'a> {
    services: &'a dyn Services,
    /// Pixels worked on since the host was asked.
    worked: Cell<usize>,
}

impl<'a> Context<'a> {
    /// The context of a call.
    #[must_use]
    pub fn new(services: &'a dyn Services) -> Self {
        Self { services, worked: Cell::new(ASK_AFTER) }
    }

    /// Counts pixels that were worked on, and now and then asks whether to go on: what to call once a row. Asking is
    /// nothing for native code and about two microseconds in WASM, as long as a short row takes. An operator that does
    /// much for each pixel counts it several times.
    ///
    /// # Errors
    /// `cancelled` when somebody asked to stop: return it.
    #[inline]
    pub fn worked(&self, pixels: usize) -> Result<()> {
        let worked = self.worked.get().saturating_add(pixels);
        self.worked.set(worked);
        if worked < ASK_AFTER { Ok(()) } else { self.check_cancelled() }
    }

    /// Asks whether to go on.
    ///
    /// # Errors
    /// `cancelled` when somebody asked to stop: return it.
    pub fn check_cancelled(&self) -> Result<()> {
        self.worked.set(0);
        if self.services.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Tells something worth knowing.
    pub fn info(&self, text: impl fmt::Display) {
        self.services.log(LogLevel::Info, &text.to_string());
    }

    /// Tells that the result may not be what the user expects.
    pub fn warn(&self, text: impl fmt::Display) {
        self.services.log(LogLevel::Warning, &text.to_string());
    }

    /// Tells how far the call has come, 0 to 1.
    pub fn progress(&self, fraction: f32) {
        self.services.progress(fraction);
    }

    /// The seed of the run, for random numbers.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.services.seed()
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    struct Counting(Cell<u32>);

    impl Services for Counting {
        fn log(&self, _: LogLevel, _: &str) {}
        fn progress(&self, _: f32) {}
        fn is_cancelled(&self) -> bool {
            self.0.set(self.0.get() + 1);
            self.0.get() > 3
        }
        fn seed(&self) -> u64 {
            0
        }
    }

    #[test]
    fn the_host_is_asked_at_once_and_then_after_so_much_work() {
        let services = Counting(Cell::new(0));
        let cx = Context::new(&services);
        let rows = (0..).take_while(|_| cx.worked(512).is_ok()).count();
        // Asked before the first row and after every 128; the fourth time the answer is to stop.
        assert_eq!(rows, 3 * ASK_AFTER / 512);
    }
}
