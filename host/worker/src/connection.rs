//! The host's side of one worker process: one call at a time, watched.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use parfocal_core::shared::{Access, Memory, WeakMemory};
use parfocal_operator::Services;
use parfocal_types::{Error, ErrorKind, Result};
use parfocal_worker_protocol::{
    Channel,
    message::{Answer, Call, Request},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    memory::ControlPage,
    notes::{Answered, Desk, Notes},
    process::{Ending, Process},
    watch::{GRACE, Watch},
};

/// The name of no call: for a worker that dies by itself.
const BETWEEN: &str = "";

/// A worker process that was greeted.
pub(crate) struct Connection {
    channel: Channel,
    control: ControlPage,
    process: Process,
    next: u64,
    /// Longest body of an answer, in bytes.
    longest: u64,
    /// What the worker has mapped.
    shared: BTreeMap<u64, WeakMemory>,
    dead: bool,
}

/// What an answer may be, and how long it may take.
struct Waiting {
    /// The name of the call.
    call: &'static str,
    /// Longest body, in bytes.
    longest: u64,
    limit: Duration,
}

/// A call, and how long it may take.
pub(crate) struct Asked<'a> {
    pub(crate) call: Call,
    pub(crate) body: &'a [&'a [u8]],
    pub(crate) limit: Duration,
}

impl Connection {
    /// Greets a process that was started. No body of an answer may be longer than `longest` bytes: partial results,
    /// conclusions and states, which the host holds as the worker does.
    pub(crate) fn open(
        process: Process,
        hello: Call,
        limit: Duration,
        longest: u64,
    ) -> Result<(Self, Answer)> {
        let broken = |error: std::io::Error| Error::internal("the connection to a worker").with_source(error);
        let channel = Channel::new(process.socket().try_clone().map_err(broken)?)?;
        let (control, page) = ControlPage::create()?;
        let shared = BTreeMap::new();
        let mut connection = Self { channel, control, process, next: 0, longest, shared, dead: false };
        let waiting = Waiting { call: "hello", longest: 0, limit };
        connection.send(hello, (&[], &[page.as_fd()]), None, limit)?;
        let (answer, _) = connection.receive(&waiting, &mut Desk::default())?;
        // It was sent before the answer, on another way.
        connection.process.wait_for_report(limit);
        Ok((connection, answer))
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Whether it died or was ended.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Whether it is still there, between calls.
    pub(crate) fn is_well(&mut self) -> bool {
        self.process.listen();
        !self.dead && self.process.ended().is_none()
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the worker answers; `plugin-died`, `timeout`, `cancelled`, `protocol`, `out-of-range` or `out-of-memory` when
    /// it is lost, after it was ended.
    pub(crate) fn ask(&mut self, asked: Asked<'_>, desk: &mut Desk<'_>) -> Result<Answered> {
        let longest = if asked.call.answers_with_bytes() { self.longest } else { 0 };
        let waiting = Waiting { call: asked.call.name(), longest, limit: asked.limit };
        self.check_alive()?;
        self.forget_what_is_gone(asked.limit)?;
        // Calls shorter than a glance are many: a request to stop that came before one is heard in it.
        self.control.cancel(desk.services.is_some_and(Services::is_cancelled));
        self.control.set_progress(0.0);
        self.send(asked.call, (asked.body, &[]), desk.services, asked.limit)?;
        self.receive(&waiting, desk)
    }

    /// Says so when it died while nobody asked anything of it.
    fn check_alive(&mut self) -> Result<()> {
        if self.is_well() {
            return Ok(());
        }
        let error = self.lost(Error::new(ErrorKind::Lost, "the worker is dead"), BETWEEN);
        Err(error)
    }

    /// Makes sure that the worker knows this memory.
    pub(crate) fn share(&mut self, memory: &Memory, limit: Duration) -> Result<()> {
        self.check_alive()?;
        if self.shared.contains_key(&memory.number()) {
            return Ok(());
        }
        let (number, length) = (memory.number(), memory.length());
        let call = Call::Share { memory: number, length, writable: memory.access() == Access::Write };
        #[allow(unsafe_code, reason = "gives frames to the worker")]
        // SAFETY: the worker reads and writes only during calls in which the lane holds the tiles' borrows; memory that the
        // host writes meanwhile is sealed, so nobody else can; a frame goes back to its pool after the call has ended or
        // the worker is dead.
        let descriptor = unsafe { memory.descriptor() };
        self.send(call, (&[], &[descriptor]), None, limit)?;
        self.shared.insert(number, memory.downgrade());
        Ok(())
    }

    fn forget_what_is_gone(&mut self, limit: Duration) -> Result<()> {
        let gone: Vec<_> =
            self.shared.iter().filter(|(_, memory)| memory.is_gone()).map(|(number, _)| *number).collect();
        for memory in gone {
            self.shared.remove(&memory);
            self.send(Call::Forget { memory }, (&[], &[]), None, limit)?;
        }
        Ok(())
    }

    fn send(
        &mut self,
        call: Call,
        (body, descriptors): (&[&[u8]], &[BorrowedFd<'_>]),
        services: Option<&dyn Services>,
        limit: Duration,
    ) -> Result<()> {
        self.next += 1;
        let name = call.name();
        let request = Request { id: self.next, call };
        let Self { channel, control, process, .. } = self;
        let mut watch = Watch::new(process, control, services, limit);
        let sent = channel.send(&request, body, descriptors, &mut |want| watch.wait(channel, want));
        sent.map_err(|error| self.lost(error, name))
    }

    fn receive(&mut self, waiting: &Waiting, desk: &mut Desk<'_>) -> Result<Answered> {
        let mut notes = Notes::default();
        let Self { channel, control, process, next, .. } = self;
        let mut watch = Watch::new(process, control, desk.services, waiting.limit);
        let ended = loop {
            let said = channel
                .receive_within(waiting.longest, &mut |want| watch.wait(channel, want))
                .and_then(|message| notes.take(message, *next, desk));
            match said {
                Ok(Some(answer)) => break Ok(answer),
                Ok(None) if notes.refusal.is_some() => watch.ask_to_stop(),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
            if let Err(error) = watch.glance() {
                break Err(error);
            }
        };
        watch.tell_progress();
        match (ended, notes.refusal) {
            (Ok(_), Some(refusal)) => Err(refusal),
            (Ok(answer), None) => answer,
            (Err(error), refusal) => {
                // It was asked to stop since the host refused something, and went on.
                let user = desk.services.is_some_and(Services::is_cancelled);
                let own = matches!(error.kind(), ErrorKind::Lost | ErrorKind::Protocol { .. });
                let error = refusal.filter(|_| !own && !user).unwrap_or(error);
                Err(self.lost(error, waiting.call))
            }
        }
    }

    /// Waits for the end of a worker that seems to be dying; whether it came.
    fn ends_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            self.process.listen();
            let left = deadline.saturating_duration_since(Instant::now());
            if self.process.ended().is_some() || left.is_zero() {
                return self.process.ended().is_some();
            }
            let timeout = Timespec::try_from(left).ok();
            let _ =
                poll(&mut [PollFd::from_borrowed_fd(self.process.leash(), PollFlags::IN)], timeout.as_ref());
        }
    }

    /// Ends the worker after an error that is not its answer, and says what happened to it.
    fn lost(&mut self, error: Error, call: &str) -> Error {
        self.dead = true;
        let by_itself = *error.kind() == ErrorKind::Lost;
        // One that closed its connection and did not die yet is about to.
        let known = by_itself && self.ends_within(GRACE);
        let ending = self.process.kill();
        let words = self.process.last_words();
        let error = if by_itself { died(&ending, known, call, &words) } else { error };
        if ending.gone {
            return error;
        }
        let sentence = format!("{}; a process that it left behind could not be ended", error.message());
        Error::new(error.kind().clone(), sentence)
            .with_remedy("look for it with `ps`, and restart the computer")
    }
}

/// The error of a worker that ended by itself.
fn died(ending: &Ending, by_itself: bool, call: &str, words: &[String]) -> Error {
    let how = if by_itself { ending.to_string() } else { "it closed its connection".to_owned() };
    let mut sentence = if call == BETWEEN {
        format!("died between two calls: {how}; a thread that it started was still at work")
    } else {
        format!("died in `{call}`: {how}")
    };
    if !words.is_empty() {
        sentence.push_str(&format!("; its last words: {}", words.join(" | ")));
    }
    Error::new(ErrorKind::PluginDied { signal: how }, sentence).with_remedy(
        "nothing else was harmed; try again, and if it dies again, send these lines to the plugin's author",
    )
}
