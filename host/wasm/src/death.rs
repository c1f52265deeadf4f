//! What a trap says: which error it is, and in whose words.

use parfocal_types::error::{Error, ErrorKind};
use wasmtime::{Trap, WasmBacktrace};

use crate::{desk::Stopped, state::State};

/// The error of a call that ended in a trap.
///
/// `doing` names the call, for example "operator `otsu`, in `run`".
pub(crate) fn of_trap(trap: &wasmtime::Error, state: &mut State, doing: &str) -> Error {
    let words = state.last_words.take();
    if let Some(need) = state.limiter.take_denied() {
        let budget = state.limiter.budget();
        return Error::new(
            ErrorKind::OutOfMemory { need, budget },
            format!("{doing}: it asked for {} of memory and may use {}", mebibytes(need), mebibytes(budget)),
        )
        .with_remedy(
            "cut the work into smaller tiles, or raise `memory` in the limits of the plugin's manifest",
        );
    }
    let cause = match trap.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "it called itself until the stack was full".to_owned(),
        Some(Trap::UnreachableCodeReached) if words.is_some() => "it stopped itself".to_owned(),
        Some(other) => other.to_string(),
        None => trap.root_cause().to_string(),
    };
    let place = place(trap).map(|name| format!(" (in `{name}`)")).unwrap_or_default();
    let said =
        words.map(|words| format!("; it said: {}", words.trim().replace('\n', " "))).unwrap_or_default();
    Error::new(ErrorKind::PluginDied { signal: signal(trap) }, format!("{doing}: {cause}{place}{said}"))
        .with_remedy("report it to the plugin's author with this text; the next image gets a new instance")
}

/// The error of a call that the host stopped.
pub(crate) fn of_stop(stopped: Stopped, limit: std::time::Duration, doing: &str) -> Error {
    match stopped {
        Stopped::Cancelled => Error::cancelled(),
        Stopped::Deadline => {
            let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            Error::new(
                ErrorKind::Timeout { ms },
                format!("{doing}: it did not end within {} s and was stopped", limit.as_secs_f64()),
            )
            .with_remedy(
                "cut the work into smaller tiles, or raise `call` in the limits of the plugin's manifest",
            )
        }
    }
}

/// The trap as the runtime names it, for programs.
fn signal(trap: &wasmtime::Error) -> String {
    match trap.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => trap.root_cause().to_string(),
    }
}

/// The innermost function of the plugin's own, without the machinery of a panic or an allocation above it.
fn place(trap: &wasmtime::Error) -> Option<String> {
    const MACHINERY: [&str; 9] =
        ["std::", "core::", "alloc::", "<alloc::", "<core::", "<std::", "__rust", "rust_", "__rustc"];
    let backtrace = trap.downcast_ref::<WasmBacktrace>()?;
    let names: Vec<String> = backtrace
        .frames()
        .iter()
        .filter_map(|frame| frame.func_name())
        // The alternate form leaves the hashes out.
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .collect();
    let own = names.iter().find(|name| !MACHINERY.iter().any(|prefix| name.starts_with(prefix)));
    own.or_else(|| names.first()).cloned()
}

fn mebibytes(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{} MiB", bytes.div_ceil(1 << 20)) }
}
