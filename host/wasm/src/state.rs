//! What lives in the store of an instance, and the imports that it gets.

use std::sync::Arc;

use parfocal_operator::LogLevel;
use parfocal_types::error::Result;
use parfocal_wit::Cross;

use crate::{
    bindings::{services, sink, types},
    exchange::{Exchange, Request},
    limiter::Limiter,
};

/// Longest last words that are kept, in bytes.
const LONGEST_WORDS: usize = 2048;

/// The data of a store.
pub(crate) struct State {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) limiter: Limiter,
    /// The last line of level error in the current call: what a panic said.
    pub(crate) last_words: Option<String>,
    /// The guest trapped or was stopped: nothing may be called in this store again.
    pub(crate) dead: bool,
}

impl State {
    pub(crate) fn new(memory: u64) -> Self {
        Self { exchange: Arc::default(), limiter: Limiter::new(memory), last_words: None, dead: false }
    }
}

/// Log and progress never fail for the guest; the answer of the counter is always "done".
fn done(answer: Result<()>) {
    drop(answer);
}

impl types::Host for State {}

impl services::Host for State {
    async fn log(&mut self, level: services::Level, text: String) {
        let level = match level {
            services::Level::Error => LogLevel::Error,
            services::Level::Warning => LogLevel::Warning,
            services::Level::Info => LogLevel::Info,
            services::Level::Debug => LogLevel::Debug,
        };
        if level == LogLevel::Error {
            let end = text.floor_char_boundary(LONGEST_WORDS);
            self.last_words = Some(text[..end].to_owned());
        }
        done(self.exchange.ask(Request::Log(level, text)).await);
    }

    async fn progress(&mut self, fraction: f32) {
        done(self.exchange.ask(Request::Progress(fraction)).await);
    }

    fn is_cancelled(&mut self) -> bool {
        self.exchange.is_cancelled()
    }

    fn seed(&mut self) -> u64 {
        self.exchange.seed()
    }
}

impl State {
    async fn ask(&self, request: Request) -> Result<(), types::Error> {
        self.exchange.ask(request).await.map_err(Cross::cross)
    }
}

impl sink::Host for State {
    async fn put_pixels(&mut self, output: u32, bytes: Vec<u8>) -> Result<(), types::Error> {
        self.ask(Request::Pixels(output, bytes)).await
    }

    async fn declare_columns(&mut self, port: u32, columns: Vec<types::Column>) -> Result<(), types::Error> {
        self.ask(Request::Columns(port, columns.cross())).await
    }

    async fn add_rows(&mut self, port: u32, rows: Vec<Vec<types::Scalar>>) -> Result<(), types::Error> {
        self.ask(Request::Rows(port, rows.cross())).await
    }

    async fn add_field(&mut self, port: u32, field: types::Field) -> Result<(), types::Error> {
        self.ask(Request::Field(port, field.cross())).await
    }
}
