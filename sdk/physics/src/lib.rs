//! The physics of fluorescence microscopy that Parfocal's parts share: optics, detectors, bleaching, and a sample
//! world whose truth is known.
//!
//! | module | from | to |
//! |---|---|---|
//! | [`psf`] | aperture, index, wavelength, pinhole | the image of a point |
//! | [`convolve`] | a volume and a kernel | what optics makes of it |
//! | [`noise`] | expected photons | grey levels |
//! | [`anscombe`] | grey levels | grey levels with constant noise, and back |
//! | [`bleaching`] | dose | fluorescence that is left |
//! | [`phantom`] | a seed | nuclei, filaments, cytoplasm, and where they are |
//! | [`imaging`] | a phantom and all of the above | a stack |
//!
//! What it is not: an image type (`parfocal-image`), file access, a simulator with stage and clock
//! (`hardware-adapters/simulated-microscope`), or a network. It knows nothing of plugins or hosts.
//!
//! Who calls it: the demo's generator, the simulated microscope, the trainer's simulation, Denoise and
//! deconvolution. Nobody implements anything here.
//!
//! **Every result is the same on every machine**, native or WASM, bit for bit: functions beyond the four
//! operations and the square root come from `libm`, sums have a fixed order, nothing is fused, and random
//! numbers come from a cipher with a seed that the caller gives.
//!
//! ```
//! use parfocal_physics::psf::{Reach, WidefieldPsf};
//! use parfocal_physics::{NumericalAperture, Objective, RefractiveIndex, VoxelSize};
//! use parfocal_types::units::{Micrometers, Nanometers};
//!
//! let objective = Objective::new(NumericalAperture(0.8), RefractiveIndex(1.0))?;
//! let psf = WidefieldPsf::new(objective, Nanometers(520.0))?;
//! let voxel = VoxelSize::new(Micrometers(0.5), Micrometers(0.1));
//! let kernel = psf.kernel(voxel, Reach { axial: Micrometers(2.0), lateral: Micrometers(2.0) })?;
//! assert!((kernel.volume().sum() - 1.0).abs() < 1e-6);
//! # Ok::<(), parfocal_types::Error>(())
//! ```

pub mod anscombe;
pub mod bleaching;
mod check;
pub mod convolve;
pub mod imaging;
pub mod noise;
pub mod phantom;
pub mod psf;
mod quantity;
mod random;
mod volume;

pub use quantity::{
    AiryUnits, CubicMicrometers, GreyLevelsPerElectron, NumericalAperture, Objective, Photons,
    RefractiveIndex,
};
pub use random::Random;
pub use volume::{Grid, Shape, Volume, VoxelSize};
