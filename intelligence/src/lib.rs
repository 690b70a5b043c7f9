//! Customer intelligence as pure computation: no database, no clock, no network.
//!
//! Order lines go in as columns; features, segments, archetypes, churn probabilities and lifetime values come
//! out. Everything is a function of its arguments, so a run that is killed and begun again gives the same bits.

pub mod bg_nbd;
pub mod boosting;
pub mod calibration;
pub mod features;
pub mod forest;
pub mod gamma_gamma;
pub mod history;
pub mod lines;
pub mod logistic;
pub mod matrix;
pub mod metrics;
pub mod optimise;
mod orders;
pub mod random;
pub mod special_functions;
