//! What lives in the store of an instance, and the imports that it gets.

use parfocal_operator::{LogLevel, Services};
use parfocal_types::error::Result;
use parfocal_wit::Cross;
use wasmtime::{
    StoreContextMut,
    component::{HasSelf, Linker, WasmList},
};

use crate::{
    bindings::{services, types},
    check::interface_name,
    desk::{Desk, at_desk},
    limiter::Limiter,
};

/// Longest last words that are kept, in bytes.
const LONGEST_WORDS: usize = 2048;

/// The data of a store.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    /// The last line of level error in the current call: what a panic said.
    pub(crate) last_words: Option<String>,
    /// The guest trapped or was stopped: nothing may be called in this store again.
    pub(crate) dead: bool,
}

impl State {
    pub(crate) fn new(memory: u64) -> Self {
        Self { limiter: Limiter::new(memory), last_words: None, dead: false }
    }
}

impl types::Host for State {}

impl services::Host for State {
    fn log(&mut self, level: services::Level, text: String) {
        let level = match level {
            services::Level::Error => LogLevel::Error,
            services::Level::Warning => LogLevel::Warning,
            services::Level::Info => LogLevel::Info,
            services::Level::Debug => LogLevel::Debug,
        };
        at_desk(|desk| desk.services().map_or((), |services| services.log(level, &text)));
        if level == LogLevel::Error {
            let end = text.floor_char_boundary(LONGEST_WORDS);
            self.last_words = Some(text[..end].to_owned());
        }
    }

    fn progress(&mut self, fraction: f32) {
        at_desk(|desk| desk.services().map_or((), |services| services.progress(fraction)));
    }

    fn is_cancelled(&mut self) -> bool {
        at_desk(|desk| desk.services().is_some_and(Services::is_cancelled))
    }

    fn seed(&mut self) -> u64 {
        at_desk(|desk| desk.services().map_or(0, Services::seed))
    }
}

/// The imports of every component.
pub(crate) fn imports(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    services::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    sink(linker)
}

/// The answer of the desk in the guest's words.
type Answer = wasmtime::Result<(Result<(), types::Error>,)>;

fn answer(ask: impl FnOnce(&mut dyn Desk) -> Result<()>) -> Answer {
    Ok((at_desk(ask).map_err(Cross::cross),))
}

/// Bound by hand, because the generated bindings take a list by value: a copy of all pixels.
fn sink(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    type Store<'a> = StoreContextMut<'a, State>;
    let mut sink = linker.instance(&interface_name("sink"))?;
    sink.func_wrap("put-pixels", |store: Store<'_>, (output, bytes): (u32, WasmList<u8>)| {
        answer(|desk| desk.pixels(output, bytes.as_le_slice(&store)))
    })?;
    sink.func_wrap("declare-columns", |_: Store<'_>, (port, columns): (u32, Vec<types::Column>)| {
        answer(|desk| desk.columns(port, &Cross::<Vec<_>>::cross(columns)))
    })?;
    sink.func_wrap("add-rows", |_: Store<'_>, (port, rows): (u32, Vec<Vec<types::Scalar>>)| {
        answer(|desk| desk.rows(port, rows.cross()))
    })?;
    sink.func_wrap("add-field", |_: Store<'_>, (port, field): (u32, types::Field)| {
        answer(|desk| desk.field(port, field.cross()))
    })
}
