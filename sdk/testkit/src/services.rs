//! Services for tests: one that nobody listens to, and one that writes down what was asked.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use parfocal_operator::{LogLevel, Services};

/// Services that nobody listens to; the seed is 0, and nobody asks to stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Services for Quiet {
    fn log(&self, _: LogLevel, _: &str) {}

    fn progress(&self, _: f32) {}

    fn is_cancelled(&self) -> bool {
        false
    }

    fn seed(&self) -> u64 {
        0
    }
}

/// One call of a service.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A line of log.
    Log(LogLevel, String),
    /// A progress.
    Progress(f32),
    /// A question for the seed.
    Seed,
}

/// A call with when and where it came.
#[derive(Debug, Clone)]
pub struct Noted {
    /// The call.
    pub call: Call,
    /// The thread that it came from.
    pub thread: ThreadId,
    /// Since the recorder was made.
    pub at: Duration,
}

/// Most calls that are written down; the counts go on.
const MOST_NOTED: usize = 200_000;

/// Services that write down every call. Cancelling can be asked for by hand, or after so many questions.
#[derive(Debug)]
pub struct Recorder {
    seed: u64,
    start: Instant,
    notes: Mutex<Vec<Noted>>,
    asked: AtomicU64,
    cancel: AtomicBool,
    /// The number of the question that is the first to hear "stop".
    cancel_at: AtomicU64,
    cancelled_since: Mutex<Option<Instant>>,
    /// When the operator asked last, and the longest time that it did not ask.
    silence: Mutex<(Option<Instant>, Duration)>,
}

impl Recorder {
    /// A recorder whose run has this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            start: Instant::now(),
            notes: Mutex::new(Vec::new()),
            asked: AtomicU64::new(0),
            cancel: AtomicBool::new(false),
            cancel_at: AtomicU64::new(u64::MAX),
            cancelled_since: Mutex::new(None),
            silence: Mutex::new((None, Duration::ZERO)),
        }
    }

    /// Asks the operator to stop, from now on.
    pub fn cancel(&self) {
        self.mark_cancelled();
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Asks the operator to stop when it asks for the `question`th time, counted from 0 over the recorder's life.
    pub fn cancel_at_question(&self, question: u64) {
        self.cancel_at.store(question, Ordering::Relaxed);
    }

    /// Nobody asks to stop any more.
    pub fn go_on(&self) {
        self.cancel.store(false, Ordering::Relaxed);
        self.cancel_at.store(u64::MAX, Ordering::Relaxed);
        *self.cancelled_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A call begins: from now on the operator owes questions, for [`longest_silence`](Self::longest_silence).
    pub fn begin_call(&self) {
        self.silence().0 = Some(Instant::now());
    }

    /// The call has ended: the operator owes none.
    pub fn end_call(&self) {
        self.heard(false);
    }

    fn heard(&self, goes_on: bool) {
        let mut silence = self.silence();
        let (last, longest) = &mut *silence;
        if let Some(since) = last.take() {
            *longest = (*longest).max(since.elapsed());
            *last = goes_on.then(Instant::now);
        }
    }

    fn silence(&self) -> MutexGuard<'_, (Option<Instant>, Duration)> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The longest time within a call in which the operator did not ask whether to stop.
    #[must_use]
    pub fn longest_silence(&self) -> Duration {
        self.silence().1
    }

    /// How often the operator asked whether to stop.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// How long ago the request to stop could be heard first; `None` before that.
    #[must_use]
    pub fn since_cancelled(&self) -> Option<Duration> {
        let since = self.cancelled_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed())
    }

    /// The calls so far, in order; questions whether to stop are counted only.
    #[must_use]
    pub fn notes(&self) -> Vec<Noted> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the calls so far.
    pub fn clear(&self) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn mark_cancelled(&self) {
        self.cancelled_since.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
    }

    fn note(&self, call: Call) {
        let noted = Noted { call, thread: thread::current().id(), at: self.start.elapsed() };
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < MOST_NOTED {
            notes.push(noted);
        }
    }
}

impl Services for Recorder {
    fn log(&self, level: LogLevel, text: &str) {
        self.note(Call::Log(level, text.to_owned()));
    }

    fn progress(&self, fraction: f32) {
        self.note(Call::Progress(fraction));
    }

    fn is_cancelled(&self) -> bool {
        let question = self.asked.fetch_add(1, Ordering::Relaxed);
        self.heard(true);
        let stop = self.cancel.load(Ordering::Relaxed) || question >= self.cancel_at.load(Ordering::Relaxed);
        if stop {
            self.mark_cancelled();
        }
        stop
    }

    fn seed(&self) -> u64 {
        self.note(Call::Seed);
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_written_down_in_order_and_stopping_can_be_planned() {
        let recorder = Recorder::new(9);
        recorder.cancel_at_question(2);
        recorder.log(LogLevel::Info, "a");
        recorder.progress(0.5);
        assert_eq!([0, 1, 2, 3].map(|_| recorder.is_cancelled()), [false, false, true, true]);
        assert_eq!(recorder.seed(), 9);
        let calls: Vec<_> = recorder.notes().into_iter().map(|noted| noted.call).collect();
        assert_eq!(calls, [Call::Log(LogLevel::Info, "a".into()), Call::Progress(0.5), Call::Seed]);
        assert_eq!(recorder.questions(), 4);
        assert!(recorder.since_cancelled().is_some());
        recorder.clear();
        assert!(recorder.notes().is_empty());
    }

    #[test]
    fn nobody_is_stopped_unasked() {
        let recorder = Recorder::new(0);
        assert!(!recorder.is_cancelled());
        assert_eq!(recorder.since_cancelled(), None);
        recorder.cancel();
        assert!(recorder.is_cancelled());
    }
}
