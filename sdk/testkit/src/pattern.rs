//! Contents of synthetic images.

use parfocal_image::{Channel, DType, ImageSpec};
use parfocal_operator::PortKind;
use parfocal_types::Result;

use crate::{image::Image, random::Random};

/// What an image shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pattern {
    /// Bright blobs on an uneven background with noise; labels: discs with numbers of their own; masks: discs.
    Texture,
    /// Every pixel the same share of the full scale.
    Constant(f64),
    /// Nothing: zero everywhere.
    Zero,
    /// Every pixel the largest value of the type, within its significant bits; labels: one object that fills the image.
    Full,
    /// One bright pixel in the middle of every plane.
    Spot,
    /// Brighter to the right and to the bottom.
    Ramp,
    /// Independent noise over the whole scale.
    Noise,
}

/// The largest value that pixels of these facts have: of the significant bits for whole numbers, 1000 for floats.
#[must_use]
pub fn full_scale(spec: &ImageSpec) -> f64 {
    match spec.dtype {
        DType::F32 => 1000.0,
        DType::Mask => 1.0,
        DType::I8 | DType::I16 => f64::from((1_u32 << (spec.significant_bits.clamp(1, 32) - 1)) - 1),
        _ => 2.0_f64.powi(i32::try_from(spec.significant_bits).unwrap_or(8)) - 1.0,
    }
}

impl Pattern {
    /// Draws an image for a port. Channels without a name get one, and count as measured (labels as labels).
    ///
    /// # Errors
    /// `out-of-memory` or `invalid-argument` when it does not fit memory.
    pub fn draw(self, spec: &ImageSpec, kind: PortKind, random: &mut Random) -> Result<Image> {
        let mut spec = spec.clone();
        for (index, channel) in spec.channels.iter_mut().enumerate() {
            if channel.name.is_empty() {
                *channel = Channel::named(format!("channel-{index}")).measured();
            }
            if kind == PortKind::Labels {
                channel.class = parfocal_image::PixelClass::Labels;
            }
        }
        let scale = full_scale(&spec);
        let shapes = Shapes::new(&spec, random);
        let mut noise = random.clone();
        // What comes after draws from somewhere else.
        random.bits();
        let [_, _, _, height, width] = spec.extent.0;
        let whole = spec.dtype.is_integer();
        let labels = kind == PortKind::Labels || spec.dtype == DType::Mask;
        Image::drawn(spec, |place| {
            let [.., y, x] = place;
            match self {
                Self::Zero => 0.0,
                Self::Full if kind == PortKind::Labels => 1.0,
                Self::Full => scale,
                Self::Constant(share) if labels => f64::from(u8::from(share > 0.0)),
                Self::Constant(share) if whole => (share * scale).round(),
                Self::Constant(share) => share * scale,
                Self::Spot => {
                    let middle = y == height / 2 && x == width / 2;
                    if middle && labels { 1.0 } else { f64::from(u8::from(middle)) * scale }
                }
                Self::Ramp if labels => f64::from(u8::from((x + y) % 16 > 7)),
                Self::Ramp => scale * ((x + y) as f64 / (height + width).max(1) as f64),
                Self::Noise if labels => f64::from(u8::from(noise.fraction() > 0.6)),
                Self::Noise => scale * noise.fraction(),
                Self::Texture => shapes.value(place, labels, &mut noise, scale),
            }
        })
    }
}

/// Discs with soft edges, one bright, one dim, some across the middle lines of the image where tiles meet.
struct Shapes {
    discs: Vec<Disc>,
    height: f64,
    width: f64,
}

struct Disc {
    y: f64,
    x: f64,
    /// One divided by the square of the radius.
    curvature: f64,
    height: f64,
}

impl Disc {
    /// The square of the distance from the middle, in radii: every pixel of every test image asks each disc.
    fn distance(&self, y: f64, x: f64) -> f64 {
        ((y - self.y).powi(2) + (x - self.x).powi(2)) * self.curvature
    }
}

impl Shapes {
    fn new(spec: &ImageSpec, random: &mut Random) -> Self {
        let [_, _, _, height, width] = spec.extent.0.map(|size| size as f64);
        let count = ((height * width) / 300.0).clamp(1.0, 60.0).round() as u64;
        let discs = (0..count)
            .map(|_| Disc {
                y: random.fraction() * height,
                x: random.fraction() * width,
                curvature: (1.5 + random.fraction() * 5.0).powi(-2),
                height: 0.15 + 0.6 * random.fraction(),
            })
            .collect();
        Self { discs, height, width }
    }

    fn value(&self, place: [u64; 5], labels: bool, noise: &mut Random, scale: f64) -> f64 {
        // Planes differ, so that one that is taken for another is noticed.
        let plane = (place[0] * 7 + place[1] * 3 + place[2]) as f64;
        let (y, x) = ((place[3] as f64 + plane) % self.height.max(1.0), place[4] as f64);
        if labels {
            let disc = self.discs.iter().position(|disc| disc.distance(y, x) <= 1.0);
            return disc.map_or(0.0, |index| (index + 1) as f64);
        }
        let blob = |disc: &Disc| disc.height / (1.0 + disc.distance(y, x).powi(2));
        let blobs: f64 = self.discs.iter().map(blob).sum();
        let background = 0.05 + 0.1 * x / self.width.max(1.0);
        let value = (background + blobs.min(0.8)) * scale;
        value + (noise.fraction() - 0.5) * 0.06 * scale
    }
}

#[cfg(test)]
mod tests {
    use parfocal_image::Extent;

    use super::*;

    #[test]
    fn every_pattern_fits_every_type_and_port() {
        let patterns = [
            Pattern::Texture,
            Pattern::Constant(0.3),
            Pattern::Zero,
            Pattern::Full,
            Pattern::Spot,
            Pattern::Ramp,
            Pattern::Noise,
        ];
        for dtype in DType::ALL {
            let mut spec = ImageSpec::new(Extent::new(1, 2, 2, 23, 31), dtype);
            if dtype == DType::U16 {
                spec.significant_bits = 12;
            }
            for pattern in patterns {
                let image = pattern.draw(&spec, PortKind::Image, &mut Random::new(5)).unwrap();
                let largest = image.values().fold(f64::MIN, f64::max);
                assert!(largest <= full_scale(&spec) * 1.03, "{dtype} {pattern:?}: {largest}");
                if !matches!(pattern, Pattern::Zero) {
                    assert!(largest > 0.0, "{dtype} {pattern:?}");
                }
            }
        }
    }

    #[test]
    fn labels_are_discs_with_numbers() {
        let spec = ImageSpec::new(Extent::plane(47, 61), DType::U32);
        let image = Pattern::Texture.draw(&spec, PortKind::Labels, &mut Random::new(5)).unwrap();
        let numbers: std::collections::BTreeSet<_> = image.values().map(|value| value as u64).collect();
        assert!(numbers.len() > 4 && numbers.contains(&0), "{numbers:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same_image() {
        let spec = ImageSpec::new(Extent::plane(20, 20), DType::U16);
        let draw = |seed| Pattern::Texture.draw(&spec, PortKind::Image, &mut Random::new(seed)).unwrap();
        assert_eq!(draw(1).pixels.bytes(), draw(1).pixels.bytes());
        assert_ne!(draw(1).pixels.bytes(), draw(2).pixels.bytes());
    }
}
