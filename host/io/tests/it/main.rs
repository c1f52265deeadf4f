//! Behaviour of the readers and writers, one module per topic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets what it does not expect fails"
)]

mod write_judges;
mod write_ome;
mod write_png;
mod write_support;
mod write_table;
mod write_tiff;

#[path = "../support/format_table.rs"]
mod format_table;
#[path = "../support/judge.rs"]
mod judge;
mod read_damaged;
mod read_judged;
mod read_malformed;
mod read_mutated;
mod read_png;
mod read_tiff;
