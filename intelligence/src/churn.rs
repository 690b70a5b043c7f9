//! The probability that a customer buys nothing in the coming days, and what it is made of.
//!
//! A model is up to three parts whose log-odds are averaged: LightGBM trees over all features, a logistic regression
//! on some of them, and BG/NBD. A shop has as many of them as its data can carry (`eligibility.rs`); the weights and
//! the calibration come from snapshots that the parts did not see (`training.rs`).

mod baselines;
mod comparison;
pub(crate) mod eligibility;
pub(crate) mod inputs;
mod training;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use baselines::{Baseline, baselines, plain_boosting};
pub use comparison::{Verdict, better};
pub use eligibility::{Eligibility, NotEnough, Tier, eligibility};
pub use training::{CannotTrain, HeldBack, Settings, Trained, TrainingReport, settings, train};

pub use crate::artefact::ArtefactError;
use crate::{
    artefact::{self, Kind},
    bg_nbd::BgNbd,
    boosting,
    calibration::Calibration,
    features::FEATURES,
    forest::Forest,
    logistic::Logistic,
    matrix::Matrix,
    reasons::{Reason, reasons},
    special_functions::{log_odds, logistic},
};

const KIND: Kind = Kind { name: "churn", magic: *b"DWCHURN\x02" };

/// A trained model, ready to score from any thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    stored: Stored,
    forest: Option<Forest>,
}

/// What of it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    features: Vec<String>,
    horizon: u32,
    trees: Vec<String>,
    regression: Option<Logistic>,
    purchases: Option<BgNbd>,
    weights: Weights,
    calibration: Calibration,
    /// Known outcomes that the model was made from; 0 in a model that was stored before they were counted.
    #[serde(default)]
    outcomes: u64,
}

/// The parts' shares in the averaged log-odds; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// LightGBM's.
    pub trees: f64,
    /// The regression's.
    pub regression: f64,
    /// BG/NBD's.
    pub purchases: f64,
}

impl Model {
    fn new(stored: Stored) -> Result<Model, ArtefactError> {
        let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        if !stored.features.iter().map(String::as_str).eq(names.iter().copied()) {
            return Err(ArtefactError::Unusable("it was trained on other features".into()));
        }
        let Weights { trees, regression, purchases } = stored.weights;
        let needed = [
            (trees, !stored.trees.is_empty()),
            (regression, stored.regression.is_some()),
            (purchases, stored.purchases.is_some()),
        ];
        let sound = needed.iter().all(|(weight, there)| *weight >= 0.0 && (*weight == 0.0 || *there))
            && (trees + regression + purchases - 1.0).abs() < 1e-6
            && stored
                .regression
                .as_ref()
                .is_none_or(|line| line.is_sound() && line.inputs() == inputs::COUNT)
            && stored.purchases.is_none_or(|model| model.is_sound())
            && stored.calibration.is_sound()
            && stored.horizon > 0;
        if !sound {
            return Err(ArtefactError::Unusable("its numbers contradict each other".into()));
        }
        let forest = artefact::forest(&stored.trees, &names)?;
        Ok(Model { stored, forest })
    }

    /// The bytes to store; `from_artefact` of them scores with the same bits.
    pub fn to_artefact(&self) -> Vec<u8> {
        artefact::seal(KIND, &self.stored)
    }

    /// The model in stored bytes.
    ///
    /// # Errors
    /// Bytes that are damaged, foreign, or of a model for other features; never a panic.
    pub fn from_artefact(bytes: &[u8]) -> Result<Model, ArtefactError> {
        Model::new(artefact::open(KIND, bytes)?)
    }

    /// Days after the cut-off that a probability is about.
    pub fn horizon(&self) -> u32 {
        self.stored.horizon
    }

    /// Probability of no purchase within the horizon, one a row of `features::compute`; none for a customer without
    /// an order. Never 0 or 1: see [`least_probability`]. The bits do not depend on the number of threads or on the
    /// other rows.
    ///
    /// # Panics
    /// The table does not have the 66 columns.
    pub fn score(&self, features: &Matrix) -> Vec<Option<f32>> {
        let scores = self.scores(features);
        let least = least_probability(self.stored.outcomes) as f32;
        let probabilities = scores.into_par_iter().map(|score| {
            let probability = self.stored.calibration.probability(score?) as f32;
            probability.is_finite().then(|| probability.clamp(least, 1.0 - least))
        });
        probabilities.collect()
    }

    /// Why the model says so: at most five features for each row that has a probability, those that moved it most.
    ///
    /// # Errors
    /// LightGBM cannot read its own trees.
    pub fn reasons(&self, features: &Matrix) -> Result<Vec<Vec<Reason>>, boosting::BoostingError> {
        let Weights { trees, regression, purchases } = self.stored.weights;
        let mut parts = vec![vec![0.0f64; FEATURES.len()]; features.rows()];
        if trees > 0.0 {
            let found = boosting::contributions(&self.stored.trees, features)?;
            for (row, sums) in parts.iter_mut().enumerate() {
                sums.iter_mut().zip(found.row(row)).for_each(|(sum, part)| *sum += trees * f64::from(*part));
            }
        }
        for (row, sums) in parts.iter_mut().enumerate() {
            let values = features.row(row);
            if let (Some(line), Some(x)) = (&self.stored.regression, inputs::of(values)) {
                for (column, part) in inputs::COLUMNS.iter().zip(line.contributions(&x)) {
                    sums[*column] += regression * part;
                }
            }
            if let (Some(model), Some(x)) = (&self.stored.purchases, inputs::observation(values)) {
                // against a customer who is as likely to buy as not
                let column = if model.is_credible() { inputs::ALIVE } else { inputs::RECENCY };
                sums[column] += purchases * log_odds(model.silent(x, f64::from(self.stored.horizon)));
            }
        }
        Ok(parts.iter().enumerate().map(|(row, parts)| reasons(features.row(row), parts)).collect())
    }

    /// The averaged log-odds before calibration; none for a customer without an order.
    fn scores(&self, features: &Matrix) -> Vec<Option<f64>> {
        assert_eq!(features.columns(), FEATURES.len(), "a column a feature");
        let trees = self.forest.as_ref().map(|forest| forest.scores(features));
        let weights = self.stored.weights;
        let score = |row: usize| {
            let values = features.row(row);
            let (x, observation) = (inputs::of(values)?, inputs::observation(values)?);
            let mut sum = 0.0;
            if let Some(trees) = &trees {
                sum += weights.trees * trees[row];
            }
            if let Some(line) = self.stored.regression.as_ref().filter(|_| weights.regression > 0.0) {
                sum += weights.regression * line.score(&x);
            }
            if let Some(model) = self.stored.purchases.as_ref().filter(|_| weights.purchases > 0.0) {
                sum +=
                    weights.purchases * log_odds(model.silent(observation, f64::from(self.stored.horizon)));
            }
            sum.is_finite().then_some(sum)
        };
        (0..features.rows()).into_par_iter().with_min_len(512).map(score).collect()
    }
}

/// The smallest probability that a model from `outcomes` known outcomes states, and by which the largest stays below 1:
/// half an outcome in all of them (as where log-odds are estimated from counts; Haldane, "The estimation and
/// significance of the logarithm of a ratio of frequencies", Annals of Human Genetics 20, 1956). Never less than 0.0001, because four places are shown, and never more than a hundredth.
pub fn least_probability(outcomes: u64) -> f64 {
    if outcomes == 0 { 1e-4 } else { (0.5 / outcomes as f64).clamp(1e-4, 1e-2) }
}

/// The probability of log-odds, kept inside (0, 1).
fn probability(score: f64) -> f64 {
    logistic(score).clamp(1e-6, 1.0 - 1e-6)
}

#[cfg(test)]
pub(crate) mod tests;
