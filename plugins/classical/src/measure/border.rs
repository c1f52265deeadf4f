//! The perimeter of objects in a plane, counted pixel by pixel.
//!
//! K. Benkrid and D. Crookes, "Design and FPGA implementation of a perimeter estimator" (2000), as in
//! `skimage.measure.perimeter(neighborhood=4)`: a border pixel has one of its four neighbours outside the object; what it adds
//! depends on how many of its neighbours are border pixels of the same object: along the axes, and diagonally. Every pixel
//! counts for itself, given two pixels around it, so that parts of an object add up exactly.

use parfocal_plugin::prelude::*;

use super::object::Border;

/// How far a border pixel looks: its neighbours' neighbours.
pub(super) const HALO: u64 = 2;

/// Rows of border pixels that are held at a time.
pub(super) const ROWS: usize = 3;

/// Finds the border pixels of a plane's labels, which reach [`HALO`] pixels beyond the core, and calls `found` for each with
/// its label and what it adds, except for those that add nothing.
pub(super) fn count(
    labels: &View<'_, u32>,
    cx: &Context<'_>,
    mut found: impl FnMut(u32, Border),
) -> Result<()> {
    let (height, width) = (labels.height(), labels.width());
    let halo = HALO as usize;
    let row = |y: usize| labels.row(0, 0, 0, y);
    // Labels of border pixels, 0 elsewhere: of the last rows, the row `y` at `y % ROWS`.
    let mut borders: [_; ROWS] = core::array::from_fn(|_| vec![0; width]);
    for y in 1..height.saturating_sub(1) {
        mark(row(y - 1), row(y), row(y + 1), &mut borders[y % ROWS]);
        if y <= halo {
            continue;
        }
        cx.worked(width)?;
        let [above, here, below] = [y - 2, y - 1, y].map(|y| &borders[y % ROWS]);
        for x in halo..width.saturating_sub(halo) {
            let label = here[x];
            if label != 0 {
                let same = |row: &[u32], x: usize| usize::from(row[x] == label);
                let axes = same(above, x) + same(below, x) + same(here, x - 1) + same(here, x + 1);
                let diagonals =
                    same(above, x - 1) + same(above, x + 1) + same(below, x - 1) + same(below, x + 1);
                if let Some(border) = contribution(axes, diagonals) {
                    found(label, border);
                }
            }
        }
    }
    Ok(())
}

/// Marks the border pixels of a row.
fn mark(above: &[u32], here: &[u32], below: &[u32], border: &mut [u32]) {
    for x in 1..here.len().saturating_sub(1) {
        let label = here[x];
        let inside = above[x] == label && below[x] == label && here[x - 1] == label && here[x + 1] == label;
        border[x] = if inside { 0 } else { label };
    }
}

/// What a border pixel adds. The weights belong to the numbers `1 + 2 axes + 10 diagonals` of the publication:
/// 1 for 5, 7, 15, 17, 25 and 27, the square root of 2 for 21 and 33, the mean of both for 13 and 23.
fn contribution(axes: usize, diagonals: usize) -> Option<Border> {
    let none = Border::default();
    match 1 + 2 * axes + 10 * diagonals {
        5 | 7 | 15 | 17 | 25 | 27 => Some(Border { straight: 1, ..none }),
        21 | 33 => Some(Border { diagonal: 1, ..none }),
        13 | 23 => Some(Border { corner: 1, ..none }),
        _ => None,
    }
}

impl Border {
    /// Length of the border, in pixels.
    pub(super) fn length(&self) -> f64 {
        let diagonal = core::f64::consts::SQRT_2;
        self.straight as f64 + self.diagonal as f64 * diagonal + self.corner as f64 * ((1.0 + diagonal) / 2.0)
    }
}
