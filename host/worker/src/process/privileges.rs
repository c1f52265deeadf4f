//! Rights: none left, and none to gain.

use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, no_new_privs, set_capabilities,
    set_no_new_privs,
};

use super::{Fences, raw};

/// Drops every capability, and forbids to gain any.
pub(super) fn drop_all(fences: &mut Fences) {
    match set_no_new_privs(true).and_then(|()| no_new_privs()) {
        Ok(set) => fences.no_new_privileges = set,
        Err(error) => fences.note("no new rights", io::Error::from(error)),
    }
    // A process without the right to do so has no capability to lose; `no_new_privs` stands for the rest.
    for capability in 0..64 {
        match raw::give_up(capability) {
            Ok(true) => {}
            Ok(false) | Err(_) => break,
        }
    }
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    // Kernels before 4.3 have no ambient set.
    let _ = clear_ambient_capability_set();
    match set_capabilities(None, none) {
        Ok(()) => fences.capabilities_dropped = true,
        Err(error) => fences.note("dropping capabilities", io::Error::from(error)),
    }
}
