//! The tables of all images of a run, joined by the names of their columns.

use std::path::PathBuf;

use parfocal_io::{ome::Note, table::write_table};
use parfocal_types::{Column, ColumnKind, Result, Scalar, Table, Unit};

use super::targets::Targets;
use crate::steps::Chain;
use parfocal_pipeline::ChainResult;

/// The tables of all images, for each table port of the chain.
#[derive(Default)]
pub(super) struct Tables(Vec<OnePort>);

/// What one port gave.
struct OnePort {
    name: String,
    /// For each image its name, where images are told apart, and its table.
    parts: Vec<(Option<String>, Table)>,
}

impl Tables {
    /// Takes the tables of one image; with a name, a column `image` says which image a row belongs to.
    pub(super) fn add(&mut self, chain: &Chain, result: &mut ChainResult, image: Option<&str>) {
        for (step, port, name) in chain.tables() {
            let Some(tables) = result.steps.get_mut(step).map(|step| &mut step.tables) else { continue };
            let Some((_, table)) = tables.iter_mut().find(|(index, _)| *index == port) else { continue };
            let part = (image.map(str::to_owned), std::mem::take(table));
            match self.0.iter_mut().find(|known| known.name == name) {
                Some(known) => known.parts.push(part),
                None => self.0.push(OnePort { name, parts: vec![part] }),
            }
        }
    }

    /// Writes what was taken; where no image gave a table, nothing.
    ///
    /// # Errors
    /// What the store says.
    pub(super) fn write(&self, targets: &Targets, notes: &[Note]) -> Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        // The chain's last table is what was asked for.
        if let (Some(last), false) = (self.0.last(), targets.tables.is_empty()) {
            let table = joined(&last.parts)?;
            for path in &targets.tables {
                write_table(path, &table, notes)?;
                written.push(path.clone());
            }
        }
        for port in &self.0 {
            if let Some(path) = targets.table_of(&port.name) {
                write_table(&path, &joined(&port.parts)?, notes)?;
                written.push(path);
            }
        }
        Ok(written)
    }
}

/// One table of several. A column that a table lacks has gaps in its rows: NaN in numbers, empty texts; a column of whole
/// numbers or flags that has gaps becomes one of numbers or texts.
fn joined(parts: &[(Option<String>, Table)]) -> Result<Table> {
    let columns = all_columns(parts.iter().map(|(_, table)| table.columns()));
    let gapless = |column: &Column| parts.iter().all(|(_, table)| table.columns().contains(column));
    let mut shown = distinct_names(&columns);
    for (column, shown) in columns.iter().zip(&mut shown) {
        shown.kind = match column.kind {
            kind if gapless(column) => kind,
            ColumnKind::Integer | ColumnKind::Number => ColumnKind::Number,
            ColumnKind::Flag | ColumnKind::Text => ColumnKind::Text,
        };
    }
    let kinds: Vec<ColumnKind> = shown.iter().map(|column| column.kind).collect();
    let labelled = parts.iter().any(|(image, _)| image.is_some());
    let own_name = shown.iter().any(|column| column.name == "image");
    let front = Column::new(if own_name { "image_file" } else { "image" }, ColumnKind::Text, Unit::None);
    let mut total = Table::new(labelled.then_some(front).into_iter().chain(shown).collect());
    for (image, table) in parts {
        let places: Vec<Option<usize>> =
            columns.iter().map(|column| table.columns().iter().position(|own| own == column)).collect();
        for row in table.rows() {
            let cells = places.iter().zip(&kinds).map(|(place, kind)| {
                let cell = place.and_then(|place| row.get(place));
                cell.map_or_else(|| gap(*kind), |cell| converted(cell, *kind))
            });
            let front = labelled.then(|| Scalar::Text(image.clone().unwrap_or_default()));
            total.push(front.into_iter().chain(cells).collect())?;
        }
    }
    Ok(total)
}

/// Every column, at the place where the first table that has it puts it: after the column that it follows there.
fn all_columns<'a>(tables: impl Iterator<Item = &'a [Column]>) -> Vec<Column> {
    let mut all: Vec<Column> = Vec::new();
    for columns in tables {
        let mut next = 0;
        for column in columns {
            next = match all.iter().position(|known| known == column) {
                Some(place) => place + 1,
                None => {
                    all.insert(next, column.clone());
                    next + 1
                }
            };
        }
    }
    all
}

/// The columns under names that differ. Of those that share one, that in a unit of the sample keeps it, else the first;
/// the others get their unit, or their kind, behind it.
fn distinct_names(columns: &[Column]) -> Vec<Column> {
    let on_grid = |column: &Column| matches!(column.unit, Unit::Pixel | Unit::SquarePixel | Unit::CubicPixel);
    let mut named: Vec<Column> = columns.to_vec();
    for (index, column) in columns.iter().enumerate() {
        let same = || columns.iter().enumerate().filter(|(_, other)| other.name == column.name);
        let keeper = same().find(|(_, other)| !on_grid(other)).or_else(|| same().next());
        if keeper.is_none_or(|(keeper, _)| keeper == index) {
            continue;
        }
        let own_unit = same().all(|(other, twin)| other == index || twin.unit != column.unit);
        let kind = format!("{:?}", column.kind).to_lowercase();
        let behind = if own_unit { column.unit.name().replace('-', "_") } else { kind };
        let mut name = format!("{}_{behind}", column.name);
        while columns.iter().any(|other| other.name == name) {
            name.push('_');
        }
        named[index].name = name;
    }
    named
}

fn gap(kind: ColumnKind) -> Scalar {
    match kind {
        ColumnKind::Integer | ColumnKind::Number => Scalar::Number(f64::NAN),
        ColumnKind::Flag | ColumnKind::Text => Scalar::Text(String::new()),
    }
}

fn converted(cell: &Scalar, kind: ColumnKind) -> Scalar {
    match (cell, kind) {
        #[allow(clippy::cast_precision_loss, reason = "labels and pixels stay far below 2^53")]
        (Scalar::Integer(number), ColumnKind::Number) => Scalar::Number(*number as f64),
        (Scalar::Flag(flag), ColumnKind::Text) => Scalar::Text(flag.to_string()),
        (cell, _) => cell.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, ColumnKind, Unit)], row: Vec<Scalar>) -> Table {
        let columns = columns.iter().map(|(name, kind, unit)| Column::new(*name, *kind, *unit));
        let mut table = Table::new(columns.collect());
        table.push(row).unwrap();
        table
    }

    #[test]
    fn columns_are_joined_by_name_and_gaps_are_not_numbers() {
        use ColumnKind::{Integer, Number};
        let first = table(
            &[("label", Integer, Unit::None), ("area", Number, Unit::SquarePixel)],
            vec![Scalar::Integer(1), Scalar::Number(4.0)],
        );
        let second = table(
            &[
                ("t", Integer, Unit::None),
                ("label", Integer, Unit::None),
                ("area", Number, Unit::SquareMicrometer),
            ],
            vec![Scalar::Integer(3), Scalar::Integer(2), Scalar::Number(0.5)],
        );
        let total = joined(&[(Some("a".into()), first), (Some("b".into()), second)]).unwrap();
        let columns: Vec<_> = total.columns().iter().map(|c| (c.name.as_str(), c.kind)).collect();
        assert_eq!(
            columns,
            [
                ("image", ColumnKind::Text),
                ("t", Number),
                ("label", Integer),
                ("area", Number),
                ("area_square_pixel", Number)
            ]
        );
        let rows = format!("{:?}", total.rows());
        assert_eq!(
            rows,
            "[[Text(\"a\"), Number(NaN), Integer(1), Number(NaN), Number(4.0)], \
             [Text(\"b\"), Number(3.0), Integer(2), Number(0.5), Number(NaN)]]"
        );
    }
}
