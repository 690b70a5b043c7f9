//! Cuts a stream of UTF-8 into records and their cells, and knows where each begins, so that reading can go on from
//! there another time.
//!
//! csv-core does the cutting. What it leaves to its caller is here: a record is at most 64 KiB and 256 lines, so a quote
//! that is never closed costs its own line and not the rest of the file; a longer line is skipped in constant memory;
//! and every position is one that csv-core can begin at afresh.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use encoding_rs::WINDOWS_1252;
use memchr::{memchr, memchr_iter};

use crate::error::TableError;
use crate::row::{Fault, Position, Row};

/// The longest record, in bytes.
pub const RECORD_LIMIT_BYTES: usize = 64 * 1024;
/// The most lines that a record may span.
pub const RECORD_LIMIT_LINES: usize = 256;
/// The most cells of a record.
pub const CELLS_LIMIT: usize = 1_024;
const BUFFER_BYTES: usize = 256 * 1024;
/// So much of a skipped line is kept to be shown.
const SHOWN_BYTES: usize = 2_048;

pub(crate) struct Delimited<R> {
    reader: R,
    csv: Reader,
    terminator: u8,
    buffer: Vec<u8>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
    at_end: bool,
    /// Why there is no more, if that is not the end; told when what came before was read.
    fault: Option<io::Error>,
    /// Position of `start`.
    offset: u64,
    line: u64,
    /// Cells of the current record, one behind the other, and where each ends.
    cells: Vec<u8>,
    ends: Vec<usize>,
    /// The same where bytes had to be replaced.
    repaired: String,
    /// The beginning of a line that was skipped.
    skipped: Vec<u8>,
}

/// What the next record is, by ranges, so that the borrow comes last.
enum Found {
    Record { length: usize, cells: usize },
    Broken { length: usize, fault: Fault },
    Skipped,
}

impl<R: Read> Delimited<R> {
    pub(crate) fn new(reader: R, separator: u8, terminator: u8) -> Delimited<R> {
        let csv = ReaderBuilder::new().delimiter(separator).terminator(Terminator::Any(terminator)).build();
        Delimited {
            reader,
            csv,
            terminator,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            at_end: false,
            fault: None,
            offset: 0,
            line: 1,
            cells: vec![0; RECORD_LIMIT_BYTES + 2],
            ends: vec![0; CELLS_LIMIT + 1],
            repaired: String::new(),
            skipped: Vec::new(),
        }
    }

    /// Where the next record begins.
    pub(crate) fn position(&self) -> Position {
        Position { offset: self.offset, line: self.line }
    }

    /// Goes forward to a position told earlier.
    pub(crate) fn skip_to(&mut self, position: Position) -> Result<(), TableError> {
        while self.offset < position.offset {
            if self.start == self.end {
                self.fill();
                if self.start == self.end {
                    return Err(self.fault.take().map_or(TableError::Shortened, TableError::from));
                }
            }
            let far = usize::try_from(position.offset - self.offset).unwrap_or(usize::MAX);
            let step = far.min(self.end - self.start);
            self.start += step;
            self.offset += step as u64;
        }
        self.line = position.line;
        Ok(())
    }

    /// The next record, or none at the end. Lines with nothing in them are passed over.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, TableError> {
        if !self.pass_blank_lines() {
            return self.fault.take().map_or(Ok(None), |fault| Err(fault.into()));
        }
        let line = self.line;
        let found = self.find()?;
        let (length, cells, fault) = match found {
            Found::Record { length, cells } => (length, cells, None),
            Found::Broken { length, fault } => (length, 0, Some(fault)),
            Found::Skipped => {
                let fault = Some(Fault::TooLong);
                let next = self.position();
                let raw = without_line_end(&self.skipped);
                return Ok(Some(Row {
                    line,
                    fault,
                    next,
                    is_repaired: false,
                    text: "",
                    ends: &[],
                    typed: &[],
                    raw,
                }));
            }
        };
        let range = self.start..self.start + length;
        self.advance(length);
        let is_repaired = cells > 0 && !self.is_text(cells);
        if is_repaired {
            self.repair(cells);
        }
        let ends = &self.ends[..cells];
        let text = match (is_repaired, ends.last()) {
            (_, None) => "",
            (true, Some(_)) => self.repaired.as_str(),
            // Checked above; a check that is wrong would show here and not as undefined behaviour.
            (false, Some(end)) => std::str::from_utf8(&self.cells[..*end]).unwrap_or_default(),
        };
        let next = Position { offset: self.offset, line: self.line };
        let raw = without_line_end(&self.buffer[range]);
        Ok(Some(Row { line, fault, next, is_repaired, text, ends, typed: &[], raw }))
    }

    /// Goes to the next line that has something in it; false at the end.
    fn pass_blank_lines(&mut self) -> bool {
        loop {
            if self.end - self.start <= RECORD_LIMIT_BYTES && !self.at_end {
                self.fill();
            }
            let unread = &self.buffer[self.start..self.end];
            let blank = unread.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            let is_end = blank == unread.len();
            self.advance(blank);
            if !is_end {
                return true;
            }
            if self.at_end {
                return false;
            }
        }
    }

    /// The record at `start`. There are more than a record's bytes unread, or all there are.
    fn find(&mut self) -> io::Result<Found> {
        while self.end - self.start <= RECORD_LIMIT_BYTES && !self.at_end {
            self.fill();
        }
        let unread = &self.buffer[self.start..self.end];
        let window = &unread[..unread.len().min(RECORD_LIMIT_BYTES + 1)];
        self.csv.reset();
        let (mut result, length, written, mut cells) =
            self.csv.read_record(window, &mut self.cells, &mut self.ends);
        let is_last =
            result == ReadRecordResult::InputEmpty && self.at_end && window.len() <= RECORD_LIMIT_BYTES;
        if is_last && let Some(fault) = self.fault.take() {
            // The row is cut off, and half a row is none.
            self.start = self.end;
            return Err(fault);
        }
        if is_last {
            // The last line without an end. Were a quote open, the terminator would become part of its cell.
            let (last, _, _, ends) =
                self.csv.read_record(&[self.terminator], &mut self.cells[written..], &mut self.ends[cells..]);
            (result, cells) = (last, cells + ends);
        }
        let is_record = result == ReadRecordResult::Record && length <= RECORD_LIMIT_BYTES;
        if is_record && memchr_iter(self.terminator, &window[..length]).count() <= RECORD_LIMIT_LINES {
            if cells > CELLS_LIMIT {
                return Ok(Found::Broken { length, fault: Fault::TooManyCells });
            }
            self.drop_carriage_return(cells);
            return Ok(Found::Record { length, cells });
        }
        let fault = match result {
            ReadRecordResult::OutputEndsFull => Fault::TooManyCells,
            _ => Fault::OpenQuote,
        };
        match memchr(self.terminator, window) {
            Some(end) if end < RECORD_LIMIT_BYTES => Ok(Found::Broken { length: end + 1, fault }),
            None if self.at_end && window.len() <= RECORD_LIMIT_BYTES => {
                Ok(Found::Broken { length: window.len(), fault })
            }
            _ => {
                self.skip_long_line();
                Ok(Found::Skipped)
            }
        }
    }

    /// The carriage return of a line's end is no part of the last cell.
    fn drop_carriage_return(&mut self, cells: usize) {
        let Some(last) = cells.checked_sub(1) else { return };
        let from = if last == 0 { 0 } else { self.ends[last - 1] };
        while self.ends[last] > from && self.cells[self.ends[last] - 1] == b'\r' {
            self.ends[last] -= 1;
        }
    }

    /// Whether all cells are UTF-8, each by itself: two halves of a character in neighbouring cells are none.
    fn is_text(&self, cells: usize) -> bool {
        let ends = &self.ends[..cells];
        let all = &self.cells[..ends[cells - 1]];
        match std::str::from_utf8(all) {
            Err(_) => false,
            Ok(text) => text.is_ascii() || ends.iter().all(|end| text.is_char_boundary(*end)),
        }
    }

    /// Reads cells that are not UTF-8 as Windows-1252, in which every byte means something.
    fn repair(&mut self, cells: usize) {
        self.repaired.clear();
        let mut start = 0;
        for end in &mut self.ends[..cells] {
            let cell = &self.cells[start..*end];
            start = *end;
            match std::str::from_utf8(cell) {
                Ok(text) => self.repaired.push_str(text),
                Err(_) => self.repaired.push_str(&WINDOWS_1252.decode_without_bom_handling(cell).0),
            }
            *end = self.repaired.len();
        }
    }

    /// Reads past a line that is too long, keeping its beginning only.
    fn skip_long_line(&mut self) {
        self.skipped.clear();
        loop {
            let unread = &self.buffer[self.start..self.end];
            let room = SHOWN_BYTES.saturating_sub(self.skipped.len()).min(unread.len());
            self.skipped.extend_from_slice(&unread[..room]);
            let line = memchr(self.terminator, unread);
            self.advance(line.map_or(unread.len(), |end| end + 1));
            if line.is_some() || self.at_end {
                return;
            }
            self.fill();
        }
    }

    /// Goes behind the end of the line that begins (or goes on) here.
    pub(crate) fn pass_line(&mut self) {
        self.fill();
        self.skip_long_line();
    }

    fn advance(&mut self, length: usize) {
        let passed = &self.buffer[self.start..self.start + length];
        self.line += memchr_iter(self.terminator, passed).count() as u64;
        self.start += length;
        self.offset += length as u64;
    }

    /// Reads more behind what is unread.
    fn fill(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < self.buffer.len() && !self.at_end {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.fault = Some(error);
                    self.at_end = true;
                }
            }
        }
    }
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Seen = (u64, Vec<String>, Option<Fault>);

    fn rest(delimited: &mut Delimited<&[u8]>) -> Vec<Seen> {
        let mut found = Vec::new();
        while let Some(row) = delimited.next_row().expect("memory is readable") {
            found.push((row.line, row.cells().map(str::to_owned).collect(), row.fault));
        }
        found
    }

    fn all(input: &[u8]) -> Vec<Seen> {
        let mut delimited = Delimited::new(input, b',', b'\n');
        let found = rest(&mut delimited);
        assert_eq!(delimited.position().offset, input.len() as u64);
        found
    }

    fn row(line: u64, cells: &[&str]) -> Seen {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect(), None)
    }

    #[test]
    fn records_may_span_lines_and_lack_the_last_line_end() {
        let found = all(b"a,b\r\n\"x\ny\",\"q\"\"q\"\n\nlast,\"\"");
        assert_eq!(found, [row(1, &["a", "b"]), row(2, &["x\ny", "q\"q"]), row(5, &["last", ""])]);
        assert_eq!(all(b"a,\"b,\"\"c\"\"\",,\"d\" e"), [row(1, &["a", "b,\"c\"", "", "d e"])]);
        assert_eq!(all(b"\r\n\n \n"), [row(3, &[" "])]);
    }

    #[test]
    fn an_open_quote_costs_its_own_line_only() {
        for lines in [2, 100_000] {
            let mut input = b"a,\"b\n".to_vec();
            input.extend(b"c,d\n".repeat(lines));
            let found = all(&input);
            assert_eq!(found.len(), lines + 1);
            assert_eq!((found[0].0, found[0].2), (1, Some(Fault::OpenQuote)));
            assert!(found[1..].iter().all(|(_, cells, fault)| *cells == ["c", "d"] && fault.is_none()));
        }
        assert_eq!(all(b"a,\"b")[0].2, Some(Fault::OpenQuote));
    }

    #[test]
    fn a_long_line_is_skipped_in_constant_memory() {
        for length in [RECORD_LIMIT_BYTES + 1, 300_000, 5_000_000] {
            let mut input = vec![b'x'; length];
            input.extend(b"\nok\n");
            let mut delimited = Delimited::new(input.as_slice(), b',', b'\n');
            let first = delimited.next_row().expect("readable").expect("a row");
            assert_eq!((first.line, first.fault), (1, Some(Fault::TooLong)));
            assert!(first.shown(500) == "x".repeat(500));
            assert_eq!(rest(&mut delimited), [row(2, &["ok"])]);
            assert!(
                delimited.buffer.len() == BUFFER_BYTES && delimited.skipped.capacity() <= 2 * SHOWN_BYTES
            );
        }
    }

    #[test]
    fn many_cells_and_broken_bytes() {
        let mut input = b",".repeat(3_000);
        input.extend(b"\ncaf\xe9,M\xc3\xbc,\xc3,\xa9\nok\n");
        let found = all(&input);
        assert_eq!(found[0].2, Some(Fault::TooManyCells));
        assert_eq!(found[1], row(2, &["caf\u{e9}", "M\u{fc}", "\u{c3}", "\u{a9}"]));
        assert_eq!(found[2], row(3, &["ok"]));
    }

    #[test]
    fn lines_may_end_in_carriage_returns_alone() {
        let mut delimited = Delimited::new(&b"a;b\r\"c\nd\";e\r"[..], b';', b'\r');
        assert_eq!(rest(&mut delimited), [row(1, &["a", "b"]), row(2, &["c\nd", "e"])]);
    }

    proptest! {
        #[test]
        fn reading_on_from_any_record_gives_the_same_rest(input in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\n'), Just(b','), Just(b'a'), Just(b'\r'), Just(0xc3_u8), Just(0xa9_u8)], 0..200)) {
            let whole = all(&input);
            let mut delimited = Delimited::new(input.as_slice(), b',', b'\n');
            for read in 0..=whole.len() {
                let position = delimited.position();
                let mut again = Delimited::new(input.as_slice(), b',', b'\n');
                again.skip_to(position).expect("it is there");
                prop_assert_eq!(&whole[read..], &rest(&mut again)[..]);
                delimited.next_row().expect("readable");
            }
        }

        #[test]
        fn what_a_writer_quotes_is_read_back(texts in proptest::collection::vec("[a-z,\"\n é]{0,12}", 1..6)) {
            let record = texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect::<Vec<_>>().join(",");
            let found = all(record.as_bytes());
            prop_assert_eq!(&found[0].1, &texts);
        }
    }
}
