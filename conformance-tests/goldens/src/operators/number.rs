//! Needs its axes whole.

use parfocal_plugin::{map::not_planned, prelude::*};

/// Numbers the objects of a mask, plane by plane, in the order of their first pixels; neighbours share a side.
#[derive(Debug, Operator)]
#[operator(id = "number", kind = whole, preserves = [localisation, counting], yields = labels, deterministic)]
#[input(name = "mask", dtypes = [mask, u8])]
#[output(name = "objects", kind = labels)]
pub struct Number {
    planned: bool,
}

impl Operator for Number {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let [InputSpec { spec, .. }] = *inputs else { return Err(Error::invalid_argument("not one mask")) };
        self.planned = true;
        let labels = ImageSpec { dtype: DType::U32, significant_bits: 32, ..spec.clone() };
        // For each pixel its place on the list of those to visit.
        Ok(Plan::like(&labels).tiled(Axis::Y, Tiling::Whole).tiled(Axis::X, Tiling::Whole).with_memory(64))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        if self.planned { Ok(vec![InputRegion::new(0, *core)]) } else { Err(not_planned()) }
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let ([input], [output]) = (tiles.inputs, &mut *tiles.outputs) else { return Err(not_planned()) };
        let (mask, mut labels) = (input.pixels.view::<u8>()?, output.pixels.view_mut::<u32>()?);
        let (cx, [ts, cs, zs, _, _]) = (Context::new(services), mask.extent().0.map(|size| size as usize));
        labels.rows_mut().for_each(|row| row.fill(0));
        for place in 0..ts * cs * zs {
            number(&mask, &mut labels, [place / (cs * zs), place / zs % cs, place % zs], &cx)?;
        }
        Ok(())
    }
}

/// Numbers the objects of one plane.
fn number(
    mask: &View<'_, u8>,
    labels: &mut ViewMut<'_, u32>,
    [t, c, z]: [usize; 3],
    cx: &Context<'_>,
) -> Result<()> {
    let (height, width) = (mask.height(), mask.width());
    let mut objects = 0;
    let mut visit = Vec::new();
    for y in 0..height {
        cx.worked(8 * width)?;
        for x in 0..width {
            visit.push([y, x]);
            let mut found = false;
            while let Some([y, x]) = visit.pop() {
                let label = &mut labels.row_mut(t, c, z, y)[x];
                if mask.row(t, c, z, y)[x] == 0 || *label != 0 {
                    continue;
                }
                objects += u32::from(!found);
                (*label, found) = (objects, true);
                let (up, left) = (y.saturating_sub(1), x.saturating_sub(1));
                let (down, right) = ((y + 1).min(height - 1), (x + 1).min(width - 1));
                visit.extend([[up, x], [down, x], [y, left], [y, right]]);
            }
        }
    }
    Ok(())
}
