//! Refusals of impossible arguments, each a sentence.

use parfocal_types::{Error, ErrorKind, Result};

fn out_of_range(what: &str, got: f64, min: String, max: String) -> Error {
    let message = format!("{what} is {got}, and must lie between {min} and {max}");
    Error::new(ErrorKind::OutOfRange { min, max, got: got.to_string() }, message)
}

/// Accepts `min <= got <= max`.
pub(crate) fn within(what: &str, got: f64, min: f64, max: f64) -> Result<()> {
    if got >= min && got <= max {
        Ok(())
    } else {
        Err(out_of_range(what, got, min.to_string(), max.to_string()))
    }
}

/// Accepts `0 < got < max`.
pub(crate) fn positive_below(what: &str, got: f64, max: f64) -> Result<()> {
    if got > 0.0 && got < max {
        Ok(())
    } else {
        Err(out_of_range(what, got, "0 (excluded)".into(), format!("{max} (excluded)")))
    }
}

/// Accepts finite numbers above zero.
pub(crate) fn positive(what: &str, got: f64) -> Result<()> {
    positive_below(what, got, f64::INFINITY)
}

/// Accepts finite numbers from zero up.
pub(crate) fn not_negative(what: &str, got: f64) -> Result<()> {
    within(what, got, 0.0, f64::MAX)
}

/// Accepts two lengths that are equal.
pub(crate) fn same_length(what: &str, got: usize, need: usize) -> Result<()> {
    if got == need {
        Ok(())
    } else {
        Err(Error::invalid_argument(format!("{what} has {got} values, and {need} are needed")))
    }
}
