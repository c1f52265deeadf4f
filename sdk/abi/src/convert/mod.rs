//! Between the structs of the border and the types of the SDK.
//!
//! To the border: [`Marshalled`], [`MarshalledSpecs`] and [`MarshalledInputs`] own the arrays that the structs point to; they
//! borrow the texts.
//! From the border: the `read_*` functions copy everything, and check what they can: null with a length, UTF-8, codes.

#![allow(unsafe_code, reason = "these modules read what the other side's pointers point to")]

mod basics;
mod conditions;
mod descriptor;
mod image;
mod plan;
mod results;

pub(crate) use basics::{MAX_COUNT, slice_of};
pub use basics::{read_bytes, read_text, sized};
pub use conditions::marshal_frames;
pub(crate) use conditions::read_frames;
pub(crate) use descriptor::read_parameters;
pub use descriptor::{Marshalled, parameters_out, read_descriptor};
pub(crate) use image::read_dtype;
pub use image::{MarshalledInputs, MarshalledSpecs, read_spec};
pub(crate) use plan::{plan_out, regions_out};
pub use plan::{read_plan, read_regions};
pub use results::{Said, read_columns, read_error, read_field, read_rows};
pub(crate) use results::{scalar_out, with_error};
