//! Reading of image files.
