//! The host's own traits and services: what rooms of the host say to each other.

pub mod image;

pub use image::{ImageSink, ImageSource};
