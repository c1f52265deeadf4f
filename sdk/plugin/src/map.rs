//! The common case: an image in, an image of the same pixel type out, tile by tile.

use parfocal_image::{Axis, ImageSpec, Pixel, Region, View, ViewMut};
use parfocal_operator::{InputRegion, InputSpec, Operator, Padding, Plan, Services, TileSize, Tiles};
use parfocal_types::{Error, ErrorKind, Result};

use crate::context::Context;

/// Runs a block with the Rust type of pixels whose type is known at run time: `with_pixel_type!(dtype, T => expression)`.
/// A mask is seen as `u8`.
///
/// ```
/// use parfocal_plugin::prelude::*;
/// let size = with_pixel_type!(DType::I16, T => size_of::<T>());
/// assert_eq!(size, 2);
/// ```
#[macro_export]
macro_rules! with_pixel_type {
    ($dtype:expr, $type:ident => $body:expr) => {{
        use $crate::private::image::DType as __DType;
        match $dtype {
            __DType::U8 | __DType::Mask => {
                type $type = u8;
                $body
            }
            __DType::I8 => {
                type $type = i8;
                $body
            }
            __DType::U16 => {
                type $type = u16;
                $body
            }
            __DType::I16 => {
                type $type = i16;
                $body
            }
            __DType::U32 => {
                type $type = u32;
                $body
            }
            __DType::F32 => {
                type $type = f32;
                $body
            }
        }
    }};
}

/// How far an operator looks around an output pixel: along T C Z Y X, before and after, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Halo(pub [[u64; 2]; 5]);

impl Halo {
    /// Each output pixel depends on the input pixel at its place only.
    pub const NONE: Self = Self([[0; 2]; 5]);

    /// The same number of pixels around, within the plane.
    #[must_use]
    pub const fn in_plane(y: u64, x: u64) -> Self {
        Self([[0; 2], [0; 2], [0; 2], [y; 2], [x; 2]])
    }

    /// The same number of pixels around, in the stack.
    #[must_use]
    pub const fn in_stack(z: u64, y: u64, x: u64) -> Self {
        Self([[0; 2], [0; 2], [z; 2], [y; 2], [x; 2]])
    }

    /// The region that a core needs.
    #[must_use]
    pub fn around(&self, core: &Region) -> Region {
        Axis::ALL.into_iter().fold(*core, |region, axis| {
            let [before, after] = self.0[axis as usize];
            region.grown(axis, before, after)
        })
    }
}

/// An operator of kind map with one image in and one of the same pixel type out.
///
/// Declare it with `#[derive(Operator)] #[operator(kind = map, ...)]`; see [`Describe`](crate::Describe).
pub trait MapOperator: Send {
    /// How far it looks around an output pixel, for this input and its parameters. At most the declared `max_halo`.
    ///
    /// # Errors
    /// `not-found` when a fact is needed that the image does not state, such as its pixel size.
    fn halo(&self, input: &ImageSpec) -> Result<Halo> {
        let _ = input;
        Ok(Halo::NONE)
    }

    /// What the host fills in where the halo reaches beyond the image.
    fn padding(&self) -> Padding {
        Padding::Symmetric
    }

    /// Sizes of tiles along T C Z Y X, for operators that are picky: a network that wants multiples of 16.
    fn tile_sizes(&self) -> [TileSize; 5] {
        [TileSize::ANY; 5]
    }

    /// Memory of its own for each pixel of a tile, in bytes.
    fn bytes_per_pixel(&self) -> u32 {
        0
    }

    /// Memory of its own whatever the size of a tile, in bytes.
    fn bytes(&self) -> u64 {
        0
    }

    /// Called once, before anything else, with the image that comes: the place to compute a kernel from pixel size, or to
    /// open a model.
    ///
    /// # Errors
    /// What makes the image unusable.
    fn prepare(&mut self, input: &ImageSpec, cx: &Context<'_>) -> Result<()> {
        let _ = (input, cx);
        Ok(())
    }

    /// Computes one tile. `input` is the core grown by the halo, `output` is the core; every pixel of it must be written.
    ///
    /// Shapes: any size along every axis, halo excepted; rows are dense. A mask comes as `u8`.
    ///
    /// # Errors
    /// `cancelled` from [`Context::worked`], called once a row; else what went wrong.
    fn run<T: Pixel>(
        &mut self,
        input: &View<'_, T>,
        output: &mut ViewMut<'_, T>,
        cx: &Context<'_>,
    ) -> Result<()>;
}

/// A [`MapOperator`] behind the one trait. Written into plugins by `#[derive(Operator)]`.
#[derive(Debug)]
pub struct MapAdapter<O> {
    operator: O,
    /// The port of the image, and how far the operator looks around in it.
    planned: Option<(u32, Halo)>,
}

impl<O: MapOperator> MapAdapter<O> {
    /// The operator behind the one trait.
    pub const fn new(operator: O) -> Self {
        Self { operator, planned: None }
    }
}

impl<O: MapOperator> Operator for MapAdapter<O> {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let [InputSpec { port, spec }] = *inputs else { return Err(not_one_image()) };
        self.operator.prepare(spec, &Context::new(services))?;
        self.planned = Some((port, self.operator.halo(spec)?));
        Ok(Plan {
            tile_sizes: self.operator.tile_sizes(),
            bytes_per_pixel: self.operator.bytes_per_pixel(),
            bytes: self.operator.bytes(),
            ..Plan::like(spec)
        })
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let (port, halo) = self.planned.ok_or_else(not_planned)?;
        Ok(vec![InputRegion::new(port, halo.around(core)).padded(self.operator.padding())])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let ([input], [output]) = (tiles.inputs, &mut *tiles.outputs) else { return Err(not_one_image()) };
        let cx = Context::new(services);
        with_pixel_type!(input.pixels.dtype(), T => {
            let input = input.pixels.view::<T>()?;
            self.operator.run(&input, &mut output.pixels.view_mut::<T>()?, &cx)
        })
    }
}

fn not_one_image() -> Error {
    Error::invalid_argument("a map operator takes one image and gives one")
}

/// The error of a call that came before `plan`.
#[must_use]
pub fn not_planned() -> Error {
    Error::new(
        ErrorKind::BadState { need: "planned".into(), is: "created".into() },
        "the operator was used before it was asked for a plan",
    )
}
