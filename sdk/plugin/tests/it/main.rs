//! What the derive declares, and how an operator of kind map answers the one trait.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod declared;
mod map;
