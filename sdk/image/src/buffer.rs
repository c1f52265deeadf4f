//! Pixels that somebody owns.

use parfocal_types::error::{Error, Result};

use crate::{
    dtype::{DType, Pixel},
    region::Region,
    view::{PixelsMut, PixelsRef, Strides, View, ViewMut, dense_strides},
};

/// Owned, dense pixels of a region, aligned for every pixel type.
#[derive(Debug, Clone)]
pub struct Buffer {
    words: Vec<u64>,
    dtype: DType,
    region: Region,
    strides: Strides,
}

impl Buffer {
    /// Zeroed pixels for `region`.
    ///
    /// # Errors
    /// `out-of-memory` or `invalid-argument` when they do not fit memory.
    pub fn zeroed(dtype: DType, region: Region) -> Result<Self> {
        let strides = dense_strides(&region.extent)?;
        let pixels = region.extent.count().and_then(|count| usize::try_from(count).ok());
        let bytes = pixels.and_then(|pixels| pixels.checked_mul(dtype.size())).ok_or_else(|| {
            Error::invalid_argument(format!("an image of {} does not fit memory", region.extent))
        })?;
        let mut words = Vec::new();
        words.try_reserve_exact(bytes.div_ceil(8)).map_err(|_| {
            Error::new(
                parfocal_types::ErrorKind::OutOfMemory { need: bytes as u64, budget: 0 },
                format!("there is no memory for {bytes} bytes of pixels"),
            )
        })?;
        words.resize(bytes.div_ceil(8), 0);
        Ok(Self { words, dtype, region, strides })
    }

    /// Pixels copied from a slice that lists them in raster order.
    ///
    /// # Errors
    /// `invalid-argument` when the slice has not as many pixels as the region.
    pub fn from_slice<T: Pixel>(data: &[T], region: Region) -> Result<Self> {
        if region.extent.count() != Some(data.len() as u64) {
            return Err(Error::invalid_argument(format!(
                "{} pixels given for a region of {}",
                data.len(),
                region.extent
            )));
        }
        let mut buffer = Self::zeroed(T::DTYPE, region)?;
        let bytes = buffer.bytes_mut();
        bytes.copy_from_slice(bytemuck::cast_slice(data));
        Ok(buffer)
    }

    /// The type of the pixels.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the pixels lie in their image.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    fn byte_count(&self) -> usize {
        self.strides[0] * usize::try_from(self.region.extent.0[0]).unwrap_or(0) * self.dtype.size()
    }

    /// The pixels as bytes in the machine's order, raster order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.byte_count()]
    }

    /// The pixels as writable bytes in the machine's order, raster order.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let count = self.byte_count();
        &mut bytemuck::cast_slice_mut(&mut self.words)[..count]
    }

    /// The pixels, read-only.
    ///
    /// # Errors
    /// None in practice: the buffer was made for its region.
    pub fn pixels(&self) -> Result<PixelsRef<'_>> {
        PixelsRef::new(self.dtype, self.bytes(), self.region, self.strides)
    }

    /// The pixels, writable.
    ///
    /// # Errors
    /// None in practice: the buffer was made for its region.
    pub fn pixels_mut(&mut self) -> Result<PixelsMut<'_>> {
        let (dtype, region, strides) = (self.dtype, self.region, self.strides);
        PixelsMut::new(dtype, self.bytes_mut(), region, strides)
    }

    /// The pixels in raster order, as `T`.
    ///
    /// # Errors
    /// `invalid-argument` when they are of another type.
    pub fn as_slice<T: Pixel>(&self) -> Result<&[T]> {
        if !T::matches(self.dtype) {
            return Err(Error::invalid_argument(format!(
                "pixels of {} asked for as {}",
                self.dtype,
                T::DTYPE
            )));
        }
        bytemuck::try_cast_slice(self.bytes()).map_err(|error| Error::internal(error.to_string()))
    }

    /// A typed view.
    ///
    /// # Errors
    /// `invalid-argument` when the pixels are of another type.
    pub fn view<T: Pixel>(&self) -> Result<View<'_, T>> {
        View::dense(self.as_slice()?, self.region)
    }

    /// A typed, writable view.
    ///
    /// # Errors
    /// `invalid-argument` when the pixels are of another type.
    pub fn view_mut<T: Pixel>(&mut self) -> Result<ViewMut<'_, T>> {
        if !T::matches(self.dtype) {
            return Err(Error::invalid_argument(format!(
                "pixels of {} asked for as {}",
                self.dtype,
                T::DTYPE
            )));
        }
        let region = self.region;
        let data = bytemuck::try_cast_slice_mut(self.bytes_mut())
            .map_err(|error| Error::internal(error.to_string()))?;
        ViewMut::dense(data, region)
    }
}
