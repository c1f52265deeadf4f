//! The confocal point spread function.

use parfocal_types::Result;
use parfocal_types::units::{Micrometers, Nanometers};

use super::pupil::Pupil;
use super::radial::RadialTable;
use super::{Kernel, Reach, sample_symmetric};
use crate::check;
use crate::quantity::{AiryUnits, Objective};
use crate::volume::VoxelSize;

/// The pinhole in front of the detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pinhole {
    /// Infinitely small: the sharpest image, and no light.
    Point,
    /// A round hole of this diameter.
    Diameter(AiryUnits),
}

/// What a point-scanning confocal microscope sees of a point: the intensity of the focused laser times the share
/// of the emission that passes the pinhole (Wilson and Sheppard 1984, Theory and Practice
/// of Scanning Optical Microscopy).
///
/// The laser is taken to fill the objective's aperture evenly; an underfilled one has a wider spot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfocalPsf {
    objective: Objective,
    excitation: f64,
    emission: f64,
    pinhole_radius: f64,
}

impl ConfocalPsf {
    /// The function of `objective` with a laser at `excitation` and detection at `emission` through `pinhole`.
    ///
    /// # Errors
    /// `out-of-range` unless wavelengths are between 100 and 10 000 nm and the pinhole is above 0 and at most
    /// 20 Airy units.
    pub fn new(
        objective: Objective,
        excitation: Nanometers,
        emission: Nanometers,
        pinhole: Pinhole,
    ) -> Result<Self> {
        check::within("the excitation wavelength in nm", excitation.0, 100.0, 10_000.0)?;
        check::within("the emission wavelength in nm", emission.0, 100.0, 10_000.0)?;
        let emission = emission.to_micrometers().0;
        let pinhole_radius = match pinhole {
            Pinhole::Point => 0.0,
            Pinhole::Diameter(diameter) => {
                check::positive("the pinhole diameter in Airy units", diameter.0)?;
                check::within("the pinhole diameter in Airy units", diameter.0, 0.0, 20.0)?;
                airy_radius(diameter, emission, objective)
            }
        };
        Ok(Self { objective, excitation: excitation.to_micrometers().0, emission, pinhole_radius })
    }

    /// The intensity `lateral` away from the axis and `axial` away from focus, relative to the focus.
    #[must_use]
    pub fn intensity(&self, lateral: Micrometers, axial: Micrometers) -> f64 {
        let table = self.table(&[axial.0, 0.0], lateral.0.abs());
        table.at(0, lateral.0.abs()) / table.at(1, 0.0)
    }

    /// The function averaged over voxels, out to `reach`.
    ///
    /// # Errors
    /// `out-of-range` for a negative reach, `invalid-argument` for one with too many voxels.
    pub fn kernel(&self, voxel: VoxelSize, reach: Reach) -> Result<Kernel> {
        sample_symmetric(voxel, reach, |depths, largest| self.table(depths, largest))
    }

    fn table(&self, depths: &[f64], largest: f64) -> RadialTable {
        let excitation = Pupil::new(self.objective, self.excitation, None);
        let emission = Pupil::new(self.objective, self.emission, None);
        let step = excitation.radial_step().min(emission.radial_step());
        let light = excitation.table(depths, largest, step);
        if self.pinhole_radius == 0.0 {
            return light.product(&emission.table(depths, largest, step));
        }
        let reach = largest + self.pinhole_radius + 4.0 * step;
        let detected = emission.table(depths, reach, step).averaged_over_disc(self.pinhole_radius, largest);
        light.product(&detected)
    }
}

/// Radius in the sample, in micrometers, of a pinhole of the given diameter.
pub(super) fn airy_radius(diameter: AiryUnits, emission: f64, objective: Objective) -> f64 {
    0.5 * diameter.0 * 1.22 * emission / objective.aperture().0
}
