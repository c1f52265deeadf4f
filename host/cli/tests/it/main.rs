//! The program and the lanes together, on real plugins and real images.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod equal;
mod interrupt;
mod outcome;
mod place;
mod program;
