//! Faults of handshake and lifecycle.

use crate::fault::Fault;

/// The faults.
pub const FAULTS: &[Fault] = &[];
