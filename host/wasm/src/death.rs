//! What a trap says: which error it is, and in whose words.

use std::io;

use parfocal_types::error::{Error, ErrorKind};
use wasmtime::{OutOfMemory, Trap, WasmBacktrace, WasmtimeBug};

use crate::{desk::Stopped, state::State};

/// The error of a call that the runtime ended: the guest trapped or broke the rules of components, or the computer failed.
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
    if let Some(error) = of_computer(trap, doing) {
        return error;
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

/// The error of what failed for a reason that is not the component's: the system lacked something, or the runtime has a
/// defect. `None` for a trap, and for whatever the runtime says about the component.
pub(crate) fn of_computer(error: &wasmtime::Error, doing: &str) -> Option<Error> {
    if error.is::<Trap>() {
        return None;
    }
    let reason = error.chain().find_map(reason)?;
    let said = error.root_cause().to_string();
    Some(match reason {
        // The system does not say how much it would have needed, nor how much there is.
        Reason::System(io::ErrorKind::OutOfMemory) => Error::new(
            ErrorKind::OutOfMemory { need: 0, budget: 0 },
            format!("{doing}: the system gives Parfocal no more memory ({said})"),
        )
        .with_remedy(
            "close other programs, use fewer threads, or raise the limit (`ulimit -v`); then try again",
        ),
        Reason::System(_) => Error::internal(format!("{doing}: the system refused ({said})"))
            .with_remedy("it is not the plugin's fault: try again, and report it when that does not help"),
        Reason::Defect => Error::internal(format!("{doing}: the WASM runtime failed ({said})"))
            .with_remedy("it is not the plugin's fault: report it with this text"),
    })
}

/// Whose fault it is, when not the component's.
enum Reason {
    System(io::ErrorKind),
    Defect,
}

fn reason(cause: &(dyn core::error::Error + 'static)) -> Option<Reason> {
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return Some(Reason::System(error.kind()));
    }
    #[cfg(unix)]
    if let Some(error) = cause.downcast_ref::<rustix::io::Errno>() {
        return Some(Reason::System(io::Error::from(*error).kind()));
    }
    if cause.is::<OutOfMemory>() {
        return Some(Reason::System(io::ErrorKind::OutOfMemory));
    }
    cause.is::<WasmtimeBug>().then_some(Reason::Defect)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_computer_lacks_is_told_from_what_the_component_did() {
        let name = |error: wasmtime::Error| {
            let error = of_trap(&error.context("while testing"), &mut State::new(1), "x");
            error.kind().name()
        };
        assert_eq!(name(io::Error::from(io::ErrorKind::OutOfMemory).into()), "out-of-memory");
        assert_eq!(name(OutOfMemory::new(8).into()), "out-of-memory");
        assert_eq!(name(io::Error::from(io::ErrorKind::PermissionDenied).into()), "internal");
        #[cfg(unix)]
        {
            assert_eq!(name(rustix::io::Errno::NOMEM.into()), "out-of-memory");
            assert_eq!(name(rustix::io::Errno::MFILE.into()), "internal");
        }
        assert_eq!(name(Trap::MemoryOutOfBounds.into()), "plugin-died");
        assert_eq!(name(wasmtime::Error::msg("list pointer is not aligned")), "plugin-died");
    }
}
