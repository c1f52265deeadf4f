//! The native lane against real libraries: compiled here from C with the generated header alone, and from Rust.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod calls;
mod fixture;
mod header;
mod refusals;
mod rust;
