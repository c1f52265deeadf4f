//! Connected components, stitched across tiles.
//!
//! The first pass finds the components of each tile (`local`) and hands over their sizes, their first pixels and the
//! runs on the tile's faces (`partial`); joining two results unites components that touch across a seam and forgets the
//! faces that are covered on both sides. At the end the components are numbered in the order of their first pixels, and
//! the second pass finds the same local components again and writes their numbers.
//!
//! The numbers are those of `skimage.measure.label` and `scipy.ndimage.label`, however the image was cut.

mod local;
mod partial;
mod union;

use std::collections::BTreeMap;

use parfocal_plugin::prelude::*;

use crate::{gaussian::Dimensions, pixels::not_concluded};
use local::Local;
use partial::Partial;

choice! {
    /// Which neighbours belong to the same component.
    pub enum Connectivity {
        /// Those that share a side: 4 in a plane, 6 in a stack.
        Faces = "faces",
        /// Those that share an edge: 8 in a plane, 18 in a stack.
        Edges = "edges",
        /// Those that share a corner: 8 in a plane, 26 in a stack.
        Corners = "corners",
    }
}

impl Connectivity {
    /// Along how many axes a neighbour may differ.
    const fn steps(self) -> u32 {
        match self {
            Self::Faces => 1,
            Self::Edges => 2,
            Self::Corners => 3,
        }
    }
}

/// Which pixels are neighbours: those that differ by at most one along each axis, and along at most so many axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Neighbourhood {
    steps: u32,
    stack: bool,
}

impl Neighbourhood {
    /// How far a neighbour in the row at this distance may be away along X, if there is one.
    fn reach(self, dz: i64, dy: i64) -> Option<i64> {
        let steps = u32::from(dz != 0) + u32::from(dy != 0);
        if steps > self.steps || (dz != 0 && !self.stack) {
            None
        } else {
            Some(i64::from(steps < self.steps))
        }
    }

    /// Distances to the rows that have neighbours, in raster order.
    fn rows(self) -> impl Iterator<Item = (i64, i64, i64)> {
        let all = (-1..=1).flat_map(|dz| (-1..=1).map(move |dy| (dz, dy)));
        all.filter_map(move |(dz, dy)| Some((dz, dy, self.reach(dz, dy)?)))
    }
}

/// Numbers the connected components of a mask.
///
/// Every pixel that is not zero is foreground; neighbours belong to the same component whatever their values. Components
/// are numbered from 1 in the order of their first pixels, row by row; components smaller than `min-size` become
/// background and get no number.
#[derive(Debug, Operator)]
#[operator(
    id = "connected-components",
    kind = reduce,
    deterministic
)]
#[input(name = "mask", dtypes = [mask, u8, i8, u16, i16, u32])]
#[output(
    name = "labels",
    kind = labels,
    yields = labels,
    preserves = [localisation, counting, gross_morphology, rare_event_search]
)]
#[output(name = "count", kind = record, preserves = [counting])]
pub struct ConnectedComponents {
    /// Number the components of each plane (`2d`), or of the whole stack (`3d`).
    #[parameter(tunable, default = "2d")]
    dimensions: Dimensions,
    /// Which neighbours belong together.
    #[parameter(tunable, default = "corners")]
    connectivity: Connectivity,
    /// Components with fewer pixels are left out.
    #[parameter(tunable, unit = Pixel, default = 1, min = 1, max = 1_000_000_000)]
    min_size: u64,
    /// The number of each local component, by the origin of its tile; 0 for those that are left out.
    numbers: Option<BTreeMap<[i64; 3], Vec<u32>>>,
}

/// Port of the record.
const COUNT: u32 = 1;

impl ConnectedComponents {
    fn neighbourhood(&self) -> Neighbourhood {
        Neighbourhood { steps: self.connectivity.steps(), stack: self.dimensions == Dimensions::Stack }
    }

    fn local(&self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Local> {
        let [input] = tiles.inputs else { return Err(Error::invalid_argument("there is no input tile")) };
        let cx = Context::new(services);
        with_pixel_type!(input.pixels.dtype(), T => Local::find(&input.pixels.view::<T>()?, self.neighbourhood(), &cx))
    }
}

impl Operator for ConnectedComponents {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let [InputSpec { spec: input, .. }] = *inputs else {
            return Err(Error::invalid_argument("components are found in one image"));
        };
        let mut plan = Plan::like(input);
        plan.outputs = vec![ImageSpec { dtype: DType::U32, significant_bits: 32, ..input.clone() }];
        plan.reduce_over[Axis::Z as usize] = self.dimensions == Dimensions::Stack;
        // A run of 16 bytes for every second pixel at worst, and what is made of it.
        Ok(plan.with_memory(24))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let local = self.local(tiles, services)?;
        let full = tiles.inputs.first().map(|input| input.full).unwrap_or_default();
        Partial::of(&local, &tiles.core, &full, self.neighbourhood())?.into_bytes()
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        partial::merge(left, right, self.neighbourhood(), &Context::new(services))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let (count, conclusion) = partial::number(total, self.min_size, &Context::new(services))?;
        let value = Scalar::Integer(i64::from(count));
        sink.field(COUNT, Field { name: "count".to_owned(), unit: Unit::Count, value })?;
        Ok(conclusion)
    }

    fn conclude(&mut self, conclusion: &[u8], _: &dyn Services) -> Result<()> {
        self.numbers = Some(partial::read_numbers(conclusion)?);
        Ok(())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let local = self.local(tiles, services)?;
        let origin = partial::origin(&tiles.core);
        let numbers = self.numbers.as_ref().ok_or_else(not_concluded)?.get(&origin);
        let numbers = numbers.filter(|numbers| numbers.len() == local.count()).ok_or_else(|| {
            Error::internal(format!("the second pass came with another tile than the first: {}", tiles.core))
        })?;
        let [output] = &mut *tiles.outputs else {
            return Err(Error::invalid_argument("there is one label image"));
        };
        local.paint(numbers, &mut output.pixels.view_mut::<u32>()?);
        Ok(())
    }
}
