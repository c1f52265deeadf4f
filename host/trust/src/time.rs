//! Moments in records, as people read them.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use parfocal_types::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest time that is added to a moment: a century.
const LONGEST: Duration = Duration::from_secs(36_525 * 86_400);

/// A moment, to the second, written as RFC 3339 in UTC: `2026-11-22T22:30:00Z`.
///
/// Functions of this crate take the present as an argument, so that what they do follows from what they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(SystemTime);

impl Time {
    /// The present, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(SystemTime::now())
    }

    /// This moment and a while.
    ///
    /// # Errors
    /// `invalid-argument` for more than a century.
    pub fn plus(self, while_: Duration) -> Result<Self> {
        let later = Some(while_).filter(|while_| *while_ <= LONGEST).and_then(|d| self.0.checked_add(d));
        later.map(Self).ok_or_else(|| {
            Error::invalid_argument("the time is longer than a century")
                .with_remedy("give a shorter one, for example 90d")
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(self.0).fmt(f)
    }
}

impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        humantime::parse_rfc3339(text).map(Self).map_err(|_| {
            Error::invalid_argument(format!("`{text}` is not a moment"))
                .with_remedy("write it as RFC 3339 in UTC, for example 2026-11-22T22:30:00Z")
        })
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_its_text_and_none_is_so_far_away_that_it_has_none() {
        let time: Time = "2026-11-22T22:30:00Z".parse().unwrap();
        assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        let later = time.plus(Duration::from_secs(90 * 86_400)).unwrap();
        assert_eq!(later.to_string(), "2027-02-20T22:30:00Z");
        assert!(time.plus(Duration::MAX).is_err());
        for wrong in ["", "tomorrow", "2026-11-22", "2026-13-01T00:00:00Z"] {
            assert!(wrong.parse::<Time>().is_err(), "{wrong}");
        }
    }
}
