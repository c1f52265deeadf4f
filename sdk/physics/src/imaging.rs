//! Taking the picture: density, optics, photons, detector.

use parfocal_types::{Error, Result};

use crate::check;
use crate::convolve::Convolver;
use crate::quantity::Photons;
use crate::volume::Volume;

/// How much light a channel is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// Expected photons of the sample in the brightest voxel.
    pub peak: Photons,
    /// Expected photons of everything else, the same in each voxel: medium, glass, filters.
    pub background: Photons,
}

/// The photons that the detector expects from each voxel: `density` blurred by the optics, scaled so that its
/// brightest voxel is the exposure's peak, plus background.
///
/// Give the result to [`Camera::expose`](crate::noise::Camera::expose) or
/// [`PointDetector::detect`](crate::noise::PointDetector::detect).
///
/// # Errors
/// `invalid-argument` if the density's shape is not the convolver's, or nothing in it shines; `out-of-range` for
/// a peak or background that is negative or not finite.
pub fn expected_photons(density: &Volume, optics: &Convolver, exposure: Exposure) -> Result<Volume> {
    check::not_negative("the peak of the exposure in photons", exposure.peak.0)?;
    check::not_negative("the background of the exposure in photons", exposure.background.0)?;
    let mut image = optics.convolve(density)?;
    let brightest = image.max();
    if brightest.is_nan() || brightest <= 0.0 {
        return Err(Error::invalid_argument("the sample is dark everywhere and cannot be given a peak"));
    }
    let scale = (exposure.peak.0 / f64::from(brightest)) as f32;
    let background = exposure.background.0 as f32;
    for value in image.values_mut() {
        // The transform leaves dark voxels a little off zero, on both sides.
        let signal = if *value > 0.0 { *value * scale } else { 0.0 };
        *value = signal + background;
    }
    Ok(image)
}
