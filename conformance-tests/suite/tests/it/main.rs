//! The runner with children that misbehave, and reports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod children;
mod reports;
mod support;
mod untried;
