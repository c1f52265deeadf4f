//! Channels: what each holds, how it was taken, and what it supports.

use parfocal_types::units::Nanometers;

use crate::{
    class::{LabelOrigin, PixelClass, Supports},
    conditions::{Conditions, PlaneConditions},
};

/// The contrast of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[repr(u32)]
pub enum Modality {
    /// Fluorescence seen by a camera without sectioning.
    WidefieldFluorescence = 1,
    /// Fluorescence through a pinhole, point scanning.
    Confocal = 2,
    /// Fluorescence through many pinholes.
    SpinningDisk = 3,
    /// Fluorescence excited by two or more photons.
    Multiphoton = 4,
    /// Fluorescence excited by a sheet of light.
    LightSheet = 5,
    /// Transmitted light, plain.
    Brightfield = 6,
    /// Phase contrast.
    PhaseContrast = 7,
    /// Differential interference contrast.
    Dic = 8,
    /// Any other.
    Other = 9,
}

impl Modality {
    /// All modalities, in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::WidefieldFluorescence,
        Self::Confocal,
        Self::SpinningDisk,
        Self::Multiphoton,
        Self::LightSheet,
        Self::Brightfield,
        Self::PhaseContrast,
        Self::Dic,
        Self::Other,
    ];

    /// The modality with this wire code.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|modality| *modality as u32 == code)
    }
}

/// One channel of an image.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Channel {
    /// Name given by the microscope or the user; empty when there is none.
    pub name: String,
    /// Excitation wavelength.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub excitation: Option<Nanometers>,
    /// Emission wavelength.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub emission: Option<Nanometers>,
    /// Contrast.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub modality: Option<Modality>,
    /// Colour for display, red green blue.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub color: Option<[u8; 3]>,
    /// Where the pixels come from.
    #[cfg_attr(feature = "serde", serde(default))]
    pub class: PixelClass,
    /// What may be concluded from them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub supports: Supports,
    /// How objects were found, for labels.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub labels: Option<LabelOrigin>,
    /// Facts that hold for all planes of the channel.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Conditions::is_unknown"))]
    pub conditions: Conditions,
    /// Facts of single planes, sorted by time and depth.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub planes: Vec<PlaneConditions>,
}

impl Channel {
    /// A channel of this name about which nothing else is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The channel as straight from a detector: class measured, everything supported.
    #[must_use]
    pub fn measured(mut self) -> Self {
        self.class = PixelClass::Measured;
        self.supports = Supports::ALL;
        self
    }

    /// The facts of one plane: its own, and the channel's for the rest.
    #[must_use]
    pub fn conditions_at(&self, t: u64, z: u64) -> Conditions {
        match self.planes.binary_search_by_key(&(t, z), |plane| (plane.t, plane.z)) {
            Ok(found) => self.planes[found].conditions.over(&self.conditions),
            Err(_) => self.conditions.clone(),
        }
    }
}
