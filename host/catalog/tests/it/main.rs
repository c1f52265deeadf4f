//! What the catalog finds, refuses, picks and explains, with libraries from gcc and components from WAT text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

mod discovery;
mod inspection;
mod picking;
mod programs;
mod quarantine;
mod refusals;
mod support;
mod vouching;
mod why;
