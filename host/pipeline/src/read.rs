//! Reads the tile that an operator needs: the part inside the image from its source, the rest filled.

use std::sync::Arc;

use parfocal_core::{Frame, FrameAllocator, ImageSource};
use parfocal_image::{DType, Extent, PixelsRef, Region};
use parfocal_operator::{InputRegion, Padding};
use parfocal_types::error::{Error, Result};

use crate::padding::{fill, hull, needed};

/// Pixels of one input for one tile.
pub(crate) struct InputTile {
    frame: Frame,
    region: Region,
}

impl InputTile {
    /// The pixels that the operator sees.
    pub(crate) fn pixels(&self) -> Result<PixelsRef<'_>> {
        self.frame.pixels()?.part(&self.region)
    }
}

/// What the operator sees of an image when it asks for `required`, and what has to be in memory for that.
pub(crate) struct Window {
    /// What the operator sees.
    pub(crate) seen: Region,
    /// What is read from the source; perhaps empty.
    pub(crate) read: Region,
    /// What is in memory: both.
    pub(crate) held: Region,
    padding: Padding,
}

impl Window {
    /// The window for a part of an image of this extent.
    ///
    /// # Errors
    /// `invalid-argument` for a part without pixels, or, with padding `clip`, one that lies outside the image.
    pub(crate) fn new(required: &InputRegion, image: &Extent) -> Result<Self> {
        let InputRegion { region: required, padding, .. } = *required;
        let seen = match padding {
            Padding::Clip => required.intersection(&Region::whole(*image)),
            _ => required,
        };
        if seen.extent.is_empty() || seen.extent.count().is_none_or(|count| count > LARGEST) {
            return Err(Error::invalid_argument(format!(
                "it asks for {required} of an input of {image}, which shows no pixels or too many"
            )));
        }
        let read = needed(&seen, image, padding);
        let held = if read.extent.is_empty() { seen } else { hull(&seen, &read) };
        Ok(Self { seen, read, held, padding })
    }

    /// Bytes of the budget that the window takes.
    pub(crate) fn cost(&self, dtype: DType) -> u64 {
        FrameAllocator::cost(dtype, &self.held)
    }
}

/// More pixels than any tile has: a box beyond it is a mistake of the operator, found before time is spent on it.
const LARGEST: u64 = 1 << 40;

/// Reads a part of an image.
///
/// # Errors
/// Those of the source, and `out-of-memory`.
pub(crate) fn read_tile(
    source: &Arc<dyn ImageSource>,
    window: &Window,
    allocator: &FrameAllocator,
) -> Result<InputTile> {
    let spec = source.spec();
    let mut frame = allocator.allocate_input(spec.dtype, window.held)?;
    let mut pixels = frame.pixels_mut()?;
    if !window.read.extent.is_empty() {
        source.read(&mut pixels.part_mut(&window.read)?)?;
    }
    fill(&mut pixels, &window.seen, &spec.extent, window.padding);
    Ok(InputTile { frame, region: window.seen })
}
