//! The host's side of one worker process: one call at a time, watched.

use std::{
    collections::BTreeMap,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use parfocal_core::{
    services::neutral_error,
    shared::{Access, Memory, WeakMemory},
};
use parfocal_operator::{Services, Sink};
use parfocal_types::{
    Error, ErrorKind, Result,
    table::{Column, Field},
};
use parfocal_worker_protocol::{
    Channel, Message, Want,
    message::{Answer, Call, FromWorker, Request},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::{
    memory::ControlPage,
    process::{Ending, Process},
};

/// How often a running call is looked at: whether the user asked to stop, how far it has come.
const GLANCE: Duration = Duration::from_millis(10);
/// How long a worker may go on after it was asked to stop.
const GRACE: Duration = Duration::from_secs(1);

/// The name of no call: for a worker that dies by itself.
const BETWEEN: &str = "";

/// A worker process that was greeted.
pub(crate) struct Connection {
    channel: Channel,
    control: ControlPage,
    process: Process,
    next: u64,
    /// What the worker has mapped.
    shared: BTreeMap<u64, WeakMemory>,
    dead: bool,
}

/// What a call may use of the host.
#[derive(Default)]
pub(crate) struct Desk<'a> {
    pub(crate) services: Option<&'a dyn Services>,
    pub(crate) sink: Option<&'a mut dyn Sink>,
}

/// A call, and how long it may take.
pub(crate) struct Asked<'a> {
    pub(crate) call: Call,
    pub(crate) body: &'a [&'a [u8]],
    pub(crate) limit: Duration,
}

impl Connection {
    /// Greets a process that was started.
    pub(crate) fn open(process: Process, hello: Call, limit: Duration) -> Result<(Self, Answer)> {
        let broken = |error: std::io::Error| Error::internal("the connection to a worker").with_source(error);
        let channel = Channel::new(process.socket().try_clone().map_err(broken)?)?;
        let (control, page) = ControlPage::create()?;
        let shared = BTreeMap::new();
        let mut connection = Self { channel, control, process, next: 0, shared, dead: false };
        connection.send(hello, &[], &[page.as_fd()], limit)?;
        let (answer, _) = connection.receive("hello", &mut Desk::default(), limit)?;
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
    /// What the worker answers; `plugin-died`, `timeout`, `cancelled` or `protocol` when it is lost, after it was ended.
    pub(crate) fn ask(&mut self, asked: Asked<'_>, desk: &mut Desk<'_>) -> Result<(Answer, Vec<u8>)> {
        let name = asked.call.name();
        self.check_alive()?;
        self.forget_what_is_gone(asked.limit)?;
        // Calls shorter than a glance are many: a request to stop that came before one is heard in it.
        self.control.cancel(desk.services.is_some_and(Services::is_cancelled));
        self.control.set_progress(0.0);
        self.send(asked.call, asked.body, &[], asked.limit)?;
        self.receive(name, desk, asked.limit)
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
        self.send(call, &[], &[descriptor], limit)?;
        self.shared.insert(number, memory.downgrade());
        Ok(())
    }

    fn forget_what_is_gone(&mut self, limit: Duration) -> Result<()> {
        let gone: Vec<_> =
            self.shared.iter().filter(|(_, memory)| memory.is_gone()).map(|(number, _)| *number).collect();
        for memory in gone {
            self.shared.remove(&memory);
            self.send(Call::Forget { memory }, &[], &[], limit)?;
        }
        Ok(())
    }

    fn send(
        &mut self,
        call: Call,
        body: &[&[u8]],
        descriptors: &[std::os::fd::BorrowedFd<'_>],
        limit: Duration,
    ) -> Result<()> {
        self.next += 1;
        let name = call.name();
        let request = Request { id: self.next, call };
        let Self { channel, control, process, .. } = self;
        let mut watch = Watch::new(process, control, None, limit);
        let sent = channel.send(&request, body, descriptors, &mut |want| watch.wait(channel, want));
        sent.map_err(|error| self.lost(error, name))
    }

    fn receive(&mut self, name: &str, desk: &mut Desk<'_>, limit: Duration) -> Result<(Answer, Vec<u8>)> {
        let mut notes = Notes { columns: BTreeMap::new(), refusal: None };
        let Self { channel, control, process, next, .. } = self;
        let mut watch = Watch::new(process, control, desk.services, limit);
        let ended = loop {
            let message = match channel.receive(&mut |want| watch.wait(channel, want)) {
                Ok(message) => message,
                Err(error) => break Err(error),
            };
            match notes.take(message, *next, desk) {
                Ok(None) => {}
                Ok(Some(answer)) => break Ok(answer),
                Err(error) => break Err(error),
            }
        };
        watch.tell_progress();
        match ended {
            Ok(answer) => match notes.refusal {
                Some(refusal) => Err(refusal),
                None => answer,
            },
            Err(error) => Err(self.lost(error, name)),
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

/// Waits for the worker and watches it meanwhile.
struct Watch<'a> {
    process: &'a mut Process,
    control: &'a ControlPage,
    services: Option<&'a dyn Services>,
    limit: Duration,
    began: Instant,
    cancelled: Option<Instant>,
    told: f32,
}

impl<'a> Watch<'a> {
    fn new(
        process: &'a mut Process,
        control: &'a ControlPage,
        services: Option<&'a dyn Services>,
        limit: Duration,
    ) -> Self {
        Self { process, control, services, limit, began: Instant::now(), cancelled: None, told: 0.0 }
    }

    /// Returns when the channel can go on.
    fn wait(&mut self, channel: &Channel, want: Want) -> Result<()> {
        loop {
            if self.poll(channel, want)? {
                return Ok(());
            }
            self.process.listen();
            if self.process.ended().is_some() {
                return Err(Error::new(ErrorKind::Lost, "the worker is dead"));
            }
            self.tell_progress();
            self.pass_on_cancel()?;
            if self.began.elapsed() > self.limit {
                return Err(self.too_long());
            }
        }
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

    fn tell_progress(&mut self) {
        let progress = self.control.progress();
        if let Some(services) = self.services
            && progress > self.told
        {
            self.told = progress;
            services.progress(progress);
        }
    }

    fn pass_on_cancel(&mut self) -> Result<()> {
        if let Some(asked) = self.cancelled {
            if asked.elapsed() > GRACE {
                return Err(Error::new(
                    ErrorKind::Cancelled,
                    format!("did not stop within {} s of being asked, and was ended", GRACE.as_secs()),
                ));
            }
        } else if self.services.is_some_and(Services::is_cancelled) {
            self.cancelled = Some(Instant::now());
            self.control.cancel(true);
        }
        Ok(())
    }

    fn too_long(&self) -> Error {
        let ms = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
        Error::new(
            ErrorKind::Timeout { ms },
            format!("gave no answer within {} s, and was ended", self.limit.as_secs_f64()),
        )
        .with_remedy(
            "work on smaller tiles; its author can allow more time with `call-seconds` in plugin.toml",
        )
    }
}

/// An answer, and its body.
type Answered = (Answer, Vec<u8>);

/// What a worker said during a call.
struct Notes {
    columns: BTreeMap<u32, Vec<Column>>,
    /// What the host refused to take. It stands even when the worker goes on as if nothing had been.
    refusal: Option<Error>,
}

impl Notes {
    /// Takes a message; the answer to request `id` when it is that.
    fn take(&mut self, message: Message, id: u64, desk: &mut Desk<'_>) -> Result<Option<Result<Answered>>> {
        let said: FromWorker = message.read()?;
        let taken = match said {
            FromWorker::Done { id: of, answer } if of == id => return Ok(Some(Ok((answer, message.body)))),
            FromWorker::Failed { id: of, error } if of == id => {
                return Ok(Some(Err(neutral_error(error.into_error()))));
            }
            FromWorker::Done { id: of, .. } | FromWorker::Failed { id: of, .. } => {
                let kind = ErrorKind::Protocol { raw: of.to_string() };
                return Err(Error::new(kind, format!("answered request {of} instead of {id}")));
            }
            FromWorker::Log { level, text } => {
                if let Some(services) = desk.services {
                    services.log(level, &text);
                }
                Ok(())
            }
            FromWorker::Columns { port, columns } => {
                let taken = sink(desk).and_then(|sink| sink.columns(port, &columns));
                self.columns.insert(port, columns);
                taken
            }
            FromWorker::Rows { port, rows } => sink(desk).and_then(|sink| {
                let columns = self
                    .columns
                    .get(&port)
                    .ok_or_else(|| Error::invalid_argument("rows came before the columns of their table"))?;
                let rows = rows.into_iter().map(|row| {
                    if row.len() != columns.len() {
                        let (got, need) = (row.len(), columns.len());
                        let sentence = format!("a row of {got} values for a table of {need} columns");
                        return Err(Error::invalid_argument(sentence));
                    }
                    row.into_iter().zip(columns).map(|(cell, column)| cell.into_scalar(column)).collect()
                });
                sink.rows(port, rows.collect::<Result<_>>()?)
            }),
            FromWorker::Field { port, name, unit, value } => {
                sink(desk).and_then(|sink| sink.field(port, Field { name, unit, value: value.into() }))
            }
        };
        if let Err(refusal) = taken {
            self.refusal.get_or_insert(refusal);
        }
        Ok(None)
    }
}

fn sink<'d>(desk: &'d mut Desk<'_>) -> Result<&'d mut (dyn Sink + 'd)> {
    match &mut desk.sink {
        Some(sink) => Ok(&mut **sink),
        None => Err(Error::new(
            ErrorKind::BadState { need: "finish".into(), is: "another call".into() },
            "tables and records are taken during `finish` only",
        )),
    }
}
