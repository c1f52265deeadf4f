//! OME's units, converted to the ones of Parfocal.

use parfocal_types::units::{Micrometers, Milliwatts, Seconds, Volts};

/// Prefixes of the metric units, as OME abbreviates them.
fn prefix_exponent(prefix: &str) -> Option<i32> {
    Some(match prefix {
        "Y" => 24,
        "Z" => 21,
        "E" => 18,
        "P" => 15,
        "T" => 12,
        "G" => 9,
        "M" => 6,
        "k" => 3,
        "h" => 2,
        "da" => 1,
        "" => 0,
        "d" => -1,
        "c" => -2,
        "m" => -3,
        // The micro sign, the Greek letter that looks like it, and what programs write that know neither.
        "µ" | "μ" | "u" => -6,
        "n" => -9,
        "p" => -12,
        "f" => -15,
        "a" => -18,
        "z" => -21,
        "y" => -24,
        _ => return None,
    })
}

/// `value` times ten to `exponent`. Divides by positive powers, so that 108 nm is 0.108 µm and not 0.10800000000000001.
fn scaled(value: f64, exponent: i32) -> f64 {
    if exponent < 0 { value / 10_f64.powi(-exponent) } else { value * 10_f64.powi(exponent) }
}

fn metric(value: f64, unit: &str, symbol: &str, target_exponent: i32) -> Option<f64> {
    let exponent = prefix_exponent(unit.strip_suffix(symbol)?)?;
    Some(scaled(value, exponent - target_exponent))
}

/// A length in one of OME's units; `None` for `pixel`, `reference frame` and what is no unit of length.
#[must_use]
pub fn length_in_micrometers(value: f64, unit: &str) -> Option<Micrometers> {
    const INCH: f64 = 25_400.0;
    let micrometers = match unit {
        "Å" | "\u{212b}" => value / 1e4,
        "thou" => value * INCH / 1e3,
        "li" => value * INCH / 12.0,
        "in" => value * INCH,
        "ft" => value * INCH * 12.0,
        "yd" => value * INCH * 36.0,
        "mi" => value * INCH * 63_360.0,
        "pt" => value * INCH / 72.0,
        "ua" => value * 149_597_870_700.0 * 1e6,
        "ly" => value * 9_460_730_472_580_800.0 * 1e6,
        "pc" => value * 30_856_775_814_913_673.0 * 1e6,
        // Written by programs that predate the list of units.
        "micron" | "microns" | "micrometer" => value,
        _ => metric(value, unit, "m", -6)?,
    };
    micrometers.is_finite().then_some(Micrometers(micrometers))
}

/// A duration in one of OME's units.
#[must_use]
pub fn time_in_seconds(value: f64, unit: &str) -> Option<Seconds> {
    let seconds = match unit {
        "min" => value * 60.0,
        "h" => value * 3_600.0,
        "d" => value * 86_400.0,
        _ => metric(value, unit, "s", 0)?,
    };
    seconds.is_finite().then_some(Seconds(seconds))
}

/// A power in one of OME's units.
#[must_use]
pub fn power_in_milliwatts(value: f64, unit: &str) -> Option<Milliwatts> {
    metric(value, unit, "W", -3).filter(|power| power.is_finite()).map(Milliwatts)
}

/// A voltage in one of OME's units.
#[must_use]
pub fn voltage_in_volts(value: f64, unit: &str) -> Option<Volts> {
    metric(value, unit, "V", 0).filter(|voltage| voltage.is_finite()).map(Volts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_unit_of_the_schema_is_known() {
        let metric =
            ["Y", "Z", "E", "P", "T", "G", "M", "k", "h", "da", "", "d", "c", "m", "µ", "n", "p", "f"];
        for prefix in metric {
            assert!(length_in_micrometers(1.0, &format!("{prefix}m")).is_some(), "{prefix}");
        }
        for unit in ["am", "zm", "ym", "Å", "thou", "li", "in", "ft", "yd", "mi", "ua", "ly", "pc", "pt"] {
            assert!(length_in_micrometers(1.0, unit).is_some(), "{unit}");
        }
        for unit in ["pixel", "reference frame", "", "s", "xm"] {
            assert_eq!(length_in_micrometers(1.0, unit), None, "{unit}");
        }
    }

    #[test]
    fn lengths_are_converted() {
        for (value, unit, expected) in [
            (108.0, "nm", 0.108),
            (0.65, "µm", 0.65),
            (0.65, "μm", 0.65),
            (2.0, "mm", 2000.0),
            (1.0, "m", 1e6),
            (1080.0, "Å", 0.108),
            (1.0, "in", 25_400.0),
            (72.0, "pt", 25_400.0),
            (1.0, "thou", 25.4),
        ] {
            let got = length_in_micrometers(value, unit).unwrap().0;
            assert!((got - expected).abs() <= 1e-12 * expected, "{value} {unit} gave {got}");
        }
        assert_eq!(length_in_micrometers(108.0, "nm"), Some(Micrometers(0.108)));
        assert_eq!(length_in_micrometers(f64::NAN, "nm"), None);
    }

    #[test]
    fn times_powers_and_voltages_are_converted() {
        assert_eq!(time_in_seconds(250.0, "ms"), Some(Seconds(0.25)));
        assert_eq!(time_in_seconds(2.0, "min"), Some(Seconds(120.0)));
        assert_eq!(time_in_seconds(1.0, "m"), None);
        assert_eq!(power_in_milliwatts(1.5, "W"), Some(Milliwatts(1500.0)));
        assert_eq!(voltage_in_volts(0.8, "kV"), Some(Volts(800.0)));
    }
}
