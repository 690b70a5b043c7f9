//! Forgetting a person and telling what is known of one: the owners' parts, one after the other.

pub mod again;
pub mod archive;
pub mod erase;
pub mod page;
pub mod whom;
