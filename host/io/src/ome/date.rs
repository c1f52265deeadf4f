//! Dates as OME writes them: `2026-05-04T10:00:00`, perhaps with fractions of a second and a zone.

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use parfocal_image::TimeAnchor;

/// The moment that a text names; without a zone it is taken as UTC, as Bio-Formats takes it. `None` for anything else.
pub(super) fn anchor(text: &str) -> Option<TimeAnchor> {
    let moment = DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.to_utc())
        .or_else(|_| text.parse::<NaiveDateTime>().map(|moment| moment.and_utc()));
    Some(TimeAnchor { unix_ns: moment.ok()?.timestamp_nanos_opt()?, clock: None })
}

/// The text of a moment, to the millisecond, which is what other programs read.
pub(super) fn text(anchor: &TimeAnchor) -> Option<String> {
    let moment = DateTime::from_timestamp_nanos(anchor.unix_ns);
    let text = moment.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let millis = moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    let short = if text.len() < millis.len() { text } else { millis };
    short.strip_suffix('Z').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_with_and_without_zone_and_fraction_and_written_back() {
        for (given, unix_ns, written) in [
            ("2026-05-04T10:00:00", 1_777_888_800_000_000_000, "2026-05-04T10:00:00"),
            ("2026-05-04T10:00:00Z", 1_777_888_800_000_000_000, "2026-05-04T10:00:00"),
            ("2026-05-04T12:00:00.25+02:00", 1_777_888_800_250_000_000, "2026-05-04T10:00:00.250"),
            ("1969-12-31T23:59:59.5", -500_000_000, "1969-12-31T23:59:59.500"),
        ] {
            let anchor = anchor(given).unwrap();
            assert_eq!((anchor.unix_ns, text(&anchor).as_deref()), (unix_ns, Some(written)), "{given}");
        }
    }

    #[test]
    fn what_is_no_date_is_unknown() {
        for text in ["", "yesterday", "2026-13-01T00:00:00", "2026-05-04", "99999-01-01T00:00:00"] {
            assert_eq!(anchor(text), None, "{text}");
        }
    }
}
