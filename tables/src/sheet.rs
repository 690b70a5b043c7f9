//! Workbooks of Excel, sheet by sheet as rows of cells.
//!
//! calamine's reader of cells borrows the workbook, so both live on a thread of their own, which sends rows a few
//! hundred at a time. The sheet is streamed; what a workbook keeps beside its sheets (texts that cells share, styles) is
//! held in memory by calamine and is therefore measured before it is opened.

use std::collections::VecDeque;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use chrono::{NaiveDate, TimeDelta};
use zip::read::ZipArchive;

use crate::container::Bytes;
use crate::delimited::{CELLS_LIMIT, RECORD_LIMIT_BYTES};
use crate::error::TableError;
use crate::layout::Sample;
use crate::row::{Fault, Position, Row};

/// What a workbook may hold beside its sheets, unpacked.
const SHARED_LIMIT_BYTES: u64 = 12 * 1024 * 1024;
/// One sheet, unpacked.
const SHEET_LIMIT_BYTES: u64 = 2 * 1024 * 1024 * 1024;
const ROWS_A_BATCH: usize = 256;
/// Cells of a batch, so that wide rows do not make it large.
const BATCH_BYTES: usize = 256 * 1024;

/// A row with its own memory.
#[derive(Debug, Default, Clone)]
pub(crate) struct Owned {
    pub(crate) line: u64,
    pub(crate) fault: Option<Fault>,
    pub(crate) text: String,
    pub(crate) ends: Vec<usize>,
    pub(crate) typed: Vec<bool>,
}

impl Owned {
    /// Adds a cell at a column, and empty ones before it.
    pub(crate) fn put(&mut self, column: usize, text: &str, is_typed: bool) {
        if column >= CELLS_LIMIT {
            self.fault = Some(Fault::TooManyCells);
            return;
        }
        if self.text.len() + text.len() > RECORD_LIMIT_BYTES {
            self.fault = Some(Fault::TooLong);
            return;
        }
        while self.ends.len() < column {
            self.ends.push(self.text.len());
            self.typed.push(false);
        }
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.typed.push(is_typed);
    }

    pub(crate) fn row(&self) -> Row<'_> {
        let (text, ends): (&str, &[usize]) =
            if self.fault.is_some() { ("", &[]) } else { (&self.text, &self.ends) };
        let next = Position { offset: self.line, line: self.line + 1 };
        Row {
            line: self.line,
            fault: self.fault,
            next,
            is_repaired: false,
            text,
            ends,
            typed: &self.typed,
            raw: &[],
        }
    }
}

/// Rows that come from a thread.
pub(crate) struct Rows {
    batches: Receiver<Result<Vec<Owned>, TableError>>,
    batch: std::vec::IntoIter<Owned>,
    current: Owned,
    /// Rows that were looked at to find the header and are to be read again.
    again: VecDeque<Owned>,
    /// Number of the last row.
    told: u64,
}

impl Rows {
    pub(crate) fn of(
        read: impl FnOnce(&mut Sender) -> Result<(), TableError> + Send + 'static,
    ) -> Result<Rows, TableError> {
        let (sender, batches) = sync_channel(1);
        let thread = thread::Builder::new().name("rows".to_owned());
        thread.spawn(move || {
            let mut sender = Sender { batches: sender, batch: Vec::new(), bytes: 0, is_over: false };
            let end = guarded(|| read(&mut sender)).and_then(|()| sender.flush());
            if let Err(error) = end {
                // Nobody listens any more: there is nobody to tell.
                let _ = sender.batches.send(Err(error));
            }
        })?;
        Ok(Rows {
            batches,
            batch: Vec::new().into_iter(),
            current: Owned::default(),
            again: VecDeque::new(),
            told: 0,
        })
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, TableError> {
        loop {
            if let Some(row) = self.again.pop_front().or_else(|| self.batch.next()) {
                self.told = row.line;
                self.current = row;
                return Ok(Some(self.current.row()));
            }
            match self.batches.recv() {
                Ok(batch) => self.batch = batch?.into_iter(),
                Err(_) => return Ok(None),
            }
        }
    }

    /// The first rows, which stay to be read.
    pub(crate) fn sample(&mut self, rows: usize) -> Result<Sample, TableError> {
        let mut seen = VecDeque::new();
        let mut sample = Vec::new();
        while sample.len() < rows && self.next_row()?.is_some() {
            let cells = self.current.row().cells().map(|cell| cell.trim().to_owned()).collect();
            sample.push((self.current.line, cells));
            seen.push_back(std::mem::take(&mut self.current));
        }
        self.again = seen;
        self.told = 0;
        Ok(sample)
    }

    /// The row behind the last one; its number stands for the bytes of a text.
    pub(crate) fn position(&self) -> Position {
        Position { offset: self.told, line: self.told + 1 }
    }

    pub(crate) fn skip_to(&mut self, position: Position) -> Result<(), TableError> {
        while self.told < position.offset {
            if self.next_row()?.is_none() {
                return Err(TableError::Shortened);
            }
        }
        Ok(())
    }
}

/// The other end of [`Rows`].
pub(crate) struct Sender {
    batches: SyncSender<Result<Vec<Owned>, TableError>>,
    batch: Vec<Owned>,
    bytes: usize,
    is_over: bool,
}

impl Sender {
    /// Sends a row; false when nobody reads any more.
    pub(crate) fn send(&mut self, row: Owned) -> Result<bool, TableError> {
        self.bytes += row.text.len() + row.ends.len() * 9;
        self.batch.push(row);
        if self.batch.len() >= ROWS_A_BATCH || self.bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(!self.is_over)
    }

    fn flush(&mut self) -> Result<(), TableError> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() && self.batches.send(Ok(batch)).is_err() {
            self.is_over = true;
        }
        Ok(())
    }
}

/// What other crates do with a hostile file ends here: not the process, and not as the end of its rows.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, TableError>) -> Result<T, TableError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(TableError::Unsupported("the file is built in a way that its reader does not know".to_owned()))
    })
}

/// A workbook's sheets: the one that is read, and the others.
pub(crate) struct Sheets {
    pub(crate) chosen: String,
    pub(crate) others: Vec<String>,
}

/// Opens the sheet that is named, or the first that is shown.
pub(crate) fn open(mut file: Box<dyn Bytes>, wanted: Option<&str>) -> Result<(Sheets, Rows), TableError> {
    file = measured(file)?;
    open_measured(file, wanted)
}

/// The same of a workbook that was measured before.
pub(crate) fn open_measured(
    file: Box<dyn Bytes>,
    wanted: Option<&str>,
) -> Result<(Sheets, Rows), TableError> {
    let mut book: Xlsx<Box<dyn Bytes>> = guarded(|| Xlsx::new(file).map_err(|error| fault(&error)))?;
    let mut names: Vec<String> = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let index = match wanted {
        None if names.is_empty() => {
            return Err(TableError::Unsupported("the workbook has no sheet that is shown".to_owned()));
        }
        None => 0,
        Some(wanted) => names.iter().position(|name| name == wanted).ok_or_else(|| {
            let shown = names.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
            TableError::Option(format!("`sheet` names none that is shown; there are: {shown}"))
        })?,
    };
    let chosen = names.remove(index);
    names.truncate(20);
    let name = chosen.clone();
    let rows = Rows::of(move |sender| stream(&mut book, &name, sender))?;
    Ok((Sheets { chosen, others: names }, rows))
}

fn stream(book: &mut Xlsx<Box<dyn Bytes>>, name: &str, sender: &mut Sender) -> Result<(), TableError> {
    let mut cells = book.worksheet_cells_reader(name).map_err(|error| fault(&error))?;
    let mut row = Owned::default();
    let mut scratch = String::new();
    while let Some(cell) = cells.next_cell().map_err(|error| fault(&error))? {
        let (line, column) = cell.get_position();
        let line = u64::from(line) + 1;
        if line != row.line {
            let full = std::mem::replace(&mut row, Owned { line, ..Owned::default() });
            if !full.ends.is_empty() && !sender.send(full)? {
                return Ok(());
            }
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        // A cell that is written twice, or backwards, is none of Excel's.
        if column < row.ends.len() {
            continue;
        }
        scratch.clear();
        match cell.get_value() {
            DataRef::Empty => {}
            DataRef::String(text) => row.put(column, text, false),
            DataRef::SharedString(text) => row.put(column, text, false),
            value => {
                let is_typed = write(value, &mut scratch);
                row.put(column, &scratch, is_typed);
            }
        }
    }
    if !row.ends.is_empty() || row.fault.is_some() {
        sender.send(row)?;
    }
    Ok(())
}

/// Writes a value in the one form that typed cells have; false for what is a text after all.
fn write(value: &DataRef<'_>, out: &mut String) -> bool {
    use std::fmt::Write as _;
    let _ = match value {
        DataRef::Int(number) => write!(out, "{number}"),
        DataRef::Float(number) => return number_of(*number, out),
        DataRef::Bool(truth) => write!(out, "{truth}"),
        DataRef::DateTime(time) => return date(time, out),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => write!(out, "{text}"),
        // `#N/A` and its like say that there is nothing.
        _ => Ok(()),
    };
    matches!(value, DataRef::Int(_) | DataRef::DateTimeIso(_))
}

/// From here on a number has more than the fifteen digits that a spreadsheet keeps.
const ROUNDED_FROM: f64 = 1e15;

/// A spreadsheet keeps fifteen digits; what a double has beyond them is noise of its arithmetic. A number of more digits is
/// written as a power of ten, as spreadsheets show it: it was rounded, and an id that it was is not known any more.
pub(crate) fn number_of(number: f64, out: &mut String) -> bool {
    use std::fmt::Write as _;
    if !number.is_finite() {
        return false;
    }
    let written = format!("{number:.14e}");
    if number.abs() >= ROUNDED_FROM {
        out.push_str(&written.replace('e', "E+"));
        return true;
    }
    let rounded: f64 = written.parse().unwrap_or(number);
    let _ = write!(out, "{rounded}");
    true
}

/// Days since 1900 or, in books of old Macs, since 1904, to the second.
fn date(time: &ExcelDateTime, out: &mut String) -> bool {
    use std::fmt::Write as _;
    if !time.is_datetime() {
        return number_of(time.as_f64(), out);
    }
    let (year, month, day, hour, minute, second, millis) = time.to_ymd_hms_milli();
    let at = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())
        .and_then(|day| day.and_hms_milli_opt(hour.into(), minute.into(), second.into(), millis.into()));
    // The day that Excel believes in, 29 February 1900.
    let Some(at) = at else { return number_of(time.as_f64(), out) };
    let at = at + TimeDelta::milliseconds(if millis >= 500 { 1_000 - i64::from(millis) } else { 0 });
    let _ = write!(out, "{}", at.format("%Y-%m-%d %H:%M:%S"));
    true
}

/// Refuses a workbook whose shared parts do not fit into memory. They are unpacked once to be measured, because a
/// directory may lie.
fn measured(file: Box<dyn Bytes>) -> Result<Box<dyn Bytes>, TableError> {
    let damaged = |error: zip::result::ZipError| TableError::Damaged {
        container: "XLSX",
        unpacked_bytes: 0,
        fault: error.to_string().chars().take(120).collect(),
    };
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let mut shared = 0;
    let mut chunk = vec![0; 64 * 1024];
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(damaged)?;
        // Pictures are not opened.
        let name = part.name().map_err(damaged)?.into_owned();
        if name.starts_with("xl/media/") && !name.ends_with(".xml") {
            continue;
        }
        let is_sheet = name.starts_with("xl/worksheets/");
        let mut streamed = Streamed::default();
        loop {
            let read = part.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            if is_sheet {
                streamed.see(&chunk[..read])?;
                continue;
            }
            shared += read as u64;
            if shared > SHARED_LIMIT_BYTES {
                return Err(too_large("more than 12 MiB of texts"));
            }
        }
    }
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// A sheet is read tag by tag: its size is a matter of time, the longest tag or text one of memory.
#[derive(Default)]
struct Streamed {
    bytes: u64,
    since_tag: usize,
    after_open: bool,
}

impl Streamed {
    fn see(&mut self, chunk: &[u8]) -> Result<(), TableError> {
        self.bytes += chunk.len() as u64;
        if self.bytes > SHEET_LIMIT_BYTES {
            return Err(too_large("a sheet of more than 2 GiB"));
        }
        for byte in chunk {
            // Comments and raw texts, in which tags do not count, are not written by spreadsheets.
            if self.after_open && *byte == b'!' {
                return Err(TableError::Unsupported(
                    "the workbook has raw texts in a sheet; save it again".to_owned(),
                ));
            }
            self.after_open = *byte == b'<';
            self.since_tag = if matches!(byte, b'<' | b'>') { 0 } else { self.since_tag + 1 };
            if self.since_tag > 4 * RECORD_LIMIT_BYTES {
                return Err(too_large("a cell of more than 256 KiB"));
            }
        }
        Ok(())
    }
}

fn too_large(what: &str) -> TableError {
    TableError::Unsupported(format!(
        "the workbook has {what}, which is too much for one; save the sheet as CSV"
    ))
}

fn fault(error: &XlsxError) -> TableError {
    match error {
        XlsxError::Password => {
            TableError::Unsupported("the workbook has a password; save it without".to_owned())
        }
        other => TableError::Damaged {
            container: "XLSX",
            unpacked_bytes: 0,
            fault: other.to_string().chars().take(120).collect(),
        },
    }
}
