//! The scalar diffraction integral over the pupil of an objective.
//!
//! Kirchhoff's integral in the form of Gibson and Lanni 1991 (J. Opt. Soc. Am. A 8:1601) as Aguet 2009 (thesis,
//! EPFL no. 4418) uses it: with the pupil coordinate s = n sin θ,
//!
//! ```text
//! U(r, z) = ∫ J0(k r s) exp(i k W(s, z)) s ds,     s from 0 to NA
//! W(s, z) = d (√(ns² - s²) - n/ns √(n² - s²)) - z √(n² - s²)
//! ```
//!
//! where d is the depth of the point in a specimen of index ns, and z how far the objective's focus was moved
//! deeper than the paraxial focus. Integrating over θ instead of s keeps the phase smooth up to NA = n.

use core::f64::consts::TAU;

use super::radial::RadialTable;
use super::widefield::Specimen;
use crate::quantity::Objective;

/// Nodes of Simpson's rule for one turn of the integrand's phase; its error is then near 10⁻⁵.
const NODES_PER_TURN: f64 = 24.0;
/// Nodes where the phase hardly turns.
const FEWEST_NODES: usize = 64;
/// Radii for one λ/NA, the scale on which the intensity changes.
const RADII_PER_RESOLUTION: f64 = 32.0;

/// One colour of light through one objective.
pub(super) struct Pupil {
    aperture: f64,
    index: f64,
    theta_max: f64,
    wave_number: f64,
    specimen: Option<Specimen>,
}

impl Pupil {
    /// `wavelength` in vacuum, in micrometers.
    pub(super) fn new(objective: Objective, wavelength: f64, specimen: Option<Specimen>) -> Self {
        // Light at angles that the specimen cannot carry arrives only from within a wavelength of the cover
        // glass; it is left out.
        let limit = specimen.map_or(f64::INFINITY, |s| s.index().0 / objective.immersion().0);
        Self {
            aperture: objective.aperture().0,
            index: objective.immersion().0,
            theta_max: libm::asin(objective.sin_alpha().min(limit)),
            wave_number: TAU / wavelength,
            specimen,
        }
    }

    /// Spacing of radii on which the intensity may be interpolated.
    pub(super) fn radial_step(&self) -> f64 {
        TAU / (self.wave_number * self.aperture * RADII_PER_RESOLUTION)
    }

    /// The intensity at all `radii` in each of the planes `depths` (micrometers), 1 at an ideal focus.
    pub(super) fn intensities(&self, depths: &[f64], radii: &[f64]) -> Vec<Vec<f64>> {
        let farthest = depths.iter().fold(0.0_f64, |most, z| most.max(z.abs()));
        let widest = radii.last().copied().unwrap_or(0.0);
        let nodes = self.nodes(widest, farthest);
        let bessel: Vec<f64> = radii
            .iter()
            .flat_map(|r| nodes.iter().map(move |node| libm::j0(self.wave_number * r * node.s)))
            .collect();
        depths.iter().map(|&z| self.plane(z, &nodes, &bessel)).collect()
    }

    /// The intensity in the planes `depths`, tabulated up to `largest` radius with spacing `step`.
    pub(super) fn table(&self, depths: &[f64], largest: f64, step: f64) -> RadialTable {
        RadialTable::new(step, self.intensities(depths, &RadialTable::radii(step, largest)))
    }

    fn plane(&self, z: f64, nodes: &[Node], bessel: &[f64]) -> Vec<f64> {
        let waves: Vec<(f64, f64)> = nodes
            .iter()
            .map(|node| {
                // The constant part of the phase has no effect on the intensity, and would cost digits.
                let phase = self.wave_number * (node.aberration + z * self.index * (1.0 - node.cos));
                (node.weight * libm::cos(phase), node.weight * libm::sin(phase))
            })
            .collect();
        let full = 0.5 * (self.aperture / self.index) * (self.aperture / self.index);
        bessel
            .chunks_exact(nodes.len())
            .map(|row| {
                let (mut real, mut imaginary) = (0.0, 0.0);
                for (j, (c, s)) in row.iter().zip(&waves) {
                    real += j * c;
                    imaginary += j * s;
                }
                (real * real + imaginary * imaginary) / (full * full)
            })
            .collect()
    }

    fn nodes(&self, widest: f64, farthest: f64) -> Vec<Node> {
        let aberration_swing: f64 = {
            let samples: Vec<f64> = (0..=FEWEST_NODES)
                .map(|i| self.aberration(self.theta_max * i as f64 / FEWEST_NODES as f64))
                .collect();
            samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum()
        };
        let path = (self.index * widest + self.aperture * farthest) * self.theta_max + aberration_swing;
        let turns = self.wave_number * path / TAU;
        let intervals = 2 * ((NODES_PER_TURN * turns / 2.0).ceil() as usize).max(FEWEST_NODES / 2);
        let step = self.theta_max / intervals as f64;
        (0..=intervals)
            .map(|i| {
                let theta = step * i as f64;
                let (sin, cos) = libm::sincos(theta);
                let simpson = match i {
                    0 => 1.0,
                    i if i == intervals => 1.0,
                    i if i % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                Node {
                    s: self.index * sin,
                    cos,
                    aberration: self.aberration(theta),
                    weight: simpson * step / 3.0 * sin * cos,
                }
            })
            .collect()
    }

    /// The path difference, in micrometers, that the specimen adds at the angle `theta` in the immersion.
    fn aberration(&self, theta: f64) -> f64 {
        let Some(specimen) = self.specimen else { return 0.0 };
        let (ns, depth) = (specimen.index().0, specimen.depth().0);
        let (sin, cos) = libm::sincos(theta);
        let s = self.index * sin;
        depth * ((ns * ns - s * s).max(0.0).sqrt() - self.index / ns * self.index * cos)
    }
}

/// A node of the integration over the pupil.
struct Node {
    /// n sin θ.
    s: f64,
    /// cos θ.
    cos: f64,
    /// Path difference of the specimen in micrometers.
    aberration: f64,
    /// Weight of the rule times sin θ cos θ.
    weight: f64,
}
