//! Segments against a real Postgres: every rule counts what a plain reading of it counts, by every way of counting;
//! evaluations replace members at once; tenants see their own.

mod counting;
mod evaluating;
mod keeping;
mod people;
mod reading;
#[path = "../../../accounts/tests/world/mod.rs"]
mod world;
