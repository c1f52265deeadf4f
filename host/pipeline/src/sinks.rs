//! Sinks that are no files: nowhere, and two places at once; and an image that is only planned.

use parfocal_core::{ImageSink, ImageSource};
use parfocal_image::{Extent, ImageSpec, PixelsMut, PixelsRef};
use parfocal_types::error::{Error, Result};

use crate::scratch::PIECE;

/// A sink for an output that nobody wants.
#[derive(Debug, Clone)]
pub struct Discard {
    spec: ImageSpec,
    piece: u64,
}

impl Discard {
    /// A sink that forgets an image like this.
    #[must_use]
    pub fn new(spec: ImageSpec) -> Self {
        Self { spec, piece: 256 }
    }

    /// The same, in pieces as scratch files and large image files take them.
    pub(crate) fn planned(spec: ImageSpec) -> Self {
        Self { spec, piece: PIECE }
    }
}

impl ImageSink for Discard {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn tile(&self) -> Extent {
        Extent::plane(self.piece, self.piece)
    }

    fn write(&self, _pixels: &PixelsRef<'_>) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Writes into two sinks with the same grid: an intermediate image that is also wanted as a file.
pub(crate) struct Both {
    pub(crate) first: Box<dyn ImageSink>,
    pub(crate) second: Box<dyn ImageSink>,
}

impl ImageSink for Both {
    fn spec(&self) -> &ImageSpec {
        self.first.spec()
    }

    fn tile(&self) -> Extent {
        self.first.tile()
    }

    fn write(&self, pixels: &PixelsRef<'_>) -> Result<()> {
        self.first.write(pixels)?;
        self.second.write(pixels)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        // The second is the scratch image: when it fails, the first must not appear.
        self.second.finish()?;
        self.first.finish()
    }
}

/// An image between two steps that are planned, not run: it lies in pieces as in a [`Scratch`](crate::Scratch) file.
pub(crate) struct Unmade(pub(crate) ImageSpec);

impl ImageSource for Unmade {
    fn spec(&self) -> &ImageSpec {
        &self.0
    }

    fn chunk(&self) -> Extent {
        Extent::plane(PIECE, PIECE)
    }

    fn read(&self, _out: &mut PixelsMut<'_>) -> Result<()> {
        Err(Error::internal("pixels of an image that is only planned"))
    }
}
