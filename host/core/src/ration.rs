//! Results inside a limit: tables and records go through the host's memory, and a plugin can write them without end.

use parfocal_operator::Sink;
use parfocal_types::{
    error::{Error, ErrorKind, Result},
    table::{Column, Field, Scalar},
};

/// A sink that takes so much and no more. Lanes put it before the caller's, for one call of `finish`, with the memory that
/// the instance may have: what a plugin cannot hold itself, the host does not hold for it.
pub struct Rationed<'a> {
    sink: &'a mut dyn Sink,
    budget: u64,
    left: u64,
}

impl<'a> Rationed<'a> {
    /// Gives `sink` what takes at most `budget` bytes of memory.
    pub fn new(sink: &'a mut dyn Sink, budget: u64) -> Self {
        Self { sink, budget, left: budget }
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        let bytes = bytes.saturating_add(CALL);
        let Some(left) = self.left.checked_sub(bytes as u64) else {
            let need = (self.budget - self.left).saturating_add(bytes as u64);
            return Err(Error::new(
                ErrorKind::OutOfMemory { need, budget: self.budget },
                format!(
                    "its tables and records are larger than the {} MiB that it may use",
                    self.budget.div_ceil(1 << 20)
                ),
            )
            .with_remedy("write fewer rows, or raise `memory` in the limits of the plugin's manifest"));
        };
        self.left = left;
        Ok(())
    }
}

/// What a call takes that brings nothing, in bytes: without it, empty lists would come without end.
const CALL: usize = 64;

/// What a value takes, with the text that it holds.
fn size(value: &Scalar) -> usize {
    let text = if let Scalar::Text(text) = value { text.len() } else { 0 };
    size_of::<Scalar>().saturating_add(text)
}

impl Sink for Rationed<'_> {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        self.take(columns.iter().map(|column| size_of::<Column>() + column.name.len()).sum())?;
        self.sink.columns(port, columns)
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        let row = |row: &Vec<Scalar>| size_of::<Vec<Scalar>>() + row.iter().map(size).sum::<usize>();
        self.take(rows.iter().map(row).sum())?;
        self.sink.rows(port, rows)
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        self.take(size_of::<Field>() + field.name.len() + size(&field.value))?;
        self.sink.field(port, field)
    }
}

#[cfg(test)]
mod tests {
    use parfocal_types::{ColumnKind, Unit};

    use super::*;

    #[derive(Default)]
    struct Counting(usize);

    impl Sink for Counting {
        fn columns(&mut self, _: u32, _: &[Column]) -> Result<()> {
            self.0 += 1;
            Ok(())
        }

        fn rows(&mut self, _: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
            self.0 += rows.len();
            Ok(())
        }

        fn field(&mut self, _: u32, _: Field) -> Result<()> {
            self.0 += 1;
            Ok(())
        }
    }

    #[test]
    fn calls_that_bring_nothing_come_to_an_end() {
        let mut counting = Counting::default();
        let mut sink = Rationed::new(&mut counting, 1 << 20);
        let refused = (0..1 << 20).find_map(|_| sink.rows(0, Vec::new()).err()).unwrap();
        assert_eq!(refused.kind().name(), "out-of-memory");
    }

    #[test]
    fn results_beyond_the_limit_are_refused_and_not_kept() {
        let mut counting = Counting::default();
        let mut sink = Rationed::new(&mut counting, 1 << 20);
        sink.columns(0, &[Column::new("name", ColumnKind::Text, Unit::None)]).unwrap();
        let row = || vec![Scalar::Text("a".repeat(1 << 10))];
        let refused = (0..2000).find_map(|_| sink.rows(0, vec![row()]).err()).unwrap();
        let ErrorKind::OutOfMemory { need, budget } = *refused.kind() else { panic!("{refused}") };
        assert!(budget == 1 << 20 && need > budget && need < budget + (2 << 10), "{need}");
        let long = Field { name: "b".repeat(1 << 10), unit: Unit::None, value: Scalar::Flag(true) };
        assert!(sink.field(0, long).is_err());
        assert!(sink.columns(0, &[Column::new("c".repeat(1 << 20), ColumnKind::Flag, Unit::None)]).is_err());
        assert!((900..1024).contains(&counting.0), "{}", counting.0);
    }
}
