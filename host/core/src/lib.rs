//! The host's own traits and services: what the rooms of the host say to each other.
//!
//! - [`image`]: where pixels come from and where they go.
//! - [`lane`]: the doors to plugin code. A [`Lane`] loads an [`Artifact`] into a [`Library`], which creates
//!   instances of [`Operator`](parfocal_operator::Operator): the one trait that every lane answers.
//! - [`enduring`]: an operator that outlives its instances, for lanes.
//! - [`frame`]: memory for pixels that other processes can map, inside a budget.
//! - [`shared`]: frames as other processes see them.
//! - [`ration`]: results of operators inside a limit, for lanes.
//! - [`services`]: log, progress, cancel, as the host gives them to operators.
//!
//! The minimal host is this crate, `parfocal-catalog` and the lanes one needs. Nothing here knows a file format, a
//! runtime or a plugin.

pub mod artifact;
pub mod enduring;
pub mod frame;
mod frame_block;
pub mod image;
pub mod lane;
pub mod ration;
pub mod services;
pub mod shared;

pub use artifact::{Artifact, Limits, Sha256};
pub use enduring::{Enduring, Maker, Mortal};
pub use frame::{Frame, FrameAllocator};
pub use image::{ImageSink, ImageSource};
pub use lane::{Lane, Library, LibraryInfo};
pub use ration::Rationed;
pub use services::{CancelToken, LogLine, LogListener, RunServices};
