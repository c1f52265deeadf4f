//! Convolution: what optics does to light.
//!
//! [`gaussian`] is separable and fast; [`Convolver`] takes any [`Kernel`](crate::psf::Kernel), by Fourier
//! transform. Both compute in `f32` with a fixed order of operations.

mod fft;
mod fourier;
mod separable;

pub use fourier::Convolver;
pub use separable::gaussian;

/// What lies outside the volume along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// Nothing: a sample that ends there.
    Dark,
    /// More of the same: the volume mirrored at its outer voxels' outer faces.
    Mirror,
}

/// The boundary along the optical axis and across it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Boundaries {
    /// Below the first and above the last plane.
    pub axial: Boundary,
    /// Beyond the edges of each plane.
    pub lateral: Boundary,
}

impl Boundaries {
    /// A field of view cut out of a wide, thin sample: mirrored laterally, dark above and below.
    pub const THIN_SAMPLE: Self = Self { axial: Boundary::Dark, lateral: Boundary::Mirror };
    /// An isolated object.
    pub const DARK: Self = Self { axial: Boundary::Dark, lateral: Boundary::Dark };
    /// Mirrored on all sides.
    pub const MIRROR: Self = Self { axial: Boundary::Mirror, lateral: Boundary::Mirror };
}

impl Boundary {
    /// The index inside `0..len` that stands for `index`, or `None` where it is dark.
    fn resolve(self, index: isize, len: usize) -> Option<usize> {
        if index >= 0 && (index as usize) < len {
            return Some(index as usize);
        }
        match self {
            Self::Dark => None,
            Self::Mirror => {
                let period = 2 * len;
                let folded = index.rem_euclid(period as isize) as usize;
                Some(if folded < len { folded } else { period - 1 - folded })
            }
        }
    }
}
