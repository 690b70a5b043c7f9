//! Schema `platform`: orders, the customers who placed them, and what the intelligence found out about both.
//!
//! The apps of the other schemas may read it, never write it.

pub mod analytics;
pub mod anonymous_ids;
mod copy;
pub mod customers;
pub mod directory;
pub mod identities;
pub mod insights;
pub mod kinds;
pub mod models;
pub mod money;
pub mod orders;
pub mod personal;
pub mod probability;
pub mod risk;
pub mod roster;
pub mod runs;
pub mod shops;
pub mod sources;
pub mod zone;
