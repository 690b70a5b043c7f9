//! Orders come in as purchase logs in CSV.
//!
//! [`import`] drives; `records` cuts the stream into records in constant memory, `columns` finds out which column
//! means what, `line` turns a record into an order line or a reason why not, and `store` commits a batch with its
//! checkpoint.

mod columns;
pub mod import;
mod line;
mod records;
mod store;

pub use columns::HeaderError;
