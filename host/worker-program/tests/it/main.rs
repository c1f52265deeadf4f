//! Workers that misbehave in every way we know, with and without the fences that a system may refuse.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod endings;
mod fixture;
mod floods;
mod hosts;
mod leftovers;
mod probes;
mod programs;
