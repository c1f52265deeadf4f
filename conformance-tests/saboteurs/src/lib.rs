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
//! fault::Sabotage)); or it edits the package around it ([`package`]). What Rust cannot do wrong by itself is a plugin in C or in
//! the text form of WASM, in the folder `foreign`; the self-test compiles those.

#![allow(unsafe_code, reason = "the faults are those that safe code cannot have")]

pub mod culprit;
pub mod fault;
pub mod faults;
pub mod package;
pub mod switch;

mod export;

/// The operators that keep the contract: the same source as `parfocal-goldens`, whose own library exports a plugin.
#[path = "../../goldens/src/operators/mod.rs"]
pub mod goldens;

pub use export::{PLUGIN, VERSION, declared};
