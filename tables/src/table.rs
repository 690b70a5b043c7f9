//! A file, opened: its form, and its rows one after the other.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::columnar;
use crate::container::{self, Bytes, Unpacked};
use crate::decisions::{Container, Decisions, Options};
use crate::delimited::Delimited;
use crate::encoding::{self, Detected, Transcoder};
use crate::error::TableError;
use crate::layout;
use crate::row::{Position, Row};
use crate::sheet;
use crate::source::Source;

/// So much of a text is looked at to find its form.
const HEAD_BYTES: usize = 256 * 1024;

type Text = Box<dyn Read + Send>;

/// Rows of a file.
pub struct Table {
    decisions: Decisions,
    rows: Rows,
    consumed: Arc<AtomicU64>,
    /// Where to look at a plain text without reading all before it: bytes of its mark, and whether bytes are characters
    /// of ASCII whatever the encoding.
    plain: Option<Detected>,
}

enum Rows {
    Text(Box<Delimited<Text>>),
    Sheet(Box<sheet::Rows>),
}

impl Table {
    /// Opens a file and finds its form. The first row that is read is the one behind the header.
    ///
    /// # Errors
    /// It is empty, has no header, is packed or encoded in a way that is not read, or cannot be read at all.
    pub fn open(source: &Source, options: &Options) -> Result<Table, TableError> {
        match container::open(source.open()?, options.is_beginning)? {
            Unpacked::Text { container, inside, reader, consumed } => {
                Table::of_text(container, inside, reader, consumed, options)
            }
            Unpacked::Workbook(file) => Table::of_workbook(source, file, options),
            Unpacked::Parquet => Table::of_parquet(source),
        }
    }

    fn of_text(
        container: Container,
        inside: Option<String>,
        mut reader: Text,
        consumed: Arc<AtomicU64>,
        options: &Options,
    ) -> Result<Table, TableError> {
        let mut raw = head_of(&mut reader)?;
        if container != Container::Plain && container::is_gzip(&raw) {
            let packed = Box::new(Cursor::new(raw).chain(reader));
            reader = container::unpacked_again(packed, Arc::clone(&consumed), options.is_beginning);
            raw = head_of(&mut reader)?;
        }
        if container::is_tar(&raw) {
            return Err(TableError::Unsupported(
                "the file is a tar archive; send the table in it by itself".to_owned(),
            ));
        }
        let detected = encoding::detect(&raw, options.encoding.as_deref())?;
        if let Some(reason) = container::unsupported(&raw) {
            return Err(TableError::Unsupported(reason.to_owned()));
        }
        if detected.encoding.is_ascii_compatible() && container::is_no_text(&raw) {
            return Err(TableError::Unsupported(
                "the file is no table, whatever it is called: it holds signs that no text has, as pictures, films and programs do; export CSV or XLSX from the system that has the orders".to_owned(),
            ));
        }
        let beginning = Cursor::new(raw).chain(reader);
        let mut text = decoded(Box::new(beginning), detected);
        let head = head_of(&mut text)?;
        let is_whole = head.len() < HEAD_BYTES;
        let layout = layout::find(&head, is_whole, options)?;
        let text: Text = Box::new(Cursor::new(head).chain(text));
        let mut rows = Box::new(Delimited::new(text, layout.separator, layout.line_end.terminator()));
        let columns = loop {
            match rows.next_row()? {
                Some(row) if row.line == layout.header_line && row.fault.is_none() => {
                    break row.cells().map(|cell| cell.trim().to_owned()).collect();
                }
                Some(row) if row.line < layout.header_line => {}
                _ => {
                    return Err(TableError::Option(format!(
                        "`header` is {}, and no readable row begins at that line",
                        layout.header_line
                    )));
                }
            }
        };
        let decisions = Decisions {
            container,
            inside,
            encoding: Some(detected.encoding.name().to_ascii_lowercase()),
            encoding_by: Some(detected.by),
            line_end: Some(layout.line_end),
            separator: Some(char::from(layout.separator)),
            separator_by: Some(layout.separator_by),
            sheet: None,
            other_sheets: Vec::new(),
            header_line: layout.header_line,
            columns,
        };
        let is_single_byte = detected.encoding.is_ascii_compatible();
        let plain = (container == Container::Plain && is_single_byte).then_some(detected);
        Ok(Table { decisions, rows: Rows::Text(rows), consumed, plain })
    }

    fn of_workbook(source: &Source, file: Box<dyn Bytes>, options: &Options) -> Result<Table, TableError> {
        let found = Candidate::of(sheet::open(file, options.sheet.as_deref())?, options)?;
        let Candidate { sheets, mut rows, sample, header } = found.or_better(source, options)?;
        let Some((header, _)) = header else {
            let first = sample.first().map(|(_, cells)| cells.join(", ")).unwrap_or_default();
            return Err(layout::no_header(first.as_bytes(), b'\n'));
        };
        layout::refuse_earlier_header(&sample, header, options)?;
        let (header_line, columns) = sample[header].clone();
        rows.skip_to(Position { offset: header_line, line: header_line + 1 })?;
        let decisions = Decisions {
            container: Container::Xlsx,
            inside: None,
            encoding: None,
            encoding_by: None,
            line_end: None,
            separator: None,
            separator_by: None,
            sheet: Some(sheets.chosen),
            other_sheets: sheets.others,
            header_line,
            columns,
        };
        Ok(Table {
            decisions,
            rows: Rows::Sheet(Box::new(rows)),
            consumed: Arc::new(AtomicU64::new(0)),
            plain: None,
        })
    }

    fn of_parquet(source: &Source) -> Result<Table, TableError> {
        let (columns, rows) = columnar::open(source)?;
        let decisions = Decisions {
            container: Container::Parquet,
            inside: None,
            encoding: None,
            encoding_by: None,
            line_end: None,
            separator: None,
            separator_by: None,
            sheet: None,
            other_sheets: Vec::new(),
            header_line: 0,
            columns,
        };
        Ok(Table {
            decisions,
            rows: Rows::Sheet(Box::new(rows)),
            consumed: Arc::new(AtomicU64::new(0)),
            plain: None,
        })
    }

    /// What was found out about the file's form.
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// The next row, or none at the end. Lines with nothing in them are passed over.
    ///
    /// # Errors
    /// The file cannot be read on; what was read before stays true.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, TableError> {
        match &mut self.rows {
            Rows::Text(rows) => rows.next_row(),
            Rows::Sheet(rows) => rows.next_row(),
        }
    }

    /// Where the next row begins.
    pub fn position(&self) -> Position {
        match &self.rows {
            Rows::Text(rows) => rows.position(),
            Rows::Sheet(rows) => rows.position(),
        }
    }

    /// Goes forward to a position told earlier.
    ///
    /// # Errors
    /// The file ends before it, or cannot be read.
    pub fn skip_to(&mut self, position: Position) -> Result<(), TableError> {
        match &mut self.rows {
            Rows::Text(rows) => rows.skip_to(position),
            Rows::Sheet(rows) => rows.skip_to(position),
        }
    }

    /// Bytes of the file (packed as it is) that were read so far, for progress.
    pub fn consumed_bytes(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// The same file from about a place in it on, without reading what is before: for a look at the middle and the end
    /// of a large one. Rows have no line numbers then. None where bytes say nothing about characters, or the file is
    /// packed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open_near(&self, source: &Source, offset: u64) -> Result<Option<Table>, TableError> {
        let (Some(detected), Some(separator), Some(line_end)) =
            (self.plain, self.decisions.separator, self.decisions.line_end)
        else {
            return Ok(None);
        };
        let mut file = source.open()?;
        file.seek(SeekFrom::Start(offset))?;
        let text = decoded(Box::new(file), Detected { mark: 0, ..detected });
        let separator = layout::separator_byte(separator)?;
        let mut rows = Box::new(Delimited::new(text, separator, line_end.terminator()));
        // The rest of a row, whose beginning is before the place; perhaps of one with several lines.
        rows.pass_line();
        Ok(Some(Table {
            decisions: self.decisions.clone(),
            rows: Rows::Text(rows),
            consumed: Arc::new(AtomicU64::new(0)),
            plain: self.plain,
        }))
    }
}

/// Sheets that are looked at for a header.
const SHEETS_LOOKED_AT: usize = 10;
/// A sheet in whose header so many names are known is the one.
const NAMES_ENOUGH: usize = 4;

/// A sheet, and the row of names in it.
struct Candidate {
    sheets: sheet::Sheets,
    rows: sheet::Rows,
    sample: layout::Sample,
    /// Its place in the sample, and how many of its names are known.
    header: Option<(usize, usize)>,
}

impl Candidate {
    fn of(
        (sheets, mut rows): (sheet::Sheets, sheet::Rows),
        options: &Options,
    ) -> Result<Candidate, TableError> {
        let sample = rows.sample(layout::SAMPLE_ROWS)?;
        let header = layout::header_of(&sample, options);
        Ok(Candidate { sheets, rows, sample, header })
    }

    fn known(&self) -> usize {
        self.header.map_or(0, |(_, known)| known)
    }

    /// Books begin with a cover, or with nothing: unless a sheet is named, the one whose header is known best is read.
    fn or_better(mut self, source: &Source, options: &Options) -> Result<Candidate, TableError> {
        if options.sheet.is_some() || self.known() >= NAMES_ENOUGH {
            return Ok(self);
        }
        for name in self.sheets.others.clone().into_iter().take(SHEETS_LOOKED_AT) {
            let opened = sheet::open_measured(source.open()?, Some(&name));
            // A sheet that cannot be read is no better one.
            let Ok(other) = opened.and_then(|opened| Candidate::of(opened, options)) else { continue };
            let is_better = (other.header.is_some(), other.known()) > (self.header.is_some(), self.known());
            if is_better || (self.sample.is_empty() && !other.sample.is_empty()) {
                self = other;
            }
        }
        Ok(self)
    }
}

/// UTF-8 without marks.
fn decoded(mut reader: Text, detected: Detected) -> Text {
    if detected.mark > 0 {
        let mark = detected.mark;
        reader = Box::new(WithoutMark { reader, mark });
    }
    if detected.encoding == encoding_rs::UTF_8 {
        return reader;
    }
    Box::new(Transcoder::new(reader, detected.encoding))
}

/// The beginning of a stream, at most [`HEAD_BYTES`].
fn head_of(reader: &mut Text) -> Result<Vec<u8>, TableError> {
    let mut head = vec![0; HEAD_BYTES];
    let mut length = 0;
    while length < HEAD_BYTES {
        match reader.read(&mut head[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) => match TableError::from(error) {
                // What came before may hold the form; the fault comes again when its place is read.
                TableError::CutOff { .. } | TableError::Damaged { .. } if length > 0 => break,
                other => return Err(other),
            },
        }
    }
    head.truncate(length);
    Ok(head)
}

/// Leaves out the byte order marks at the beginning.
struct WithoutMark {
    reader: Text,
    mark: usize,
}

impl Read for WithoutMark {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.mark > 0 {
            let mut mark = [0; 8];
            let length = self.mark.min(mark.len());
            let read = self.reader.read(&mut mark[..length])?;
            if read == 0 {
                return Ok(0);
            }
            self.mark -= read;
        }
        self.reader.read(buffer)
    }
}
