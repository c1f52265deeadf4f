//! `parfocal image make`: a plane of any size with bright spots on a noisy background, for trying what large images cost.

use std::path::Path;

use parfocal_image::{Axis, Buffer, Channel, DType, Extent, ImageSpec, PixelSize};
use parfocal_io::write::{OmeTiffOptions, OmeTiffWriter};
use parfocal_types::{Error, Result, units::Micrometers};

use crate::interrupt;

/// Distance between the centres of spots, in pixels.
const PITCH: u64 = 64;
/// Largest radius of a spot, in pixels.
const RADIUS: i64 = 20;
/// Grey levels of the background, of its noise, and of a spot above it.
const BACKGROUND: u64 = 100;
const NOISE: u64 = 24;
const SPOT: u64 = 900;

/// Writes the plane piece by piece; equal seeds give equal files.
pub(crate) fn make(to: &Path, [height, width]: [u64; 2], seed: u64) -> Result<()> {
    if !super::image::is_tiff(to) {
        return Err(Error::invalid_argument(format!("{} would be a TIFF by another name", to.display()))
            .with_remedy("end the name in .ome.tif, .tif, .tiff or .btf"));
    }
    let mut spec = ImageSpec::new(Extent::plane(height, width), DType::U16);
    spec.name = "spots".into();
    spec.pixel_size = PixelSize::square(Micrometers(0.25));
    spec.channels = vec![Channel::named("spots").measured()];
    let cancel = interrupt::token();
    let sink = OmeTiffWriter::create(to, &spec, &OmeTiffOptions::default())?;
    for region in super::image::grid(&spec.extent, &sink.tile()) {
        interrupt::proceed(&cancel)?;
        let mut pixels = Buffer::zeroed(DType::U16, region)?;
        for (y, row) in (region.origin[3].unsigned_abs()..).zip(pixels.view_mut::<u16>()?.rows_mut()) {
            for (x, pixel) in (region.origin[4].unsigned_abs()..).zip(row) {
                *pixel = value(x, y, seed);
            }
        }
        sink.write(&pixels.pixels()?)?;
    }
    debug_assert_eq!(spec.extent[Axis::C], 1);
    sink.finish()
}

/// Stirs a number (the finaliser of SplitMix64, Steele, Lea and Flood 2014).
fn stir(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The grey level at a place: in each cell of the grid a disc whose radius follows from the cell.
#[allow(clippy::cast_possible_truncation, reason = "at most the sum of the constants above")]
fn value(x: u64, y: u64, seed: u64) -> u16 {
    let noise = stir(seed ^ (y << 32 | x)) % NOISE;
    let (dx, dy) = ((x % PITCH) as i64 - PITCH as i64 / 2, (y % PITCH) as i64 - PITCH as i64 / 2);
    let radius = 6 + (stir(seed ^ (y / PITCH) << 32 ^ (x / PITCH) ^ 0x5eed) % (RADIUS as u64 - 6)) as i64;
    let spot = if dx * dx + dy * dy <= radius * radius { SPOT } else { 0 };
    (BACKGROUND + noise + spot) as u16
}
