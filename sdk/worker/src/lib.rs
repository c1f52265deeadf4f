//! The protocol `worker/1`: an operator in a process of its own.
//!
//! What is here: the [messages](message) that a host and a worker exchange, their [framing](channel) over a unix socket with
//! descriptors, and the layout of the [control page](control) that both map. The text for people is
//! `docs/protocol/worker.md`; where the two differ, that is a defect.
//!
//! What is not here: processes, sandboxes and shared memory (`parfocal-worker`, of the host).
//!
//! Who uses it: the host's worker lane and the program `parfocal-worker`, which loads native plugins; in other languages
//! `sdk/python` speaks the same. A Rust program need not: it is built as a plugin.
//!
//! # Why messages are JSON
//! A call carries a few hundred bytes besides pixels, which travel in shared memory, and takes microseconds to write and read.
//! In return a worker can be written in any language with its standard library alone, and a recording can be read by eye.

pub mod channel;
pub mod control;
pub mod failure;
pub mod message;
pub mod value;

pub use channel::{Channel, Message, Want};

/// The name of the protocol.
pub const PROTOCOL: &str = "worker";

/// The version of the protocol that this crate describes.
pub const VERSION: parfocal_types::InterfaceVersion = parfocal_types::InterfaceVersion::draft(1, 1);

/// The environment variable that holds the number of the socket's descriptor.
pub const SOCKET_VARIABLE: &str = "PARFOCAL_WORKER";
