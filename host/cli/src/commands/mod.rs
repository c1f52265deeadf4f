//! One module for each command.

pub(crate) mod build;
pub(crate) mod conform;
pub(crate) mod doctor;
pub(crate) mod image;
mod make;
pub(crate) mod new;
pub(crate) mod package;
mod plane;
pub(crate) mod plugins;
pub(crate) mod run;
