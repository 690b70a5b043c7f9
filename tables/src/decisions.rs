//! What was found out about a file, as values to show, and what a caller may state instead.

use serde::{Deserialize, Serialize};

/// What the bytes are packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// Text as it is.
    Plain,
    /// gzip, of one member or several.
    Gzip,
    /// A ZIP archive with one file.
    Zip,
    /// bzip2, of one stream or several.
    Bzip2,
    /// xz, of one stream or several.
    Xz,
    /// Zstandard, of one frame or several.
    Zstd,
    /// A workbook of Excel (2007 and later).
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

impl Container {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Container::Plain => "plain",
            Container::Gzip => "gzip",
            Container::Zip => "ZIP",
            Container::Bzip2 => "bzip2",
            Container::Xz => "xz",
            Container::Zstd => "Zstandard",
            Container::Xlsx => "XLSX",
            Container::Parquet => "Parquet",
        }
    }

    /// Whether its rows are lines of text.
    pub fn is_text(self) -> bool {
        !matches!(self, Container::Xlsx | Container::Parquet)
    }
}

/// How a decision came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The caller stated it.
    Stated,
    /// The file says so itself: a byte order mark, a line `sep=;`.
    Marked,
    /// It follows from what the file holds.
    Content,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// A line feed, perhaps with a carriage return before it.
    Lf,
    /// Carriage return and line feed.
    CrLf,
    /// A carriage return alone.
    Cr,
}

impl LineEnd {
    pub(crate) fn terminator(self) -> u8 {
        match self {
            LineEnd::Lf | LineEnd::CrLf => b'\n',
            LineEnd::Cr => b'\r',
        }
    }
}

/// What was found out about a file's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decisions {
    /// How it is packed.
    pub container: Container,
    /// Name of the one file in an archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// Character encoding, by the name that the web uses for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// How the encoding was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_by: Option<Found>,
    /// What ends lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_end: Option<LineEnd>,
    /// What separates cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// How the separator was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator_by: Option<Found>,
    /// The sheet of a workbook that is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Its other sheets, which are not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_sheets: Vec<String>,
    /// Number of the line (or row) of column names, from 1; 0 where names are not a row.
    pub header_line: u64,
    /// The names, as written.
    pub columns: Vec<String>,
}

/// What a caller states instead of having it found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// A label of the Encoding Standard (`windows-1252`, `utf-16le`, `shift_jis`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What separates cells: one ASCII character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// Number of the line (or row) of column names, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<u64>,
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Names that columns are expected to have, in lower case, letters and digits only: the line with most of them is
    /// the header. Not a statement about one file, so not part of what is saved.
    #[serde(skip)]
    pub known_names: Vec<String>,
    /// Whether only the beginning of a file is given, so that its end says nothing.
    #[serde(skip)]
    pub is_beginning: bool,
}

/// A column's name without case, blanks and punctuation: `Customer ID`, `customer_id` and `CustomerID` are one. Letters
/// of all scripts stay, so that `Größe` and `Große` are two.
pub fn plain_name(name: &str) -> String {
    name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
