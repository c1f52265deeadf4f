//! JPEG strips and tiles.

use parfocal_types::error::{Error, Result};

use crate::read::tiff::layout::Layout;

pub(super) fn decode(_layout: &Layout, _raw: &[u8], _width: usize, _rows: usize) -> Result<Vec<u8>> {
    Err(Error::not_supported("JPEG compression in TIFF"))
}
