//! Images in memory.

use parfocal_image::{Axis, Buffer, DType, Extent, ImageSpec, Pixel, Region};
use parfocal_types::{Error, Result};

/// An image in memory: its facts and its dense pixels.
#[derive(Debug, Clone)]
pub struct Image {
    /// Everything but the pixels.
    pub spec: ImageSpec,
    /// The pixels, dense, of the whole image.
    pub pixels: Buffer,
}

impl Image {
    /// An image of which nothing but pixels is known, listed in raster order.
    ///
    /// # Errors
    /// `invalid-argument` when there are not as many pixels as the extent says.
    pub fn new<T: Pixel>(extent: Extent, data: &[T]) -> Result<Self> {
        Self::of(ImageSpec::new(extent, T::DTYPE), data)
    }

    /// An image with these facts and pixels.
    ///
    /// # Errors
    /// As [`new`](Self::new); `invalid-argument` when the facts name another pixel type.
    pub fn of<T: Pixel>(spec: ImageSpec, data: &[T]) -> Result<Self> {
        let mut image = Self::zeroed(spec)?;
        let to = image.pixels.view_mut::<T>();
        let source = Buffer::from_slice(data, Region::whole(image.spec.extent))?;
        to?.copy_from(&source.view::<T>()?)?;
        Ok(image)
    }

    /// A black image with these facts.
    ///
    /// # Errors
    /// `invalid-argument` or `out-of-memory` when it does not fit memory.
    pub fn zeroed(spec: ImageSpec) -> Result<Self> {
        let pixels = Buffer::zeroed(spec.dtype, Region::whole(spec.extent))?;
        Ok(Self { spec, pixels })
    }

    /// An image whose pixels follow from their place (T C Z Y X), rounded and clamped to the pixel type.
    ///
    /// # Errors
    /// As [`zeroed`](Self::zeroed).
    pub fn drawn(spec: ImageSpec, mut draw: impl FnMut([u64; 5]) -> f64) -> Result<Self> {
        let mut image = Self::zeroed(spec)?;
        let (dtype, size) = (image.spec.dtype, image.spec.dtype.size());
        let extent = image.spec.extent;
        for (place, pixel) in places(extent).zip(image.pixels.bytes_mut().chunks_exact_mut(size)) {
            write_value(dtype, pixel, draw(place));
        }
        Ok(image)
    }

    /// The value at a place (T C Z Y X); `None` outside.
    #[must_use]
    pub fn value(&self, place: [u64; 5]) -> Option<f64> {
        let start = self.offset(place)?;
        let size = self.spec.dtype.size();
        Some(read_value(self.spec.dtype, self.pixels.bytes().get(start..start + size)?))
    }

    /// Sets the pixel at a place (T C Z Y X).
    ///
    /// # Errors
    /// `invalid-argument` outside of the image.
    pub fn set(&mut self, place: [u64; 5], value: f64) -> Result<()> {
        let (dtype, size) = (self.spec.dtype, self.spec.dtype.size());
        let outside = || Error::invalid_argument(format!("no pixel at {place:?}"));
        let start = self.offset(place).ok_or_else(outside)?;
        let pixel = self.pixels.bytes_mut().get_mut(start..start + size).ok_or_else(outside)?;
        write_value(dtype, pixel, value);
        Ok(())
    }

    /// The pixels in raster order, as `T`.
    ///
    /// # Errors
    /// `invalid-argument` when they are of another type.
    pub fn slice<T: Pixel>(&self) -> Result<&[T]> {
        self.pixels.as_slice()
    }

    /// The values in raster order.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let dtype = self.spec.dtype;
        self.pixels.bytes().chunks_exact(dtype.size()).map(move |pixel| read_value(dtype, pixel))
    }

    /// The part of the image that `region` shows, as an image of its own: channels and facts with it.
    ///
    /// # Errors
    /// `invalid-argument` when the image does not contain it.
    pub fn part(&self, region: &Region) -> Result<Self> {
        let mut spec = self.spec.clone();
        spec.extent = region.extent;
        let channels = region.origin[Axis::C as usize]..region.end(Axis::C);
        spec.channels = channels
            .filter_map(|channel| self.spec.channels.get(usize::try_from(channel).ok()?).cloned())
            .collect();
        let outside = || Error::invalid_argument(format!("{region} is not inside {}", self.spec.extent));
        if !Region::whole(self.spec.extent).contains(region) {
            return Err(outside());
        }
        Self::drawn(spec, |place| {
            let there = std::array::from_fn(|axis| place[axis] + region.origin[axis].unsigned_abs());
            self.value(there).unwrap_or(f64::NAN)
        })
    }

    fn offset(&self, place: [u64; 5]) -> Option<usize> {
        let extent = self.spec.extent.0;
        if place.iter().zip(extent).any(|(index, size)| *index >= size) {
            return None;
        }
        let index = (0..5).fold(0_u64, |index, axis| index * extent[axis] + place[axis]);
        usize::try_from(index).ok()?.checked_mul(self.spec.dtype.size())
    }
}

/// Every place of an extent in raster order.
pub(crate) fn places(extent: Extent) -> impl Iterator<Item = [u64; 5]> {
    let count = if extent.is_empty() { 0 } else { extent.count().unwrap_or(0) };
    (0..count).map(move |mut index| {
        let mut place = [0; 5];
        for axis in (0..5).rev() {
            place[axis] = index % extent.0[axis];
            index /= extent.0[axis];
        }
        place
    })
}

/// The value of one pixel's bytes.
pub(crate) fn read_value(dtype: DType, bytes: &[u8]) -> f64 {
    let wide = || bytes.try_into().unwrap_or([0; 4]);
    let narrow = || bytes.try_into().unwrap_or([0; 2]);
    let single = bytes.first().copied().unwrap_or(0);
    match dtype {
        DType::U8 | DType::Mask => f64::from(single),
        DType::I8 => f64::from(single.cast_signed()),
        DType::U16 => f64::from(u16::from_ne_bytes(narrow())),
        DType::I16 => f64::from(i16::from_ne_bytes(narrow())),
        DType::U32 => f64::from(u32::from_ne_bytes(wide())),
        DType::F32 => f64::from(f32::from_ne_bytes(wide())),
    }
}

/// Writes a value as one pixel: rounded half to even and clamped.
pub(crate) fn write_value(dtype: DType, bytes: &mut [u8], value: f64) {
    match dtype {
        DType::Mask => bytes.copy_from_slice(&[u8::from(value > 0.0)]),
        DType::U8 => bytes.copy_from_slice(&[u8::from_f64(value)]),
        DType::I8 => bytes.copy_from_slice(&i8::from_f64(value).to_ne_bytes()),
        DType::U16 => bytes.copy_from_slice(&u16::from_f64(value).to_ne_bytes()),
        DType::I16 => bytes.copy_from_slice(&i16::from_f64(value).to_ne_bytes()),
        DType::U32 => bytes.copy_from_slice(&u32::from_f64(value).to_ne_bytes()),
        DType::F32 => bytes.copy_from_slice(&f32::from_f64(value).to_ne_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_in_and_come_out_in_every_type() {
        for dtype in DType::ALL {
            let spec = ImageSpec::new(Extent::new(1, 2, 1, 3, 4), dtype);
            let mut image = Image::drawn(spec, |place| (place[4] % 2) as f64).unwrap();
            assert_eq!(image.value([0, 1, 0, 2, 3]), Some(1.0), "{dtype}");
            image.set([0, 1, 0, 2, 3], 0.0).unwrap();
            assert_eq!(image.value([0, 1, 0, 2, 3]), Some(0.0));
            assert_eq!(image.value([0, 2, 0, 0, 0]), None);
            assert!(image.set([0, 2, 0, 0, 0], 0.0).is_err());
            assert_eq!(image.values().sum::<f64>(), 11.0);
        }
    }

    #[test]
    fn a_part_shows_what_lies_there() {
        let spec = ImageSpec::new(Extent::new(1, 2, 1, 5, 7), DType::U16);
        let image = Image::drawn(spec, |[_, c, _, y, x]| (100 * c + 10 * y + x) as f64).unwrap();
        let part = image.part(&Region::new([0, 1, 0, 2, 3], Extent::plane(2, 2))).unwrap();
        assert_eq!(part.values().collect::<Vec<_>>(), [123.0, 124.0, 133.0, 134.0]);
        assert_eq!(part.spec.channels.len(), 1);
        assert!(image.part(&Region::new([0, 1, 0, 4, 3], Extent::plane(2, 2))).is_err());
    }
}
