//! What a test of an operator needs: images whose content is known, services that write down what was asked of them, and
//! a small host that drives an operator over an image in one piece or over any tiles.
//!
//! What is here: [`Image`] and [`Pattern`] (synthetic images from a seed), [`Settings`] (sets of parameters worth
//! trying), [`Recorder`] (log, progress and cancel, written down), [`Driver`] (the order of calls of
//! [`Operator`](parfocal_operator::Operator), over any [`Cut`]), [`Memory`] (where tiles lie), and [`Outcome`], which can be
//! compared to the last bit.
//!
//! What is not here: loading plugins, files, processes, memory budgets. The driver is no scheduler: it is slow, holds
//! everything in memory, and calls the operator in every order that the contract allows.
//!
//! Who uses it: the tests of plugins, and the conformance suite.
//!
//! ```
//! use parfocal_image::{DType, Extent, ImageSpec};
//! use parfocal_operator::PortKind;
//! use parfocal_testkit::{Pattern, Random};
//! let spec = ImageSpec::new(Extent::plane(47, 61), DType::U16);
//! let image = Pattern::Texture.draw(&spec, PortKind::Image, &mut Random::new(7))?;
//! assert_eq!(image.pixels.bytes().len(), 47 * 61 * 2);
//! # Ok::<(), parfocal_types::Error>(())
//! ```

mod cut;
mod driver;
mod image;
mod memory;
mod outcome;
mod padding;
mod pattern;
mod random;
mod services;
mod settings;
mod sink;

pub use cut::{Cut, Work};
pub use driver::{Again, Driver, Inputs, Maker, Merging, Moment, Watcher};
pub use image::Image;
pub use memory::{Block, Loose, Memory};
pub use outcome::{Difference, Group, Outcome};
pub use padding::fill;
pub use pattern::{Pattern, full_scale};
pub use random::Random;
pub use services::{Call, Noted, Quiet, Recorder};
pub use settings::{Setting, Settings};
