//! Orders come in as purchase logs in CSV, and go out to the intelligence in Postgres' binary form.
//!
//! [`import`] drives the way in: `records` cuts the stream into records in constant memory, `columns` finds out which
//! column means what, `line` turns a record into an order line or a reason why not, and `store` commits a batch with
//! its checkpoint. [`mod@export`] is the way out.

mod columns;
pub mod export;
pub mod import;
mod line;
pub mod mapping;
pub mod preview;
mod profiles;
pub mod progress;
pub mod reading;
mod records;
pub mod statement;
mod store;

pub use columns::HeaderError;
pub use profiles::{Meaning, Status};
