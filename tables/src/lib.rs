//! Files of people as rows of cells: shop exports, spreadsheets, logs. What form a file has is found from the file, told
//! as [`Decisions`], and may be stated instead by [`Options`]. Whatever its size, memory stays below some 30 MB, and no
//! input is trusted: every length has a bound, and what is wrong with a file is said so that its owner can mend it.
//!
//! The crate knows nothing of orders. [`Table::open`] gives rows; [`number`] and [`date`] read cells in one form for a
//! whole file, which they find from evidence.

mod columnar;
mod container;
pub mod date;
mod decisions;
mod delimited;
mod encoding;
mod error;
mod layout;
pub mod number;
mod row;
mod sheet;
mod source;
mod table;

pub use decisions::{Container, Decisions, Found, LineEnd, Options, plain_name};
pub use delimited::{CELLS_LIMIT, RECORD_LIMIT_BYTES, RECORD_LIMIT_LINES};
pub use encoding::is_encoding;
pub use error::TableError;
pub use row::{Fault, Kept, Position, Row};
pub use source::Source;
pub use table::Table;
