//! A row of cells, borrowed from the reader that found it.

/// Why a row has no cells that could be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A quote is opened and not closed within the row's bounds; only its own line is lost.
    #[error("a quoted cell is not closed")]
    OpenQuote,
    /// Longer than a record may be.
    #[error("the line is longer than 64 KiB")]
    TooLong,
    /// More cells than a record may have.
    #[error("the line has more than 1024 cells")]
    TooManyCells,
}

/// Where a row begins. Reading can go on there as if it had come from the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes of unpacked UTF-8 before it; rows before it in workbooks and Parquet.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
}

/// A row as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Number of its first line (its row in a workbook, its record in Parquet), from 1.
    pub line: u64,
    /// Why it cannot be read, if it cannot; then it has no cells.
    pub fault: Option<Fault>,
    /// Where the next row begins.
    pub next: Position,
    /// Whether a cell was not of the file's encoding and was read as Windows-1252.
    pub is_repaired: bool,
    pub(crate) text: &'a str,
    pub(crate) ends: &'a [usize],
    pub(crate) typed: &'a [bool],
    /// What it looks like in the file, in part; none where it is no text.
    pub(crate) raw: &'a [u8],
}

impl<'a> Row<'a> {
    /// How many cells it has.
    #[allow(clippy::len_without_is_empty, reason = "a row without cells is no row, and none is handed out")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell; empty where the row ends before it.
    pub fn cell(&self, index: usize) -> &'a str {
        let Some(end) = self.ends.get(index) else { return "" };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..*end]
    }

    /// Whether a cell came as a number or a date, not as text, so that no form of writing is to be guessed: numbers have
    /// a point, dates are `2026-10-07 09:50:26`.
    pub fn is_typed(&self, index: usize) -> bool {
        self.typed.get(index).copied().unwrap_or(false)
    }

    /// All cells in their order.
    pub fn cells(&self) -> impl Iterator<Item = &'a str> {
        let row = *self;
        (0..row.len()).map(move |index| row.cell(index))
    }

    /// Whether nothing is written in it.
    pub fn is_blank(&self) -> bool {
        self.fault.is_none() && self.text.trim().is_empty()
    }

    /// The row as people see it in the file, at most so many characters.
    pub fn shown(&self, limit: usize) -> String {
        self.kept(limit).shown(limit)
    }

    /// As much of the row as is needed to show it later. It costs no more than a copy.
    pub fn kept(&self, limit: usize) -> Kept {
        if !self.raw.is_empty() {
            return Kept(self.raw[..self.raw.len().min(limit * 4)].to_vec());
        }
        let mut shown = String::new();
        for cell in self.cells() {
            if !shown.is_empty() {
                shown.push(',');
            }
            shown.push_str(cell);
            if shown.len() > limit * 4 {
                break;
            }
        }
        Kept(shown.into_bytes())
    }
}

/// The beginning of a row, to be shown when there is something to say about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept(Vec<u8>);

impl Kept {
    /// Its text, at most so many characters.
    pub fn shown(&self, limit: usize) -> String {
        String::from_utf8_lossy(&self.0).chars().filter(|sign| *sign != '\0').take(limit).collect()
    }
}
