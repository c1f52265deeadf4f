//! The operators as a host sees them: through the one trait, cut into tiles, next to references and other people's judges.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/driver.rs"]
mod driver;
#[path = "../support/images.rs"]
mod images;
#[path = "../support/python.rs"]
mod python;

mod components;
mod declared;
mod filters;
mod judged;
mod measure;
mod otsu;
mod tiling;
