//! x
pub mod entry;
pub mod layout;
pub mod note;
pub mod operator_1;
