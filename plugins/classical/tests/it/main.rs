//! The operators as a host sees them: through the one trait, cut into tiles, next to references and other people's judges.

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
