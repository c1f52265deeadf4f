//! Acquisition conditions: typed facts about how pixels were taken, each known or explicitly unknown.
//!
//! Domain checks, noise models, automatic exposure and fitness read the conditions from here and nowhere else.
//! They belong to a channel; where they vary along time or depth, a plane overrides the channel's facts one by one.

use parfocal_types::units::{
    Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels, JoulesPerSquareCentimeter, Micrometers,
    Milliwatts, Seconds, Volts,
};

/// The objective lens.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Objective {
    /// Nominal magnification.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub magnification: Option<f64>,
    /// Numerical aperture.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub numerical_aperture: Option<f64>,
    /// Refractive index of the immersion medium: 1.0 air, 1.33 water, 1.515 oil.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub immersion_index: Option<f64>,
}

/// How a point-scanning microscope moves its beam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[repr(u32)]
pub enum ScanMode {
    /// No scanning: a camera sees the whole field at once.
    Widefield = 1,
    /// Linear scan of a galvanometer mirror.
    Galvano = 2,
    /// Sinusoidal scan of a resonant mirror: the dwell varies along the line.
    Resonant = 3,
    /// Many beams at once.
    SpinningDisk = 4,
}

impl ScanMode {
    /// The mode with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Widefield),
            2 => Some(Self::Galvano),
            3 => Some(Self::Resonant),
            4 => Some(Self::SpinningDisk),
            _ => None,
        }
    }
}

/// Position of the stage when the plane was taken.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StagePosition {
    /// Along X.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub x: Option<Micrometers>,
    /// Along Y.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub y: Option<Micrometers>,
    /// Of the focus drive.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub z: Option<Micrometers>,
}

macro_rules! conditions {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// How pixels were taken. `None`: nobody knows.
        #[derive(Debug, Clone, PartialEq, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct Conditions {
            $(
                $(#[$doc])*
                #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
                pub $field: Option<$type>,
            )*
        }

        impl Conditions {
            /// These facts, and those of `base` where these are unknown.
            #[must_use]
            pub fn over(&self, base: &Self) -> Self {
                Self { $($field: self.$field.clone().or_else(|| base.$field.clone()),)* }
            }

            /// Whether nothing at all is known.
            #[must_use]
            pub fn is_unknown(&self) -> bool {
                $(self.$field.is_none())&&*
            }
        }
    };
}

conditions! {
    /// The objective lens.
    objective: Objective,
    /// Diameter of the confocal pinhole.
    pinhole: Micrometers,
    /// Zoom of the scanner or of an intermediate lens; 1 is none.
    zoom: f64,
    /// How the beam moves.
    scan_mode: ScanMode,
    /// How many frames or lines were averaged into one; 1 is none.
    averaging: u32,
    /// Time the sensor integrates, without readout.
    exposure: Seconds,
    /// Time the beam rests on one pixel.
    dwell: Seconds,
    /// Light power at the sample.
    light_power: Milliwatts,
    /// Light power as a share of the source's maximum, where the power is not calibrated.
    light_fraction: Fraction,
    /// High voltage of a photomultiplier.
    detector_gain: Volts,
    /// Grey level of a dark pixel of a photomultiplier channel.
    detector_offset: GreyLevels,
    /// Photoelectrons for one grey level of a camera.
    camera_gain: ElectronsPerGreyLevel,
    /// Grey level of a dark camera pixel.
    camera_offset: GreyLevels,
    /// Standard deviation of the read noise.
    read_noise: Electrons,
    /// Sensor pixels joined into one, along X and Y.
    binning: [u32; 2],
    /// Bits of the analogue-to-digital converter.
    bit_depth: u32,
    /// Where the stage stood.
    stage_position: StagePosition,
    /// Time since the first plane of the acquisition (monotonic clock).
    time: Seconds,
    /// Light that the sample received for this plane.
    dose: JoulesPerSquareCentimeter,
}

/// Facts of one plane of a channel that differ from the channel's.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PlaneConditions {
    /// Time index of the plane.
    pub t: u64,
    /// Depth index of the plane.
    pub z: u64,
    /// The facts that hold for this plane only.
    pub conditions: Conditions,
}

/// What is known of a frame only when it comes: handed over with its pixels, in live work.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct FrameFacts {
    /// Time index of the plane in the image.
    pub t: u64,
    /// Channel index.
    pub c: u64,
    /// Depth index.
    pub z: u64,
    /// The number that the device gave to the frame.
    pub number: Option<u64>,
    /// How many frames of the device were lost between the one before and this one.
    pub dropped_before: u64,
    /// The facts that hold for this plane; unknown ones are the channel's.
    pub conditions: Conditions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_overrides_one_fact_and_keeps_the_rest() {
        let channel = Conditions {
            exposure: Some(Seconds(0.1)),
            dose: Some(JoulesPerSquareCentimeter(1.0)),
            ..Conditions::default()
        };
        let plane = Conditions { dose: Some(JoulesPerSquareCentimeter(2.0)), ..Conditions::default() };
        let both = plane.over(&channel);
        assert_eq!(both.exposure, Some(Seconds(0.1)));
        assert_eq!(both.dose, Some(JoulesPerSquareCentimeter(2.0)));
        assert!(Conditions::default().is_unknown() && !both.is_unknown());
    }
}
