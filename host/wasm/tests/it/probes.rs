//! Components that try to get out.
//!
//! | what | how it is refused |
//! |---|---|
//! | files, folders, environment, arguments, standard streams, clocks, random numbers, TCP, UDP, names, HTTP | imports of `wasi:`, which no lane offers: refused by name before anything runs ([`ambient`]) |
//! | exec, unix sockets, ptrace, `/proc`, signals, system calls | there is no word for them in WASM or WASI: code has the functions that it imports, and the whole list of those is in [`ambient`] |
//! | memory of the host, other frames, other instances | addresses are checked against the guest's own memory, by the guest's code and by the host's ([`memory`]) |
//! | a million calls, handles, results without end | each is a limit of its own ([`flood`]) |
//! | texts as long as memory, texts that are none | cut or refused ([`texts`]) |
//! | bytes that a compiler never wrote | an error or a component like any other ([`mutated`]) |

mod ambient;
mod flood;
mod memory;
mod mutated;
mod texts;

use std::sync::Arc;

use parfocal_core::{Library, Limits};
use parfocal_image::{Buffer, DType, Extent, Region};
use parfocal_operator::{Input, Operator, Output, Tiles};
use parfocal_types::{Error, Parameters, Result};

use crate::{
    support::{EXTENT, good, load, planned, quiet, run},
    text::Text,
};

/// Says whether it is alone in its process.
const ALONE: &str = "PARFOCAL_TEST_ALONE";

/// Runs a test's body in a process of its own, so that what it measures is of nobody else.
fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{output:?}");
    said.lines().filter(|line| line.starts_with("measured")).for_each(|line| println!("{line}"));
}

/// How much more memory the process had at the highest while this was done than before, in MiB; zero where the system does
/// not tell.
fn peak<T>(what: &str, work: impl FnOnce() -> T) -> (T, u64) {
    let resident = |line: &str| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let value = status.lines().find_map(|text| text.strip_prefix(line));
        value.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) >> 10
    };
    // Forgets the highest so far.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = resident("VmRSS:");
    let result = work();
    let more = resident("VmHWM:").saturating_sub(before);
    println!("measured {what}: {more} MiB");
    (result, more)
}

/// Writes its whole output, of 48 bytes.
const GIVES_ZEROS: &str = "(call $put-pixels (i32.const 0) (i32.const 4096) (i32.const 48) (i32.const 600))";

fn library(text: &Text, limits: Limits) -> Arc<dyn Library> {
    load(&text.component(), limits).unwrap()
}

fn made(library: &dyn Library) -> Result<Box<dyn Operator>> {
    library.create("text", &Parameters::default()).map(planned)
}

/// A value that no fault writes by chance.
const CANARY: u16 = 0xbeef;

/// The error of running an operator between frames that must stay as they are; a good operator beside it works before and
/// after.
fn run_among_frames(text: &Text, limits: Limits) -> Error {
    let beside = library(&Text { run: GIVES_ZEROS, ..Text::default() }, limits);
    let mut beside = made(&*beside).unwrap();
    let works = |beside: &mut dyn Operator| {
        assert_eq!(run::<u16, u16>(beside, &good(), EXTENT, &quiet()).unwrap(), vec![0; 24]);
    };
    works(&mut *beside);

    let library = library(text, limits);
    let mut operator = made(&*library).unwrap();
    let around = Extent::plane(8, 16);
    let inner = Region::new([0, 0, 0, 2, 5], EXTENT);
    let frame = || Buffer::from_slice(&[CANARY; 128], Region::whole(around)).unwrap();
    let (before, mut target, after) = (frame(), frame(), frame());
    let input = Buffer::from_slice(&good(), inner).unwrap();
    let error = {
        let mut whole = target.pixels_mut().unwrap();
        let inputs = [Input { port: 0, pixels: input.pixels().unwrap(), full: around, frames: &[] }];
        let mut outputs = [Output { pixels: whole.part_mut(&inner).unwrap(), full: around }];
        let mut tiles = Tiles { core: inner, inputs: &inputs, outputs: &mut outputs };
        operator.run(&mut tiles, &quiet()).unwrap_err()
    };
    for buffer in [&before, &target, &after] {
        assert_eq!(
            buffer.as_slice::<u16>().unwrap(),
            [CANARY; 128],
            "a frame of the host was changed: {error}"
        );
    }
    assert_eq!(input.as_slice::<u16>().unwrap(), good(), "the input was changed: {error}");
    assert_eq!(target.dtype(), DType::U16);
    works(&mut *beside);
    error
}
