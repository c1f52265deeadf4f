//! The widefield point spread function.

use parfocal_types::Result;
use parfocal_types::units::{Micrometers, Nanometers};

use super::pupil::Pupil;
use super::{Kernel, Reach, sample_symmetric};
use crate::check;
use crate::quantity::{Objective, RefractiveIndex};
use crate::volume::VoxelSize;

/// A specimen whose refractive index differs from the immersion's, which blurs points that lie deep in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Specimen {
    index: f64,
    depth: f64,
}

impl Specimen {
    /// A point at `depth` below the cover glass in a specimen of refractive index `index`.
    ///
    /// # Errors
    /// `out-of-range` unless 1 ≤ `index` ≤ 4 and `depth` is zero or more.
    pub fn new(index: RefractiveIndex, depth: Micrometers) -> Result<Self> {
        check::within("the refractive index of the specimen", index.0, 1.0, 4.0)?;
        check::not_negative("the depth below the cover glass in µm", depth.0)?;
        Ok(Self { index: index.0, depth: depth.0 })
    }

    /// The refractive index.
    #[must_use]
    pub const fn index(&self) -> RefractiveIndex {
        RefractiveIndex(self.index)
    }

    /// The depth of the point below the cover glass.
    #[must_use]
    pub const fn depth(&self) -> Micrometers {
        Micrometers(self.depth)
    }
}

/// What a camera behind a widefield microscope sees of a point that emits one colour.
///
/// Gibson and Lanni 1991, with cover glass and immersion as the objective was designed for; without a
/// [`Specimen`] this is the model of Born and Wolf (Principles of Optics, 8.8) with the defocus of high
/// apertures. Each plane holds the same energy: defocus spreads light and loses none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WidefieldPsf {
    objective: Objective,
    emission: f64,
    specimen: Option<Specimen>,
}

impl WidefieldPsf {
    /// The function of `objective` at the `emission` wavelength in vacuum, without aberration.
    ///
    /// # Errors
    /// `out-of-range` unless the wavelength is between 100 and 10 000 nm.
    pub fn new(objective: Objective, emission: Nanometers) -> Result<Self> {
        check::within("the emission wavelength in nm", emission.0, 100.0, 10_000.0)?;
        Ok(Self { objective, emission: emission.to_micrometers().0, specimen: None })
    }

    /// The same with the spherical aberration of a point in `specimen`.
    ///
    /// Axial positions then count the movement of the objective from the paraxial focus, deeper positive.
    #[must_use]
    pub const fn with_specimen(mut self, specimen: Specimen) -> Self {
        self.specimen = Some(specimen);
        self
    }

    /// The intensity `lateral` away from the axis and `axial` away from focus; 1 at the focus of an ideal lens.
    #[must_use]
    pub fn intensity(&self, lateral: Micrometers, axial: Micrometers) -> f64 {
        let values = self.pupil().intensities(&[axial.0], &[lateral.0.abs()]);
        values.first().and_then(|plane| plane.first()).copied().unwrap_or(0.0)
    }

    /// The function averaged over voxels, out to `reach`.
    ///
    /// # Errors
    /// `out-of-range` for a negative reach, `invalid-argument` for one with too many voxels.
    pub fn kernel(&self, voxel: VoxelSize, reach: Reach) -> Result<Kernel> {
        let pupil = self.pupil();
        sample_symmetric(voxel, reach, |depths, largest| pupil.table(depths, largest, pupil.radial_step()))
    }

    fn pupil(&self) -> Pupil {
        Pupil::new(self.objective, self.emission, self.specimen)
    }
}
