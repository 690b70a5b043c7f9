//! Why a file cannot be read, or not to its end: what was seen, and what to do about it.

use std::io;

/// Why a file is no table, or stopped being one.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Nothing is in it.
    #[error("the file is empty; it should begin with a line of column names")]
    Empty,
    /// It is packed or built in a way that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// A stated option does not fit the file.
    #[error("{0}")]
    Option(String),
    /// No line of column names was found.
    #[error(
        "no line of column names was found in the first {looked_at} lines; the first line is `{first}`. \
             State `header` (the number of the line) or `separator`; if the file has no such line, add one"
    )]
    NoHeader {
        /// So many lines were looked at.
        looked_at: usize,
        /// The first one, in part.
        first: String,
    },
    /// The file ends in the middle of its packing.
    #[error(
        "the file is cut off: its {container} packing ends early, after {unpacked_bytes} bytes of content; \
             send the whole file again"
    )]
    CutOff {
        /// How it is packed.
        container: &'static str,
        /// Bytes that came out of it.
        unpacked_bytes: u64,
    },
    /// The packing is damaged.
    #[error(
        "the file is damaged: its {container} packing cannot be read on after {unpacked_bytes} bytes of content \
             ({fault}); pack it again"
    )]
    Damaged {
        /// How it is packed.
        container: &'static str,
        /// Bytes that came out of it.
        unpacked_bytes: u64,
        /// What the unpacker says.
        fault: String,
    },
    /// More comes out of it than is allowed.
    #[error("the file unpacks to more than {limit}; send it in parts, or packed less densely")]
    TooLarge {
        /// What was allowed.
        limit: String,
    },
    /// The place to go on at is behind the end of the file.
    #[error("the file is shorter than what was read from it before")]
    Shortened,
    /// The disk or the network.
    #[error("the file cannot be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for TableError {
    /// Errors of ours travel through readers inside of those of `io`.
    fn from(error: io::Error) -> TableError {
        match error.downcast::<TableError>() {
            Ok(ours) => ours,
            Err(other) => TableError::Io(other),
        }
    }
}

impl From<TableError> for io::Error {
    fn from(error: TableError) -> io::Error {
        match error {
            TableError::Io(error) => error,
            other => io::Error::other(other),
        }
    }
}

impl TableError {
    /// The fault of the disk, if it is one; everything else is the file's.
    ///
    /// # Errors
    /// The error as it is, when it is the file's.
    pub fn into_io(self) -> Result<io::Error, TableError> {
        match self {
            TableError::Io(error) => Ok(error),
            other => Err(other),
        }
    }
}
