//! Customer intelligence as pure computation: no database, no clock, no network.
//!
//! Order lines go in as columns; features, segments, archetypes, churn probabilities and lifetime values come
//! out. Everything is a function of its arguments, so a run that is killed and begun again gives the same bits.

pub mod bg_nbd;
pub mod matrix;
