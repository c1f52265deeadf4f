//! What the host does for an operator while it works.

use parfocal_types::table::{Column, Field, Scalar};

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[repr(u32)]
pub enum LogLevel {
    /// Something went wrong, and is reported as an error too.
    Error = 1,
    /// Something is odd; the result may not be what the user expects.
    Warning = 2,
    /// Something worth knowing.
    Info = 3,
    /// For the author.
    Debug = 4,
}

impl LogLevel {
    /// The level with this wire code; an unknown code is [`Debug`](Self::Debug).
    #[must_use]
    pub const fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Error,
            2 => Self::Warning,
            3 => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// Services of the host, valid during the call that they are given to.
///
/// Implemented by the host; called by operators from the thread of the call.
///
/// # What came later
/// Services that a host may lack (inference, a serial port) come under names with a version of their own, such as `infer/1`, and
/// the services here never change within a version of the interface. Natively `get_extension(id)` gives a table of functions,
/// or null: it starts with its own size, is valid during the call, its functions take the host's context first, and the
/// type behind an id is frozen. In WASM such a service is a package of its own that a component imports; because an import is not
/// optional there, each has a function that says whether the host has the service. In Rust a service that came later will be a
/// method of this trait.
///
/// The table is valid during the call, but what a service hands out may outlive it: a handle, such as a session of inference,
/// belongs to the instance in whose call it was opened. Later calls of that instance may use it, and no other instance may. The
/// host ends it after the instance is destroyed or lost; an instance that is made anew opens it again in its `plan`.
pub trait Services {
    /// Writes a line of text into the host's log. Control characters are neutralised there.
    fn log(&self, level: LogLevel, text: &str);

    /// Tells how far the current call has come, 0 to 1, never falling. A hundred times a second is plenty; each call
    /// costs the time of a call.
    fn progress(&self, fraction: f32);

    /// Whether the user or the host asked to stop. An operator asks at least every few milliseconds (once a row is
    /// usual) and then returns the error `cancelled`.
    fn is_cancelled(&self) -> bool;

    /// The seed of the run, for operators that draw random numbers.
    fn seed(&self) -> u64;
}

/// Where tables and records go. The host adds columns for time point and channel where there are several. A host takes at
/// most as much in one call of `finish` as the manifest's `memory` allows, and refuses the rest with `out-of-memory`.
pub trait Sink {
    /// Declares the columns of a table output, once, before its rows.
    ///
    /// # Errors
    /// `invalid-argument` when the port is no table.
    fn columns(&mut self, port: u32, columns: &[Column]) -> parfocal_types::Result<()>;

    /// Adds rows to a table output.
    ///
    /// # Errors
    /// `invalid-argument` when a row does not fit the columns.
    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> parfocal_types::Result<()>;

    /// Adds a value to a record output.
    ///
    /// # Errors
    /// `invalid-argument` when the port is no record.
    fn field(&mut self, port: u32, field: Field) -> parfocal_types::Result<()>;
}
