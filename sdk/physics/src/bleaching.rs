//! Photobleaching: fluorescence lost to light.

use parfocal_types::Result;
use parfocal_types::units::{Fraction, JoulesPerSquareCentimeter};

use crate::check;

/// Bleaching of one kind of fluorophore: each absorbed photon destroys a molecule with the same probability, so
/// that fluorescence falls exponentially with the dose (Song, Hennink, Young and Tanke 1995, Biophys. J.
/// 68:2588, first-order case).
///
/// The decay of a whole bleached spot is not exponential, because its voxels receive different doses: keep the
/// dose of each voxel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bleaching {
    dose: f64,
}

impl Bleaching {
    /// A fluorophore that keeps 1/e of its fluorescence after `dose`.
    ///
    /// # Errors
    /// `out-of-range` unless the dose is a positive number.
    pub fn new(dose: JoulesPerSquareCentimeter) -> Result<Self> {
        check::positive("the bleaching dose in J/cm²", dose.0)?;
        Ok(Self { dose: dose.0 })
    }

    /// The share of fluorescence that is left after `dose`.
    #[must_use]
    pub fn remaining(&self, dose: JoulesPerSquareCentimeter) -> Fraction {
        Fraction(libm::exp(-dose.0.max(0.0) / self.dose))
    }

    /// The mean share of fluorescence during an exposure of `exposure` on a sample that had received `before`:
    /// what a detector that integrates over the exposure sees.
    #[must_use]
    pub fn mean_during(
        &self,
        before: JoulesPerSquareCentimeter,
        exposure: JoulesPerSquareCentimeter,
    ) -> Fraction {
        let x = exposure.0.max(0.0) / self.dose;
        let during = if x == 0.0 { 1.0 } else { -libm::expm1(-x) / x };
        Fraction(self.remaining(before).0 * during)
    }
}
