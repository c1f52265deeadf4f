//! Small operators that keep the whole contract, one for each way in which an operator can work: they pass every case of the
//! conformance suite, and each can be read as an example.
//!
//! They are not for images: `org.parfocal.classical` has the operators that do the same well. The plugins that break the
//! contract on purpose (`parfocal-saboteurs`) wrap these.

pub mod operators;

use operators::{Change, Erode, Measure, Number, Smooth, Stretch, Subtract};
use parfocal_plugin::export_plugin;

export_plugin!(Change, Erode, Measure, Number, Smooth, Stretch, Subtract);
