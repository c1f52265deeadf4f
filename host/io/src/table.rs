//! Tables as CSV and Parquet.
//!
//! | | CSV | Parquet |
//! |---|---|---|
//! | name of a column | with its unit: `area [µm²]`; a bare number has no brackets | as it is: `area` |
//! | unit of a column | in the header | key-value entry `parfocal.columns`: JSON list of name, unit and kind |
//! | whole number, number, flag, text | as text | `INT64`, `DOUBLE`, `BOOLEAN`, UTF-8 |
//! | not a number, infinities | `NaN`, `inf`, `-inf` | as they are |
//! | notes (run record) | left out: CSV has no place for them | key-value entries by namespace |
//!
//! CSV is RFC 4180: UTF-8, commas, CRLF. Both files depend on the table and the notes only, and appear whole.

use std::{fs::File, io::BufWriter, path::Path, sync::Arc};

use parfocal_types::{
    Unit,
    error::{Error, Result},
    table::{Column, ColumnKind, Scalar, Table},
};
use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{WriterProperties, WriterVersion},
        writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};

use crate::{
    ome::Note,
    write::atomic::{PendingFile, store_error},
};

/// Key of the units and kinds of a Parquet file's columns.
pub const COLUMNS_KEY: &str = "parfocal.columns";
/// Rows of one row group.
const GROUP_ROWS: usize = 1 << 16;

/// Writes a table in the format that the name's ending says: `.csv` or `.parquet`.
///
/// # Errors
/// `invalid-argument` for another ending; else those of [`write_csv`] and [`write_parquet`].
pub fn write_table(path: impl AsRef<Path>, table: &Table, notes: &[Note]) -> Result<()> {
    let path = path.as_ref();
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("csv") => write_csv(path, table),
        Some("parquet") => write_parquet(path, table, notes),
        _ => Err(Error::invalid_argument(format!(
            "{} does not say in which format to write a table",
            path.display()
        ))
        .with_remedy("end the name in `.csv` or `.parquet`")),
    }
}

/// Writes a table as CSV.
///
/// # Errors
/// What the store says: `not-found` for a missing folder, `permission-denied`, `data-incomplete` for a full disk.
pub fn write_csv(path: impl AsRef<Path>, table: &Table) -> Result<()> {
    let path = path.as_ref();
    let pending = PendingFile::create(path)?;
    let file = pending.file().try_clone().map_err(|error| store_error(error, path))?;
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(BufWriter::new(file));
    let mut written = writer.write_record(table.columns().iter().map(header));
    for row in table.rows() {
        written = written.and_then(|()| writer.write_record(row.iter().map(cell)));
    }
    written.map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => store_error(error, path),
        other => Error::internal(format!("{} cannot be written: {other:?}", path.display())),
    })?;
    writer.flush().map_err(|error| store_error(error, path))?;
    drop(writer);
    pending.appear()
}

fn header(column: &Column) -> String {
    match column.unit.symbol() {
        "" => column.name.clone(),
        symbol => format!("{} [{symbol}]", column.name),
    }
}

fn cell(value: &Scalar) -> String {
    match value {
        Scalar::Flag(flag) => flag.to_string(),
        Scalar::Integer(number) => number.to_string(),
        // The shortest text that is read back exactly.
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => text.clone(),
    }
}

/// Writes a table as Parquet; `notes` become key-value entries.
///
/// # Errors
/// What the store says: `not-found` for a missing folder, `permission-denied`, `data-incomplete` for a full disk;
/// `invalid-argument` when two columns have the same name.
pub fn write_parquet(path: impl AsRef<Path>, table: &Table, notes: &[Note]) -> Result<()> {
    let path = path.as_ref();
    let names: std::collections::BTreeSet<_> = table.columns().iter().map(|column| &column.name).collect();
    if names.len() != table.columns().len() {
        return Err(Error::invalid_argument(format!(
            "{} would have two columns of one name",
            path.display()
        )));
    }
    let mut entries = vec![KeyValue::new(COLUMNS_KEY.to_owned(), described(table)?)];
    entries.extend(notes.iter().map(|note| KeyValue::new(note.namespace.clone(), note.text.clone())));
    let properties = WriterProperties::builder()
        .set_created_by(concat!("Parfocal ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_key_value_metadata(Some(entries))
        .build();
    let pending = PendingFile::create(path)?;
    let file = pending.file().try_clone().map_err(|error| store_error(error, path))?;
    encode(file, table, Arc::new(properties)).map_err(|error| failed(error, path))?;
    pending.appear()
}

fn described(table: &Table) -> Result<String> {
    let columns: Vec<_> = table.columns().iter().map(|column| (column, column.unit.symbol())).collect();
    let list: Vec<_> = columns
        .into_iter()
        .map(|(column, symbol)| {
            serde_json::json!({
                "name": column.name,
                "unit": Unit::name(column.unit),
                "symbol": symbol,
                "kind": column.kind,
            })
        })
        .collect();
    serde_json::to_string(&list).map_err(|error| Error::internal(error.to_string()))
}

fn failed(error: ParquetError, path: &Path) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => store_error(*error, path),
            Err(other) => Error::internal(format!("{} cannot be written: {other}", path.display())),
        },
        other => Error::internal(format!("{} cannot be written: {other}", path.display())),
    }
}

fn encode(file: File, table: &Table, properties: Arc<WriterProperties>) -> Result<(), ParquetError> {
    let fields: Result<Vec<_>, _> =
        table.columns().iter().map(|column| field(column).map(Arc::new)).collect();
    let schema = Type::group_type_builder("table").with_fields(fields?).build()?;
    let mut writer = SerializedFileWriter::new(BufWriter::new(file), Arc::new(schema), properties)?;
    for rows in table.rows().chunks(GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        for (index, column) in table.columns().iter().enumerate() {
            put_column(&mut group, column, rows.iter().filter_map(|row| row.get(index)))?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match column.kind {
        ColumnKind::Flag => (Physical::BOOLEAN, None),
        ColumnKind::Integer => (Physical::INT64, None),
        ColumnKind::Number => (Physical::DOUBLE, None),
        ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(logical)
        .build()
}

fn put_column<'a>(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<File>>,
    column: &Column,
    values: impl Iterator<Item = &'a Scalar>,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General(format!("there is no column `{}`", column.name)));
    };
    // A table checks each row against its columns, so that no value is left out here.
    match column.kind {
        ColumnKind::Flag => put::<BoolType>(&mut writer, values, |value| match value {
            Scalar::Flag(flag) => Some(*flag),
            _ => None,
        }),
        ColumnKind::Integer => put::<Int64Type>(&mut writer, values, |value| match value {
            Scalar::Integer(number) => Some(*number),
            _ => None,
        }),
        ColumnKind::Number => put::<DoubleType>(&mut writer, values, |value| match value {
            Scalar::Number(number) => Some(*number),
            _ => None,
        }),
        ColumnKind::Text => put::<ByteArrayType>(&mut writer, values, |value| match value {
            Scalar::Text(text) => Some(ByteArray::from(text.as_str())),
            _ => None,
        }),
    }?;
    writer.close()
}

fn put<'a, D: parquet::data_type::DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = &'a Scalar>,
    of: impl Fn(&Scalar) -> Option<D::T>,
) -> Result<usize, ParquetError> {
    let values: Vec<D::T> = values.filter_map(of).collect();
    writer.typed::<D>().write_batch(&values, None, None)
}
