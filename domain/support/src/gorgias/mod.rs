//! What the Gorgias help desk sends us, and what we make of it. Pure: no database, no network.
//!
//! A delivery is verified (`accounts::verify`) on its raw bytes, read ([`delivery`]), given a deduplication key
//! ([`dedup`]), and judged by the skip rules ([`rules`]), which need its source ([`source`]).

/// The name under which deliveries, tickets and metrics of this help desk are kept.
pub const PROVIDER: &str = "gorgias";

pub mod dedup;
pub mod delivery;
mod fields;
pub(crate) mod history;
pub mod html;
mod message;
mod parse;
pub mod remarks;
pub mod rules;
pub mod source;
mod speaker;
mod tags;
mod text;
pub(crate) mod words;
mod wrapping;

pub use speaker::is_machine;
