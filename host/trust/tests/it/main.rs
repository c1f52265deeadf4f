//! Trust, on packages that are made for it and then spoiled.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod archives;
mod indexes;
mod installing;
mod keys;
mod mutations;
mod support;
mod tampering;
mod verdicts;
#[cfg(feature = "https")]
mod web;
