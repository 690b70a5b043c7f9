//! Knowledge: what a shop has written down for its customers and colleagues.
//!
//! An article has a text for each language and a version for each save; one version may be published. What is published is
//! rendered once, made safe, and kept with its words, so that a page costs one read.

pub mod customers;
pub mod deflection;
pub mod help;
pub mod link;
pub mod page;
pub mod search;
mod spelling;
pub mod store;
