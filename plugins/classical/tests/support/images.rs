//! Images to try operators on.

use std::path::{Path, PathBuf};

use parfocal_image::{DType, Extent, Pixel};
use parfocal_plugin::with_pixel_type;

use super::driver::Image;

/// Numbers that look random and are the same everywhere (SplitMix64).
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Every value of the type is possible; `f32` lies between -1 and 1.
pub(crate) fn noise(dtype: DType, extent: Extent, seed: u64) -> Image {
    let mut random = Random(seed);
    let count = extent.count().unwrap() as usize;
    with_pixel_type!(dtype, T => {
        let data: Vec<T> = (0..count)
            .map(|_| match dtype {
                DType::F32 => T::from_f64(random.share() * 2.0 - 1.0),
                _ => T::from_f64((random.share() - if is_signed(dtype) { 0.5 } else { 0.0 }) * 2.0_f64.powi(dtype.bits() as i32)),
            })
            .collect();
        Image::new(extent, &data)
    })
}

fn is_signed(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::I16)
}

/// Bright discs on a noisy background, as a camera of 12 bits sees them.
pub(crate) fn discs(extent: Extent, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    let [_, _, _, height, width] = extent.0;
    let count = extent.count().unwrap() as usize;
    let mut data: Vec<f64> =
        (0..count).map(|_| 100.0 + 30.0 * (random.share() + random.share() - 1.0)).collect();
    for plane in data.chunks_exact_mut((height * width) as usize) {
        for _ in 0..(height * width / 900 + 1) {
            let (cy, cx) = (random.share() * height as f64, random.share() * width as f64);
            let (radius, level) = (3.0 + 6.0 * random.share(), 200.0 + 1500.0 * random.share());
            let near =
                |centre: f64, size: u64| (centre - 10.0).max(0.0) as u64..((centre + 11.0) as u64).min(size);
            for y in near(cy, height) {
                for x in near(cx, width) {
                    let (dy, dx) = (y as f64 - cy, x as f64 - cx);
                    if dy * dy + dx * dx < radius * radius {
                        plane[(y * width + x) as usize] += level;
                    }
                }
            }
        }
    }
    data
}

pub(crate) fn typed<T: Pixel>(extent: Extent, data: &[f64]) -> Image {
    let data: Vec<T> = data.iter().map(|value| T::from_f64(*value)).collect();
    Image::new(extent, &data)
}

/// The workspace root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of real data, if it is there.
pub(crate) fn data() -> Option<PathBuf> {
    let folder =
        std::env::var_os("PARFOCAL_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    folder.is_dir().then_some(folder)
}
