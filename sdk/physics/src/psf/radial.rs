//! A rotationally symmetric function, tabulated over the radius in a number of planes.

use core::f64::consts::PI;

/// Values at radii 0, `step`, 2 `step`, ... for each plane.
pub(super) struct RadialTable {
    step: f64,
    planes: Vec<Vec<f64>>,
}

impl RadialTable {
    pub(super) fn new(step: f64, planes: Vec<Vec<f64>>) -> Self {
        Self { step, planes }
    }

    /// Radii needed so that [`at`](Self::at) can answer up to `largest`.
    pub(super) fn radii(step: f64, largest: f64) -> Vec<f64> {
        let count = (largest / step).ceil() as usize + 3;
        (0..count).map(|i| i as f64 * step).collect()
    }

    /// The value at `radius`, by cubic interpolation; beyond the table it is that of the last node.
    pub(super) fn at(&self, plane: usize, radius: f64) -> f64 {
        let values = &self.planes[plane];
        let last = values.len() - 1;
        let place = (radius / self.step).min((last - 1) as f64);
        let node = (place as usize).min(last.saturating_sub(2));
        let t = place - node as f64;
        // The function is even in the radius: the node before 0 is the node after it.
        let before = values[if node == 0 { 1 } else { node - 1 }];
        let (here, next, after) = (values[node], values[node + 1], values[node + 2]);
        cubic(before, here, next, after, t)
    }

    /// The product of two tables with the same nodes.
    pub(super) fn product(mut self, other: &Self) -> Self {
        for (mine, theirs) in self.planes.iter_mut().zip(&other.planes) {
            for (a, b) in mine.iter_mut().zip(theirs) {
                *a *= b;
            }
        }
        self
    }

    /// Averages the function over a disc of the given radius around each node up to `largest`; the table must
    /// reach `disc` beyond `largest`.
    pub(super) fn averaged_over_disc(&self, disc: f64, largest: f64) -> Self {
        let radii = Self::radii(self.step, largest);
        // On a disc of few steps the function is smooth; on a larger one its peak needs nodes of its own.
        let planes = if disc < 16.0 * self.step {
            self.averaged_by_place_in_disc(disc, &radii)
        } else {
            self.averaged_by_distance(disc, &radii)
        };
        Self { step: self.step, planes }
    }

    /// Midpoint rule over the disc's area and half its angle.
    fn averaged_by_place_in_disc(&self, disc: f64, radii: &[f64]) -> Vec<Vec<f64>> {
        const RINGS: usize = 12;
        const ANGLES: usize = 16;
        let offsets: Vec<(f64, f64)> = (0..RINGS)
            .flat_map(|ring| {
                let s = disc * ((ring as f64 + 0.5) / RINGS as f64).sqrt();
                (0..ANGLES).map(move |angle| {
                    let (sin, cos) = libm::sincos(PI * (angle as f64 + 0.5) / ANGLES as f64);
                    (s * cos, s * sin)
                })
            })
            .collect();
        let average = |plane: usize, r: f64| {
            let place = |(x, y): &(f64, f64)| self.at(plane, ((r + x) * (r + x) + y * y).sqrt());
            offsets.iter().map(place).sum::<f64>() / offsets.len() as f64
        };
        (0..self.planes.len()).map(|plane| radii.iter().map(|&r| average(plane, r)).collect()).collect()
    }

    /// Sums rings around the function's axis, each weighted with its arc inside the disc.
    fn averaged_by_distance(&self, disc: f64, radii: &[f64]) -> Vec<Vec<f64>> {
        const PARTS: usize = 4;
        let nodes = self.planes.first().map_or(0, Vec::len);
        let weight = |r: f64, node: usize| {
            let part = |i: usize| {
                let s = (node as f64 - 0.5 + (i as f64 + 0.5) / PARTS as f64) * self.step;
                if s > 0.0 { s * half_arc(s, r, disc) } else { 0.0 }
            };
            2.0 * self.step / PARTS as f64 * (0..PARTS).map(part).sum::<f64>() / (PI * disc * disc)
        };
        let weights: Vec<Vec<f64>> =
            radii.iter().map(|&r| (0..nodes).map(|node| weight(r, node)).collect()).collect();
        let average = |values: &Vec<f64>, row: &Vec<f64>| {
            values.iter().zip(row).map(|(value, weight)| value * weight).sum::<f64>()
        };
        self.planes.iter().map(|values| weights.iter().map(|row| average(values, row)).collect()).collect()
    }
}

/// Half the angle of the circle of radius `s` around the axis that lies in a disc `r` away from the axis.
fn half_arc(s: f64, r: f64, disc: f64) -> f64 {
    if s + r <= disc {
        PI
    } else if (s - r).abs() >= disc {
        0.0
    } else {
        libm::acos(((s * s + r * r - disc * disc) / (2.0 * s * r)).clamp(-1.0, 1.0))
    }
}

/// Lagrange's cubic through the values at -1, 0, 1, 2.
fn cubic(before: f64, here: f64, next: f64, after: f64, t: f64) -> f64 {
    let (a, b, c) = (t + 1.0, t - 1.0, t - 2.0);
    -before * t * b * c / 6.0 + here * a * b * c / 2.0 - next * a * t * c / 2.0 + after * a * t * b / 6.0
}
