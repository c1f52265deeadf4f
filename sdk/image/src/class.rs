//! Pixel class and supports: where pixels come from, and what may be concluded from them.
//!
//! The class is shown to people; the set of supports decides. An operator states which supports it preserves;
//! the host intersects them with those of the inputs, so an operator can remove a support but never add one.

use core::fmt;

/// Where the pixels of a channel come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u32)]
pub enum PixelClass {
    /// A file from elsewhere that does not say; the user may declare it measured.
    #[default]
    Unknown = 0,
    /// Straight from a detector.
    Measured = 1,
    /// Classical operations on measured pixels.
    Derived = 2,
    /// A network's or a deconvolution's estimate of the same channel.
    Restored = 3,
    /// Made from another channel or modality.
    Predicted = 4,
    /// Objects; [`LabelOrigin`] says how they were found.
    Labels = 5,
}

impl PixelClass {
    /// All classes, in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::Measured, Self::Derived, Self::Restored, Self::Predicted, Self::Labels];

    /// The name shown to people and written into files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Measured => "measured",
            Self::Derived => "derived",
            Self::Restored => "restored",
            Self::Predicted => "predicted",
            Self::Labels => "labels",
        }
    }

    /// The class with this wire code.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|class| *class as u32 == code)
    }

    /// The class of a result that is computed from both: the one further from the detector. What is unknown stays
    /// unknown, unless a network was involved.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        let distance = |class| match class {
            Self::Measured => 0,
            Self::Derived => 1,
            Self::Unknown => 2,
            Self::Restored => 3,
            Self::Predicted => 4,
            Self::Labels => 5,
        };
        if distance(self) >= distance(other) { self } else { other }
    }
}

impl fmt::Display for PixelClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One use that pixels may support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u32)]
pub enum Support {
    /// Where something is.
    Localisation = 1,
    /// How many there are.
    Counting = 2,
    /// Size and outline at the scale of cells.
    GrossMorphology = 4,
    /// Structure at the resolution limit.
    FineDetail = 8,
    /// How bright something is.
    Intensity = 16,
    /// Finding candidates of a rare event for a closer look.
    RareEventSearch = 32,
    /// How often a rare event happens.
    RareEventFrequency = 64,
}

impl Support {
    /// All supports, in the order of their bits.
    pub const ALL: [Self; 7] = [
        Self::Localisation,
        Self::Counting,
        Self::GrossMorphology,
        Self::FineDetail,
        Self::Intensity,
        Self::RareEventSearch,
        Self::RareEventFrequency,
    ];

    /// The name in manifests and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Localisation => "localisation",
            Self::Counting => "counting",
            Self::GrossMorphology => "gross-morphology",
            Self::FineDetail => "fine-detail",
            Self::Intensity => "intensity",
            Self::RareEventSearch => "rare-event-search",
            Self::RareEventFrequency => "rare-event-frequency",
        }
    }
}

/// A set of supports.
///
/// ```
/// use parfocal_image::{Support, Supports};
/// let wire = Supports::ALL.intersection(Supports::of(&[Support::Counting, Support::Localisation]));
/// assert!(wire.has(Support::Counting) && !wire.has(Support::Intensity));
/// assert_eq!(wire.to_string(), "localisation, counting");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Supports(u32);

impl Supports {
    /// Nothing may be concluded.
    pub const NONE: Self = Self(0);
    /// Everything: pixels straight from a detector.
    pub const ALL: Self = Self(127);

    /// The set of these supports.
    #[must_use]
    pub const fn of(list: &[Support]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < list.len() {
            bits |= list[index] as u32;
            index += 1;
        }
        Self(bits)
    }

    /// Whether `support` is in the set.
    #[must_use]
    pub const fn has(self, support: Support) -> bool {
        self.0 & support as u32 != 0
    }

    /// What both sets have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The bits of the wire.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set with these bits; bits of a later interface are dropped, because an unknown support supports nothing.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The supports in the set, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Support> {
        Support::ALL.into_iter().filter(move |support| self.has(*support))
    }
}

impl FromIterator<Support> for Supports {
    fn from_iter<I: IntoIterator<Item = Support>>(list: I) -> Self {
        Self(list.into_iter().fold(0, |bits, support| bits | support as u32))
    }
}

impl fmt::Display for Supports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("nothing");
        }
        for (index, support) in self.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, support.name())?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Supports {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Supports {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(<Vec<Support> as serde::Deserialize>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Supports {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Supports".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <Vec<Support>>::json_schema(generator)
    }
}

/// Who found the objects of a label image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "kebab-case")
)]
pub enum Finder {
    /// A classical operator.
    Classical {
        /// Id and version of the operator, for example `org.parfocal.classical/connected-components 0.1.0`.
        operator: String,
    },
    /// A network.
    Network {
        /// Id and version of the operator.
        operator: String,
        /// Id, version and sha256 of the model; empty when the operator brought it along and does not say.
        model: String,
    },
    /// A person.
    Manual,
}

/// How the objects of a label image were found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LabelOrigin {
    /// The class of the pixels that they were found on; never `labels`.
    pub basis: PixelClass,
    /// Who found them.
    pub finder: Finder,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_can_remove_a_support_but_never_add_one() {
        let preserved = Supports::ALL;
        let input = Supports::of(&[Support::Counting]);
        assert_eq!(preserved.intersection(input), input);
    }

    #[test]
    fn unknown_bits_support_nothing() {
        assert_eq!(Supports::from_bits(1 << 20), Supports::NONE);
        assert_eq!(Supports::from_bits(u32::MAX), Supports::ALL);
    }

    #[test]
    fn the_join_moves_away_from_the_detector() {
        use PixelClass::{Derived, Measured, Predicted, Restored, Unknown};
        assert_eq!(Measured.joined(Derived), Derived);
        assert_eq!(Unknown.joined(Measured), Unknown);
        assert_eq!(Restored.joined(Unknown), Restored);
        assert_eq!(Predicted.joined(Restored), Predicted);
    }
}
