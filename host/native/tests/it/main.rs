//! The native lane against real libraries, compiled here from C with the generated header alone.

mod calls;
mod fixture;
mod header;
mod refusals;
