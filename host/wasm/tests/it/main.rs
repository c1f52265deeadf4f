//! The WASM lane from outside: real components, hostile ones, and files that are none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure here is a failed test")]

mod boundary;
mod cache;
mod limits;
#[path = "../fixtures/guest/src/operators.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the fixture's operators, compiled natively to compare both lanes"
)]
mod operators;
mod probes;
mod refusals;
mod stories;
mod support;
mod text;
