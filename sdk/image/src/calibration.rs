//! Calibration: the size of a pixel in the sample, and when time zero was; or explicitly unknown.

use parfocal_types::{
    error::{Error, Result},
    units::Micrometers,
};

/// The size of a pixel in the sample along each axis. `None` means that nobody knows: there is no silent 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PixelSize {
    /// Distance between columns.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub x: Option<Micrometers>,
    /// Distance between rows.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub y: Option<Micrometers>,
    /// Distance between planes of a stack.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub z: Option<Micrometers>,
}

impl PixelSize {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { x: None, y: None, z: None };

    /// Square pixels of this side, planes unknown.
    #[must_use]
    pub const fn square(side: Micrometers) -> Self {
        Self { x: Some(side), y: Some(side), z: None }
    }

    /// Square pixels of this side, planes `depth` apart.
    #[must_use]
    pub const fn voxel(side: Micrometers, depth: Micrometers) -> Self {
        Self { x: Some(side), y: Some(side), z: Some(depth) }
    }

    /// Column and row distance.
    ///
    /// # Errors
    /// `not-found` when one is unknown: a measurement in micrometers cannot be made.
    pub fn in_plane(&self) -> Result<(Micrometers, Micrometers)> {
        match (self.x, self.y) {
            (Some(x), Some(y)) => Ok((x, y)),
            _ => Err(Error::not_found("the image does not say how large a pixel is")
                .with_remedy("give it with `--pixel-size <µm>` (for example 0.108), or measure in pixels")),
        }
    }

    /// Whether each known size is a positive, finite number.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        [self.x, self.y, self.z].into_iter().flatten().all(|size| size.0.is_finite() && size.0 > 0.0)
    }
}

/// When the time zero of an acquisition was. The times of planes come from a monotonic clock and count from there; the
/// anchor ties them to the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TimeAnchor {
    /// Nanoseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
    pub unix_ns: i64,
    /// What the monotonic clock showed at that moment, where it is known.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub clock: Option<ClockReading>,
}

/// A reading of a monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClockReading {
    /// Which clock: times of different clocks cannot be compared.
    pub id: String,
    /// Nanoseconds since the clock's own start.
    pub ns: u64,
}
