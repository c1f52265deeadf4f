//! What comes back: errors, table rows, record values.

use parfocal_types::{Column, ColumnKind, Error, ErrorKind, Field, Result, Scalar, Unit};

use super::basics::{read_text, slice_of, wrong};
use crate::{codes::ValueKind, operator_1 as raw};

/// An error of the other side.
#[derive(Debug)]
pub struct Said {
    /// The error.
    pub error: Error,
    /// Whether the instance must not be used again: code in it stopped halfway.
    pub instance_lost: bool,
}

/// Copies an error of the other side.
///
/// # Safety
/// `error` is null or valid, and so are its pointers.
#[must_use]
pub unsafe fn read_error(error: *const raw::ErrorInfo) -> Said {
    // SAFETY: null or valid, as the caller vouches.
    let Some(error) = (unsafe { error.as_ref() }) else {
        return Said { error: wrong("an error without a description"), instance_lost: false };
    };
    let instance_lost = error.instance_lost != 0;
    // SAFETY: as the caller vouches, for the reads below.
    let details: Vec<(String, String)> = unsafe { slice_of(error.details, error.detail_count, "details") }
        .unwrap_or_default()
        .iter()
        // SAFETY: as the caller vouches.
        .map(|detail| unsafe { (read_text(detail.key), read_text(detail.value)) })
        .collect();
    // SAFETY: as the caller vouches.
    let (message, remedy) = unsafe { (read_text(error.message), read_text(error.remedy)) };
    let kind = ErrorKind::from_wire(error.code, &details);
    let message = if message.is_empty() { kind.name().to_owned() } else { message };
    let result = Error::new(kind, message);
    let error = if remedy.is_empty() { result } else { result.with_remedy(remedy) };
    Said { error, instance_lost }
}

/// Gives an error's parts to `send` as the border sees them.
pub(crate) fn with_error(Said { error, instance_lost }: &Said, send: impl FnOnce(&raw::ErrorInfo)) {
    let details = error.kind().details();
    let details: Vec<raw::Detail> = details
        .iter()
        .map(|(key, value)| raw::Detail { key: raw::Text::of(key), value: raw::Text::of(value) })
        .collect();
    let message = error.to_string();
    send(&raw::ErrorInfo {
        code: error.kind().code(),
        instance_lost: u32::from(*instance_lost),
        message: raw::Text::of(&message),
        remedy: raw::Text::of(error.remedy().unwrap_or_default()),
        details: details.as_ptr(),
        detail_count: details.len() as u64,
    });
}

pub(super) fn read_unit(code: u32) -> Result<Unit> {
    Unit::from_code(code).ok_or_else(|| wrong(&format!("unit {code}")))
}

/// # Safety
/// The text of `scalar` is null or valid.
pub(super) unsafe fn read_scalar(scalar: &raw::Scalar) -> Result<Scalar> {
    Ok(match ColumnKind::from_code(scalar.kind) {
        Some(ColumnKind::Flag) => Scalar::Flag(scalar.integer != 0),
        Some(ColumnKind::Integer) => Scalar::Integer(scalar.integer),
        Some(ColumnKind::Number) => Scalar::Number(scalar.number),
        // SAFETY: as the caller vouches.
        Some(ColumnKind::Text) => Scalar::Text(unsafe { read_text(scalar.text) }),
        None => return Err(wrong(&format!("a scalar of kind {}", scalar.kind))),
    })
}

/// Copies column declarations of the other side.
///
/// # Errors
/// `protocol` for pointers and codes that cannot be read.
///
/// # Safety
/// When not null, `columns` points to `count` valid elements with valid names.
pub unsafe fn read_columns(columns: *const raw::Column, count: u64) -> Result<Vec<Column>> {
    // SAFETY: as the caller vouches.
    let columns = unsafe { slice_of(columns, count, "columns") }?;
    columns
        .iter()
        .map(|column| {
            let kind = ColumnKind::from_code(column.kind)
                .ok_or_else(|| wrong(&format!("a column of kind {}", column.kind)))?;
            // SAFETY: as the caller vouches.
            Ok(Column::new(unsafe { read_text(column.name) }, kind, read_unit(column.unit)?))
        })
        .collect()
}

/// Copies table rows of the other side: `row_count` rows of `width` scalars.
///
/// # Errors
/// `protocol` for pointers and codes that cannot be read.
///
/// # Safety
/// When not null, `scalars` points to `row_count * width` valid elements.
pub unsafe fn read_rows(
    scalars: *const raw::Scalar,
    row_count: u64,
    width: usize,
) -> Result<Vec<Vec<Scalar>>> {
    let count = row_count.checked_mul(width as u64).ok_or_else(|| wrong("too many rows"))?;
    // SAFETY: as the caller vouches.
    let scalars = unsafe { slice_of(scalars, count, "table rows") }?;
    if width == 0 {
        return Ok(Vec::new());
    }
    scalars
        .chunks_exact(width)
        // SAFETY: as the caller vouches.
        .map(|row| row.iter().map(|scalar| unsafe { read_scalar(scalar) }).collect())
        .collect()
}

/// Copies a record value of the other side.
///
/// # Errors
/// `protocol` for null and codes that cannot be read.
///
/// # Safety
/// `field` is null or valid, with valid texts.
pub unsafe fn read_field(field: *const raw::Field) -> Result<Field> {
    // SAFETY: null or valid, as the caller vouches.
    let field = unsafe { field.as_ref() }.ok_or_else(|| wrong("no field"))?;
    // SAFETY: as the caller vouches.
    let (name, value) = unsafe { (read_text(field.name), read_scalar(&field.value)?) };
    Ok(Field { name, unit: read_unit(field.unit)?, value })
}

/// The scalar as the border sees it. Valid as long as `scalar`.
pub(crate) fn scalar_out(scalar: &Scalar) -> raw::Scalar {
    match scalar {
        Scalar::Flag(value) => flag_out(*value),
        Scalar::Integer(value) => integer_out(*value),
        Scalar::Number(value) => number_out(*value),
        Scalar::Text(value) => text_out(value),
    }
}

const fn empty(kind: ValueKind) -> raw::Scalar {
    raw::Scalar { kind: kind as u32, reserved: 0, integer: 0, number: 0.0, text: raw::Text::of("") }
}

pub(super) fn flag_out(value: bool) -> raw::Scalar {
    raw::Scalar { integer: i64::from(value), ..empty(ValueKind::Flag) }
}

pub(super) const fn integer_out(value: i64) -> raw::Scalar {
    raw::Scalar { integer: value, ..empty(ValueKind::Integer) }
}

pub(super) const fn number_out(value: f64) -> raw::Scalar {
    raw::Scalar { number: value, ..empty(ValueKind::Number) }
}

pub(super) const fn text_out(value: &str) -> raw::Scalar {
    raw::Scalar { text: raw::Text::of(value), ..empty(ValueKind::Text) }
}
