//! Physical units: as types where a quantity is handled, as a name where one is described.
//!
//! A public function of the SDK never takes a bare `f64` for a physical quantity: `Micrometers(0.1)` cannot be
//! mistaken for a number of pixels. [`Unit`] is the closed list of units that parameters and table columns may
//! carry.

use core::fmt;

macro_rules! quantity {
    ($($(#[$doc:meta])* $name:ident, $symbol:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Length in micrometers (10⁻⁶ m): pixel sizes, stage positions, radii.
    Micrometers, "µm";
    /// Length in nanometers (10⁻⁹ m): wavelengths.
    Nanometers, "nm";
    /// Duration in seconds: exposure, dwell, time between frames.
    Seconds, "s";
    /// Radiant power in milliwatts: light at the sample unless stated otherwise.
    Milliwatts, "mW";
    /// Radiant exposure of the sample in joules per square centimeter: how much light a frame cost.
    JoulesPerSquareCentimeter, "J/cm²";
    /// Electric potential in volts: high voltage of a photomultiplier.
    Volts, "V";
    /// A number of photoelectrons: read noise, full well.
    Electrons, "e⁻";
    /// Analogue-to-digital units, the grey levels of the detector.
    GreyLevels, "ADU";
    /// Conversion gain of a camera in photoelectrons for one grey level.
    ElectronsPerGreyLevel, "e⁻/ADU";
    /// A dimensionless share, 0 to 1.
    Fraction, "";
}

impl Nanometers {
    /// The same length in micrometers.
    #[must_use]
    pub fn to_micrometers(self) -> Micrometers {
        Micrometers(self.0 / 1000.0)
    }
}

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $symbol:literal;)*) => {
        /// The closed list of units of parameters and table columns.
        ///
        /// The numbers are the wire codes of the native interface and never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Unit {
            $($(#[$doc])* $name = $code,)*
        }

        impl Unit {
            /// All units, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name used in manifests and on the command line, for example `micrometer`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The symbol shown to people, for example `µm`; empty for a bare number.
            #[must_use]
            pub const fn symbol(self) -> &'static str {
                match self { $(Self::$name => $symbol,)* }
            }

            /// The unit with this wire code, or `None` for a code of a later interface.
            #[must_use]
            pub const fn from_code(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

units! {
    /// A bare number.
    #[default]
    None = 0, "none", "";
    /// Distance on the pixel grid.
    Pixel = 1, "pixel", "px";
    /// Micrometers.
    Micrometer = 2, "micrometer", "µm";
    /// Square micrometers.
    SquareMicrometer = 3, "square-micrometer", "µm²";
    /// Cubic micrometers.
    CubicMicrometer = 4, "cubic-micrometer", "µm³";
    /// Nanometers.
    Nanometer = 5, "nanometer", "nm";
    /// Seconds.
    Second = 6, "second", "s";
    /// Milliwatts.
    Milliwatt = 7, "milliwatt", "mW";
    /// Volts.
    Volt = 8, "volt", "V";
    /// Decibels.
    Decibel = 9, "decibel", "dB";
    /// Percent of a full scale.
    Percent = 10, "percent", "%";
    /// A share from 0 to 1.
    Fraction = 11, "fraction", "";
    /// A number of things.
    Count = 12, "count", "";
    /// Grey levels of the detector.
    GreyLevel = 13, "grey-level", "ADU";
    /// Photoelectrons.
    Electron = 14, "electron", "e⁻";
    /// Photons.
    Photon = 15, "photon", "ph";
    /// Degrees of arc.
    Degree = 16, "degree", "°";
    /// Degrees Celsius.
    Celsius = 17, "celsius", "°C";
    /// Joules per square centimeter.
    JoulePerSquareCentimeter = 18, "joule-per-square-centimeter", "J/cm²";
    /// Square pixels.
    SquarePixel = 19, "square-pixel", "px²";
    /// Cubic pixels (voxels).
    CubicPixel = 20, "cubic-pixel", "px³";
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_found_again_by_its_code() {
        for unit in Unit::ALL {
            assert_eq!(Unit::from_code(*unit as u32), Some(*unit));
        }
        assert_eq!(Unit::from_code(u32::MAX), None);
    }

    #[test]
    fn quantities_show_their_unit() {
        assert_eq!(Micrometers(0.25).to_string(), "0.25 µm");
        assert_eq!(Nanometers(500.0).to_micrometers(), Micrometers(0.5));
    }
}
