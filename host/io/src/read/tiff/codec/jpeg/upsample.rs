//! From components to pixels as libjpeg does it: "fancy" upsampling (`jdsample.c`: a triangle filter whose rounding
//! alternates) and the fixed-point colour conversion (`jdcolor.c`).

use super::Component;

/// Row `y` of the image from a component that is `across` times narrower and `down` times lower.
pub(super) fn rows(component: &Component, y: usize, across: usize, down: usize, out: &mut [u8]) {
    let source = y / down;
    let this = component.row(source);
    // The row of the two neighbours that is nearer to this one of two output rows.
    let near = component.row(if y.is_multiple_of(2) { source.saturating_sub(1) } else { source + 1 });
    match (across, down) {
        (1, 1) => out.iter_mut().zip(this).for_each(|(to, from)| *to = *from),
        (2, 1) if component.width > 2 => double(this, out),
        (2, 2) if component.width > 2 => double_both(this, near, out),
        (1, 2) => {
            let bias = if y.is_multiple_of(2) { 1 } else { 2 };
            for ((to, a), b) in out.iter_mut().zip(this).zip(near) {
                *to = ((u32::from(*a) * 3 + u32::from(*b) + bias) >> 2) as u8;
            }
        }
        _ => {
            for (to, from) in out.chunks_mut(across).zip(this) {
                to.fill(*from);
            }
        }
    }
}

/// Twice as wide (`h2v1_fancy_upsample`).
fn double(this: &[u8], out: &mut [u8]) {
    let at = |index: usize| u32::from(this.get(index).copied().unwrap_or(0));
    let last = this.len().saturating_sub(1);
    for (index, pair) in out.chunks_exact_mut(2).take(this.len()).enumerate() {
        let three = at(index) * 3;
        let left = if index == 0 { at(0) } else { (three + at(index - 1) + 1) >> 2 };
        let right = if index == last { at(last) } else { (three + at(index + 1) + 2) >> 2 };
        pair.copy_from_slice(&[left as u8, right as u8]);
    }
}

/// Twice as wide and high (`h2v2_fancy_upsample`).
fn double_both(this: &[u8], near: &[u8], out: &mut [u8]) {
    let sum = |index: usize| {
        let (a, b) = (this.get(index).copied().unwrap_or(0), near.get(index).copied().unwrap_or(0));
        u32::from(a) * 3 + u32::from(b)
    };
    let last = this.len().saturating_sub(1);
    for (index, pair) in out.chunks_exact_mut(2).take(this.len()).enumerate() {
        let own = sum(index);
        let left = if index == 0 { (own * 4 + 8) >> 4 } else { (own * 3 + sum(index - 1) + 8) >> 4 };
        let right = if index == last { (own * 4 + 7) >> 4 } else { (own * 3 + sum(index + 1) + 7) >> 4 };
        pair.copy_from_slice(&[left as u8, right as u8]);
    }
}

/// A row of pixels from a row of each component.
pub(super) fn interleave(lines: &[Vec<u8>], pixels: &mut [u8], to_rgb: bool) {
    if let ([luma, blue, red], true) = (lines, to_rgb) {
        let samples = luma.iter().zip(blue).zip(red);
        for (pixel, ((luma, blue), red)) in pixels.chunks_exact_mut(3).zip(samples) {
            pixel.copy_from_slice(&rgb(*luma, *blue, *red));
        }
        return;
    }
    for (index, line) in lines.iter().enumerate() {
        for (pixel, sample) in pixels.chunks_exact_mut(lines.len()).zip(line) {
            if let Some(slot) = pixel.get_mut(index) {
                *slot = *sample;
            }
        }
    }
}

/// Colour of a pixel, ITU-R BT.601 full range with 16 bits of fraction.
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    // FIX(1.40200), FIX(0.34414), FIX(0.71414), FIX(1.77200).
    let r = luma + ((91_881 * red + HALF) >> 16);
    let g = luma + ((-22_554 * blue - 46_802 * red + HALF) >> 16);
    let b = luma + ((116_130 * blue + HALF) >> 16);
    [r, g, b].map(|value| value.clamp(0, 255) as u8)
}
