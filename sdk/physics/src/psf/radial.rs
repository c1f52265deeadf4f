//! A rotationally symmetric function, tabulated over the radius in a number of planes.

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

    /// Averages the function over a disc of the given radius around each node up to `largest`.
    ///
    /// Midpoint rule in the disc's area and over half its angle; the table must reach `disc` beyond `largest`.
    pub(super) fn averaged_over_disc(&self, disc: f64, largest: f64) -> Self {
        const RINGS: usize = 12;
        const ANGLES: usize = 16;
        let offsets: Vec<(f64, f64)> = (0..RINGS)
            .flat_map(|ring| {
                let s = disc * ((ring as f64 + 0.5) / RINGS as f64).sqrt();
                (0..ANGLES).map(move |angle| {
                    let phi = core::f64::consts::PI * (angle as f64 + 0.5) / ANGLES as f64;
                    (s * libm::cos(phi), s * libm::sin(phi))
                })
            })
            .collect();
        let radii = Self::radii(self.step, largest);
        let average = |plane: usize, r: f64| {
            let sum: f64 =
                offsets.iter().map(|(x, y)| self.at(plane, ((r + x) * (r + x) + y * y).sqrt())).sum();
            sum / offsets.len() as f64
        };
        let planes = (0..self.planes.len()).map(|p| radii.iter().map(|&r| average(p, r)).collect()).collect();
        Self { step: self.step, planes }
    }
}

/// Lagrange's cubic through the values at -1, 0, 1, 2.
fn cubic(before: f64, here: f64, next: f64, after: f64, t: f64) -> f64 {
    let (a, b, c) = (t + 1.0, t - 1.0, t - 2.0);
    -before * t * b * c / 6.0 + here * a * b * c / 2.0 - next * a * t * c / 2.0 + after * a * t * b / 6.0
}
