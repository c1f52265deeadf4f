//! Gaussian convolution, one axis after the other.

use parfocal_types::Result;
use parfocal_types::units::Micrometers;

use super::{Boundaries, Boundary};
use crate::check;
use crate::volume::{Shape, Volume};

/// Standard deviations to each side that are kept; beyond lie 6 x 10⁻⁵ of the weight.
const SIGMAS: f64 = 4.0;

/// The volume convolved with a Gaussian of the given standard deviations; 0 leaves an axis alone.
///
/// The weight of a voxel is the Gaussian's integral over it, and all weights sum to 1.
///
/// # Errors
/// `out-of-range` for a negative or non-finite standard deviation.
pub fn gaussian(
    volume: &Volume,
    sigma_axial: Micrometers,
    sigma_lateral: Micrometers,
    boundaries: Boundaries,
) -> Result<Volume> {
    check::not_negative("the axial standard deviation in µm", sigma_axial.0)?;
    check::not_negative("the lateral standard deviation in µm", sigma_lateral.0)?;
    let voxel = volume.grid().voxel();
    let Shape { z, y, x } = volume.shape();
    let mut result = volume.clone();
    let values = result.values_mut();
    let weights = |sigma: Micrometers, size: Micrometers| half_kernel(sigma.0 / size.0);
    along_contiguous(values, x, &weights(sigma_lateral, voxel.x), boundaries.lateral);
    for plane in values.chunks_exact_mut(y * x) {
        along_blocks(plane, y, x, &weights(sigma_lateral, voxel.y), boundaries.lateral);
    }
    along_blocks(values, z, y * x, &weights(sigma_axial, voxel.z), boundaries.axial);
    Ok(result)
}

/// Weights at distance 0, 1, 2, ... voxels; `sigma` in voxels.
fn half_kernel(sigma: f64) -> Vec<f32> {
    if sigma == 0.0 {
        return vec![1.0];
    }
    let reach = (SIGMAS * sigma).ceil() as usize;
    let scale = 1.0 / (sigma * core::f64::consts::SQRT_2);
    let weights: Vec<f64> = (0..=reach)
        .map(|i| libm::erf((i as f64 + 0.5) * scale) - libm::erf((i as f64 - 0.5) * scale))
        .collect();
    let sum = weights.iter().skip(1).fold(weights[0], |sum, weight| sum + 2.0 * weight);
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// Convolves each run of `len` neighbours.
fn along_contiguous(values: &mut [f32], len: usize, half: &[f32], boundary: Boundary) {
    let reach = half.len() - 1;
    if reach == 0 {
        return;
    }
    let sources: Vec<Option<usize>> =
        (0..len + 2 * reach).map(|i| boundary.resolve(i as isize - reach as isize, len)).collect();
    let mut padded = vec![0.0_f32; len + 2 * reach];
    for row in values.chunks_exact_mut(len) {
        for (to, from) in padded.iter_mut().zip(&sources) {
            *to = from.map_or(0.0, |i| row[i]);
        }
        row.fill(0.0);
        for offset in 0..=2 * reach {
            add_scaled(row, &padded[offset..offset + len], half[offset.abs_diff(reach)]);
        }
    }
}

/// Convolves along an axis of `len` steps, each a contiguous block of `block` values.
fn along_blocks(values: &mut [f32], len: usize, block: usize, half: &[f32], boundary: Boundary) {
    let reach = half.len() - 1;
    if reach == 0 {
        return;
    }
    let source = values.to_vec();
    for (i, target) in values.chunks_exact_mut(block).enumerate().take(len) {
        target.fill(0.0);
        for offset in 0..=2 * reach {
            let index = i as isize + offset as isize - reach as isize;
            if let Some(from) = boundary.resolve(index, len) {
                add_scaled(target, &source[from * block..(from + 1) * block], half[offset.abs_diff(reach)]);
            }
        }
    }
}

fn add_scaled(target: &mut [f32], source: &[f32], factor: f32) {
    for (to, from) in target.iter_mut().zip(source) {
        *to += factor * from;
    }
}
