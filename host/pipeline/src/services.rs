//! The services of one call of an operator: those of the run, and the request to stop when another thread failed.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

use parfocal_core::{CancelToken, RunServices};
use parfocal_operator::{LogLevel, Services};

use crate::progress::{Meter, UNITS};

/// Why a run has to stop: somebody asked, or something failed.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    cancel: CancelToken,
    failed: AtomicBool,
}

impl Stop {
    pub(crate) fn new(cancel: CancelToken) -> Self {
        Self { cancel, failed: AtomicBool::new(false) }
    }

    /// Something failed: everybody stops.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.cancel.is_cancelled()
    }
}

/// The services of one call; with a meter when it is for one tile.
pub(crate) struct TileServices<'a> {
    run: &'a RunServices,
    stop: &'a Stop,
    meter: Option<&'a Meter>,
    reported: Cell<u64>,
}

impl<'a> TileServices<'a> {
    pub(crate) fn new(run: &'a RunServices, stop: &'a Stop, meter: Option<&'a Meter>) -> Self {
        Self { run, stop, meter, reported: Cell::new(0) }
    }

    /// The tile is done: what the operator did not report itself is added.
    pub(crate) fn complete(&self) {
        self.report(UNITS);
    }

    fn report(&self, units: u64) {
        let reported = self.reported.get();
        if let (Some(meter), true) = (self.meter, units > reported) {
            self.reported.set(units);
            meter.add(units - reported);
        }
    }
}

impl Services for TileServices<'_> {
    fn log(&self, level: LogLevel, text: &str) {
        self.run.log(level, text);
    }

    fn progress(&self, fraction: f32) {
        self.run.progress(fraction);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped; NaN becomes 0")]
        let units = (f64::from(fraction).clamp(0.0, 1.0) * UNITS as f64) as u64;
        self.report(units);
    }

    fn is_cancelled(&self) -> bool {
        self.stop.is_set()
    }

    fn seed(&self) -> u64 {
        self.run.seed()
    }
}

/// Services without a voice, for calls that only repeat what another instance was told already.
pub(crate) struct Quiet<'a>(pub(crate) &'a RunServices);

impl Services for Quiet<'_> {
    fn log(&self, _: LogLevel, _: &str) {}

    fn progress(&self, _: f32) {}

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn seed(&self) -> u64 {
        self.0.seed()
    }
}
