//! LightGBM models that differ in their seed alone and are averaged: how they are trained, for churn as for spend.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    boosting::{self, BoostingError, Labelled},
    folds,
    matrix::Matrix,
    stop::Stop,
};

/// How a model is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The trees' parameters.
    pub boosting: boosting::Settings,
    /// Models that differ in their seed alone and are averaged.
    pub seeds: u32,
    /// The same for the folds, which only choose the number of trees, weights, calibration and intervals.
    pub fold_seeds: u32,
    /// Most rows to train on; beyond, a fixed sample is taken.
    pub rows: usize,
    /// Bootstrap replicates behind the intervals of the report.
    pub replicates: usize,
}

/// Trees when no fold could say how many: the middle of what shops need, which is 80 at a learning rate of 0.03.
pub(crate) fn rounds_without_a_fold(settings: &boosting::Settings) -> u32 {
    (80.0 * 0.03 / settings.learning_rate.max(1e-3)).round() as u32
}

/// Rows with their labels.
pub(crate) type Table = (Matrix, Vec<f32>);

/// The texts of all seeds, in their order, trained beside each other.
pub(crate) fn train(
    (rows, labels): &Table,
    validation: Option<&Table>,
    settings: &boosting::Settings,
    seeds: u32,
    stop: &Stop,
) -> Result<Vec<String>, BoostingError> {
    let validation = validation.map(|(rows, labels)| Labelled { rows, labels });
    let names = folds::names();
    let one = |seed| boosting::train(Labelled { rows, labels }, validation, &names, settings, seed, stop);
    (1..=seeds.max(1)).into_par_iter().map(one).collect()
}

/// The mean number of trees of models that stopped by themselves.
pub(crate) fn rounds(texts: &[String]) -> u32 {
    let all: u32 = texts.iter().map(|text| boosting::rounds(text)).sum();
    (all / texts.len().max(1) as u32).max(5)
}

/// Features with their share of the trees' gain, largest first; those without any are left out.
pub(crate) fn importance(texts: &[String]) -> Vec<(String, f64)> {
    let names = folds::names();
    let shares = boosting::importance(texts, names.len());
    let mut importance: Vec<(String, f64)> =
        names.iter().map(ToString::to_string).zip(shares).filter(|(_, share)| *share > 0.0).collect();
    importance.sort_by(|left, right| right.1.total_cmp(&left.1));
    importance
}
