//! A map with a physical parameter.

use parfocal_plugin::prelude::*;

use super::rows_of;

/// Largest reach along an axis, in pixels.
const MOST: u32 = 32;

/// Gives each pixel the smallest value within a distance in the sample, along rows and columns.
#[derive(Debug, Operator)]
#[operator(id = "erode", kind = map, preserves = [counting], deterministic, single_threaded, max_halo = [0, 0, 0, MOST, MOST])]
pub struct Erode {
    /// The distance; it needs an image that says how large its pixels are.
    #[parameter(setting, unit = Micrometer, default = 0.2, min = 0.0, max = 1.0)]
    distance: f64,
    /// The distance along Y and X, in pixels.
    reach: [usize; 2],
}

impl MapOperator for Erode {
    fn prepare(&mut self, input: &ImageSpec, _: &Context) -> Result<()> {
        let (x, y) = input.pixel_size.in_plane()?;
        let pixels = [self.distance / y.0, self.distance / x.0].map(f64::round);
        if pixels.iter().any(|pixels| *pixels > f64::from(MOST)) {
            let message = format!("{} um are more than {MOST} pixels of this image", self.distance);
            return Err(Error::invalid_argument(message).with_remedy("give a shorter distance"));
        }
        self.reach = pixels.map(|pixels| pixels as usize);
        Ok(())
    }

    fn halo(&self, _: &ImageSpec) -> Result<Halo> {
        Ok(Halo::in_plane(self.reach[0] as u64, self.reach[1] as u64))
    }

    fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, cx: &Context) -> Result<()> {
        let [reach_y, reach_x] = self.reach.map(|pixels| 2 * pixels);
        for [t, c, z, y] in rows_of(output.extent()) {
            let to = output.row_mut(t, c, z, y);
            cx.worked(to.len() * (reach_y + reach_x + 1))?;
            // Down the columns first, then along the one row that is left.
            let mut lowest = input.row(t, c, z, y).to_vec();
            for below in y + 1..=y + reach_y {
                rows::map2(&lowest.clone(), input.row(t, c, z, below), &mut lowest, lower);
            }
            for (x, to) in to.iter_mut().enumerate() {
                *to = lowest[x + 1..=x + reach_x].iter().fold(lowest[x], |least, value| lower(least, *value));
            }
        }
        Ok(())
    }
}

/// The lower of two values, or the one that is a number.
fn lower<T: Pixel>(a: T, b: T) -> T {
    // `a` may be NaN, which is not equal to itself.
    #[allow(clippy::eq_op, reason = "NaN is not equal to itself")]
    if b < a || a != a { b } else { a }
}
