//! What an operator answers before anything runs.

use parfocal_image::{Axis, ImageSpec, Region};

/// An image that is connected to an input port.
#[derive(Debug, Clone, Copy)]
pub struct InputSpec<'a> {
    /// The number of the port.
    pub port: u32,
    /// Everything about the image but its pixels.
    pub spec: &'a ImageSpec,
}

/// How far the host may cut an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[repr(u32)]
pub enum Tiling {
    /// Anywhere.
    #[default]
    Split = 0,
    /// Into single positions only: every plane, channel or time point by itself.
    Each = 1,
    /// Not at all.
    Whole = 2,
    /// Into single positions that one instance sees one after the other, from the first to the last, after a `reset`: for
    /// operators that remember. Of kind map only, along one axis at most, and not along C: each channel has a pixel class
    /// of its own, which what is remembered of the others would spoil.
    InOrder = 3,
}

impl Tiling {
    /// The value with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Split),
            1 => Some(Self::Each),
            2 => Some(Self::Whole),
            3 => Some(Self::InOrder),
            _ => None,
        }
    }
}

/// What the host fills in where a halo reaches beyond the image. Names as in `numpy.pad`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
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

/// The part of an input that is needed for a part of the work; see [`Operator::required_input`](crate::Operator::required_input).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub struct InputRegion {
    /// The number of the port.
    pub port: u32,
    /// What the operator wants to see, halo included; it may reach beyond the image.
    pub region: Region,
    /// What is filled in beyond the image's edge. The same for every part of the work.
    pub padding: Padding,
}

impl InputRegion {
    /// A part of the input at this port, which ends where the image ends.
    #[must_use]
    pub const fn new(port: u32, region: Region) -> Self {
        Self { port, region, padding: Padding::Clip }
    }

    /// The same part with another padding.
    #[must_use]
    pub const fn padded(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }
}

/// Which sizes the tiles may have along an axis that is cut anywhere (T, Z, Y or X; channels go one by one unless they are
/// wanted whole), for operators that are picky: a network that wants
/// multiples of 16. The last tile along an axis may be smaller than `step` asks for: the work ends there. What the
/// operator then sees is still its own choice, in `required_input`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub struct TileSize {
    /// Sizes are multiples of this; at least 1.
    pub step: u64,
    /// The largest size; a multiple of `step`.
    pub max: u64,
}

impl TileSize {
    /// Any size.
    pub const ANY: Self = Self { step: 1, max: u64::MAX };
}

impl Default for TileSize {
    fn default() -> Self {
        Self::ANY
    }
}

/// The answer of [`Operator::plan`](crate::Operator::plan).
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub struct Plan {
    /// The image outputs, in the order of their ports. The host sets class and supports.
    pub outputs: Vec<ImageSpec>,
    /// How far each axis of the work may be cut. The work has the extent of the first image output, or, without one, of
    /// the first connected input.
    pub tiling: [Tiling; 5],
    /// Sizes of tiles along the axes that are cut anywhere.
    pub tile_sizes: [TileSize; 5],
    /// The axes over which a reduce operator makes one result; for each position of the others it makes one of its own.
    pub reduce_over: [bool; 5],
    /// Upper bound of memory that an instance needs for itself, for each pixel of a tile's work.
    pub bytes_per_pixel: u32,
    /// Upper bound of memory that an instance needs besides.
    pub bytes: u64,
}

impl Plan {
    /// One image like the input, axes cut anywhere, no memory of its own.
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
            tile_sizes: [TileSize::ANY; 5],
            reduce_over: [false, false, true, true, true],
            bytes_per_pixel: 0,
            bytes: 0,
        }
    }

    /// The same plan with another rule for one axis.
    #[must_use]
    pub fn tiled(mut self, axis: Axis, tiling: Tiling) -> Self {
        self.tiling[axis as usize] = tiling;
        self
    }

    /// The same plan with tiles along one axis whose sizes are multiples of `step`, and at most `max`.
    #[must_use]
    pub fn tile_size(mut self, axis: Axis, step: u64, max: u64) -> Self {
        self.tile_sizes[axis as usize] = TileSize { step, max };
        self
    }

    /// The same plan with memory of the instance's own for each pixel of a tile's work.
    #[must_use]
    pub fn with_memory(mut self, bytes_per_pixel: u32) -> Self {
        self.bytes_per_pixel = bytes_per_pixel;
        self
    }
}
