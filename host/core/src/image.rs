//! Where pixels come from and where they go: the two ends of every pipeline.

use std::sync::Arc;

use parfocal_image::{Buffer, Extent, ImageSpec, PixelsMut, PixelsRef, Region};
use parfocal_types::error::Result;

/// An image that is read piece by piece: a file, a scratch store, the memory.
///
/// Implemented by `host/io` and `host/pipeline`; called from several threads at once.
pub trait ImageSource: Send + Sync {
    /// Everything about the image but its pixels.
    fn spec(&self) -> &ImageSpec;

    /// The size of the pieces in which the image lies in its store (tile or strip, one plane thick): reading whole
    /// pieces is cheapest.
    fn chunk(&self) -> Extent;

    /// Fills `out` with the pixels of `out.region()`, which lies inside the image; `out` has the image's dtype and
    /// any strides.
    ///
    /// # Errors
    /// `corrupt` or `data-incomplete` for a damaged file, `not-supported` for a feature that is met only now,
    /// `invalid-argument` when region or dtype do not fit the image. `out` is then undefined, the source stays
    /// usable.
    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()>;
}

/// An image that is written piece by piece, in any order, from several threads at once.
pub trait ImageSink: Send + Sync {
    /// Everything about the image but its pixels.
    fn spec(&self) -> &ImageSpec;

    /// The grid of pieces: `write` takes boxes whose origin is a multiple of it and whose size is a multiple of it or
    /// reaches the image's end. Pieces are one plane thick (T, C and Z of 1).
    fn tile(&self) -> Extent;

    /// Takes the pixels of a box of the grid. Each pixel is given exactly once.
    ///
    /// # Errors
    /// `invalid-argument` for a box off the grid; else what the store says (disk full).
    fn write(&self, pixels: &PixelsRef<'_>) -> Result<()>;

    /// Completes the image and makes it appear under its name; until then there is nothing to be seen.
    /// Dropping the sink instead leaves nothing behind.
    ///
    /// # Errors
    /// `data-incomplete` when pieces are missing; else what the store says.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// An image in memory.
#[derive(Debug, Clone)]
pub struct MemoryImage {
    spec: ImageSpec,
    pixels: Arc<Buffer>,
}

impl MemoryImage {
    /// An image of these pixels.
    ///
    /// # Errors
    /// `invalid-argument` when the spec is not valid or the pixels are not those of the whole image.
    pub fn new(spec: ImageSpec, pixels: Buffer) -> Result<Self> {
        spec.validate()?;
        if *pixels.region() != Region::whole(spec.extent) || pixels.dtype() != spec.dtype {
            return Err(parfocal_types::Error::invalid_argument(format!(
                "the pixels are {} of {}, the image is {} of {}",
                pixels.region().extent,
                pixels.dtype(),
                spec.extent,
                spec.dtype
            )));
        }
        Ok(Self { spec, pixels: Arc::new(pixels) })
    }

    /// Reads a whole image into memory.
    ///
    /// # Errors
    /// Those of the source, and `out-of-memory`.
    pub fn read(source: &dyn ImageSource) -> Result<Self> {
        let mut pixels = Buffer::zeroed(source.spec().dtype, Region::whole(source.spec().extent))?;
        source.read(&mut pixels.pixels_mut()?)?;
        Self::new(source.spec().clone(), pixels)
    }

    /// The pixels of the whole image.
    #[must_use]
    pub fn pixels(&self) -> &Buffer {
        &self.pixels
    }
}

impl ImageSource for MemoryImage {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn chunk(&self) -> Extent {
        let [_, _, _, y, x] = self.spec.extent.0;
        Extent::plane(y, x)
    }

    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()> {
        copy_pixels(&self.pixels.pixels()?, out)
    }
}

/// Copies the pixels of `out.region()` from `source`, which must contain them.
///
/// # Errors
/// `invalid-argument` when the dtypes differ or the source does not contain the region.
pub fn copy_pixels(source: &PixelsRef<'_>, out: &mut PixelsMut<'_>) -> Result<()> {
    use parfocal_image::DType;
    let region = *out.region();
    match source.dtype() {
        DType::U8 | DType::Mask => out.view_mut::<u8>()?.copy_from(&source.view::<u8>()?.part(&region)?),
        DType::I8 => out.view_mut::<i8>()?.copy_from(&source.view::<i8>()?.part(&region)?),
        DType::U16 => out.view_mut::<u16>()?.copy_from(&source.view::<u16>()?.part(&region)?),
        DType::I16 => out.view_mut::<i16>()?.copy_from(&source.view::<i16>()?.part(&region)?),
        DType::U32 => out.view_mut::<u32>()?.copy_from(&source.view::<u32>()?.part(&region)?),
        DType::F32 => out.view_mut::<f32>()?.copy_from(&source.view::<f32>()?.part(&region)?),
    }
}
