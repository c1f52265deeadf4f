//! Functions that give the same bits on every system and in every lane.
//!
//! The standard library's `exp`, `sin` and friends call the system's mathematics, which differs in the last bit between
//! systems, and so between native and WASM. These are the `libm` crate's, compiled with the plugin.

pub use libm::{
    atan2, atan2f, cbrt, cbrtf, cos, cosf, exp, exp2, exp2f, expf, hypot, hypotf, log, log2, log2f, log10,
    log10f, logf, pow, powf, sin, sinf, tan, tanf, tanh, tanhf,
};
