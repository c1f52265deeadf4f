//! Faults of stops, progress and threads.

use std::thread::{self, ThreadId};

use parfocal_plugin::{prelude::*, private::operator::LogLevel};

use crate::fault::{Act, Fault, Running, Sabotage, with};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "deaf",
        case: "OPR-21",
        also: &[],
        what: "asks whether to stop, and does not listen",
        operator: "smooth",
        act: Act::Wrap(with::<Deaf>),
    },
    Fault {
        name: "progress-backwards",
        case: "OPR-22",
        also: &[],
        what: "reports progress that falls",
        operator: "subtract",
        act: Act::Run(progress_backwards),
    },
    Fault {
        name: "own-thread",
        case: "OPR-23",
        also: &["ABI-16"],
        what: "is wrong on another thread than that of its first tile",
        operator: "subtract",
        act: Act::Wrap(with::<OwnThread>),
    },
];

/// Asks whether to stop, and does not listen.
#[derive(Default)]
struct Deaf;

/// Services of a host that never asks to stop.
struct Unheard<'a>(&'a dyn Services);

impl Services for Unheard<'_> {
    fn log(&self, level: LogLevel, text: &str) {
        self.0.log(level, text);
    }

    fn progress(&self, fraction: f32) {
        self.0.progress(fraction);
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled();
        false
    }

    fn seed(&self) -> u64 {
        self.0.seed()
    }
}

impl Sabotage for Deaf {
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        call.inner.run(call.tiles, &Unheard(call.services))
    }
}

fn progress_backwards(call: &mut Running<'_, '_>) -> Result<()> {
    call.services.progress(0.9);
    call.proceed()?;
    call.services.progress(0.1);
    Ok(())
}

/// Is wrong on another thread than that of its first tile.
#[derive(Default)]
struct OwnThread {
    own: Option<ThreadId>,
}

impl Sabotage for OwnThread {
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        let here = thread::current().id();
        let strange = *self.own.get_or_insert(here) != here;
        call.repaint(|_, value| if strange { value + 1.0 } else { value })
    }
}
