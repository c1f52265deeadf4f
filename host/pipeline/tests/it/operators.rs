//! Operators written for the tests: each as plain as it can be.

use parfocal_image::{Axis, DType, ImageSpec, Region, View};
use parfocal_operator::{
    InputRegion, InputSpec, Kind, Operator, Padding, Plan, PortKind, Services, Sink, Tiles, Tiling,
};
use parfocal_pipeline::Step;
use parfocal_types::{Column, ColumnKind, Error, Field, Result, Scalar, Unit};

use crate::kit::{descriptor, step};

/// A map operator without halo, from a closure.
pub(crate) struct Closure<F> {
    pub(crate) plan: fn(&ImageSpec) -> Plan,
    pub(crate) run: F,
}

impl<F: FnMut(&mut Tiles<'_>, &dyn Services) -> Result<()> + Send> Operator for Closure<F> {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        Ok((self.plan)(inputs[0].spec))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        (self.run)(tiles, services)
    }
}

pub(crate) fn copy(tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
    let core = tiles.core;
    let input = tiles.inputs[0].pixels.view::<u16>()?.part(&core)?;
    tiles.outputs[0].pixels.view_mut::<u16>()?.copy_from(&input)
}

pub(crate) fn identity() -> Step {
    step(descriptor("identity", Kind::Map, &[("image", PortKind::Image)]), || {
        Box::new(Closure { plan: Plan::like, run: copy })
    })
}

/// The sum over a box around each pixel (of what is there), modulo 65536; halos may differ on the two sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoxSum {
    /// Pixels before and after along T C Z Y X.
    pub(crate) halo: [[u8; 2]; 5],
    pub(crate) padding: Padding,
}

impl BoxSum {
    pub(crate) fn step(self) -> Step {
        step(descriptor("box-sum", Kind::Map, &[("image", PortKind::Image)]), move || Box::new(self))
    }

    /// The box around a pixel or region.
    pub(crate) fn window(&self, core: &Region) -> Region {
        Axis::ALL.into_iter().fold(*core, |region, axis| {
            let [before, after] = self.halo[axis as usize];
            region.grown(axis, u64::from(before), u64::from(after))
        })
    }
}

impl Operator for BoxSum {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        Ok(Plan::like(inputs[0].spec))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, self.window(core)).padded(self.padding)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        let input = tiles.inputs[0].pixels.view::<u16>()?;
        let core = tiles.core;
        let mut number = 0;
        let mut output = tiles.outputs[0].pixels.view_mut::<u16>()?;
        for row in output.rows_mut() {
            for value in row {
                let pixel = pixel(&core, number);
                let window = self.window(&pixel).intersection(input.region());
                *value = sum(&input.part(&window)?);
                number += 1;
            }
        }
        Ok(())
    }
}

/// The region of one pixel of a box, by its number in raster order.
pub(crate) fn pixel(region: &Region, number: u64) -> Region {
    let mut rest = number;
    let mut pixel = *region;
    for axis in Axis::ALL.into_iter().rev() {
        let size = region.extent[axis];
        let at = region.origin[axis as usize] + i64::try_from(rest % size).unwrap();
        pixel = pixel.with(axis, at, 1);
        rest /= size;
    }
    pixel
}

fn sum(view: &View<'_, u16>) -> u16 {
    view.rows().flatten().fold(0_u16, |sum, value| sum.wrapping_add(*value))
}

/// Running sums down each column: needs Y whole.
pub(crate) fn running_sums() -> Step {
    let run = |tiles: &mut Tiles<'_>, _: &dyn Services| {
        assert_eq!(tiles.core.extent[Axis::Y], tiles.inputs[0].full[Axis::Y], "Y comes whole");
        let input = tiles.inputs[0].pixels.view::<u16>()?;
        let mut output = tiles.outputs[0].pixels.view_mut::<u16>()?;
        let [nt, nc, nz, height, width] = input.extent().0.map(|size| usize::try_from(size).unwrap());
        for plane in 0..nt * nc * nz {
            let (t, c, z) = (plane / (nc * nz), plane / nz % nc, plane % nz);
            let mut sums = vec![0_u16; width];
            for y in 0..height {
                for (sum, value) in sums.iter_mut().zip(input.row(t, c, z, y)) {
                    *sum = sum.wrapping_add(*value);
                }
                output.row_mut(t, c, z, y).copy_from_slice(&sums);
            }
        }
        Ok(())
    };
    step(descriptor("running-sums", Kind::Whole, &[("image", PortKind::Image)]), move || {
        Box::new(Closure { plan: |spec| Plan::like(spec).tiled(Axis::Y, Tiling::Whole), run })
    })
}

/// Pixels above the mean become 1; the mean is a record, each tile a row of a table in the order in which the tiles were
/// merged. The merge depends on the order on purpose.
pub(crate) struct AboveMean {
    pub(crate) reduce_over: [bool; 5],
    pub(crate) images: bool,
    mean: Option<u64>,
}

pub(crate) fn above_mean(reduce_over: [bool; 5], images: bool) -> Step {
    let mut outputs = vec![("tiles", PortKind::Table), ("mean", PortKind::Record)];
    if images {
        outputs.insert(0, ("mask", PortKind::Image));
    }
    step(descriptor("above-mean", Kind::Reduce, &outputs), move || {
        Box::new(AboveMean { reduce_over, images, mean: None })
    })
}

/// A partial result: sum, count, order-dependent hash, then the rows.
fn numbers(bytes: &[u8]) -> Result<Vec<u64>> {
    let words = bytes.chunks_exact(8).map(|word| word.try_into().map(u64::from_le_bytes));
    words.collect::<Result<Vec<u64>, _>>().map_err(|_| Error::corrupt("a partial result"))
}

fn bytes(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

impl Operator for AboveMean {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let mut plan = Plan::without_images();
        if self.images {
            let mut spec = inputs[0].spec.clone();
            (spec.dtype, spec.significant_bits) = (DType::Mask, 1);
            plan.outputs = vec![spec];
        }
        plan.reduce_over = self.reduce_over;
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, _: &dyn Services) -> Result<Vec<u8>> {
        assert!(tiles.outputs.is_empty());
        let view = tiles.inputs[0].pixels.view::<u16>()?;
        let sum = view.rows().flatten().map(|value| u64::from(*value)).sum();
        let count = view.extent().count().unwrap();
        Ok(bytes(&[sum, count, sum, sum, count]))
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
        let (mut left, right) = (numbers(&left)?, numbers(right)?);
        left[0] += right[0];
        left[1] += right[1];
        left[2] = left[2].wrapping_mul(31).wrapping_add(right[2]);
        left.extend(&right[3..]);
        Ok(bytes(&left))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, _: &dyn Services) -> Result<Vec<u8>> {
        let total = numbers(total)?;
        let port = u32::from(self.images);
        let integer = |number: u64| Scalar::Integer(number.cast_signed());
        sink.columns(
            port,
            &[
                Column::new("sum", ColumnKind::Integer, Unit::None),
                Column::new("count", ColumnKind::Integer, Unit::None),
            ],
        )?;
        sink.rows(
            port,
            total[3..].chunks(2).map(|row| row.iter().copied().map(integer).collect()).collect(),
        )?;
        let mean = total[0] / total[1];
        for (name, value) in [("mean", mean), ("hash", total[2])] {
            sink.field(port + 1, Field { name: name.into(), unit: Unit::None, value: integer(value) })?;
        }
        Ok(bytes(&[mean]))
    }

    fn conclude(&mut self, conclusion: &[u8], _: &dyn Services) -> Result<()> {
        self.mean = numbers(conclusion)?.first().copied();
        Ok(())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        let mean = self.mean.ok_or_else(|| Error::internal("run before conclude"))?;
        let input = tiles.inputs[0].pixels.view::<u16>()?;
        let mut output = tiles.outputs[0].pixels.view_mut::<u8>()?;
        for (to, from) in output.rows_mut().zip(input.rows()) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = u8::from(u64::from(*from) > mean);
            }
        }
        Ok(())
    }
}
