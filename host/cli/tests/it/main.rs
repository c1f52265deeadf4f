//! The program and the lanes together, on real plugins and real images.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod batches;
mod conformance;
mod equal;
mod images;
mod interrupt;
mod museum;
mod originals;
mod outcome;
mod place;
mod program;
mod wiring;
