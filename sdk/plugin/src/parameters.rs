//! From checked parameters to the fields of an operator. Called by the code that `#[derive(Operator)]` writes.

use parfocal_types::{Error, ParameterValue, Parameters, Result};

/// A field type that a parameter can have.
pub trait FromParameter: Sized {
    /// The value, when it is of this type and fits it.
    fn from_parameter(value: &ParameterValue) -> Option<Self>;
}

impl FromParameter for bool {
    fn from_parameter(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Flag(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromParameter for String {
    fn from_parameter(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(value) => Some(value.clone()),
            _ => None,
        }
    }
}

impl FromParameter for f64 {
    fn from_parameter(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Number(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromParameter for f32 {
    #[allow(clippy::cast_possible_truncation, reason = "the field asks for single precision")]
    fn from_parameter(value: &ParameterValue) -> Option<Self> {
        f64::from_parameter(value).map(|value| value as Self)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl FromParameter for $type {
            fn from_parameter(value: &ParameterValue) -> Option<Self> {
                match value {
                    ParameterValue::Integer(value) => Self::try_from(*value).ok(),
                    _ => None,
                }
            }
        }
    )*};
}
whole_numbers!(i64, i32, u64, u32, u8, usize);

/// The value of a parameter as the type of its field.
///
/// # Errors
/// `internal` when it is missing or does not fit the field: hosts complete and check parameters before.
pub fn get<T: FromParameter>(parameters: &Parameters, name: &str) -> Result<T> {
    parameters.get(name).and_then(T::from_parameter).ok_or_else(|| {
        Error::internal(format!("parameter `{name}` is missing or does not fit its field"))
            .with_remedy("declare `min` and `max` so that every value fits the field's type")
    })
}
