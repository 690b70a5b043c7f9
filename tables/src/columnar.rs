//! Parquet, row by row. Columns of plain values are read; nested ones have no cells and stay empty.
//!
//! A page is the unit of memory there, and a file says how large each is. Before anything is unpacked, the columns'
//! declared sizes are held against a bound, so that only a file whose writer made sensible row groups is opened.

use std::fmt::Write as _;
use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use parquet::basic::{LogicalType, TimeUnit};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;

use crate::error::TableError;
use crate::sheet::{Owned, Rows, Sender, guarded, number_of};
use crate::source::Source;

/// A column of a row group, unpacked. Writers make row groups of up to 128 MiB, over all columns.
const COLUMN_LIMIT_BYTES: i64 = 128 * 1024 * 1024;
const COLUMNS_LIMIT: usize = 1_024;

/// How a column's values are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// A time without a zone, as the shop's clock shows it.
    Local(Unit),
    /// A moment.
    Utc(Unit),
    Nested,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Given,
    Nanos,
}

/// Opens a file: the names of its columns, and its rows, the first of which is number 1.
pub(crate) fn open(source: &Source) -> Result<(Vec<String>, Rows), TableError> {
    guarded(|| prepare(source))
}

fn prepare(source: &Source) -> Result<(Vec<String>, Rows), TableError> {
    let reader: Box<dyn FileReader> = match source {
        Source::Path(path) => {
            Box::new(SerializedFileReader::new(File::open(path)?).map_err(|error| fault(&error))?)
        }
        Source::Memory(bytes) => {
            let bytes = Bytes::from_owner(Shared(Arc::clone(bytes)));
            Box::new(SerializedFileReader::new(bytes).map_err(|error| fault(&error))?)
        }
    };
    let metadata = reader.metadata();
    for group in metadata.row_groups() {
        let largest = group.columns().iter().map(|column| column.uncompressed_size()).max().unwrap_or(0);
        if largest > COLUMN_LIMIT_BYTES {
            return Err(TableError::Unsupported(
                "the file has row groups too large to be read in parts; write it with smaller ones (e.g. 100,000 rows)".to_owned(),
            ));
        }
    }
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
    if fields.len() > COLUMNS_LIMIT {
        return Err(TableError::Unsupported(format!("the file has more than {COLUMNS_LIMIT} columns")));
    }
    let names = fields.iter().map(|field| field.name().to_owned()).collect();
    let kinds: Vec<Kind> = fields
        .iter()
        .map(|field| match field.get_basic_info().logical_type_ref() {
            _ if !field.is_primitive() => Kind::Nested,
            Some(LogicalType::Timestamp(time)) => {
                let unit = if time.unit == TimeUnit::NANOS { Unit::Nanos } else { Unit::Given };
                if time.is_adjusted_to_u_t_c { Kind::Utc(unit) } else { Kind::Local(unit) }
            }
            _ => Kind::Plain,
        })
        .collect();
    let rows = Rows::of(move |sender| stream(reader, &kinds, sender))?;
    Ok((names, rows))
}

fn stream(reader: Box<dyn FileReader>, kinds: &[Kind], sender: &mut Sender) -> Result<(), TableError> {
    let mut scratch = String::new();
    for (index, row) in RowIter::from_file_into(reader).enumerate() {
        let row = row.map_err(|error| fault(&error))?;
        let mut owned = Owned { line: index as u64 + 1, ..Owned::default() };
        for (column, (_, field)) in row.get_column_iter().enumerate() {
            scratch.clear();
            let kind = kinds.get(column).copied().unwrap_or(Kind::Nested);
            let is_typed = write(field, kind, &mut scratch);
            owned.put(column, &scratch, is_typed);
        }
        if !sender.send(owned)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes a value in the one form that typed cells have; false for a text.
fn write(field: &Field, kind: Kind, out: &mut String) -> bool {
    let micros = match (kind, field) {
        (Kind::Nested, _) => return false,
        (Kind::Local(Unit::Nanos) | Kind::Utc(Unit::Nanos), Field::Long(nanos)) => Some(nanos / 1_000),
        (_, Field::TimestampMicros(micros)) => Some(*micros),
        (_, Field::TimestampMillis(millis)) => millis.checked_mul(1_000),
        _ => None,
    };
    if let Some(time) = micros.and_then(DateTime::from_timestamp_micros) {
        // What INT96 and old writers leave open is a moment.
        let zone = if matches!(kind, Kind::Local(_)) { "" } else { "Z" };
        let _ = write!(out, "{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.6f"));
        return true;
    }
    let _ = match field {
        Field::Str(text) => {
            out.push_str(text);
            return false;
        }
        Field::Bytes(bytes) => {
            out.push_str(&String::from_utf8_lossy(bytes.data()));
            return false;
        }
        Field::Bool(truth) => write!(out, "{truth}"),
        Field::Byte(number) => write!(out, "{number}"),
        Field::Short(number) => write!(out, "{number}"),
        Field::Int(number) => write!(out, "{number}"),
        Field::Long(number) => write!(out, "{number}"),
        Field::UByte(number) => write!(out, "{number}"),
        Field::UShort(number) => write!(out, "{number}"),
        Field::UInt(number) => write!(out, "{number}"),
        Field::ULong(number) => write!(out, "{number}"),
        Field::Float(number) => return number_of(shortest(*number), out),
        Field::Double(number) => return number_of(*number, out),
        Field::Date(days) => match DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::days(i64::from(*days)))
        {
            Some(day) => write!(out, "{}", day.format("%Y-%m-%d")),
            None => Ok(()),
        },
        Field::Decimal(_) => write!(out, "{field}"),
        _ => Ok(()),
    };
    true
}

/// What a single-precision number says in its own digits, not what it is as a double: 12.35, not 12.3500003815.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

fn fault(error: &ParquetError) -> TableError {
    TableError::Damaged {
        container: "Parquet",
        unpacked_bytes: 0,
        fault: error.to_string().chars().take(120).collect(),
    }
}

struct Shared(Arc<[u8]>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
