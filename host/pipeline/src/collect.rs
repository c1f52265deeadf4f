//! Takes the tables and records of a reduce operator, group by group, and joins them.

use std::collections::{BTreeMap, BTreeSet};

use parfocal_image::Axis;
use parfocal_operator::{Descriptor, PortKind, Sink};
use parfocal_types::{
    Unit,
    error::{Error, Result},
    table::{Column, ColumnKind, Field, Record, Scalar, Table},
};

/// What an operator gave for one group.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    tables: BTreeMap<usize, Table>,
    records: BTreeMap<usize, Record>,
}

/// What each group gave, with the positions that distinguish it.
pub(crate) type Groups = Vec<(Vec<(Axis, u64)>, Collected)>;

/// The sink of one call of `finish`.
pub(crate) struct Collector<'a> {
    descriptor: &'a Descriptor,
    collected: Collected,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(descriptor: &'a Descriptor) -> Self {
        Self { descriptor, collected: Collected::default() }
    }

    pub(crate) fn into_collected(self) -> Collected {
        self.collected
    }

    fn port(&self, port: u32, kind: PortKind, what: &str) -> Result<usize> {
        let index = usize::try_from(port).unwrap_or(usize::MAX);
        match self.descriptor.outputs.get(index) {
            Some(output) if output.kind == kind => Ok(index),
            Some(output) => Err(Error::invalid_argument(format!("output `{}` is no {what}", output.name))),
            None => Err(Error::invalid_argument(format!("there is no output {port}"))),
        }
    }
}

impl Sink for Collector<'_> {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        let index = self.port(port, PortKind::Table, "table")?;
        let mut names = BTreeSet::new();
        for column in columns {
            if !names.insert(column.name.as_str()) {
                return Err(Error::invalid_argument(format!("column `{}` is declared twice", column.name)));
            }
        }
        match self.collected.tables.insert(index, Table::new(columns.to_vec())) {
            None => Ok(()),
            Some(_) => {
                Err(Error::invalid_argument(format!("the columns of output {port} are declared twice")))
            }
        }
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        let index = self.port(port, PortKind::Table, "table")?;
        let table = self.collected.tables.get_mut(&index).ok_or_else(|| {
            Error::invalid_argument(format!("rows for output {port} came before its columns"))
        })?;
        rows.into_iter().try_for_each(|row| table.push(row))
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        let index = self.port(port, PortKind::Record, "record")?;
        self.collected.records.entry(index).or_default().push(field);
        Ok(())
    }
}

/// Tables and records, each with the index of its port.
pub(crate) type Joined = (Vec<(usize, Table)>, Vec<(usize, Record)>);

/// Joins the groups, which come in their order, each with the positions that distinguish it.
///
/// # Errors
/// `invalid-argument` when a table has other columns in another group.
pub(crate) fn join(descriptor: &Descriptor, groups: Groups) -> Result<Joined> {
    let of_kind = |kind: PortKind| {
        let ports = descriptor.outputs.iter().enumerate();
        ports.filter(move |(_, port)| port.kind == kind).map(|(index, _)| index)
    };
    let mut tables: BTreeMap<usize, Option<Table>> =
        of_kind(PortKind::Table).map(|port| (port, None)).collect();
    let mut records = Vec::new();
    for (position, mut collected) in groups {
        for (port, table) in collected.tables {
            let name = descriptor.outputs.get(port).map_or("", |port| port.name.as_str());
            append(tables.entry(port).or_default(), table, &position, name)?;
        }
        for port in of_kind(PortKind::Record) {
            let fields = collected.records.remove(&port).unwrap_or_default();
            records.push((port, labelled(fields, &position)));
        }
    }
    let tables = tables.into_iter().map(|(port, table)| (port, table.unwrap_or_default())).collect();
    Ok((tables, records))
}

/// Adds the rows of a group, with its positions in front.
fn append(total: &mut Option<Table>, table: Table, position: &[(Axis, u64)], name: &str) -> Result<()> {
    let missing: Vec<_> = position
        .iter()
        .filter(|(axis, _)| table.columns().iter().all(|column| column.name != axis_name(*axis)))
        .collect();
    let front =
        missing.iter().map(|(axis, _)| Column::new(axis_name(*axis), ColumnKind::Integer, Unit::None));
    let columns: Vec<_> = front.chain(table.columns().iter().cloned()).collect();
    let total = total.get_or_insert_with(|| Table::new(columns.clone()));
    if total.columns() != columns {
        return Err(Error::invalid_argument(format!("table `{name}` has other columns in another group")));
    }
    for row in table.rows() {
        let front = missing.iter().map(|(_, at)| Scalar::Integer(*at as i64));
        total.push(front.chain(row.iter().cloned()).collect())?;
    }
    Ok(())
}

fn labelled(fields: Record, position: &[(Axis, u64)]) -> Record {
    let front = position
        .iter()
        .filter(|(axis, _)| fields.iter().all(|field| field.name != axis_name(*axis)))
        .map(|(axis, at)| Field {
            name: axis_name(*axis).to_owned(),
            unit: Unit::None,
            value: Scalar::Integer(*at as i64),
        })
        .collect::<Vec<_>>();
    front.into_iter().chain(fields).collect()
}

/// The column that tells the position along an axis.
fn axis_name(axis: Axis) -> &'static str {
    match axis {
        Axis::T => "t",
        Axis::C => "channel",
        Axis::Z => "z",
        Axis::Y => "y",
        Axis::X => "x",
    }
}
