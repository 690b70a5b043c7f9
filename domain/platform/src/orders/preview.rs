//! What an import would make of a file, before anything is stored: its form, its columns, some orders, and what would be
//! left out. Of a large file the beginning is looked at, and a little of the middle and the end; of a small one all.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::reading::{ReadError, Reading, Request, Source, Understood, is_cut_off};
use super::statement::{Found, Note, NoteKind, Statement};

/// Rows of the beginning that are read.
const ROWS: u64 = 10_000;
/// Rows of the middle and of the end.
const DISTANT_ROWS: u64 = 1_000;
/// Lines of an order that are shown.
pub const LINES_SHOWN: usize = 20;

/// What an import would make of a file.
#[derive(Debug)]
pub struct Preview {
    /// Form, columns, and how numbers and dates are written.
    pub understood: Understood,
    /// Whether all of the file was looked at, so that the counts are those of an import.
    pub is_whole: bool,
    /// Rows that were looked at.
    pub rows: u64,
    /// Orders in them; the same order again counts again.
    pub orders: u64,
    /// What these orders are worth, by currency: sales less returns, whatever was paid.
    pub worth: BTreeMap<String, Decimal>,
    /// The first orders.
    pub sample: Vec<Sample>,
    /// What would be left out, by reason.
    pub left_out: Vec<Reason>,
    /// What would be taken with a remark, by reason.
    pub remarks: Vec<Reason>,
    /// Why an import of this file would end without having read all of it.
    pub problem: Option<String>,
}

/// An order as it was understood.
#[derive(Debug)]
pub struct Sample {
    /// Its first row in the file.
    pub line: u64,
    /// What it says.
    pub statement: Statement,
}

/// Rows that something is to be said of.
#[derive(Debug)]
pub struct Reason {
    /// The kind of fault, in fixed words.
    pub reason: &'static str,
    /// So many rows.
    pub rows: u64,
    /// The first of them; its line is none in the middle of a large file.
    pub line: Option<u64>,
    /// Its column.
    pub column: Option<String>,
    /// What was seen, and what would be accepted.
    pub message: String,
}

/// Looks at a file and shows at most so many orders.
///
/// # Errors
/// As [`Reading::open`], but for what can be read in two ways: that is told as the problem.
pub fn preview(source: &Source, request: &Request, orders_shown: usize) -> Result<Preview, ReadError> {
    let mut reading = Reading::peek(source, request)?;
    let understood = reading.understood().clone();
    let mut preview = Preview {
        problem: understood.forms.open.first().cloned(),
        understood,
        is_whole: false,
        rows: 0,
        orders: 0,
        worth: BTreeMap::new(),
        sample: Vec::new(),
        left_out: Vec::new(),
        remarks: Vec::new(),
    };
    preview.is_whole = preview.look(&mut reading, ROWS, orders_shown, true)?;
    if !preview.is_whole {
        let size = source.size_bytes().map_err(tables::TableError::from)?;
        for offset in [size / 2, size - size / 20] {
            if reading.jump(source, offset)? {
                // The first order there is perhaps half of one.
                reading.next()?;
                let until = preview.rows + DISTANT_ROWS;
                preview.look(&mut reading, until, 0, false)?;
            }
        }
    }
    if preview.problem.is_none() && preview.is_whole && preview.orders == 0 {
        preview.problem = Some("no order in the file could be read; an import would fail".to_owned());
    }
    Ok(preview)
}

impl Preview {
    /// Looks at rows; true at the end of the file.
    fn look(
        &mut self,
        reading: &mut Reading,
        until_rows: u64,
        orders_shown: usize,
        has_lines: bool,
    ) -> Result<bool, ReadError> {
        while self.rows < until_rows {
            match reading.next() {
                Ok(None) => return Ok(true),
                Ok(Some(Found::Order { statement, line, rows, .. })) => {
                    self.rows += u64::from(rows);
                    self.orders += 1;
                    let worth: Decimal = statement.lines.iter().map(|line| line.amount).sum();
                    *self.worth.entry(statement.currency.clone()).or_default() += worth;
                    if self.sample.len() < orders_shown {
                        self.sample.push(Sample { line, statement });
                    }
                }
                Ok(Some(Found::Note { note, rows, .. })) => {
                    self.rows += u64::from(rows);
                    self.count(note, rows, has_lines);
                }
                Err(error) if is_cut_off(&error) => {
                    self.problem = Some(error.to_string());
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn count(&mut self, note: Note, rows: u32, has_lines: bool) {
        let list = match note.kind {
            NoteKind::LeftOut => &mut self.left_out,
            NoteKind::Remark => &mut self.remarks,
        };
        let rows = u64::from(rows.max(1));
        match list.iter_mut().find(|known| known.reason == note.reason) {
            Some(known) => known.rows += rows,
            None => list.push(Reason {
                reason: note.reason,
                rows,
                line: has_lines.then_some(note.line),
                column: note.column,
                message: note.message,
            }),
        }
    }
}
