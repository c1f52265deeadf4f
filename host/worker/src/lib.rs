//! The worker lane: plugin code in a sandboxed child.
//!
//! What a plugin does to its process (a crash, an endless loop, `exit(0)`, memory without end, children left behind) it
//! does to a worker, and the host sees it, says so and goes on. [`process`] is the side that starts, fences, kills and
//! buries workers; it knows nothing of operators.

#[cfg(target_os = "linux")]
pub mod process;
