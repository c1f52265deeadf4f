//! Nuclei: where they fit, and what is in them.

use parfocal_types::{Error, Result};

use super::texture::Texture;
use super::{Lobes, MARGIN, PhantomSpec, lognormal, smooth_step, stream};
use crate::random::Random;
use crate::volume::Volume;

const KIND: u32 = 1;
/// Half axes in micrometers of nuclei of spread human cells in culture, from HeLa to fibroblasts.
const LONG_HALF_AXIS: (f64, f64) = (5.6, 8.6);
const SHORT_TO_LONG: (f64, f64) = (0.62, 0.95);
const HALF_HEIGHT: (f64, f64) = (2.2, 3.3);
/// Departures from the ellipse: oval, pear and bean shapes.
const OUTLINE: [f64; 4] = [0.05, 0.06, 0.035, 0.02];
/// Positions tried for a shape, and shapes tried for a place in the sample.
const POSITIONS: usize = 400;
const SHAPES: usize = 60;
/// Size of chromatin grains in micrometers.
const GRAIN: f64 = 1.5;

/// An ellipsoid with a lobed outline, lying on the cover glass.
#[derive(Debug, Clone)]
pub(super) struct Nucleus {
    /// z, y, x in micrometers.
    pub(super) centre: [f64; 3],
    /// Half axes: long, short, height.
    half: [f64; 3],
    cos: f64,
    sin: f64,
    outline: Lobes,
    brightness: f64,
    nucleoli: Vec<([f64; 3], f64)>,
    texture: Texture,
}

/// Draws shapes and throws them into the field until all have a place.
pub(super) fn place(spec: &PhantomSpec) -> Result<Vec<Nucleus>> {
    let mut placed: Vec<Nucleus> = Vec::new();
    for index in 0..spec.nuclei as usize {
        let mut random = Random::new(spec.seed, stream(KIND, index));
        let free = (0..SHAPES).find_map(|_| {
            let nucleus = Nucleus::random(spec, &mut random);
            (0..POSITIONS).find_map(|_| {
                let there = nucleus.thrown(spec, &mut random)?;
                placed.iter().all(|other| there.is_apart(other, spec.gap.0)).then_some(there)
            })
        });
        let Some(mut nucleus) = free else {
            return Err(Error::invalid_argument(format!(
                "found room for {index} of {} nuclei with gaps of {}; ask for fewer or for a larger field",
                spec.nuclei, spec.gap
            )));
        };
        nucleus.add_nucleoli(&mut random);
        placed.push(nucleus);
    }
    Ok(placed)
}

impl Nucleus {
    fn random(spec: &PhantomSpec, random: &mut Random) -> Self {
        let (shape, voxel) = (spec.grid.shape(), spec.grid.voxel());
        let room = 0.5 * (shape.z as f64 * voxel.z.0 - 2.0 * MARGIN) - 0.4;
        let long = random.between(LONG_HALF_AXIS.0, LONG_HALF_AXIS.1);
        let short = long * random.between(SHORT_TO_LONG.0, SHORT_TO_LONG.1);
        let height = random.between(HALF_HEIGHT.0, HALF_HEIGHT.1).min(room);
        let (sin, cos) = libm::sincos(random.between(0.0, core::f64::consts::PI));
        // DNA content doubles before division: most cells of a culture have one set, some two, some are between.
        let content = match random.uniform() {
            u if u < 0.6 => 1.0,
            u if u < 0.78 => random.between(1.0, 2.0),
            _ => 2.0,
        };
        let typical = 7.0 * 5.6 * 2.75;
        let concentration = content * typical / (long * short * height);
        Self {
            centre: [MARGIN + height + 0.3 - 0.5 * voxel.z.0, 0.0, 0.0],
            half: [long, short, height],
            cos,
            sin,
            outline: Lobes::random(&OUTLINE, random),
            brightness: concentration.clamp(0.5, 2.2) * lognormal(0.1, random),
            nucleoli: Vec::new(),
            texture: Texture::new(random.bits()),
        }
    }

    /// The same at a random position with all of it inside the field, or `None` if it is too large.
    fn thrown(&self, spec: &PhantomSpec, random: &mut Random) -> Option<Self> {
        let (shape, voxel) = (spec.grid.shape(), spec.grid.voxel());
        let mut throw = |count: usize, size: f64, extent: f64| {
            let (low, high) = (extent + size, (count as f64 - 2.0) * size - extent);
            let place = random.between(low, high);
            (low < high).then_some(place)
        };
        let y = throw(shape.y, voxel.y.0, self.extent(1.0, 0.0))?;
        let x = throw(shape.x, voxel.x.0, self.extent(0.0, 1.0))?;
        Some(Self { centre: [self.centre[0], y, x], ..self.clone() })
    }

    /// No point of the nucleus lies farther than this from its centre in the lateral direction (`y`, `x`).
    pub(super) fn extent(&self, y: f64, x: f64) -> f64 {
        let (along, across) = self.lateral(y, x);
        let (a, b) = (self.half[0] * along, self.half[1] * across);
        (1.0 + self.outline.bound()) * (a * a + b * b).sqrt()
    }

    /// Whether a plane between the two, across the line of centres, leaves a gap of `gap`.
    fn is_apart(&self, other: &Self, gap: f64) -> bool {
        let (dy, dx) = (other.centre[1] - self.centre[1], other.centre[2] - self.centre[2]);
        let distance = (dy * dy + dx * dx).sqrt();
        if distance == 0.0 {
            return false;
        }
        let (y, x) = (dy / distance, dx / distance);
        distance >= self.extent(y, x) + other.extent(y, x) + gap
    }

    /// Turns a lateral vector into the nucleus' own axes.
    fn lateral(&self, y: f64, x: f64) -> (f64, f64) {
        (x * self.cos + y * self.sin, y * self.cos - x * self.sin)
    }

    /// Distance from the centre as a share of the distance to the surface in that direction, and how fast it
    /// grows in each micrometer.
    pub(super) fn depth(&self, place: [f64; 3]) -> (f64, f64) {
        let (along, across) = self.lateral(place[1] - self.centre[1], place[2] - self.centre[2]);
        let [long, short, height] = self.half;
        let (u, v, w) = (along / long, across / short, (place[0] - self.centre[0]) / height);
        let flat = u * u + v * v;
        let radius = (flat + w * w).sqrt();
        if flat == 0.0 || radius == 0.0 {
            return (radius, 1.0 / height);
        }
        let flat_radius = flat.sqrt();
        let bulge = 1.0 + self.outline.at(u / flat_radius, v / flat_radius) * flat / (radius * radius);
        let (gu, gv, gw) = (u / long, v / short, w / height);
        let slope = (gu * gu + gv * gv + gw * gw).sqrt() / (radius * bulge);
        (radius / bulge, slope)
    }

    fn add_nucleoli(&mut self, random: &mut Random) {
        let count = 1 + (random.uniform() * 3.6) as usize;
        for _ in 0..count {
            let radius = random.between(0.9, 1.8);
            let (sin, cos) = libm::sincos(random.between(0.0, core::f64::consts::TAU));
            let out = 0.62 * random.uniform().sqrt();
            let (along, across) = (out * cos * self.half[0], out * sin * self.half[1]);
            let place = [
                self.centre[0] + random.between(-0.35, 0.35) * self.half[2],
                self.centre[1] + along * self.sin + across * self.cos,
                self.centre[2] + along * self.cos - across * self.sin,
            ];
            self.nucleoli.push((place, radius));
        }
    }

    /// Relative concentration of DNA at a place inside.
    fn chromatin(&self, place: [f64; 3], depth: f64) -> f64 {
        let grain = self.texture.grain(place, GRAIN);
        // Open chromatin, dense patches, and a dense layer under the envelope.
        let dense = smooth_step(0.4, 0.7, grain);
        let rim = smooth_step(0.78, 0.97, depth);
        let mut value = 0.5 + 0.8 * dense + 0.25 * rim;
        for (centre, radius) in &self.nucleoli {
            let [z, y, x] = [0, 1, 2].map(|axis| place[axis] - centre[axis]);
            // In flat nuclei they reach almost from top to bottom.
            let distance = (0.45 * z * z + y * y + x * x).sqrt();
            value *= 1.0 - 0.85 * smooth_step(1.1 * radius, 0.8 * radius, distance);
        }
        value
    }

    /// Adds the nucleus to the channel and its label to the voxels whose centre it holds.
    pub(super) fn paint(&self, channel: &mut Volume, labels: &mut [u32], label: u32) {
        let (shape, voxel) = (channel.shape(), channel.grid().voxel());
        let range = |centre: f64, extent: f64, size: f64, count: usize| {
            let first = ((centre - extent) / size - 1.0).floor().max(0.0) as usize;
            let last = ((centre + extent) / size + 2.0).ceil().max(0.0) as usize;
            first..last.min(count)
        };
        let values = channel.values_mut();
        for z in range(self.centre[0], self.half[2], voxel.z.0, shape.z) {
            for y in range(self.centre[1], self.extent(1.0, 0.0), voxel.y.0, shape.y) {
                for x in range(self.centre[2], self.extent(0.0, 1.0), voxel.x.0, shape.x) {
                    let place = [z as f64 * voxel.z.0, y as f64 * voxel.y.0, x as f64 * voxel.x.0];
                    let (depth, slope) = self.depth(place);
                    let covered = (0.5 - (depth - 1.0) / (slope * voxel.x.0)).clamp(0.0, 1.0);
                    if covered == 0.0 {
                        continue;
                    }
                    let index = (z * shape.y + y) * shape.x + x;
                    values[index] += (covered * self.brightness * self.chromatin(place, depth)) as f32;
                    if depth < 1.0 {
                        labels[index] = label;
                    }
                }
            }
        }
    }
}
