//! The native lane: Rust and C libraries in this process.
//!
//! A call costs nanoseconds, and a library that crashes takes the host along: this lane is for code that the user
//! trusts. It enforces neither the memory nor the time limit of an [`Artifact`](parfocal_core::Artifact); a library that
//! ignores the cancel poll cannot be stopped. What it does enforce, before the first call into the library:
//!
//! 1. the file has the digest of its manifest, and what was read is what is mapped (a sealed copy in memory);
//! 2. the note in its bytes says that it speaks an interface of this host, and, for Rust, that every boundary struct
//!    has this host's layout;
//! 3. the entry point is there and negotiation succeeds.
//!
//! A panic or an exception behind the border stays an error; the instance in which it happened is never called again, and
//! the next call gets a new one that was told the same. In a sequence it says so instead, until the sequence starts again.
//!
//! Libraries stay mapped until the process ends: unloading native code safely is not possible.

#![cfg(unix)]

mod context;
mod instance;
mod library;
mod probe;

pub use library::NativeLane;
pub use probe::{Entered, Interfaced, Probe};
