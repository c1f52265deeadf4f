//! Tables (one row for each object) and records (one value for each name), with a unit on everything.

use crate::{
    error::{Error, Result},
    units::Unit,
};

/// One value of a table or record.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(untagged))]
pub enum Scalar {
    /// True or false.
    Flag(bool),
    /// A whole number: labels, counts, areas in pixels.
    Integer(i64),
    /// A number; NaN where it is not defined (the circularity of a single pixel).
    Number(f64),
    /// Text.
    Text(String),
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u32)]
pub enum ColumnKind {
    /// True or false.
    Flag = 1,
    /// Whole numbers.
    Integer = 2,
    /// Numbers.
    Number = 3,
    /// Text.
    Text = 4,
}

impl ColumnKind {
    /// The kind with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Flag),
            2 => Some(Self::Integer),
            3 => Some(Self::Number),
            4 => Some(Self::Text),
            _ => None,
        }
    }
}

/// A column as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Column {
    /// The name in `snake_case`, with the unit left to [`unit`](Self::unit).
    pub name: String,
    /// The unit of the values.
    pub unit: Unit,
    /// The type of the values.
    pub kind: ColumnKind,
}

impl Column {
    /// A column of this name, type and unit.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ColumnKind, unit: Unit) -> Self {
        Self { name: name.into(), unit, kind }
    }

    /// Whether `value` is of the column's type.
    #[must_use]
    pub fn accepts(&self, value: &Scalar) -> bool {
        matches!(
            (self.kind, value),
            (ColumnKind::Flag, Scalar::Flag(_))
                | (ColumnKind::Integer, Scalar::Integer(_))
                | (ColumnKind::Number, Scalar::Number(_))
                | (ColumnKind::Text, Scalar::Text(_))
        )
    }
}

/// Rows of typed values with named, united columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Scalar>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, in order; each as long as [`columns`](Self::columns).
    #[must_use]
    pub fn rows(&self) -> &[Vec<Scalar>] {
        &self.rows
    }

    /// Adds a row.
    ///
    /// # Errors
    /// `invalid-argument` when the number of values or the type of one differs from the columns.
    pub fn push(&mut self, row: Vec<Scalar>) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(Error::invalid_argument(format!(
                "a row of {} values for a table of {} columns",
                row.len(),
                self.columns.len()
            )));
        }
        if let Some((column, value)) = self.columns.iter().zip(&row).find(|(c, v)| !c.accepts(v)) {
            return Err(Error::invalid_argument(format!(
                "column `{}` holds {:?} values, not {value:?}",
                column.name, column.kind
            )));
        }
        self.rows.push(row);
        Ok(())
    }

    /// The values of one column, in the order of the rows.
    pub fn column(&self, name: &str) -> Option<impl Iterator<Item = &Scalar>> {
        let index = self.columns.iter().position(|column| column.name == name)?;
        Some(self.rows.iter().filter_map(move |row| row.get(index)))
    }
}

/// One named value of a record.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Field {
    /// The name in `snake_case`.
    pub name: String,
    /// The unit of the value.
    pub unit: Unit,
    /// The value.
    pub value: Scalar,
}

/// Named values that belong to an image as a whole: a threshold, a noise estimate.
pub type Record = Vec<Field>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_must_fit_its_columns() {
        let mut table = Table::new(vec![
            Column::new("label", ColumnKind::Integer, Unit::None),
            Column::new("area", ColumnKind::Number, Unit::SquareMicrometer),
        ]);
        table.push(vec![Scalar::Integer(1), Scalar::Number(2.5)]).unwrap();
        assert!(table.push(vec![Scalar::Integer(1)]).is_err());
        assert!(table.push(vec![Scalar::Number(1.0), Scalar::Number(2.5)]).is_err());
        assert_eq!(table.column("area").unwrap().collect::<Vec<_>>(), [&Scalar::Number(2.5)]);
        assert!(table.column("nothing").is_none());
    }
}
