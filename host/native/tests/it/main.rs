//! The native lane against real libraries: compiled here from C and C++ with the generated header alone, and from Rust.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod cache;
mod calls;
mod cpp;
mod fixture;
mod header;
mod lost;
mod probe;
mod refusals;
mod rust;
