//! Why a file cannot be read as orders.

use tables::TableError;

/// Why a file cannot be read as orders at all, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no table, or stopped being one.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Columns are missing.
    #[error(
        "there is no column for {}; the file was taken for {profile} and has the columns {columns}. Say by a mapping which \
             columns these are, or give them these names; if the names are not readable here, state `encoding`",
        what.join(", ")
    )]
    Missing {
        /// What they would say.
        what: Vec<&'static str>,
        /// What the file was taken for.
        profile: &'static str,
        /// What it has, shortened.
        columns: String,
        /// All names of its columns.
        names: Vec<String>,
    },
    /// Two columns of one name could both be meant.
    #[error("there are two columns `{0}`, and either could be meant; rename one of them")]
    Twice(String),
    /// The file can be read in two ways, and it does not say which.
    #[error("{message}; state `{option}`")]
    Ask {
        /// The option that would say.
        option: &'static str,
        /// What was seen.
        message: String,
    },
    /// A mapping does not fit the file.
    #[error("{0}")]
    Mapping(String),
    /// Below its rows other names of columns stand.
    #[error(
        "in line {line} the names of columns stand again, and others than above or in another order, as in files that were \
             joined; divide the file before that line, and import the parts one by one"
    )]
    OtherColumns {
        /// Number of that line, from 1.
        line: u64,
    },
    /// A stated option does not fit the file, or is none.
    #[error("{0}")]
    Option(String),
}
