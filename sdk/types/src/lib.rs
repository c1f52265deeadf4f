//! The small words that every room of Parfocal uses.
//!
//! What is here: physical [`units`], the one taxonomy of [errors](error), typed operator
//! [parameters](parameter), [tables and records](table), and the [versions](version) of interfaces.
//!
//! What is not here: pixels (`parfocal-image`), operators (`parfocal-operator`), input and output, threads,
//! unsafe code. The crate has no dependency of its own, so that the smallest plugin stays small.
//!
//! Who uses it: everybody. Plugin authors meet it through `parfocal_plugin::prelude`.

pub mod error;
pub mod parameter;
pub mod table;
pub mod units;
pub mod version;

pub use error::{Error, ErrorKind, Result};
pub use parameter::{ParameterKind, ParameterRole, ParameterSpec, ParameterValue, Parameters};
pub use table::{Column, ColumnKind, Field, Record, Scalar, Table};
pub use units::Unit;
pub use version::InterfaceVersion;
