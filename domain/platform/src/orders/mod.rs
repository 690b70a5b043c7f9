//! Orders come in as statements of what a shop's files and systems say of them, and go out to the intelligence in
//! Postgres' binary form.
//!
//! A [`statement`] is what a source says of one order. [`state`](mod@state) decides what it does to what is stored, by
//! `content` and time, and `store` writes it. [`import`] drives what a reader finds in a file through that, batch by batch;
//! [`mod@undo`] takes an import back. Profiles are derived from lines that count under the tenant's [`rule`], by
//! [`stale`]. [`mod@export`] is the way out.

mod columns;
mod content;
pub mod csv;
pub mod export;
pub mod import;
mod line;
pub mod progress;
mod records;
pub mod rule;
mod seen;
pub mod stale;
pub mod state;
pub mod statement;
mod store;
pub mod undo;

pub use columns::HeaderError;
