//! A map with a halo, and a parameter of every type.

use parfocal_plugin::prelude::*;

use super::rows_of;

choice! {
    /// What a pixel moves towards.
    pub enum Goal {
        /// The mean of the neighbourhood.
        Mean = "mean",
        /// Its brightest pixel.
        Brightest = "brightest",
    }
}

/// Moves each pixel towards the mean, or the brightest, of its neighbourhood.
#[derive(Debug, Operator)]
#[operator(id = "smooth", kind = map, preserves = [localisation], deterministic, max_halo = [0, 0, 0, 3, 3])]
pub struct Smooth {
    /// How many pixels a neighbourhood reaches to each side.
    #[parameter(tunable, unit = Pixel, default = 1, min = 1, max = 3)]
    radius: u32,
    /// How far a pixel moves; 1 is all the way.
    #[parameter(tunable, default = 1.0, min = 0.25, max = 1.0)]
    strength: f64,
    /// What it moves towards.
    #[parameter(tunable, default = "mean")]
    goal: Goal,
    /// Whether the pixel itself belongs to its neighbourhood.
    #[parameter(tunable, default = true)]
    with_itself: bool,
    /// A remark for the log.
    #[parameter(setting, default = "")]
    remark: String,
}

impl Smooth {
    /// The goal of the pixel in column `x` of a row, from the rows around; `radius` columns lie before it.
    fn goal<T: Pixel>(&self, rows: &[&[T]], x: usize) -> f32 {
        let radius = self.radius as usize;
        let (mut sum, mut count, mut brightest) = (0.0, 0.0, f32::NEG_INFINITY);
        for (dy, row) in rows.iter().enumerate() {
            for (dx, value) in row[x..=x + 2 * radius].iter().enumerate() {
                if self.with_itself || dy != radius || dx != radius {
                    let value = value.to_f32();
                    (sum, count) = (sum + value, count + 1.0);
                    brightest = if value > brightest { value } else { brightest };
                }
            }
        }
        if self.goal == Goal::Mean { sum / count } else { brightest }
    }
}

impl MapOperator for Smooth {
    fn halo(&self, _: &ImageSpec) -> Result<Halo> {
        Ok(Halo::in_plane(self.radius.into(), self.radius.into()))
    }

    fn prepare(&mut self, _: &ImageSpec, cx: &Context) -> Result<()> {
        if !self.remark.is_empty() {
            cx.info(&self.remark);
        }
        Ok(())
    }

    fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, cx: &Context) -> Result<()> {
        let radius = self.radius as usize;
        let strength = self.strength as f32;
        for [t, c, z, y] in rows_of(output.extent()) {
            let rows: Vec<_> = (y..=y + 2 * radius).map(|y| input.row(t, c, z, y)).collect();
            cx.worked(rows[0].len() * rows.len())?;
            for (x, to) in output.row_mut(t, c, z, y).iter_mut().enumerate() {
                let value = rows[radius][x + radius].to_f32();
                *to = T::from_f32(value + strength * (self.goal(&rows, x) - value));
            }
        }
        Ok(())
    }
}
