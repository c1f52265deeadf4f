//! The scheduler as its callers see it, with operators written here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod chains;
mod deaths;
mod kit;
mod limits;
mod maps;
mod operators;
mod reduces;
mod refusals;
mod sequences;
