//! The one symbol of a native plugin, and negotiation: frozen for ever.

use core::ffi::c_void;

use crate::{layout::boundary, operator_1::Text};

/// The version of [`Entry`] that this crate describes.
pub const ENTRY_VERSION: u32 = 1;
/// The name of the symbol.
pub const ENTRY_SYMBOL: &str = "parfocal_entry";

/// The function that every native plugin exports as `parfocal_entry`.
///
/// It gets the range of entry versions that the host speaks, and always returns a valid pointer to an [`Entry`] that
/// lives as long as the library. It may be called any number of times, from any thread, before anything else; it
/// allocates nothing, opens nothing, and takes no time.
pub type EntryFunction = unsafe extern "C" fn(host_min: u32, host_max: u32) -> *const Entry;

/// What a plugin answers first. The layout of this struct never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The entry version chosen from the host's range; 0 when there is none, and then only `min` and `max` count.
    pub version: u32,
    /// Oldest entry version that the plugin speaks.
    pub min: u32,
    /// Newest entry version that the plugin speaks.
    pub max: u32,
    /// Zero.
    pub reserved: u32,
    /// Reverse-DNS id of the plugin.
    pub id: Text,
    /// Semver of the plugin.
    pub plugin_version: Text,
    /// Asks for an interface by name. The host gives the range of wire versions that it speaks; the plugin writes the
    /// version that it chose and its table, or its own range. Returns 0 when the interface is known by name, else
    /// 2 (`not-found`).
    pub get_interface: Option<
        unsafe extern "C" fn(name: Text, host_min: u32, host_max: u32, answer: *mut Negotiated) -> i32,
    >,
    /// Asks for something that came later, by id; null when the plugin does not have it.
    pub get_extension: Option<unsafe extern "C" fn(id: Text) -> *const c_void>,
}

/// The answer to [`Entry::get_interface`]. The layout of this struct never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Negotiated {
    /// The wire version chosen; 0 when none of the plugin's lies in the host's range.
    pub chosen: u32,
    /// Oldest wire version that the plugin speaks.
    pub min: u32,
    /// Newest wire version that the plugin speaks.
    pub max: u32,
    /// Zero.
    pub reserved: u32,
    /// The table of functions of the version chosen; null when none was.
    pub table: *const c_void,
}

boundary! { LAYOUTS:
    Entry { struct_size, version, min, max, reserved, id, plugin_version, get_interface, get_extension }
    Negotiated { chosen, min, max, reserved, table }
}

// SAFETY: an entry holds pointers to constants of a library that is never unloaded, and functions.
#[allow(unsafe_code, reason = "a table of constants, shared by all threads")]
unsafe impl Sync for Entry {}
