//! Axes, extents and regions: where pixels lie.

use core::{
    fmt,
    ops::{Index, IndexMut},
};

/// One of the five axes, in the order in which they are always written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Axis {
    /// Time.
    T = 0,
    /// Channel.
    C = 1,
    /// Depth, along the optical axis.
    Z = 2,
    /// Rows, downwards.
    Y = 3,
    /// Columns, to the right.
    X = 4,
}

impl Axis {
    /// All axes, T to X.
    pub const ALL: [Self; 5] = [Self::T, Self::C, Self::Z, Self::Y, Self::X];

    /// The letter of the axis.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::T => 'T',
            Self::C => 'C',
            Self::Z => 'Z',
            Self::Y => 'Y',
            Self::X => 'X',
        }
    }
}

/// Sizes along T C Z Y X, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Extent(pub [u64; 5]);

impl Extent {
    /// Sizes along T C Z Y X.
    #[must_use]
    pub const fn new(t: u64, c: u64, z: u64, y: u64, x: u64) -> Self {
        Self([t, c, z, y, x])
    }

    /// One plane of `height` rows of `width` pixels.
    #[must_use]
    pub const fn plane(height: u64, width: u64) -> Self {
        Self([1, 1, 1, height, width])
    }

    /// The number of pixels, or `None` when it does not fit 64 bits.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.0.iter().try_fold(1_u64, |count, size| count.checked_mul(*size))
    }

    /// Whether there is no pixel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.contains(&0)
    }

    /// The number of planes: T x C x Z.
    #[must_use]
    pub fn planes(&self) -> u64 {
        self.0[..3].iter().fold(1, |count, size| count.saturating_mul(*size))
    }
}

impl Index<Axis> for Extent {
    type Output = u64;
    fn index(&self, axis: Axis) -> &u64 {
        &self.0[axis as usize]
    }
}

impl IndexMut<Axis> for Extent {
    fn index_mut(&mut self, axis: Axis) -> &mut u64 {
        &mut self.0[axis as usize]
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [t, c, z, y, x] = self.0;
        write!(f, "T{t} C{c} Z{z} Y{y} X{x}")
    }
}

/// A box of pixels: where it starts in the image, and its size. It may reach beyond the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Region {
    /// First pixel along T C Z Y X; negative before the image.
    pub origin: [i64; 5],
    /// Size along T C Z Y X.
    pub extent: Extent,
}

impl Region {
    /// The whole of an image of this extent.
    #[must_use]
    pub const fn whole(extent: Extent) -> Self {
        Self { origin: [0; 5], extent }
    }

    /// The box from `origin` of size `extent`.
    #[must_use]
    pub const fn new(origin: [i64; 5], extent: Extent) -> Self {
        Self { origin, extent }
    }

    /// First position after the box along an axis (saturating).
    #[must_use]
    pub fn end(&self, axis: Axis) -> i64 {
        let size = i64::try_from(self.extent[axis]).unwrap_or(i64::MAX);
        self.origin[axis as usize].saturating_add(size)
    }

    /// The pixels that both boxes have; empty when there is none.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut result = Self::default();
        for axis in Axis::ALL {
            let start = self.origin[axis as usize].max(other.origin[axis as usize]);
            let end = self.end(axis).min(other.end(axis));
            result.origin[axis as usize] = start;
            result.extent[axis] = end.saturating_sub(start).max(0).unsigned_abs();
        }
        result
    }

    /// Whether every pixel of `other` lies in this box.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        Axis::ALL.iter().all(|&axis| {
            self.origin[axis as usize] <= other.origin[axis as usize] && self.end(axis) >= other.end(axis)
        })
    }

    /// The box grown by `before` and `after` pixels along an axis.
    #[must_use]
    pub fn grown(mut self, axis: Axis, before: u64, after: u64) -> Self {
        let origin = &mut self.origin[axis as usize];
        *origin = origin.saturating_sub(i64::try_from(before).unwrap_or(i64::MAX));
        self.extent[axis] = self.extent[axis].saturating_add(before).saturating_add(after);
        self
    }

    /// The box with one axis replaced.
    #[must_use]
    pub fn with(mut self, axis: Axis, origin: i64, size: u64) -> Self {
        self.origin[axis as usize] = origin;
        self.extent[axis] = size;
        self
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, axis) in Axis::ALL.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{}{}..{}", axis.letter(), self.origin[index], self.end(*axis))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_intersect_and_contain() {
        let image = Region::whole(Extent::plane(10, 20));
        let tile = Region::new([0, 0, 0, 8, 16], Extent::plane(8, 8)).grown(Axis::Y, 2, 2);
        assert_eq!(tile.origin[3], 6);
        assert_eq!(tile.extent[Axis::Y], 12);
        let inside = tile.intersection(&image);
        assert_eq!(inside, Region::new([0, 0, 0, 6, 16], Extent::plane(4, 4)));
        assert!(image.contains(&inside) && !image.contains(&tile));
        let far = Region::new([0, 0, 0, 100, 0], Extent::plane(1, 1));
        assert!(image.intersection(&far).extent.is_empty());
    }

    #[test]
    fn counts_do_not_overflow() {
        assert_eq!(Extent::new(1, 1, 1, u64::MAX, 2).count(), None);
        assert_eq!(Extent::new(2, 3, 4, 5, 6).count(), Some(720));
        assert_eq!(Extent::new(2, 3, 4, 5, 6).planes(), 24);
    }
}
