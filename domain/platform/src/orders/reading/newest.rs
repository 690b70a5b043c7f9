//! When the last order of a file was placed. Files have their newest orders at the beginning or at the end, so of a large one
//! these are looked at; where its end cannot be reached without reading all before it, more of the beginning.

use chrono::{DateTime, Utc};
use tables::{Source, TableError};

use super::{ReadError, Reading};
use crate::orders::statement::Found;

/// Rows of the beginning.
const ROWS: u64 = 20_000;
/// Rows of the beginning where nothing else can be looked at.
const ROWS_ALONE: u64 = 500_000;
/// Bytes of the end.
const END_BYTES: u64 = 512 * 1024;

/// Reads on; the reading is used up.
pub(super) fn of(reading: &mut Reading, source: &Source) -> Result<Option<DateTime<Utc>>, ReadError> {
    let (mut newest, is_whole) = look(reading, ROWS)?;
    if is_whole {
        return Ok(newest);
    }
    let size = source.size_bytes().map_err(TableError::from)?;
    let rows = if reading.jump(source, size.saturating_sub(END_BYTES))? {
        // The first order there is perhaps half of one.
        reading.next()?;
        END_BYTES
    } else {
        ROWS_ALONE
    };
    newest = newest.max(look(reading, rows)?.0);
    Ok(newest)
}

/// The newest of the next rows, and whether the file is over.
fn look(reading: &mut Reading, rows: u64) -> Result<(Option<DateTime<Utc>>, bool), ReadError> {
    let (mut newest, mut seen) = (None, 0);
    while seen < rows {
        match reading.next()? {
            None => return Ok((newest, true)),
            Some(Found::Order { statement, rows, .. }) => {
                newest = newest.max(Some(statement.placed_at));
                seen += u64::from(rows);
            }
            Some(Found::Note { rows, .. }) => seen += u64::from(rows),
        }
    }
    Ok((newest, false))
}
