//! What a worker says during a call: its answer, and the notes before it.

use std::collections::BTreeMap;

use parfocal_core::services::neutral_error;
use parfocal_operator::{Services, Sink};
use parfocal_types::{
    Error, ErrorKind, Result,
    table::{Column, Field},
};
use parfocal_worker_protocol::{
    Message,
    message::{Answer, FromWorker},
};

/// Most lines that one call may write to the log.
const MOST_LINES: usize = 100_000;
/// Most bytes of text that one call may write to the log.
const MOST_TEXT: usize = 16 << 20;

/// What a call may use of the host.
#[derive(Default)]
pub(crate) struct Desk<'a> {
    pub(crate) services: Option<&'a dyn Services>,
    pub(crate) sink: Option<&'a mut dyn Sink>,
}

/// An answer, and its body.
pub(crate) type Answered = (Answer, Vec<u8>);

/// What a worker said during a call.
#[derive(Default)]
pub(crate) struct Notes {
    columns: BTreeMap<u32, Vec<Column>>,
    lines: usize,
    text: usize,
    /// What the host refused to take. It stands even when the worker goes on as if nothing had been.
    pub(crate) refusal: Option<Error>,
}

impl Notes {
    /// Takes a message; the answer to request `id` when it is that.
    ///
    /// # Errors
    /// What ends the worker: `protocol` for what it must not say, `out-of-range` for a log that is too long.
    pub(crate) fn take(
        &mut self,
        message: Message,
        id: u64,
        desk: &mut Desk<'_>,
    ) -> Result<Option<Result<Answered>>> {
        let said: FromWorker = message.read()?;
        match said {
            FromWorker::Done { id: of, answer } if of == id => return Ok(Some(Ok((answer, message.body)))),
            _ if !message.body.is_empty() => {
                let raw = format!("{} bytes", message.body.len());
                return Err(Error::new(ErrorKind::Protocol { raw }, "sent bytes with what has none"));
            }
            FromWorker::Failed { id: of, error } if of == id => {
                return Ok(Some(Err(neutral_error(error.into_error()))));
            }
            FromWorker::Done { id: of, .. } | FromWorker::Failed { id: of, .. } => {
                let kind = ErrorKind::Protocol { raw: of.to_string() };
                return Err(Error::new(kind, format!("answered request {of} instead of {id}")));
            }
            FromWorker::Log { level, text } => {
                self.count(&text)?;
                if let Some(services) = desk.services {
                    services.log(level, &text);
                }
            }
            // The call has failed: the rest of its results is nobody's.
            _ if self.refusal.is_some() => {}
            result => self.refusal = self.take_result(result, desk).err(),
        }
        Ok(None)
    }

    /// Counts a line of the log: one call may write so many and no more.
    fn count(&mut self, text: &str) -> Result<()> {
        self.lines += 1;
        self.text = self.text.saturating_add(text.len());
        let (max, got) = if self.lines > MOST_LINES {
            (format!("{MOST_LINES} lines"), format!("{} lines", self.lines))
        } else if self.text > MOST_TEXT {
            (format!("{MOST_TEXT} bytes"), format!("{} bytes", self.text))
        } else {
            return Ok(());
        };
        let sentence = format!("wrote more than {max} to the log in one call, and was ended");
        Err(Error::new(ErrorKind::OutOfRange { min: "0".into(), max, got }, sentence).with_remedy(
            "its author can log less: a line for what a user should know, and none for each pixel",
        ))
    }

    /// Takes a part of a table or a record.
    fn take_result(&mut self, result: FromWorker, desk: &mut Desk<'_>) -> Result<()> {
        let sink = sink(desk)?;
        match result {
            FromWorker::Columns { port, columns } => {
                sink.columns(port, &columns)?;
                self.columns.insert(port, columns);
                Ok(())
            }
            FromWorker::Rows { port, rows } => {
                let columns = self
                    .columns
                    .get(&port)
                    .ok_or_else(|| Error::invalid_argument("rows came before the columns of their table"))?;
                let rows = rows.into_iter().map(|row| {
                    if row.len() != columns.len() {
                        let (got, need) = (row.len(), columns.len());
                        let sentence = format!("a row of {got} values for a table of {need} columns");
                        return Err(Error::invalid_argument(sentence));
                    }
                    row.into_iter().zip(columns).map(|(cell, column)| cell.into_scalar(column)).collect()
                });
                sink.rows(port, rows.collect::<Result<_>>()?)
            }
            FromWorker::Field { port, name, unit, value } => {
                sink.field(port, Field { name, unit, value: value.into() })
            }
            FromWorker::Done { .. } | FromWorker::Failed { .. } | FromWorker::Log { .. } => Ok(()),
        }
    }
}

fn sink<'d>(desk: &'d mut Desk<'_>) -> Result<&'d mut (dyn Sink + 'd)> {
    match &mut desk.sink {
        Some(sink) => Ok(&mut **sink),
        None => Err(Error::new(
            ErrorKind::BadState { need: "finish".into(), is: "another call".into() },
            "tables and records are taken during `finish` only",
        )),
    }
}
