//! Reduces an image to a table and a record, and uses what it found in a second pass.

use parfocal_plugin::{
    bytes::{Reader, Writer},
    map::not_planned,
    prelude::*,
};

/// Stretches grey levels so that the darkest pixel becomes 0 and the brightest 1, and says how many there are of each.
#[derive(Debug, Operator)]
#[operator(id = "stretch", kind = reduce, preserves = [localisation, counting], deterministic)]
#[input(name = "image", dtypes = [u8, i8, u16, i16, f32])]
#[output(name = "image")]
#[output(name = "extremes", kind = table)]
#[output(name = "range", kind = record)]
pub struct Stretch {
    planned: bool,
    range: Option<Range>,
}

/// The darkest and the brightest value, and how many pixels have it.
type Range = [(f64, u64); 2];

/// Of no pixels.
const NOTHING: Range = [(f64::INFINITY, 0), (f64::NEG_INFINITY, 0)];

/// Both ranges as one.
fn joined(mut one: Range, other: Range) -> Range {
    for ((a, b), sign) in one.iter_mut().zip(other).zip([1.0, -1.0]) {
        if b.0 * sign < a.0 * sign {
            *a = b;
        } else if b.0 == a.0 {
            a.1 += b.1;
        }
    }
    one
}

fn written(range: Range) -> Vec<u8> {
    let mut writer = Writer::default();
    for (value, count) in range {
        writer.float(value).count(count);
    }
    writer.into_bytes()
}

fn read(bytes: &[u8]) -> Result<Range> {
    let mut reader = Reader::new(bytes);
    let range = [(reader.float()?, reader.count()?), (reader.float()?, reader.count()?)];
    // Of so many pixels that no sum of two such counts overflows.
    if range.iter().any(|(value, count)| value.is_nan() || *count >= 1 << 62) {
        return Err(Error::corrupt("the range of `stretch`"));
    }
    reader.end()?;
    Ok(range)
}

impl Operator for Stretch {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let [InputSpec { spec, .. }] = *inputs else { return Err(Error::invalid_argument("not one image")) };
        self.planned = true;
        Ok(Plan::like(&ImageSpec { dtype: DType::F32, significant_bits: 32, ..spec.clone() }))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        if self.planned { Ok(vec![InputRegion::new(0, *core)]) } else { Err(not_planned()) }
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let ([input], cx) = (tiles.inputs, Context::new(services)) else { return Err(not_planned()) };
        let mut range = NOTHING;
        with_pixel_type!(input.pixels.dtype(), T => for row in input.pixels.view::<T>()?.rows() {
            cx.worked(row.len())?;
            // What is not finite does not count; minus zero is zero.
            let values = row.iter().map(|pixel| pixel.to_f64() + 0.0).filter(|value| value.is_finite());
            range = values.fold(range, |range, value| joined(range, [(value, 1); 2]));
        });
        Ok(written(range))
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
        Ok(written(joined(read(&left)?, read(right)?)))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, _: &dyn Services) -> Result<Vec<u8>> {
        let columns = [
            Column::new("value", ColumnKind::Number, Unit::GreyLevel),
            Column::new("pixels", ColumnKind::Integer, Unit::Count),
        ];
        sink.columns(1, &columns)?;
        for ((value, count), name) in read(total)?.into_iter().zip(["darkest", "brightest"]) {
            let value = Scalar::Number(if count > 0 { value } else { f64::NAN });
            sink.rows(1, vec![vec![value.clone(), Scalar::Integer(count.cast_signed())]])?;
            sink.field(2, Field { name: name.into(), unit: Unit::GreyLevel, value })?;
        }
        Ok(total.to_vec())
    }

    fn conclude(&mut self, conclusion: &[u8], _: &dyn Services) -> Result<()> {
        self.range = Some(read(conclusion)?);
        Ok(())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let ([input], [output]) = (tiles.inputs, &mut *tiles.outputs) else { return Err(not_planned()) };
        let ([(low, _), (high, _)], cx) = (self.range.ok_or_else(not_planned)?, Context::new(services));
        let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
        let stretched = |value: f64| if value.is_nan() { f32::NAN } else { ((value - low) * scale) as f32 };
        let mut output = output.pixels.view_mut::<f32>()?;
        with_pixel_type!(input.pixels.dtype(), T => {
            for (from, to) in input.pixels.view::<T>()?.rows().zip(output.rows_mut()) {
                cx.worked(from.len())?;
                rows::map(from, to, |pixel| stretched(pixel.to_f64()));
            }
        });
        Ok(())
    }
}
