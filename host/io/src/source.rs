//! Opening image files by path, in one call.

use std::{path::Path, sync::Arc};

use parfocal_core::ImageSource;
use parfocal_types::error::{Error, Result};

use crate::read::ImageFile;

/// All images of a file, in the order of the file.
///
/// # Errors
/// As [`ImageFile::open`].
pub fn open(path: impl AsRef<Path>) -> Result<Vec<Arc<dyn ImageSource>>> {
    let file = ImageFile::open(path)?;
    (0..file.series_count()).map(|series| file.source(series)).collect()
}

/// The image of a file that has one.
///
/// # Errors
/// As [`ImageFile::open`], and `invalid-argument` when there are several: which one is meant is for the user to say.
pub fn open_one(path: impl AsRef<Path>) -> Result<Arc<dyn ImageSource>> {
    let path = path.as_ref();
    let file = ImageFile::open(path)?;
    match file.series_count() {
        1 => file.source(0),
        count => Err(Error::invalid_argument(format!("{} has {count} images", path.display()))
            .with_remedy("say which one is meant, counted from 0")),
    }
}

/// Image `series` of a file, counted from 0.
///
/// # Errors
/// As [`ImageFile::open`], and `not-found` when the file has fewer images.
pub fn open_series(path: impl AsRef<Path>, series: usize) -> Result<Arc<dyn ImageSource>> {
    ImageFile::open(path)?.source(series)
}
