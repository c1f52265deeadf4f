//! Quantities of optics and detection that `parfocal_types::units` does not hold.

use core::fmt;

use parfocal_types::Result;

use crate::check;

macro_rules! quantity {
    ($($(#[$doc:meta])* $name:ident, $symbol:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $name(pub f64);

        impl $name {
            /// The bare number, in the unit that the type is named after.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, $symbol)
            }
        }
    )*};
}

quantity! {
    /// A number of photons that reach the detector, before its quantum efficiency.
    Photons, "ph";
    /// Pinhole diameter in Airy units: multiples of 1.22 λ / NA, the diameter of the first dark ring of the
    /// emission's diffraction pattern, referred to the sample.
    AiryUnits, "AU";
    /// Volume in cubic micrometers.
    CubicMicrometers, "µm³";
    /// Grey levels that one photoelectron yields: the gain of a photomultiplier and its amplifier.
    GreyLevelsPerElectron, "ADU/e⁻";
    /// Numerical aperture of an objective, n sin α. Dimensionless.
    NumericalAperture, "NA";
    /// Refractive index of a medium. Dimensionless.
    RefractiveIndex, "n";
}

/// The two numbers of an objective that shape its image: aperture and immersion medium.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    aperture: f64,
    index: f64,
}

impl Objective {
    /// An objective of numerical aperture `na` in an immersion medium of refractive index `immersion`.
    ///
    /// # Errors
    /// `out-of-range` unless 1 ≤ `immersion` ≤ 4 and 0 < `na` < `immersion`: no light leaves at more than 90°.
    pub fn new(na: NumericalAperture, immersion: RefractiveIndex) -> Result<Self> {
        check::within("the refractive index of the immersion medium", immersion.0, 1.0, 4.0)?;
        check::positive_below("the numerical aperture of the objective", na.0, immersion.0)?;
        Ok(Self { aperture: na.0, index: immersion.0 })
    }

    /// The numerical aperture.
    #[must_use]
    pub const fn aperture(&self) -> NumericalAperture {
        NumericalAperture(self.aperture)
    }

    /// The refractive index of the immersion medium.
    #[must_use]
    pub const fn immersion(&self) -> RefractiveIndex {
        RefractiveIndex(self.index)
    }

    /// Sine of the half angle of the cone of light that is accepted.
    pub(crate) fn sin_alpha(&self) -> f64 {
        self.aperture / self.index
    }
}
