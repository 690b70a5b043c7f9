//! The words that people read of customers: what an archetype is called, what one sentence says of a customer, and
//! where a customer stands among the others.
//!
//! Everything is chosen by rules from numbers, so the same numbers have the same words. A customer is a person and is
//! never spoken of as a thing.

mod apart;
mod archetype;
mod called;
mod customer;
mod plain;
mod spread;

pub use archetype::MOST_WORDS;
pub(crate) use archetype::{Group, Ranks, name_all};
pub use customer::{Known, MOST_CHARACTERS, sentence};
pub use spread::{LEADING, LEAST_COMPARED, Place, Spread, UNKNOWN};
