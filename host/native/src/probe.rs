//! The handshake of a library, question by question: for those who test plugins.

#![allow(unsafe_code, reason = "calls the plugin's functions of negotiation")]

use core::{ffi::c_void, ptr};

use parfocal_abi::{
    entry::{ENTRY_VERSION, Entry, EntryFunction, Negotiated},
    operator_1 as raw, read_text, sized,
};
use parfocal_core::Artifact;
use parfocal_types::Result;

use crate::library::{check_note, map};

/// A library that is mapped, and that nothing was asked of yet. The [lane](crate::NativeLane) asks only what it needs; here
/// every version can be asked for.
#[derive(Debug, Clone)]
pub struct Probe {
    entry: EntryFunction,
    label: String,
}

/// What a library answers to a range of entry versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The version chosen; 0 for none.
    pub version: u32,
    /// The oldest that the library speaks.
    pub min: u32,
    /// The newest.
    pub max: u32,
    /// Id of the plugin.
    pub id: String,
    /// Version of the plugin.
    pub plugin_version: String,
    /// Where the answer lies: the same constant each time.
    pub address: usize,
}

/// What a library answers to a range of versions of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interfaced {
    /// The code: 0 when the interface is known by name, else 2.
    pub code: i32,
    /// The wire version chosen; 0 for none.
    pub chosen: u32,
    /// The oldest that the library speaks.
    pub min: u32,
    /// The newest.
    pub max: u32,
    /// Where the table of functions lies; 0 for none.
    pub table: usize,
}

impl Probe {
    /// Proves digest and note as the lane does, and maps the library.
    ///
    /// # Errors
    /// As those of the lane before negotiation.
    pub fn open(artifact: &Artifact) -> Result<Self> {
        let (_, bytes) = artifact.open_verified()?;
        check_note(&bytes, artifact)?;
        Ok(Self { entry: map(&bytes, artifact)?, label: artifact.label() })
    }

    fn raw(&self, min: u32, max: u32) -> Result<&'static Entry> {
        // SAFETY: the frozen signature; the entry lives as long as the library, which is never unloaded.
        unsafe { sized((self.entry)(min, max), "pf_entry") }.map_err(|error| error.with_origin(&self.label))
    }

    /// Asks for the entry, as a host that speaks these versions of it.
    ///
    /// # Errors
    /// `protocol` or `corrupt` when there is no entry, or one of another size.
    pub fn entry(&self, min: u32, max: u32) -> Result<Entered> {
        let entry = self.raw(min, max)?;
        // SAFETY: texts of the entry are constants of the library.
        let (id, plugin_version) = unsafe { (read_text(entry.id), read_text(entry.plugin_version)) };
        let address = ptr::from_ref(entry).addr();
        Ok(Entered { version: entry.version, min: entry.min, max: entry.max, id, plugin_version, address })
    }

    /// Asks for an interface, as a host that speaks these wire versions of it.
    ///
    /// # Errors
    /// As [`entry`](Self::entry); `None` when the library has no function to ask.
    pub fn interface(&self, name: &str, min: u32, max: u32) -> Result<Option<Interfaced>> {
        let Some(get_interface) = self.raw(ENTRY_VERSION, ENTRY_VERSION)?.get_interface else {
            return Ok(None);
        };
        let mut answer = Negotiated { chosen: 0, min: 0, max: 0, reserved: 0, table: ptr::null::<c_void>() };
        // SAFETY: a valid text and a valid place for the answer.
        let code = unsafe { get_interface(raw::Text::of(name), min, max, &raw mut answer) };
        let Negotiated { chosen, min, max, table, .. } = answer;
        Ok(Some(Interfaced { code, chosen, min, max, table: table.addr() }))
    }

    /// Asks for something that came later; whether the library has it.
    ///
    /// # Errors
    /// As [`entry`](Self::entry).
    pub fn has_extension(&self, id: &str) -> Result<bool> {
        let Some(get_extension) = self.raw(ENTRY_VERSION, ENTRY_VERSION)?.get_extension else {
            return Ok(false);
        };
        // SAFETY: a valid text.
        Ok(!unsafe { get_extension(raw::Text::of(id)) }.is_null())
    }
}
