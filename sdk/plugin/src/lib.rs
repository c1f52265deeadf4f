//! Write image operators for Parfocal: one source, exported to native and to WASM.
//!
//! This is a whole plugin (`src/lib.rs` of a `cdylib`; its name, version and licence stand in `plugin.toml` beside
//! `Cargo.toml`):
//!
//! ```
//! # mod plugin {
//! use parfocal_plugin::prelude::*;
//!
//! /// Subtracts a constant offset and clamps at zero.
//! #[derive(Operator)]
//! #[operator(id = "subtract-offset", kind = map, preserves = all)]
//! struct SubtractOffset {
//!     /// Offset of the detector, in its own counts.
//!     #[parameter(setting, unit = GreyLevel, default = 100.0, min = 0.0, max = 65535.0)]
//!     offset: f64,
//! }
//!
//! impl MapOperator for SubtractOffset {
//!     fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, cx: &Context) -> Result<()> {
//!         for (row_in, row_out) in input.rows().zip(output.rows_mut()) {
//!             cx.worked(row_in.len())?;
//!             for (x, y) in row_in.iter().zip(row_out) {
//!                 *y = T::from_f64((x.to_f64() - self.offset).max(0.0));
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//! # }
//! // export_plugin!(SubtractOffset);   // once, at the end of the file
//! ```
//!
//! `parfocal new operator subtract-offset` writes this, a manifest and a test; `parfocal build` makes the package with both
//! artifacts.
//!
//! # What to implement
//! - [`MapOperator`]: the common case; an image in, an image of the same pixel type out, tile by tile.
//! - [`Operator`]: everything else: several inputs, other pixel types, reduce operators, operators that need an axis
//!   whole. Its documentation has the order of calls.
//!
//! `#[derive(Operator)]` declares the operator; see [`Describe`] for what it writes.
//!
//! # Rules for equal results everywhere
//! Native and WASM agree bit for bit when an operator uses plain `+ - * /` and `sqrt`, takes other functions from
//! [`math`] (never `f32::exp` and the like, whose results differ between systems), keeps one order of summation, and
//! never uses `mul_add`. Which of the bit patterns of "not a number" an operation gives is the processor's choice: write
//! `f32::NAN` where the result is not a number. Then declare `deterministic`.

pub mod bytes;
pub mod choice;
pub mod context;
pub mod map;
pub mod math;
pub mod parameters;
pub mod rows;

mod checked;
mod describe;

pub use context::Context;
pub use describe::Describe;
pub use map::{Halo, MapAdapter, MapOperator};
pub use parfocal_plugin_macros::{Operator, export_plugin};

/// What an author needs, in one line.
pub mod prelude {
    pub use crate::{
        Operator, bytes, choice,
        context::Context,
        describe::Describe,
        export_plugin,
        map::{Halo, MapOperator},
        math, rows, with_pixel_type,
    };
    pub use parfocal_image::{
        Axis, Channel, DType, Extent, FrameFacts, ImageSpec, Pixel, PixelClass, PixelSize, Region, Support,
        Supports, View, ViewMut,
    };
    pub use parfocal_operator::{
        Descriptor, Input, InputRegion, InputSpec, Operator, Output, Padding, Plan, PortKind, Services, Sink,
        TileSize, Tiles, Tiling,
    };
    pub use parfocal_types::{
        Column, ColumnKind, Error, ErrorKind, Field, Parameters, Result, Scalar, Unit, units::*,
    };
}

/// What the macros write; not for authors.
#[doc(hidden)]
pub mod private {
    pub use crate::checked::create;
    pub use parfocal_abi as abi;
    pub use parfocal_image as image;
    pub use parfocal_operator as operator;
    pub use parfocal_types as types;
    #[cfg(target_family = "wasm")]
    pub use parfocal_wit as wit;
}
