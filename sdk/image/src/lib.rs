//! The image of Parfocal: what pixels are, where they lie, how they were taken, and what they may be used for.
//!
//! An image has five axes, always in the order T C Z Y X ([`Axis`], [`Extent`], [`Region`]), one [`DType`], and an
//! [`ImageSpec`] that carries everything else as typed facts: pixel size or explicitly none, channels with their
//! acquisition [`Conditions`] and dose, the [`PixelClass`] and the [`Supports`] that decide what may be concluded.
//!
//! Pixels are seen through [`View`] and [`ViewMut`] without copying; [`Buffer`] owns them when somebody must.
//!
//! What is not here: files, tiles on disk, threads (the host's rooms), and unsafe code.
//!
//! # Conventions
//! - Rows are dense: the stride of X is one pixel. Every other axis may have any stride.
//! - Positions are signed, because a tile with a halo starts before the image does.
//! - A fact that nobody knows is `None`, never a default that looks like a measurement.

pub mod buffer;
pub mod calibration;
pub mod channel;
pub mod class;
pub mod conditions;
pub mod dtype;
pub mod region;
pub mod spec;
pub mod view;

pub use buffer::Buffer;
pub use calibration::{ClockReading, PixelSize, TimeAnchor};
pub use channel::{Channel, Modality};
pub use class::{Finder, LabelOrigin, PixelClass, Support, Supports};
pub use conditions::{Conditions, FrameFacts, Objective, PlaneConditions, ScanMode, StagePosition};
pub use dtype::{DType, Pixel};
pub use region::{Axis, Extent, Region};
pub use spec::ImageSpec;
pub use view::{PixelsMut, PixelsRef, View, ViewMut};
