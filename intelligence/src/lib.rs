//! Customer intelligence as pure computation: no database, no clock, no network.
//!
//! Order lines go in as columns; features, segments, archetypes, churn probabilities and lifetime values come
//! out. Everything is a function of its arguments, so a run that is killed and begun again gives the same bits.

pub mod adjusted_rand;
pub mod archetypes;
mod artefact;
pub mod axes;
pub mod bg_nbd;
pub mod boosting;
pub mod calibration;
pub mod churn;
pub mod cold_start;
pub mod drift;
pub mod ensemble;
pub mod evaluate;
pub mod features;
mod folds;
pub mod forecast;
pub mod forest;
pub mod gamma_gamma;
pub mod heirs;
pub mod history;
pub mod lines;
pub mod logistic;
pub mod matrix;
pub mod metrics;
pub mod optimise;
mod orders;
pub mod random;
pub mod reasons;
pub mod season;
pub mod segmentation;
pub mod snapshot;
pub mod special_functions;
pub mod spend;
pub mod stop;
pub mod words;
