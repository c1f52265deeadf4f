//! Versions of interfaces: small numbers that host and plugin compare before anything else.
//!
//! Three numbers are never mixed: the schema of a manifest, the version of an **interface** (this module), and
//! the version of a product (semver, a string in the manifest).

use core::{fmt, str::FromStr};

use crate::error::{Error, Result};

/// One version of an interface: `1` when released, `1-draft.3` while it may still change.
///
/// Ordered: every draft of a number comes before its release. A draft is compatible with itself only; a host
/// may keep several.
///
/// ```
/// use parfocal_types::InterfaceVersion;
/// let draft: InterfaceVersion = "1-draft.2".parse()?;
/// assert!(draft < InterfaceVersion::released(1));
/// assert_eq!(draft.to_string(), "1-draft.2");
/// # Ok::<(), parfocal_types::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceVersion(u32);

/// The lower sixteen bits of a released version.
const RELEASED: u32 = 0xFFFF;

impl InterfaceVersion {
    /// The released version `number`.
    #[must_use]
    pub const fn released(number: u16) -> Self {
        Self(((number as u32) << 16) | RELEASED)
    }

    /// Draft `revision` of the coming version `number`. A revision of 65535 would mean "released" and is
    /// clamped to 65534.
    #[must_use]
    pub const fn draft(number: u16, revision: u16) -> Self {
        let revision = if revision as u32 == RELEASED { RELEASED - 1 } else { revision as u32 };
        Self(((number as u32) << 16) | revision)
    }

    /// The number on the wire: the version in the upper half, the draft revision (or 0xFFFF) in the lower.
    #[must_use]
    pub const fn to_wire(self) -> u32 {
        self.0
    }

    /// The version with this wire number. Every number is one: an unknown one is simply not in the host's range.
    #[must_use]
    pub const fn from_wire(wire: u32) -> Self {
        Self(wire)
    }

    /// Whether the version may still change.
    #[must_use]
    pub const fn is_draft(self) -> bool {
        self.0 & RELEASED != RELEASED
    }
}

impl fmt::Display for InterfaceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0 >> 16;
        if self.is_draft() {
            write!(f, "{number}-draft.{}", self.0 & RELEASED)
        } else {
            write!(f, "{number}")
        }
    }
}

impl FromStr for InterfaceVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid_argument(format!("`{text}` is not an interface version"))
                .with_remedy("write a released version as `1`, a draft as `1-draft.2`")
        };
        let (number, draft) = match text.split_once("-draft.") {
            Some((number, draft)) => (number, Some(draft)),
            None => (text, None),
        };
        let number: u16 = number.parse().map_err(|_| wrong())?;
        match draft {
            None => Ok(Self::released(number)),
            Some(draft) => match draft.parse::<u16>() {
                Ok(revision) if u32::from(revision) != RELEASED => Ok(Self::draft(number, revision)),
                _ => Err(wrong()),
            },
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for InterfaceVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for InterfaceVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for InterfaceVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "InterfaceVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^[0-9]+(-draft\.[0-9]+)?$",
            "description": "A version of an interface: `1` when released, `1-draft.2` while it may change."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_come_before_their_release_and_after_the_one_before() {
        let order = [
            InterfaceVersion::released(0),
            InterfaceVersion::draft(1, 1),
            InterfaceVersion::draft(1, 2),
            InterfaceVersion::released(1),
            InterfaceVersion::draft(2, 1),
        ];
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
        for version in order {
            assert_eq!(version.to_string().parse::<InterfaceVersion>().unwrap(), version);
        }
    }

    #[test]
    fn text_that_is_no_version_is_refused() {
        for text in ["", "1-draft", "1-draft.", "1-draft.65535", "x", "1.0", "70000", "-1"] {
            assert!(text.parse::<InterfaceVersion>().is_err(), "{text}");
        }
    }
}
