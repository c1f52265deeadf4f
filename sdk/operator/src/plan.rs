//! What an operator answers before anything runs.

use parfocal_image::{Axis, ImageSpec};

/// How far the host may cut an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Tiling {
    /// Anywhere.
    #[default]
    Split = 0,
    /// Into single positions only: every plane, channel or time point by itself.
    Each = 1,
    /// Not at all.
    Whole = 2,
}

impl Tiling {
    /// The value with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Split),
            1 => Some(Self::Each),
            2 => Some(Self::Whole),
            _ => None,
        }
    }
}

/// What the host fills in where a halo reaches beyond the image. Names as in `numpy.pad`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Padding {
    /// Nothing: the input tile ends where the image ends, and the operator copes.
    #[default]
    Clip = 0,
    /// Mirrored, the edge pixel twice: `c b a | a b c`.
    Symmetric = 1,
    /// Mirrored, the edge pixel once: `d c b | a b c`.
    Reflect = 2,
    /// The edge pixel repeated.
    Edge = 3,
    /// Zeros.
    Zero = 4,
}

impl Padding {
    /// The value with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Clip),
            1 => Some(Self::Symmetric),
            2 => Some(Self::Reflect),
            3 => Some(Self::Edge),
            4 => Some(Self::Zero),
            _ => None,
        }
    }
}

/// The answer of [`Operator::plan`](crate::Operator::plan).
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The image outputs, in the order of their ports. The host sets class and supports.
    pub outputs: Vec<ImageSpec>,
    /// How far each axis of the work may be cut. The work has the extent of the first image output, or, without one, of
    /// the first input.
    pub tiling: [Tiling; 5],
    /// The axes over which a reduce operator makes one result; for each position of the others it makes one of its own.
    pub reduce_over: [bool; 5],
    /// What is filled in beyond the image's edge.
    pub padding: Padding,
    /// Upper bound of memory that an instance needs for itself, for each pixel of a tile's work.
    pub bytes_per_pixel: u32,
    /// Upper bound of memory that an instance needs besides.
    pub bytes: u64,
}

impl Plan {
    /// One image like the input, axes cut anywhere, no padding, no memory of its own.
    #[must_use]
    pub fn like(input: &ImageSpec) -> Self {
        Self { outputs: vec![input.clone()], ..Self::without_images() }
    }

    /// No image output: tables and records only.
    #[must_use]
    pub fn without_images() -> Self {
        Self {
            outputs: Vec::new(),
            tiling: [Tiling::Split; 5],
            reduce_over: [false, false, true, true, true],
            padding: Padding::Clip,
            bytes_per_pixel: 0,
            bytes: 0,
        }
    }

    /// The same plan with another padding.
    #[must_use]
    pub fn padded(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// The same plan with another rule for one axis.
    #[must_use]
    pub fn tiled(mut self, axis: Axis, tiling: Tiling) -> Self {
        self.tiling[axis as usize] = tiling;
        self
    }

    /// The same plan with memory of the instance's own for each pixel of a tile's work.
    #[must_use]
    pub fn with_memory(mut self, bytes_per_pixel: u32) -> Self {
        self.bytes_per_pixel = bytes_per_pixel;
        self
    }
}
