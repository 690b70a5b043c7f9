//! Cuts a byte stream into CSV records (RFC 4180) and knows each one's position, so that reading can go on from
//! there another time. Memory is bounded: a record is at most 64 KiB, whatever the file contains.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest record, in bytes.
pub(super) const RECORD_LIMIT: usize = 64 * 1024;
const BUFFER_BYTES: usize = 256 * 1024;

/// A record as it stands in the file, without its line end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// Number of its first line, from 1.
    pub(super) line: u64,
    /// The bytes; of a broken record the beginning.
    pub(super) bytes: &'a [u8],
    /// Why it cannot be a record, if it cannot.
    pub(super) broken: Option<&'static str>,
}

pub(super) struct Records<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
    at_end: bool,
    /// Position in the file of `start`.
    offset: u64,
    /// Number of the line at `start`.
    line: u64,
}

impl<R: AsyncRead + Unpin> Records<R> {
    pub(super) fn new(reader: R) -> Records<R> {
        Records { reader, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, at_end: false, offset: 0, line: 1 }
    }

    /// Position of the next record: byte offset and line number.
    pub(super) fn position(&self) -> (u64, u64) {
        (self.offset, self.line)
    }

    /// Goes forward to a position told earlier; false when the stream ends before it.
    pub(super) async fn skip_to(&mut self, offset: u64, line: u64) -> io::Result<bool> {
        while self.offset < offset {
            if self.start == self.end {
                self.fill().await?;
                if self.start == self.end {
                    return Ok(false);
                }
            }
            let step = usize::try_from(offset - self.offset).unwrap_or(usize::MAX).min(self.end - self.start);
            self.start += step;
            self.offset += step as u64;
        }
        self.line = line;
        Ok(true)
    }

    /// The next record, or none at the end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        let (length, broken) = loop {
            let unread = &self.buffer[self.start..self.end];
            match record_length(unread, self.at_end) {
                Some(length) if length <= RECORD_LIMIT => break (length, None),
                None if unread.is_empty() && self.at_end => return Ok(None),
                None if unread.len() <= RECORD_LIMIT && !self.at_end => self.fill().await?,
                // A quote that is never closed must not swallow the lines after it: its line alone is broken.
                _ => match line_length(unread, self.at_end) {
                    Some(length) if length <= RECORD_LIMIT => {
                        break (length, Some("a quoted field is not closed"));
                    }
                    _ => return self.skip_long_line().await.map(Some),
                },
            }
        };
        let range = self.start..self.start + length;
        let line = self.line;
        self.advance(length);
        Ok(Some(Record { line, bytes: without_line_end(&self.buffer[range]), broken }))
    }

    /// Reads past a line that is too long, keeping its beginning only.
    async fn skip_long_line(&mut self) -> io::Result<Record<'_>> {
        let line = self.line;
        let mut beginning = Vec::with_capacity(2_048);
        loop {
            let unread = &self.buffer[self.start..self.end];
            let room = 2_048_usize.saturating_sub(beginning.len()).min(unread.len());
            beginning.extend_from_slice(&unread[..room]);
            match line_length(unread, self.at_end) {
                Some(length) => {
                    self.advance(length);
                    break;
                }
                None => {
                    self.offset += unread.len() as u64;
                    self.start = self.end;
                    self.fill().await?;
                    if self.start == self.end {
                        break;
                    }
                }
            }
        }
        // Kept in the part of the buffer that was read already or, failing that, in a buffer made longer.
        if self.start < beginning.len() {
            let shift = beginning.len() - self.start;
            self.buffer.splice(0..0, std::iter::repeat_n(0, shift));
            self.start += shift;
            self.end += shift;
        }
        let kept = beginning.len();
        self.buffer[..kept].copy_from_slice(&beginning);
        Ok(Record {
            line,
            bytes: without_line_end(&self.buffer[..kept]),
            broken: Some("the line is longer than 64 KiB"),
        })
    }

    fn advance(&mut self, length: usize) {
        let passed = &self.buffer[self.start..self.start + length];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.start += length;
        self.offset += length as u64;
    }

    /// Reads more behind what is unread.
    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = self.reader.read(&mut self.buffer[self.end..]).await?;
        self.end += read;
        self.at_end = read == 0;
        Ok(())
    }
}

/// Length of the first record with its line end; none when its end is not there (yet).
fn record_length(bytes: &[u8], at_end: bool) -> Option<usize> {
    #[derive(PartialEq)]
    enum At {
        FieldStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }
    let mut at = At::FieldStart;
    for (index, byte) in bytes.iter().enumerate() {
        at = match (at, byte) {
            (At::FieldStart, b'"') | (At::QuoteInQuoted, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::Quoted, _) => At::Quoted,
            (_, b'\n') => return Some(index + 1),
            (_, b',') => At::FieldStart,
            (_, _) => At::Plain,
        };
        if index > RECORD_LIMIT {
            return None;
        }
    }
    (at_end && at != At::Quoted && !bytes.is_empty()).then_some(bytes.len())
}

fn line_length(bytes: &[u8], at_end: bool) -> Option<usize> {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(index) => Some(index + 1),
        None => (at_end && !bytes.is_empty()).then_some(bytes.len()),
    }
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The fields of a record, quotes resolved.
pub(super) fn fields(record: &str) -> Vec<std::borrow::Cow<'_, str>> {
    let mut fields = Vec::with_capacity(12);
    let mut rest = record;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            match rest.split_once(',') {
                Some((field, after)) => {
                    fields.push(field.into());
                    rest = after;
                    continue;
                }
                None => {
                    fields.push(rest.into());
                    return fields;
                }
            }
        };
        let mut text = String::new();
        let mut remaining = quoted;
        let after = loop {
            match remaining.split_once('"') {
                Some((part, after)) if after.starts_with('"') => {
                    text.push_str(part);
                    text.push('"');
                    remaining = &after[1..];
                }
                Some((part, after)) => {
                    text.push_str(part);
                    break after;
                }
                None => {
                    text.push_str(remaining);
                    break "";
                }
            }
        };
        // What follows a closing quote up to the comma belongs to the field, as most readers have it.
        match after.split_once(',') {
            Some((tail, next)) => {
                text.push_str(tail);
                fields.push(text.into());
                rest = next;
            }
            None => {
                text.push_str(after);
                fields.push(text.into());
                return fields;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn all(input: &[u8]) -> Vec<(u64, Vec<u8>, Option<&'static str>)> {
        let mut records = Records::new(input);
        let mut found = Vec::new();
        while let Some(record) = records.next().await.expect("memory is readable") {
            found.push((record.line, record.bytes.to_vec(), record.broken));
        }
        assert_eq!(records.position().0, input.len() as u64);
        found
    }

    fn plain(line: u64, text: &str) -> (u64, Vec<u8>, Option<&'static str>) {
        (line, text.as_bytes().to_vec(), None)
    }

    #[tokio::test]
    async fn records_may_span_lines_and_lack_the_last_line_end() {
        let found = all(b"a,b\r\n\"x\ny\",\"q\"\"q\"\nlast,\"\"").await;
        assert_eq!(found, [plain(1, "a,b"), plain(2, "\"x\ny\",\"q\"\"q\""), plain(4, "last,\"\"")]);
    }

    #[tokio::test]
    async fn an_open_quote_costs_its_own_line_only() {
        let found = all(b"a,\"b\nc,d\ne,f\n").await;
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], (1, b"a,\"b".to_vec(), Some("a quoted field is not closed")));
        assert_eq!(found[2], plain(3, "e,f"));
    }

    #[tokio::test]
    async fn an_open_quote_in_a_large_file_costs_its_own_line_only() {
        let mut input = b"a,\"b\n".to_vec();
        input.extend(b"c,d\n".repeat(100_000));
        let found = all(&input).await;
        assert_eq!(found.len(), 100_001);
        assert_eq!(found[0].2, Some("a quoted field is not closed"));
        assert!(found[1..].iter().all(|record| record.1 == b"c,d" && record.2.is_none()));
    }

    #[tokio::test]
    async fn a_long_line_is_skipped_in_constant_memory() {
        for length in [RECORD_LIMIT + 1, 300_000, 5_000_000] {
            let mut input = vec![b'x'; length];
            input.extend(b"\nok\n");
            let mut records = Records::new(input.as_slice());
            let record = records.next().await.expect("readable").expect("a record");
            assert_eq!((record.line, record.broken), (1, Some("the line is longer than 64 KiB")));
            assert!(record.bytes.len() <= 2_048 && record.bytes.starts_with(b"xxx"));
            assert_eq!(
                records.next().await.expect("readable"),
                Some(Record { line: 2, bytes: b"ok", broken: None })
            );
            assert!(records.buffer.len() <= BUFFER_BYTES + 2_048);
        }
    }

    #[test]
    fn fields_resolve_quotes() {
        let found = fields("a,\"b,\"\"c\"\"\",,\"d\" e");
        assert_eq!(found, ["a", "b,\"c\"", "", "d e"]);
    }

    proptest! {
        #[test]
        fn reading_on_from_any_record_gives_the_same_rest(input in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\n'), Just(b','), Just(b'a'), Just(b'\r')], 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let whole = all(&input).await;
                let mut records = Records::new(input.as_slice());
                for read in 0..=whole.len() {
                    let (offset, line) = records.position();
                    let mut again = Records::new(input.as_slice());
                    assert!(again.skip_to(offset, line).await.expect("readable"));
                    let mut rest = Vec::new();
                    while let Some(record) = again.next().await.expect("readable") {
                        rest.push((record.line, record.bytes.to_vec(), record.broken));
                    }
                    assert_eq!(&whole[read..], &rest[..]);
                    records.next().await.expect("readable");
                }
            });
        }

        #[test]
        fn what_a_writer_quotes_is_read_back(texts in proptest::collection::vec("[a-z,\"\n é]{0,12}", 1..6)) {
            let record = texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect::<Vec<_>>().join(",");
            prop_assert_eq!(fields(&record), texts);
            prop_assert_eq!(record_length(record.as_bytes(), true), Some(record.len()));
        }
    }
}
