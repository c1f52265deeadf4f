//! Typed parameters of operators: what may be set, in which unit, within which limits, and what it changes.

use std::collections::BTreeMap;

use crate::{
    error::{Error, ErrorKind, Result},
    units::Unit,
};

/// Whether a parameter describes the experiment or changes the result.
///
/// A vendor-trained module has no tunable: nobody can tune a result with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ParameterRole {
    /// Describes the experiment: an offset of the detector, the size of a nucleus.
    Setting,
    /// Changes the result at the user's taste: a threshold, a strength.
    Tunable,
}

/// The type, default and limits of a parameter.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ParameterKind {
    /// True or false.
    Flag {
        /// Value when the user says nothing.
        default: bool,
    },
    /// A whole number, limits included.
    Integer {
        /// Value when the user says nothing.
        default: i64,
        /// Smallest value accepted.
        min: i64,
        /// Largest value accepted.
        max: i64,
    },
    /// A finite number, limits included.
    Number {
        /// Value when the user says nothing.
        default: f64,
        /// Smallest value accepted.
        min: f64,
        /// Largest value accepted.
        max: f64,
    },
    /// One of a closed list of words.
    Choice {
        /// Value when the user says nothing.
        default: String,
        /// The words that are accepted.
        options: Vec<String>,
    },
    /// Free text.
    Text {
        /// Value when the user says nothing.
        default: String,
    },
}

/// A parameter as an operator declares it.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParameterSpec {
    /// The name in kebab-case, unique within the operator.
    pub name: String,
    /// One sentence for people.
    pub doc: String,
    /// Whether it describes the experiment or changes the result.
    pub role: ParameterRole,
    /// The unit of a number; [`Unit::None`] for the others.
    #[cfg_attr(feature = "serde", serde(default))]
    pub unit: Unit,
    /// Type, default and limits.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub kind: ParameterKind,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(untagged))]
pub enum ParameterValue {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// A word of a closed list, or free text.
    Text(String),
}

impl core::fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Flag(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl ParameterSpec {
    /// The value when the user says nothing.
    #[must_use]
    pub fn default_value(&self) -> ParameterValue {
        match &self.kind {
            ParameterKind::Flag { default } => ParameterValue::Flag(*default),
            ParameterKind::Integer { default, .. } => ParameterValue::Integer(*default),
            ParameterKind::Number { default, .. } => ParameterValue::Number(*default),
            ParameterKind::Choice { default, .. } | ParameterKind::Text { default } => {
                ParameterValue::Text(default.clone())
            }
        }
    }

    /// Reads the value from a command line or a recipe.
    ///
    /// # Errors
    /// `invalid-argument` when the text is not of the parameter's type, `out-of-range` outside its limits.
    pub fn parse(&self, text: &str) -> Result<ParameterValue> {
        let wrong = |expected: &str| {
            Error::invalid_argument(format!("parameter `{}` is {expected}, not `{text}`", self.name))
                .with_remedy(self.usage())
        };
        let value = match &self.kind {
            ParameterKind::Flag { .. } => {
                ParameterValue::Flag(text.parse().map_err(|_| wrong("`true` or `false`"))?)
            }
            ParameterKind::Integer { .. } => {
                ParameterValue::Integer(text.parse().map_err(|_| wrong("a whole number"))?)
            }
            ParameterKind::Number { .. } => {
                ParameterValue::Number(text.parse().map_err(|_| wrong("a number"))?)
            }
            ParameterKind::Choice { .. } | ParameterKind::Text { .. } => {
                ParameterValue::Text(text.to_owned())
            }
        };
        self.check(value)
    }

    /// Holds a value against type and limits; a whole number is accepted where a number is asked for.
    ///
    /// # Errors
    /// `invalid-argument` for another type or a word outside the list, `out-of-range` outside the limits or for a
    /// number that is not finite.
    pub fn check(&self, value: ParameterValue) -> Result<ParameterValue> {
        let value = match (&self.kind, value) {
            (ParameterKind::Number { .. }, ParameterValue::Integer(whole)) =>
            {
                #[allow(clippy::cast_precision_loss, reason = "a number given without a decimal point")]
                ParameterValue::Number(whole as f64)
            }
            (_, value) => value,
        };
        match (&self.kind, &value) {
            (ParameterKind::Flag { .. }, ParameterValue::Flag(_))
            | (ParameterKind::Text { .. }, ParameterValue::Text(_)) => Ok(value),
            (ParameterKind::Integer { min, max, .. }, ParameterValue::Integer(got)) => {
                if got < min || got > max { Err(self.out_of_range(min, max, got)) } else { Ok(value) }
            }
            (ParameterKind::Number { min, max, .. }, ParameterValue::Number(got)) => {
                if got.is_finite() && got >= min && got <= max {
                    Ok(value)
                } else {
                    Err(self.out_of_range(min, max, got))
                }
            }
            (ParameterKind::Choice { options, .. }, ParameterValue::Text(got)) => {
                if options.contains(got) {
                    Ok(value)
                } else {
                    Err(Error::invalid_argument(format!("parameter `{}` does not know `{got}`", self.name))
                        .with_remedy(self.usage()))
                }
            }
            _ => Err(Error::invalid_argument(format!(
                "parameter `{}` was given a value of another type: `{value}`",
                self.name
            ))
            .with_remedy(self.usage())),
        }
    }

    /// How to write the parameter, for example ``sigma=<number, 0.1 to 100 µm>``.
    #[must_use]
    pub fn usage(&self) -> String {
        let unit = if self.unit.symbol().is_empty() { String::new() } else { format!(" {}", self.unit) };
        match &self.kind {
            ParameterKind::Flag { .. } => format!("write {}=<true or false>", self.name),
            ParameterKind::Integer { min, max, .. } => {
                format!("write {}=<whole number, {min} to {max}{unit}>", self.name)
            }
            ParameterKind::Number { min, max, .. } => {
                format!("write {}=<number, {min} to {max}{unit}>", self.name)
            }
            ParameterKind::Choice { options, .. } => {
                format!("write {}=<one of {}>", self.name, options.join(", "))
            }
            ParameterKind::Text { .. } => format!("write {}=<text>", self.name),
        }
    }

    fn out_of_range(&self, min: &dyn ToString, max: &dyn ToString, got: &dyn ToString) -> Error {
        let (min, max, got) = (min.to_string(), max.to_string(), got.to_string());
        let message = format!("parameter `{}` is {got}; it must lie between {min} and {max}", self.name);
        Error::new(ErrorKind::OutOfRange { min, max, got }, message).with_remedy(self.usage())
    }
}

/// The complete, checked parameters of one instance, sorted by name.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Parameters(BTreeMap<String, ParameterValue>);

impl Parameters {
    /// Fills in the defaults and checks what was given.
    ///
    /// # Errors
    /// `not-found` for a name that the operator does not declare; else as [`ParameterSpec::check`].
    pub fn complete(
        specs: &[ParameterSpec],
        given: impl IntoIterator<Item = (String, ParameterValue)>,
    ) -> Result<Self> {
        let mut values: BTreeMap<_, _> =
            specs.iter().map(|spec| (spec.name.clone(), spec.default_value())).collect();
        for (name, value) in given {
            let spec = find(specs, &name)?;
            values.insert(name, spec.check(value)?);
        }
        Ok(Self(values))
    }

    /// As [`complete`](Self::complete), from `name=text` pairs of a command line.
    ///
    /// # Errors
    /// As [`complete`](Self::complete), and as [`ParameterSpec::parse`].
    pub fn parse<'a>(
        specs: &[ParameterSpec],
        given: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self> {
        let given: Result<Vec<_>> = given
            .into_iter()
            .map(|(name, text)| Ok((name.to_owned(), find(specs, name)?.parse(text)?)))
            .collect();
        Self::complete(specs, given?)
    }

    /// The value of a parameter, by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ParameterValue> {
        self.0.get(name)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParameterValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many parameters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the operator has no parameter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, ParameterValue)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, ParameterValue)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

fn find<'a>(specs: &'a [ParameterSpec], name: &str) -> Result<&'a ParameterSpec> {
    specs.iter().find(|spec| spec.name == name).ok_or_else(|| {
        let known: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let remedy = if known.is_empty() {
            "the operator has no parameters".to_owned()
        } else {
            format!("its parameters are: {}", known.join(", "))
        };
        Error::not_found(format!("there is no parameter `{name}`")).with_remedy(remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<ParameterSpec> {
        let spec = |name: &str, kind| ParameterSpec {
            name: name.into(),
            doc: String::new(),
            role: ParameterRole::Tunable,
            unit: Unit::Micrometer,
            kind,
        };
        vec![
            spec("sigma", ParameterKind::Number { default: 1.0, min: 0.5, max: 10.0 }),
            spec("size", ParameterKind::Integer { default: 3, min: 1, max: 9 }),
            spec(
                "mode",
                ParameterKind::Choice { default: "a".into(), options: vec!["a".into(), "b".into()] },
            ),
        ]
    }

    #[test]
    fn defaults_are_filled_in_and_whole_numbers_are_numbers() {
        let given = [("sigma".to_owned(), ParameterValue::Integer(2))];
        let values = Parameters::complete(&specs(), given).unwrap();
        assert_eq!(values.get("sigma"), Some(&ParameterValue::Number(2.0)));
        assert_eq!(values.get("size"), Some(&ParameterValue::Integer(3)));
        assert_eq!(values.len(), 3);
    }

    #[test]
    fn both_limits_are_inside_and_what_lies_beyond_is_refused() {
        let specs = specs();
        for (text, ok) in [("0.5", true), ("10", true), ("0.4999", false), ("10.01", false), ("NaN", false)] {
            let result = Parameters::parse(&specs, [("sigma", text)]);
            assert_eq!(result.is_ok(), ok, "{text}");
            if let Err(error) = result {
                assert_eq!(error.kind().name(), "out-of-range");
                assert_eq!(error.remedy(), Some("write sigma=<number, 0.5 to 10 µm>"));
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Parameters::parse(&specs(), [("sgma", "1")]).unwrap_err();
        assert_eq!(error.kind().name(), "not-found");
        assert_eq!(error.remedy(), Some("its parameters are: sigma, size, mode"));
    }

    #[test]
    fn a_word_outside_the_list_and_a_wrong_type_are_refused() {
        assert!(Parameters::parse(&specs(), [("mode", "c")]).is_err());
        assert!(Parameters::parse(&specs(), [("size", "2.5")]).is_err());
        assert!(Parameters::complete(&specs(), [("size".to_owned(), ParameterValue::Flag(true))]).is_err());
    }
}
