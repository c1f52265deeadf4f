//! The runtime and its tick.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use parfocal_types::error::{Error, Result};
use wasmtime::{Config, Engine, OptLevel};

/// How often a running guest is suspended to look at the clock and the cancel token.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Ticks without a call after which the ticking thread sleeps.
const IDLE_TICKS: u32 = 100;
/// Stack of the machine that a guest may use. Its own data stack lies in its memory (1 MiB in Rust).
const WASM_STACK: usize = 1 << 20;
/// The whole stack of a call: what is above the guest's part is for the host functions that it calls.
const CALL_STACK: usize = 2 << 20;

/// The runtime with the settings that hold for all components.
fn runtime() -> Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(CALL_STACK)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(false)
        .relaxed_simd_deterministic(true);
    Engine::new(&config).map_err(|error| {
        Error::internal("the WASM runtime does not start on this machine")
            .with_source(error.into_boxed_dyn_error())
            .with_remedy("report it with the output of `parfocal doctor`; native plugins are not concerned")
    })
}

/// The runtime, and a thread that ticks while calls run.
pub(crate) struct TickingEngine {
    engine: Engine,
    clock: Arc<Clock>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Clock {
    running: AtomicUsize,
    asleep: AtomicBool,
    /// Guards the way into and out of sleep.
    gate: Mutex<()>,
    wake: Condvar,
    over: AtomicBool,
}

/// Keeps the clock ticking as long as it lives.
pub(crate) struct Ticking<'a>(&'a Clock);

impl TickingEngine {
    pub(crate) fn new() -> Result<Self> {
        let engine = runtime()?;
        let clock = Arc::new(Clock::default());
        let (weak, shared) = (engine.weak(), Arc::clone(&clock));
        let thread = std::thread::Builder::new()
            .name("wasm-tick".into())
            .spawn(move || {
                shared.run(|| match weak.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => shared.over.store(true, Ordering::SeqCst),
                });
            })
            .map_err(|error| {
                Error::internal("the thread that watches the time of WASM calls does not start")
                    .with_source(error)
            })?;
        Ok(Self { engine, clock, thread: Some(thread) })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Starts the clock for a call.
    pub(crate) fn tick(&self) -> Ticking<'_> {
        self.clock.running.fetch_add(1, Ordering::SeqCst);
        if self.clock.asleep.load(Ordering::SeqCst) {
            let _gate = self.clock.gate.lock().unwrap_or_else(PoisonError::into_inner);
            self.clock.wake.notify_one();
        }
        Ticking(&self.clock)
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for TickingEngine {
    fn drop(&mut self) {
        self.clock.over.store(true, Ordering::SeqCst);
        {
            let _gate = self.clock.gate.lock().unwrap_or_else(PoisonError::into_inner);
            self.clock.wake.notify_one();
        }
        if let Some(thread) = self.thread.take() {
            // The thread only ticks: it has nothing to say.
            let _ = thread.join();
        }
    }
}

impl Clock {
    fn run(&self, tick: impl Fn()) {
        let mut idle = 0;
        while !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(TICK);
            tick();
            idle = if self.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
            if idle >= IDLE_TICKS {
                self.sleep();
                idle = 0;
            }
        }
    }

    /// Sleeps until a call runs. `asleep` is set before the number of calls is read, and a caller counts itself before
    /// it reads `asleep`: one of the two sees the other.
    fn sleep(&self) {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.over.load(Ordering::SeqCst) {
            gate = self.wake.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn the_clock_sleeps_without_calls_and_wakes_for_one() {
        let clock = Arc::new(Clock::default());
        let ticks = Arc::new(AtomicU64::new(0));
        let (shared, counter) = (Arc::clone(&clock), Arc::clone(&ticks));
        let thread = std::thread::spawn(move || {
            shared.run(|| {
                counter.fetch_add(1, Ordering::SeqCst);
            });
        });
        while !clock.asleep.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let before = ticks.load(Ordering::SeqCst);
        clock.running.fetch_add(1, Ordering::SeqCst);
        {
            let _gate = clock.gate.lock().unwrap();
            clock.wake.notify_one();
        }
        while ticks.load(Ordering::SeqCst) < before + 2 {
            std::thread::yield_now();
        }
        clock.over.store(true, Ordering::SeqCst);
        thread.join().unwrap();
    }
}
