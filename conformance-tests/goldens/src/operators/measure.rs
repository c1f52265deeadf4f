//! Reduces labels to a table with a row for each object, in micrometers.

use core::f64::consts::PI;
use std::collections::BTreeMap;

use parfocal_plugin::{
    bytes::{Reader, Writer},
    map::not_planned,
    prelude::*,
};

/// Measures the area, the diameter and the centre of each object of a plane, in micrometers.
#[derive(Debug, Operator)]
#[operator(id = "measure", kind = reduce, deterministic)]
#[input(name = "labels", dtypes = [u32, u8, u16], labels)]
#[output(name = "objects", kind = table, preserves = [localisation, counting])]
pub struct Measure {
    /// Size of a pixel along X and Y.
    pixel: Option<[f64; 2]>,
}

/// For each label the number of its pixels and the sums of their places along X and Y: whole numbers, which add up the
/// same in any order.
type Objects = BTreeMap<u64, [u64; 3]>;

fn written(objects: &Objects) -> Vec<u8> {
    let mut writer = Writer::default();
    for (label, [pixels, x, y]) in objects {
        writer.count(*label).count(*pixels).count(*x).count(*y);
    }
    writer.into_bytes()
}

/// Adds written objects to others.
fn add(objects: &mut Objects, bytes: &[u8]) -> Result<()> {
    let mut reader = Reader::new(bytes);
    while !reader.rest().is_empty() {
        let object = objects.entry(reader.count()?).or_default();
        for sum in object {
            let more = reader.count()?;
            *sum = sum.checked_add(more).ok_or_else(|| Error::corrupt("the sums of an object"))?;
        }
    }
    Ok(())
}

impl Operator for Measure {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let [InputSpec { spec, .. }] = *inputs else {
            return Err(Error::invalid_argument("not one label image"));
        };
        let (x, y) = spec.pixel_size.in_plane()?;
        self.pixel = Some([x.0, y.0]);
        let mut plan = Plan::without_images().with_memory(64);
        plan.reduce_over[Axis::Z as usize] = false;
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        if self.pixel.is_some() { Ok(vec![InputRegion::new(0, *core)]) } else { Err(not_planned()) }
    }

    fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        Err(Error::not_supported("`run`, because no image comes out"))
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let ([input], cx) = (tiles.inputs, Context::new(services)) else { return Err(not_planned()) };
        let [.., top, left] = input.pixels.region().origin.map(i64::unsigned_abs);
        let mut objects = Objects::new();
        with_pixel_type!(input.pixels.dtype(), T => {
            let height = input.pixels.view::<T>()?.height();
            for (number, row) in input.pixels.view::<T>()?.rows().enumerate() {
                cx.worked(8 * row.len())?;
                let y = top + (number % height) as u64;
                for (x, label) in (left..).zip(row).filter(|(_, label)| label.to_f64() > 0.0) {
                    let [pixels, xs, ys] = objects.entry(label.to_f64() as u64).or_default();
                    (*pixels, *xs, *ys) = (*pixels + 1, *xs + x, *ys + y);
                }
            }
        });
        Ok(written(&objects))
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
        let mut objects = Objects::new();
        add(&mut objects, &left)?;
        add(&mut objects, right)?;
        Ok(written(&objects))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, _: &dyn Services) -> Result<Vec<u8>> {
        let [width, height] = self.pixel.ok_or_else(not_planned)?;
        let number = |name, unit| Column::new(name, ColumnKind::Number, unit);
        let columns = [
            Column::new("label", ColumnKind::Integer, Unit::None),
            number("area", Unit::SquareMicrometer),
            number("equivalent_diameter", Unit::Micrometer),
            number("position_x", Unit::Micrometer),
            number("position_y", Unit::Micrometer),
        ];
        sink.columns(0, &columns)?;
        let mut objects = Objects::new();
        add(&mut objects, total)?;
        let rows = objects.into_iter().map(|(label, sums)| {
            let [pixels, x, y] = sums.map(|sum| sum as f64);
            let area = pixels * width * height;
            let numbers = [area, (4.0 * area / PI).sqrt(), x / pixels * width, y / pixels * height];
            let label = Scalar::Integer(label.cast_signed());
            [label].into_iter().chain(numbers.map(Scalar::Number)).collect()
        });
        sink.rows(0, rows.collect())?;
        Ok(Vec::new())
    }
}
