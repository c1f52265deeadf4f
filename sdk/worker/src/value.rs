//! Values of parameters, tables and records, so that every number survives.
//!
//! JSON has no NaN and no infinities; they travel as the texts `NaN`, `Infinity` and `-Infinity`. A value that stands by itself
//! carries its type: `{"integer": 3}`. In rows the column gives the type, and a number is a bare number.

use parfocal_types::{
    Error, Result,
    parameter::ParameterValue,
    table::{Column, ColumnKind, Scalar},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number that may be NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Real(pub f64);

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(f64),
            Word(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(value) => Ok(Self(value)),
            Form::Word(word) => {
                special(&word).map(Self).ok_or_else(|| de::Error::custom(format!("`{word}` is not a number")))
            }
        }
    }
}

fn special(word: &str) -> Option<f64> {
    match word {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// A value with its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(Real),
    /// A text, or a word of a list.
    Text(String),
}

impl From<&ParameterValue> for Value {
    fn from(value: &ParameterValue) -> Self {
        match value {
            ParameterValue::Flag(value) => Self::Flag(*value),
            ParameterValue::Integer(value) => Self::Integer(*value),
            ParameterValue::Number(value) => Self::Number(Real(*value)),
            ParameterValue::Text(value) => Self::Text(value.clone()),
        }
    }
}

impl From<Value> for ParameterValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Flag(value) => Self::Flag(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Number(Real(value)) => Self::Number(value),
            Value::Text(value) => Self::Text(value),
        }
    }
}

impl From<Scalar> for Value {
    fn from(value: Scalar) -> Self {
        match value {
            Scalar::Flag(value) => Self::Flag(value),
            Scalar::Integer(value) => Self::Integer(value),
            Scalar::Number(value) => Self::Number(Real(value)),
            Scalar::Text(value) => Self::Text(value),
        }
    }
}

impl From<Value> for Scalar {
    fn from(value: Value) -> Self {
        match value {
            Value::Flag(value) => Self::Flag(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Number(Real(value)) => Self::Number(value),
            Value::Text(value) => Self::Text(value),
        }
    }
}

/// A value of a row, whose column gives the type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// In a column of flags.
    Flag(bool),
    /// In a column of whole numbers, or of numbers.
    Integer(i64),
    /// In a column of numbers.
    Number(f64),
    /// In a column of texts, or a number that JSON cannot write.
    Text(String),
}

impl From<Scalar> for Cell {
    fn from(value: Scalar) -> Self {
        match value {
            Scalar::Flag(value) => Self::Flag(value),
            Scalar::Integer(value) => Self::Integer(value),
            Scalar::Number(value) if value.is_finite() => Self::Number(value),
            Scalar::Number(value) if value.is_nan() => Self::Text("NaN".into()),
            Scalar::Number(value) if value > 0.0 => Self::Text("Infinity".into()),
            Scalar::Number(_) => Self::Text("-Infinity".into()),
            Scalar::Text(value) => Self::Text(value),
        }
    }
}

impl Cell {
    /// The value in this column.
    ///
    /// # Errors
    /// `invalid-argument` when it is of another type.
    pub fn into_scalar(self, column: &Column) -> Result<Scalar> {
        match (column.kind, self) {
            (ColumnKind::Flag, Self::Flag(value)) => Ok(Scalar::Flag(value)),
            (ColumnKind::Integer, Self::Integer(value)) => Ok(Scalar::Integer(value)),
            (ColumnKind::Number, Self::Number(value)) => Ok(Scalar::Number(value)),
            #[allow(clippy::cast_precision_loss, reason = "a number written without a decimal point")]
            (ColumnKind::Number, Self::Integer(value)) => Ok(Scalar::Number(value as f64)),
            (ColumnKind::Text, Self::Text(value)) => Ok(Scalar::Text(value)),
            (ColumnKind::Number, Self::Text(word)) if special(&word).is_some() => {
                Ok(Scalar::Number(special(&word).unwrap_or(f64::NAN)))
            }
            (kind, cell) => Err(Error::invalid_argument(format!(
                "column `{}` holds {kind:?} values, not {cell:?}",
                column.name
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use parfocal_types::units::Unit;

    use super::*;

    #[test]
    fn every_number_survives_with_all_its_bits() {
        let column = Column::new("x", ColumnKind::Number, Unit::None);
        let odd = [0.1, -0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, 1.0 / 3.0, 9_007_199_254_740_993.0];
        for value in odd.into_iter().chain([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2.0]) {
            let text = serde_json::to_string(&Cell::from(Scalar::Number(value))).unwrap();
            let cell: Cell = serde_json::from_str(&text).unwrap();
            let Scalar::Number(back) = cell.into_scalar(&column).unwrap() else { panic!("{text}") };
            assert!(back.to_bits() == value.to_bits() || (back.is_nan() && value.is_nan()), "{value} {text}");
            let text = serde_json::to_string(&Value::Number(Real(value))).unwrap();
            let Value::Number(Real(back)) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
            assert!(back.to_bits() == value.to_bits() || (back.is_nan() && value.is_nan()), "{value} {text}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_the_column() {
        let column = Column::new("area", ColumnKind::Integer, Unit::None);
        let error = Cell::Text("NaN".into()).into_scalar(&column).unwrap_err();
        assert!(error.message().contains("`area`"), "{error}");
        assert!(Cell::Number(1.5).into_scalar(&column).is_err());
        assert_eq!(Cell::Integer(i64::MIN).into_scalar(&column).unwrap(), Scalar::Integer(i64::MIN));
    }
}
