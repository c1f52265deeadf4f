//! The counter between a suspended guest and the host.
//!
//! A guest runs as a coroutine. Its store may hold nothing that lives shorter than the store, so it cannot hold the services
//! and buffers that a caller lends to one call. Instead an import lays a [`Request`] on the counter and suspends; the
//! caller, who has both in hand, answers it and resumes the guest.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use parfocal_operator::{LogLevel, Services};
use parfocal_types::{
    error::Result,
    table::{Column, Field, Scalar},
};

/// How long a guest may go on after a cancel before it is stopped. Ten ticks: a guest that asks once a row of any tile that
/// fits memory has answered by then.
const GRACE: Duration = Duration::from_millis(100);

/// What a guest wants from the host.
#[derive(Debug)]
pub(crate) enum Request {
    Log(LogLevel, String),
    Progress(f32),
    Pixels(u32, Vec<u8>),
    Columns(u32, Vec<Column>),
    Rows(u32, Vec<Vec<Scalar>>),
    Field(u32, Field),
}

/// The counter of one instance.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    slot: Mutex<Slot>,
    cancelled: AtomicBool,
    seed: AtomicU64,
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Empty,
    Asked(Request),
    Answered(Result<()>),
}

impl Exchange {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays a request on the counter, suspends the guest, and returns the answer.
    pub(crate) async fn ask(&self, request: Request) -> Result<()> {
        *self.slot() = Slot::Asked(request);
        poll_fn(|_| match &mut *self.slot() {
            slot @ Slot::Answered(_) => match std::mem::take(slot) {
                Slot::Answered(answer) => Poll::Ready(answer),
                _ => Poll::Pending,
            },
            _ => Poll::Pending,
        })
        .await
    }

    fn take(&self) -> Option<Request> {
        match &mut *self.slot() {
            slot @ Slot::Asked(_) => match std::mem::take(slot) {
                Slot::Asked(request) => Some(request),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the host asked to stop, as of the last tick.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The seed of the run.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }
}

/// Who answers during one call.
pub(crate) trait Desk {
    /// The services of the call; `None` where there are none.
    fn services(&self) -> Option<&dyn Services>;

    /// Answers anything but log and progress.
    fn answer(&mut self, request: Request) -> Result<()>;
}

/// Why a call was stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Cancelled,
    Deadline,
}

/// Runs a call to its end, answering requests, or stops it.
pub(crate) fn drive<T>(
    exchange: &Exchange,
    desk: &mut dyn Desk,
    limit: Duration,
    call: impl Future<Output = T>,
) -> Result<T, Stopped> {
    let started = Instant::now();
    let mut cancelled: Option<Instant> = None;
    let mut call = pin!(call);
    let mut context = Context::from_waker(Waker::noop());
    exchange.seed.store(desk.services().map_or(0, Services::seed), Ordering::Relaxed);
    loop {
        if cancelled.is_none() && desk.services().is_some_and(Services::is_cancelled) {
            cancelled = Some(Instant::now());
        }
        exchange.cancelled.store(cancelled.is_some(), Ordering::Relaxed);
        if let Poll::Ready(result) = call.as_mut().poll(&mut context) {
            return Ok(result);
        }
        if let Some(request) = exchange.take() {
            let answer = respond(desk, request);
            *exchange.slot() = Slot::Answered(answer);
        }
        if started.elapsed() >= limit {
            return Err(Stopped::Deadline);
        }
        if cancelled.is_some_and(|since| since.elapsed() >= GRACE) {
            return Err(Stopped::Cancelled);
        }
    }
}

fn respond(desk: &mut dyn Desk, request: Request) -> Result<()> {
    match request {
        Request::Log(level, text) => desk.services().map_or((), |services| services.log(level, &text)),
        Request::Progress(fraction) => desk.services().map_or((), |services| services.progress(fraction)),
        other => return desk.answer(other),
    }
    Ok(())
}
