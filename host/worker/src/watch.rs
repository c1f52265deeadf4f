//! Watching a worker while it is waited for.

use std::time::{Duration, Instant};

use parfocal_operator::Services;
use parfocal_types::{Error, ErrorKind, Result};
use parfocal_worker_protocol::{Channel, Want};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::{memory::ControlPage, process::Process};

/// How often a running call is looked at: whether the user asked to stop, how far it has come, whether its time is over.
const GLANCE: Duration = Duration::from_millis(10);
/// How long a worker may go on after it was asked to stop, and how long one that closed its connection may take to die.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
/// A worker that gave a sign of life so shortly before it was ended was slow, and not stuck.
const ALIVE: Duration = Duration::from_secs(1);

/// Waits for the worker and watches it meanwhile.
pub(crate) struct Watch<'a> {
    process: &'a mut Process,
    control: &'a ControlPage,
    services: Option<&'a dyn Services>,
    limit: Duration,
    began: Instant,
    /// When it was looked at last.
    looked: Instant,
    asked_to_stop: Option<Instant>,
    told: f32,
    /// How many signs of life there were when it was looked at last.
    beats: u32,
    /// When there was one more than before.
    alive: Option<Instant>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        process: &'a mut Process,
        control: &'a ControlPage,
        services: Option<&'a dyn Services>,
        limit: Duration,
    ) -> Self {
        let now = Instant::now();
        let (beats, asked_to_stop, alive) = (control.beats(), None, None);
        Self {
            process,
            control,
            services,
            limit,
            began: now,
            looked: now,
            asked_to_stop,
            told: 0.0,
            beats,
            alive,
        }
    }

    /// Returns when the channel can go on.
    pub(crate) fn wait(&mut self, channel: &Channel, want: Want) -> Result<()> {
        loop {
            let ready = self.poll(channel, want)?;
            if ready {
                return self.glance();
            }
            self.look()?;
            // What it said before it ended is read first.
            if self.process.ended().is_some() && !self.poll(channel, want)? {
                return Err(Error::new(ErrorKind::Lost, "the worker is dead"));
            }
        }
    }

    /// Looks at the worker when that is due. To be called for each message: one that talks without a pause is never waited
    /// for, and is held to its limits all the same.
    pub(crate) fn glance(&mut self) -> Result<()> {
        if self.looked.elapsed() < GLANCE { Ok(()) } else { self.look() }
    }

    fn look(&mut self) -> Result<()> {
        self.looked = Instant::now();
        self.process.listen();
        self.tell_progress();
        let beats = self.control.beats();
        if beats != self.beats {
            (self.beats, self.alive) = (beats, Some(self.looked));
        }
        self.pass_on_cancel()?;
        if self.began.elapsed() > self.limit { Err(self.too_long()) } else { Ok(()) }
    }

    /// Whether the channel can go on.
    fn poll(&self, channel: &Channel, want: Want) -> Result<bool> {
        let wanted = match want {
            Want::Read => PollFlags::IN,
            Want::Write => PollFlags::OUT,
        };
        let leash = PollFd::from_borrowed_fd(self.process.leash(), PollFlags::IN);
        let mut watched = vec![PollFd::new(channel, wanted), leash];
        watched.extend(self.process.words().map(|words| PollFd::from_borrowed_fd(words, PollFlags::IN)));
        let glance =
            GLANCE.min(self.limit.saturating_sub(self.began.elapsed())).max(Duration::from_millis(1));
        let glance = Timespec { tv_sec: 0, tv_nsec: i64::from(glance.subsec_nanos()) };
        match poll(&mut watched, Some(&glance)) {
            Ok(_) | Err(Errno::INTR) => Ok(!watched[0].revents().is_empty()),
            Err(error) => Err(Error::internal(format!("a worker cannot be waited for: {error}"))),
        }
    }

    pub(crate) fn tell_progress(&mut self) {
        let progress = self.control.progress();
        if let Some(services) = self.services
            && progress > self.told
        {
            self.told = progress;
            services.progress(progress);
        }
    }

    fn pass_on_cancel(&mut self) -> Result<()> {
        if let Some(asked) = self.asked_to_stop {
            if asked.elapsed() > GRACE {
                return Err(Error::new(
                    ErrorKind::Cancelled,
                    format!("did not stop within {} s of being asked, and was ended", GRACE.as_secs()),
                ));
            }
        } else if self.services.is_some_and(Services::is_cancelled) {
            self.ask_to_stop();
        }
        Ok(())
    }

    /// Asks the worker to stop; it may go on for [`GRACE`].
    pub(crate) fn ask_to_stop(&mut self) {
        if self.asked_to_stop.is_none() {
            self.asked_to_stop = Some(Instant::now());
            self.control.cancel(true);
        }
    }

    fn too_long(&self) -> Error {
        let ms = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
        let slow = self.alive.is_some_and(|alive| alive.elapsed() < ALIVE);
        let slow = if slow { " while it was still at work" } else { "" };
        Error::new(
            ErrorKind::Timeout { ms },
            format!("gave no answer within {} s, and was ended{slow}", self.limit.as_secs_f64()),
        )
        .with_remedy(
            "work on smaller tiles; its author can allow more time with `call-seconds` in plugin.toml",
        )
    }
}
