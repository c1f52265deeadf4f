//! The tile scheduler: runs an operator over an image in bounded memory, and operators in chains.
//!
//! What it does: asks the operator for its plan and checks it, cuts the work into tiles, reads each tile with the halo
//! that the operator needs and fills what lies beyond the image, keeps all threads busy with an instance each, merges
//! the partial results of reduce operators strictly in the order of the tiles, writes the outputs along the grids of
//! their sinks, and sets pixel class and supports of what comes out. It stops at a request, at the first error, and at
//! the memory budget.
//!
//! What it is not: no file formats (`host/io` brings sources and sinks), no discovery, no recipes, and no code of
//! plugins: operators are reached through [`Library`](parfocal_core::Library).
//!
//! # The same bytes, however it is run
//! The cut into tiles depends on the image, the plan, the sinks and the memory budget, never on the number of threads,
//! and partial results are joined from left to right; so the number of threads never changes a result.
//!
//! # Who calls it
//! The program, for one operator ([`run`]) or a chain ([`run_chain`]); an embedding program the same way. [`Run`] has
//! the two halves apart: prepare (everything is checked, the peak of memory is known), then start.
//!
//! # Rules that operators and their authors meet here
//! - Axes that the plan lets the host cut: T and C go position by position, Z plane by plane unless a halo along Z makes
//!   thicker slabs cheaper, Y and X along the grid of the sink.
//! - All image outputs have the extent of the first one, except along axes that the plan keeps whole; there each output
//!   has its own.
//! - A reduce operator gives one table and one record for each position of the axes that it does not reduce over. Where
//!   an axis has several positions, a column (or field) `t`, `channel`, `z`, `y` or `x` with the 0-based position
//!   stands in front, unless the operator has one of that name itself.
//! - An operator that wants positions in order gets them on one instance, after a `reset`: one sequence for each place of
//!   the other axes.
//! - Groups of a reduce operator never mix on an instance: all calls for one group come before those for the next.

mod chain;
mod collect;
mod grid;
mod marks;
mod padding;
mod planned;
mod ports;
mod progress;
mod read;
mod reduce;
mod run;
mod scratch;
mod services;
mod shape;
mod sinks;
mod step;
mod workers;
mod write;

pub use chain::{ChainResult, ChainSinkFactory, ChainStep, Source, check_chain, estimate_chain, run_chain};
pub use planned::check;
pub use run::{Run, SinkFactory, estimate, run};
pub use scratch::Scratch;
pub use sinks::Discard;
pub use step::{Estimate, OperatorLog, Report, RunOptions, Step, StepResult};
