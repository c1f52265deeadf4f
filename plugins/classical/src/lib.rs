//! Classical operators.
