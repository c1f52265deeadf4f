//! Everything about an image but its pixels.

use parfocal_types::{
    error::{Error, Result},
    units::Seconds,
};

use crate::{
    calibration::{PixelSize, TimeAnchor},
    channel::Channel,
    dtype::DType,
    region::{Axis, Extent},
};

/// Everything about an image but its pixels.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ImageSpec {
    /// Name of the image within its file; empty when there is none.
    pub name: String,
    /// Size along T C Z Y X.
    pub extent: Extent,
    /// Type of the pixels.
    pub dtype: DType,
    /// Bits that values really use: 12 for a 12-bit camera in `u16`. At most the bits of the type.
    pub significant_bits: u32,
    /// Size of a pixel in the sample.
    pub pixel_size: PixelSize,
    /// Time between time points, where it is constant.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub time_increment: Option<Seconds>,
    /// When the time zero of the planes' times was.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub acquired: Option<TimeAnchor>,
    /// The channels; as many as the extent along C.
    pub channels: Vec<Channel>,
}

impl ImageSpec {
    /// An image about which nothing but size and type is known; its channels have no names.
    #[must_use]
    pub fn new(extent: Extent, dtype: DType) -> Self {
        let count = usize::try_from(extent[Axis::C]).unwrap_or(0);
        Self {
            name: String::new(),
            extent,
            dtype,
            significant_bits: dtype.bits(),
            pixel_size: PixelSize::UNKNOWN,
            time_increment: None,
            acquired: None,
            channels: vec![Channel::default(); count],
        }
    }

    /// Bytes of all pixels in memory, or `None` when the number does not fit 64 bits.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.extent.count()?.checked_mul(self.dtype.size() as u64)
    }

    /// Checks that the parts agree.
    ///
    /// # Errors
    /// `invalid-argument` when the number of channels is not the extent along C, when there are more significant
    /// bits than the type has or none, or when a pixel size is not a positive number.
    pub fn validate(&self) -> Result<()> {
        if self.channels.len() as u64 != self.extent[Axis::C] {
            return Err(Error::invalid_argument(format!(
                "{} channels are described, but the image has {}",
                self.channels.len(),
                self.extent[Axis::C]
            )));
        }
        if self.significant_bits == 0 || self.significant_bits > self.dtype.bits() {
            return Err(Error::invalid_argument(format!(
                "{} significant bits do not fit pixels of type {}",
                self.significant_bits, self.dtype
            )));
        }
        if !self.pixel_size.is_valid() {
            return Err(Error::invalid_argument("a pixel size must be a positive number of micrometers"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_types::units::Micrometers;

    #[test]
    fn parts_that_disagree_are_refused() {
        let good = ImageSpec::new(Extent::new(1, 2, 1, 4, 4), DType::U16);
        good.validate().unwrap();
        let mut bits = good.clone();
        bits.significant_bits = 17;
        assert!(bits.validate().is_err());
        let mut channels = good.clone();
        channels.channels.pop();
        assert!(channels.validate().is_err());
        let mut size = good;
        size.pixel_size = PixelSize::square(Micrometers(0.0));
        assert!(size.validate().is_err());
    }
}
