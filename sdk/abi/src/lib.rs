//! The native interface between host and plugins: `operator/1-draft`.
//!
//! The contract of record is a plain C table. [`operator_1`] has the structs, written once, in Rust, `#[repr(C)]`, of
//! fixed-width primitives; the header `parfocal.h` is generated from them. C and C++ vendors use the header, Rust
//! authors use `parfocal-plugin`, the host uses `parfocal-native`; all three meet here.
//!
//! # Rules of the border
//! - One symbol, [`parfocal_entry`](entry::EntryFunction), whose name and signature never change. The first call is
//!   negotiation; it can be made before anything else, allocates nothing and always answers.
//! - Structs have the exact size of their interface version; a different `struct_size` is refused. They never grow:
//!   what is new comes through `get_extension`, or in a new version.
//! - No allocation crosses the border. Pixels lie in buffers that the host owns; what has no known size (rows, bytes,
//!   error texts, a plan) is handed to a function of the host, which copies it during that call.
//! - Text is pointer and length, UTF-8, valid during the call that it is passed to.
//! - No unwinding crosses the border: the export macro turns a panic into the error `internal` with its message.
//!   An instance in which that happened is lost: the error says so, and the host makes a new one.
//! - Functions return 0 or the code of an [`ErrorKind`](parfocal_types::ErrorKind), after `set_error`.
//! - Every number that stands for a choice has a name, listed in [`codes`].
//!
//! # Two proofs
//! The bytes of a plugin carry a [`note`]: id, version, interface versions, and, for Rust, a hash of every boundary
//! struct's [`layout`]. The host reads it before it maps the file. For C the generated header asserts sizes and
//! offsets when it is compiled.

pub mod codes;
pub mod entry;
pub mod layout;
pub mod note;
pub mod operator_1;

mod convert;
pub mod guest;
mod panics;

pub use convert::{
    Marshalled, MarshalledInputs, MarshalledSpecs, Said, marshal_frames, parameters_out, read_bytes,
    read_columns, read_descriptor, read_error, read_field, read_plan, read_regions, read_rows, read_spec,
    read_text, sized,
};
pub use parfocal_operator::{INTERFACE as OPERATOR, Registry, VERSION_TEXT as OPERATOR_VERSION};
