//! Customer intelligence on real tenants: the pure crate `intelligence` between a read from Postgres and a write to it.
//!
//! Reading order: `runs` (what a run is and how it moves on), `prepare` (statistics, segmentation), `training`
//! and `registry` (models), `knowledge` (everything that scoring needs), `score` (customers to rows), `write` (rows to
//! tables), `summary` (what a run says of itself), `changed` (what follows an order).

pub mod changed;
mod copy;
pub mod knowledge;
pub mod named;
pub mod orders;
pub mod prepare;
pub mod registry;
pub mod runs;
pub mod score;
pub mod summary;
pub mod training;
pub mod write;
