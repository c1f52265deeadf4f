//! Opening image files by path.
