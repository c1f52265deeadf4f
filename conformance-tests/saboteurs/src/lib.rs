//! Plugins that break the contract on purpose, one fault each.
//!
//! They prove that the host survives ([`culprit`]: everything that can go wrong with a process) and that each case of the conformance
//! suite notices what it is for. Never install them.

#![allow(unsafe_code, reason = "the faults are those that safe code cannot have")]

pub mod culprit;

use culprit::Culprit;
use parfocal_plugin::export_plugin;

export_plugin!(Culprit);
