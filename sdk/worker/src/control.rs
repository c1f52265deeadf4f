//! The control page: what host and worker tell each other while a call runs, without messages.
//!
//! One page of shared memory, sent with `hello` and mapped by both sides. Each word is written by one side only, as a whole
//! (aligned, little-endian), and lies on a cache line of its own.

/// Bytes of the page.
pub const LENGTH: usize = 4096;

/// A `u32` that the host writes: 1 while the worker is asked to stop the current call, else 0.
pub const CANCEL: usize = 0;

/// An `f32` that the worker writes: how far the current call has come, 0 to 1.
pub const PROGRESS: usize = 64;

/// A `u32` that the worker writes: counts, wrapping, how often the operator asked whether to stop or told its progress. When a
/// call takes too long, a host tells from it whether the operator was slow or stuck.
pub const HEARTBEAT: usize = 128;
