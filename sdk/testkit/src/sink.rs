//! Takes tables and records, and holds them against what was declared.

use std::collections::BTreeMap;

use parfocal_operator::{Descriptor, PortKind, Sink};
use parfocal_types::{
    Column, Error, Field, Result, Scalar,
    table::{Record, Table},
};

/// What one `finish` gave.
pub(crate) struct Collected<'a> {
    descriptor: &'a Descriptor,
    pub(crate) tables: BTreeMap<u32, Table>,
    pub(crate) records: BTreeMap<u32, Record>,
}

impl<'a> Collected<'a> {
    pub(crate) fn new(descriptor: &'a Descriptor) -> Self {
        Self { descriptor, tables: BTreeMap::new(), records: BTreeMap::new() }
    }

    fn check(&self, port: u32, kind: PortKind) -> Result<()> {
        match self.descriptor.outputs.get(port as usize) {
            Some(output) if output.kind == kind => Ok(()),
            _ => Err(Error::invalid_argument(format!("output {port} is no {kind:?}").to_lowercase())),
        }
    }
}

impl Sink for Collected<'_> {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        self.check(port, PortKind::Table)?;
        if self.tables.contains_key(&port) {
            return Err(Error::invalid_argument(format!("columns of output {port} were declared twice")));
        }
        self.tables.insert(port, Table::new(columns.to_vec()));
        Ok(())
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        self.check(port, PortKind::Table)?;
        let table = self.tables.get_mut(&port).ok_or_else(|| {
            Error::invalid_argument(format!("rows of output {port} came before its columns"))
        })?;
        rows.into_iter().try_for_each(|row| table.push(row))
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        self.check(port, PortKind::Record)?;
        self.records.entry(port).or_default().push(field);
        Ok(())
    }
}
