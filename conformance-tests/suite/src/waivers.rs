//! Known deviations: `conformance.toml` beside the plugin. Each has an issue and an end.

use std::{
    fmt, fs,
    path::Path,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use parfocal_types::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the file, beside `plugin.toml`.
pub(crate) const WAIVERS_FILE: &str = "conformance.toml";

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day that it is now, in UTC.
    #[must_use]
    pub fn today() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self::of_days(seconds / 86_400)
    }

    /// The day so many days after 1970-01-01: days are counted from the March of a leap year, so that the leap day is the
    /// last of its cycle (Richards, "Mapping time", 1998).
    fn of_days(days: u64) -> Self {
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let narrow = |value: u64| u8::try_from(value).unwrap_or(u8::MAX);
        Self { year: u16::try_from(year).unwrap_or(u16::MAX), month: narrow(month), day: narrow(day) }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid_argument(format!("`{text}` is no day")).with_remedy("write for example 2027-01-31")
        };
        let parts: Vec<u16> =
            text.split('-').map(|part| part.parse().map_err(|_| wrong())).collect::<Result<_>>()?;
        let [year, month, day] = parts[..] else { return Err(wrong()) };
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let last = match month {
            2 => 28 + u16::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(wrong()),
        };
        if text.len() != 10 || !(1..=last).contains(&day) {
            return Err(wrong());
        }
        let narrow = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
        Ok(Self { year, month: narrow(month), day: narrow(day) })
    }
}

impl TryFrom<String> for Date {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

/// A known deviation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Waiver {
    /// The number of the case.
    pub case: String,
    /// The operator; every one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Where the deviation is worked on: an `https` address.
    pub issue: String,
    /// The last day on which it is waived.
    pub until: Date,
    /// Why, in a sentence.
    pub reason: String,
}

/// All of a plugin's known deviations.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Waivers {
    /// The deviations.
    #[serde(default, rename = "waiver")]
    pub waivers: Vec<Waiver>,
}

impl Waivers {
    /// Reads a file.
    ///
    /// # Errors
    /// `not-found` when it cannot be read; `invalid-argument` when it is wrong: an unknown key, a case that does not exist, an
    /// issue without an address, a day that is none.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            Error::not_found(format!("the waivers {} cannot be read: {error}", path.display()))
                .with_source(error)
        })?;
        Self::parse(&text).map_err(|error| error.context(path.display()))
    }

    /// Reads the file beside a plugin's manifest, if there is one.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn beside(folder: &Path) -> Result<Self> {
        let path = folder.join(WAIVERS_FILE);
        if path.exists() { Self::read(&path) } else { Ok(Self::default()) }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: String| Error::invalid_argument(what);
        let waivers: Self =
            toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        for waiver in &waivers.waivers {
            if crate::case(&waiver.case).is_none() {
                return Err(wrong(format!("there is no case `{}`", waiver.case))
                    .with_remedy("`parfocal conform --list` shows them"));
            }
            if !waiver.issue.starts_with("https://") || waiver.issue.len() < 12 {
                return Err(wrong(format!("the waiver of {} names no issue", waiver.case))
                    .with_remedy("write the address of the issue, `https://...`"));
            }
            if waiver.reason.trim().is_empty() {
                return Err(wrong(format!("the waiver of {} gives no reason", waiver.case))
                    .with_remedy("say in a sentence what deviates and why"));
            }
        }
        Ok(waivers)
    }

    /// The waiver of a case, expired or not; one that names the operator comes first.
    #[must_use]
    pub fn find(&self, case: &str, operator: Option<&str>) -> Option<&Waiver> {
        let fits = |waiver: &&Waiver| waiver.case == case;
        let named = |waiver: &&Waiver| operator.is_some() && waiver.operator.as_deref() == operator;
        let all = self.waivers.iter().filter(fits);
        all.clone().find(named).or_else(|| all.clone().find(|waiver| waiver.operator.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_calendars_do() {
        let known = [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_818, "2026-12-31"),
        ];
        for (days, text) in known {
            assert_eq!(Date::of_days(days).to_string(), text);
            assert_eq!(text.parse::<Date>().unwrap(), Date::of_days(days));
        }
        for wrong in ["", "2026-13-01", "2026-02-29", "2026-2-9", "2026-01-32", "26-01-01", "x"] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }

    const GOOD: &str = r#"
        [[waiver]]
        case = "OPR-06"
        issue = "https://example.org/issues/7"
        until = "2027-01-31"
        reason = "The halo is one pixel too small."
        [[waiver]]
        case = "OPR-06"
        operator = "blur"
        issue = "https://example.org/issues/8"
        until = "2027-01-31"
        reason = "Another."
    "#;

    #[test]
    fn the_waiver_of_the_operator_comes_before_that_of_all() {
        let waivers = Waivers::parse(GOOD).unwrap();
        assert!(waivers.find("OPR-06", Some("blur")).unwrap().issue.ends_with('8'));
        assert!(waivers.find("OPR-06", Some("other")).unwrap().issue.ends_with('7'));
        assert!(waivers.find("OPR-06", None).unwrap().issue.ends_with('7'));
        assert!(waivers.find("OPR-05", None).is_none());
    }

    #[test]
    fn a_waiver_without_issue_reason_or_case_is_refused() {
        for (from, to) in [
            ("https://example.org/issues/7", "soon"),
            ("The halo is one pixel too small.", " "),
            ("OPR-06", "OPR-99"),
            ("2027-01-31", "2027-02-31"),
            ("reason", "reasons"),
        ] {
            assert!(Waivers::parse(&GOOD.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }
}
