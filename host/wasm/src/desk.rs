//! Who answers a guest during a call.
//!
//! A store may hold nothing that lives shorter than it does, so it cannot hold the services and buffers that a caller lends
//! to one call. The caller's [`Desk`] lies in a thread-local place instead, for as long as the guest runs on this thread, and
//! the imports reach it there: pixels go from the guest's memory into the caller's buffer with one copy.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use parfocal_operator::Services;
use parfocal_types::{
    error::{Error, ErrorKind, Result},
    table::{Column, Field, Scalar},
};
use scoped_tls_hkt::{ReborrowMut, scoped_thread_local};

/// How long a guest may go on after a cancel before it is stopped. Ten ticks: a guest that asks once a row of any tile that
/// fits memory has answered by then.
const GRACE: Duration = Duration::from_millis(100);

/// Who answers during one call. What a call has no use for is refused.
pub(crate) trait Desk {
    /// The services of the call; `None` where there are none.
    fn services(&self) -> Option<&dyn Services>;

    /// Takes pixels of an output tile.
    fn pixels(&mut self, _output: u32, _bytes: &[u8]) -> Result<()> {
        Err(not_now("put-pixels", "run"))
    }

    /// Takes the columns of a table.
    fn columns(&mut self, _port: u32, _columns: &[Column]) -> Result<()> {
        Err(not_now("declare-columns", "finish"))
    }

    /// Takes rows of a table.
    fn rows(&mut self, _port: u32, _rows: Vec<Vec<Scalar>>) -> Result<()> {
        Err(not_now("add-rows", "finish"))
    }

    /// Takes a value of a record.
    fn field(&mut self, _port: u32, _field: Field) -> Result<()> {
        Err(not_now("add-field", "finish"))
    }
}

fn not_now(what: &str, need: &str) -> Error {
    Error::new(
        ErrorKind::BadState { need: need.into(), is: "another call".into() },
        format!("`sink.{what}` can be called during `{need}` only"),
    )
}

/// Calls without services.
pub(crate) struct Nobody;

impl Desk for Nobody {
    fn services(&self) -> Option<&dyn Services> {
        None
    }
}

/// Calls with services only.
pub(crate) struct Listener<'a>(pub(crate) &'a dyn Services);

impl Desk for Listener<'_> {
    fn services(&self) -> Option<&dyn Services> {
        Some(self.0)
    }
}

struct Lent<'a>(&'a mut (dyn Desk + 'a));

impl<'a> ReborrowMut<'a> for Lent<'_> {
    type Result = Lent<'a>;

    fn reborrow_mut(&'a mut self) -> Lent<'a> {
        Lent(self.0)
    }
}

scoped_thread_local!(static mut DESK: for<'a> Lent<'a>);

/// Asks the desk of the call that runs on this thread.
pub(crate) fn at_desk<T>(ask: impl FnOnce(&mut dyn Desk) -> T) -> T {
    if DESK.is_set() { DESK.with(|Lent(desk)| ask(desk)) } else { ask(&mut Nobody) }
}

/// Why a call was stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Cancelled,
    Deadline,
}

/// Runs a call to its end with this desk, or stops it. The guest comes back here at every tick.
pub(crate) fn drive<T>(
    desk: &mut dyn Desk,
    limit: Duration,
    call: impl Future<Output = T>,
) -> Result<T, Stopped> {
    let started = Instant::now();
    let mut cancelled: Option<Instant> = None;
    let mut call = pin!(call);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = DESK.set(Lent(desk), || call.as_mut().poll(&mut context)) {
            return Ok(result);
        }
        if started.elapsed() >= limit {
            return Err(Stopped::Deadline);
        }
        if cancelled.is_none() && desk.services().is_some_and(Services::is_cancelled) {
            cancelled = Some(Instant::now());
        }
        if cancelled.is_some_and(|since| since.elapsed() >= GRACE) {
            return Err(Stopped::Cancelled);
        }
    }
}
