//! Plugins that break the contract on purpose, one fault each.
//!
//! They prove that the host survives ([`culprit`]: everything that can go wrong with a process) and that each case of the conformance
//! suite notices what it is for ([`fault::Fault`], listed in [`faults`]). Never install them.
//!
//! # One library, a switch in its bytes
//! All faults of operators are compiled into one library; [`switch::SWITCH`] says which one is on. The self-test of the suite
//! writes a fault's name into a copy of the file ([`switch::patch`]): each saboteur is a file with a digest of its own, needs
//! no environment, and can fail from its first instruction on. Without a name the library has the operator `culprit` only.
//!
//! A fault wraps one of the operators of `parfocal-goldens`, which keep the contract, and breaks one call ([`Sabotage`](
//! fault::Sabotage)); or it edits the package around it ([`package`]). What Rust cannot do wrong by itself is a plugin in C,
//! in Python or in the text form of WASM, in the folder `foreign`; the self-test builds those. Built for WASM, this crate is the
//! other half of a plugin whose library and component disagree.

#![allow(unsafe_code, reason = "the faults are those that safe code cannot have")]

#[cfg(not(target_family = "wasm"))]
pub mod culprit;
#[cfg(not(target_family = "wasm"))]
pub mod fault;
#[cfg(not(target_family = "wasm"))]
pub mod faults;
#[cfg(not(target_family = "wasm"))]
pub mod package;
#[cfg(not(target_family = "wasm"))]
pub mod switch;

#[cfg(target_family = "wasm")]
pub mod component;
#[cfg(not(target_family = "wasm"))]
mod export;

/// The operators that keep the contract: the same source as `parfocal-goldens`, whose own library exports a plugin.
#[path = "../../goldens/src/operators/mod.rs"]
pub mod goldens;

#[cfg(not(target_family = "wasm"))]
pub use export::declared;

/// The id of the plugin.
pub const PLUGIN: &str = "org.parfocal.saboteurs";

/// Its version.
pub const VERSION: &str = "0.1.0";
