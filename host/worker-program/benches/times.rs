//! How long it takes until a worker serves, until its crash is known, and until it is gone when it is killed.
//!
//! `cargo bench -p parfocal-worker-program`; medians and worst cases of 200 workers, one after the other.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that failed is none"
)]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/fixture.rs"]
mod fixture;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use fixture::{ALL, NO_NAMESPACES, compile, library, until_ended, until_said, until_serving};
use parfocal_worker::process::{How, Policy};

const WORKERS: usize = 200;

/// Crashes when the host says a byte.
const CRASH: &str = "#include <unistd.h>\n__attribute__((constructor)) static void loaded(void) {\n\
    char byte; (void)!write(2, \"ready\\n\", 6); (void)!read(3, &byte, 1); *(volatile int *)8 = 1; }\n";

fn main() {
    let (good, crashing) = (compile("", &[]), compile(CRASH, &[]));
    for (name, policy) in [("all fences", ALL), ("without namespaces", NO_NAMESPACES)] {
        println!("{name}");
        report("start to welcome", || welcome(&good, policy));
        report("SIGSEGV to ended, all verified gone", || crash(&crashing, policy));
        report("kill to gone", || kill(&good, policy));
    }
}

fn welcome(bytes: &[u8], policy: Policy) -> Duration {
    let start = Instant::now();
    let process = library(bytes, policy);
    until_serving(&process);
    start.elapsed()
}

fn crash(bytes: &[u8], policy: Policy) -> Duration {
    let mut process = library(bytes, policy);
    until_said(&mut process, "ready");
    let start = Instant::now();
    process.socket().write_all(&[1]).unwrap();
    let ending = until_ended(&mut process);
    let taken = start.elapsed();
    assert_eq!((ending.how, ending.gone), (How::Signal(11), true));
    taken
}

fn kill(bytes: &[u8], policy: Policy) -> Duration {
    let mut process = library(bytes, policy);
    until_serving(&process);
    let start = Instant::now();
    assert!(process.kill().gone);
    start.elapsed()
}

fn report(what: &str, measure: impl Fn() -> Duration) {
    let mut times: Vec<_> = (0..WORKERS).map(|_| measure()).collect();
    times.sort();
    let ms = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0);
    let (median, worst) = (ms(times.get(WORKERS / 2)), ms(times.last()));
    println!("  {what}: median {median:.2} ms, worst {worst:.2} ms");
}
