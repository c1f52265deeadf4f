//! The WASM lane: operators that are WASM components.
//!
//! # What it is
//! [`WasmLane`] loads a component of the package `parfocal:operator` (see `parfocal-wit`), compiles it once, and makes
//! instances that answer the host's one [`Operator`](parfocal_operator::Operator) trait. Who calls it: `parfocal-pipeline` and
//! embedding programs, through [`Lane`](parfocal_core::Lane). A component gets four services (log, progress, cancel, seed) and a
//! sink for its results; a component that asks for anything else is refused by name before it runs.
//!
//! # What it is not
//! It has no WASI, gives no files, clocks or sockets, and does not know how work is tiled.
//!
//! # How a call runs
//! Every instance has a store of its own and runs on a stack of its own, as a coroutine: every ten milliseconds it is
//! suspended, and the host looks at the clock and at the cancel token ([`Services`](parfocal_operator::Services)), so that a
//! guest that never asks is stopped all the same. The host's functions run on the thread of the call and reach the services
//! and buffers that the caller lent to it.
//!
//! Pixels cross with one copy each way: from the caller's tile into the guest's memory (after gathering the rows of a tile
//! that does not lie densely), and from the guest's memory into the caller's tile.
//!
//! Of `unsafe` there is one call, in the cache: loading machine code that this host compiled. And what the runtime's
//! derives expand to.
//!
//! # Limits
//! | limit | how | error |
//! |---|---|---|
//! | memory of an instance | growth is refused; a guest that cannot live with that ends | `out-of-memory` |
//! | time of a call | the tick | `timeout` |
//! | cancel that the guest ignores for 100 ms | the tick | `cancelled` |
//! | tables and records of a call: as much as its memory | counted as they come | `out-of-memory` |
//! | what a call copies to the host: as much as its memory | the runtime | `plugin-died` |
//! | a million entries of tables, a hundred thousand handles, 64 memories, tables and modules | the runtime | growth is refused; `plugin-died` |
//! | texts of errors and log: 4096 bytes, without control characters | cut | |
//! | texts (4096 bytes) and lists (1000) of a description | checked at loading | `invalid-argument` |
//! | stack (1 MiB of the machine's, besides the guest's own) | the runtime | `plugin-died` |
//! | panic, trap, results that break the contract | the runtime | `plugin-died`, with the guest's last words |
//!
//! After each of these the instance is dropped, and the next call makes a new one: it is created with the same parameters,
//! planned with the same inputs and the same seed, given the state that was last loaded and the conclusion that was last
//! given. What it logs meanwhile was heard before and is dropped.
//!
//! An operator that planned an axis [in order](parfocal_operator::Tiling::InOrder) remembers what it saw, and a new instance
//! does not. So after the loss of its instance every call is refused with `bad-state` until the sequence starts again
//! (`reset`), continues from a saved state (`load`), or something else is planned.
//!
//! # The same bits everywhere
//! Arithmetic in WASM is IEEE 754 and does not depend on the machine, with one exception: which NaN comes out of an
//! operation on x86 is the processor's choice in both lanes. Making NaNs canonical costs a comparison for every
//! floating-point instruction and would make WASM *differ* from native code, which does not do it; so it is off, and a
//! deterministic operator writes the canonical NaN where it means one. Relaxed SIMD is held to its deterministic form.
//!
//! # The price of the tick
//! Compiled code looks at a counter at every turn of every loop, and may call the host there. In a loop that does a few
//! instructions a turn that costs up to twice the time; in one that does a block of pixels a turn almost nothing. But no
//! SIMD register survives a call: a vector that a loop carries from turn to turn, such as a sum, is written to
//! memory and read again at each. The row iterators of `parfocal-plugin` make loops of blocks that carry none.
//!
//! # The cache of compiled code
//! [`WasmOptions::cache_dir`]; see there. Only what this host wrote is ever loaded.

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks,
    reason = "generated from the WIT package, and derives that do the same by hand"
)]
mod bindings;
mod cache;
mod check;
mod death;
mod desk;
mod engine;
mod instance;
mod lane;
mod limiter;
mod operator;
mod state;
mod tiles;

pub use lane::{WasmLane, WasmOptions};
