//! What an author of plugins meets: `parfocal new`, `parfocal build`, giving a plugin away, and the packed SDK outside this
//! repository.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod giving;
mod light;
mod new;
mod outside;
mod pages;
mod python;
mod tool;

/// The example that embeds the smallest host, tried here, where plugins are built.
#[path = "../../../native/examples/embed.rs"]
#[allow(dead_code, unreachable_pub, reason = "an example has a `main`, and nobody outside to be public for")]
mod embed;
