//! Keeps several threads busy, each with an instance of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use parfocal_types::error::{Error, ErrorKind, Result};

use crate::services::Stop;

/// Does pieces of work 0 to `count`, handed out in this order, each by whichever worker is free. The first failure
/// stops everybody.
///
/// # Errors
/// Of several failures, that of the piece with the lowest number; `cancelled` when somebody asked to stop.
pub(crate) fn for_each<W: Send>(
    workers: &mut [W],
    count: u64,
    stop: &Stop,
    work: impl Fn(&mut W, u64) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicU64::new(0);
    let failures: Mutex<Vec<(u64, Error)>> = Mutex::default();
    let toil = |worker: &mut W| {
        while !stop.is_set() {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                return;
            }
            let done =
                catch_unwind(AssertUnwindSafe(|| work(worker, piece))).unwrap_or_else(|_| Err(panicked()));
            if let Err(error) = done {
                stop.fail();
                failures.lock().unwrap_or_else(PoisonError::into_inner).push((piece, error));
            }
        }
    };
    match workers {
        [] => return Err(Error::internal("a run without workers")),
        [only] => toil(only),
        several => thread::scope(|scope| {
            for worker in several {
                scope.spawn(|| toil(worker));
            }
        }),
    }
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    let cancelled = |error: &Error| *error.kind() == ErrorKind::Cancelled;
    // When one failed, the others were told to stop and say `cancelled`: that is not the reason.
    match failures.into_iter().min_by_key(|(piece, error)| (cancelled(error), *piece)) {
        Some((_, error)) => Err(error),
        None if stop.is_set() => Err(Error::cancelled()),
        None => Ok(()),
    }
}

fn panicked() -> Error {
    Error::internal("a thread of the scheduler panicked").with_remedy("please report it with the lines above")
}
