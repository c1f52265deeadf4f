//! The host survives its plugins: the harness that proves it.
//!
//! Images stream through plugins that work ([`stream`]); meanwhile another plugin fails, in one way after the other, at random
//! moments ([`inject`]). Counted is what has to be true each time: the host lives, every image that was finished is whole, the
//! failure is reported with the plugin's name, the next call is answered again soon, and no process is left ([`processes`]).
//!
//! `cargo xtask undying` runs it; a short run is part of the tests.

pub mod inject;
pub mod plugins;
pub mod processes;
pub mod stream;
