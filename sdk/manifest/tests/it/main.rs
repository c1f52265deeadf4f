//! What a manifest accepts, what it refuses and how it says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

mod accepted;
mod mutations;
mod refused;
mod schema;
mod written;

/// A manifest that uses every key.
const FULL: &str = include_str!("../manifests/full.toml");
/// A manifest before `parfocal build`: no artifacts, no operators.
const SOURCE: &str = include_str!("../manifests/source.toml");
