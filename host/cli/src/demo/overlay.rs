//! The overlay: the three channels in their colours, seen from above, with the outlines of what was found.

use std::path::Path;

use parfocal_core::{ImageSource, image::MemoryImage};
use parfocal_image::{Axis, Buffer, Extent, Region};
use parfocal_io::write::write_png;
use parfocal_types::Result;

/// Colour of the outlines.
const OUTLINE: [f32; 3] = [255.0, 255.0, 255.0];

/// Writes the overlay of a stack of `u16` and labels seen from above.
pub(crate) fn write(path: &Path, image: &MemoryImage, labels: &[u32]) -> Result<()> {
    let [_, channels, depth, height, width] =
        image.spec().extent.0.map(|size| usize::try_from(size).unwrap_or(0));
    let plane = height * width;
    let pixels = image.pixels().as_slice::<u16>()?;
    let mut rgb = vec![[0.0_f32; 3]; plane];
    for (channel, stack) in
        image.spec().channels.iter().zip(pixels.chunks_exact((depth * plane).max(1))).take(channels)
    {
        let seen = stretched(&brightest(stack, plane));
        let color = channel.color.unwrap_or([255; 3]);
        for (pixel, value) in rgb.iter_mut().zip(seen) {
            for (sum, part) in pixel.iter_mut().zip(color) {
                *sum += value * f32::from(part);
            }
        }
    }
    for y in 0..height {
        for x in 0..width {
            let own = labels.get(y * width + x);
            let right = (x + 1 < width).then(|| labels.get(y * width + x + 1)).flatten();
            let below = (y + 1 < height).then(|| labels.get((y + 1) * width + x)).flatten();
            if right.is_some_and(|label| Some(label) != own) || below.is_some_and(|label| Some(label) != own)
            {
                rgb[y * width + x] = OUTLINE;
            }
        }
    }
    let mut bytes = Vec::with_capacity(3 * plane);
    for part in 0..3 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        bytes.extend(rgb.iter().map(|pixel| pixel[part] as u8));
    }
    let mut extent = Extent::plane(height as u64, width as u64);
    extent[Axis::C] = 3;
    write_png(path, &Buffer::from_slice(&bytes, Region::whole(extent))?.pixels()?)
}

fn brightest(stack: &[u16], plane: usize) -> Vec<u16> {
    let mut result = vec![0; plane];
    for slice in stack.chunks_exact(plane.max(1)) {
        for (most, value) in result.iter_mut().zip(slice) {
            *most = (*most).max(*value);
        }
    }
    result
}

/// 0 at the first percentile, 1 at the 99.8th.
fn stretched(values: &[u16]) -> Vec<f32> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = |thousandth: usize| {
        sorted.get(sorted.len().saturating_sub(1) * thousandth / 1000).copied().map_or(0.0, f32::from)
    };
    let (low, high) = (at(10), at(998));
    let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
    values.iter().map(|value| ((f32::from(*value) - low) * scale).clamp(0.0, 1.0)).collect()
}
