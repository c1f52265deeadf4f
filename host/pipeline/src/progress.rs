//! How far a step has come.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Parts of one visit of a tile: operators that work long on one tile report within it.
pub(crate) const UNITS: u64 = 1000;
/// Calls of the callback a step.
const CALLS: u64 = 200;

/// Counts visits of tiles and tells the callback.
pub(crate) struct Meter {
    total: u64,
    done: AtomicU64,
    told: Mutex<u64>,
    callback: Option<Arc<dyn Fn(f64) + Send + Sync>>,
}

impl Meter {
    pub(crate) fn new(visits: u64, callback: Option<Arc<dyn Fn(f64) + Send + Sync>>) -> Self {
        let total = visits.saturating_mul(UNITS).max(1);
        Self { total, done: AtomicU64::new(0), told: Mutex::new(0), callback }
    }

    /// Adds what was done.
    pub(crate) fn add(&self, units: u64) {
        let done = self.done.fetch_add(units, Ordering::Relaxed).saturating_add(units).min(self.total);
        let Some(callback) = &self.callback else { return };
        let call =
            u64::try_from(u128::from(done) * u128::from(CALLS) / u128::from(self.total)).unwrap_or(CALLS);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if call > *told {
            *told = call;
            #[allow(clippy::cast_precision_loss, reason = "at most 200")]
            callback(call as f64 / CALLS as f64);
        }
    }
}
