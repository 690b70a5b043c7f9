//! Trains a model of churn from snapshots of the past, and says how good it is on customers it did not see.
//!
//! The newest fold (`folds.rs`) stops the boosting; the two newest choose weights and calibration; the model itself is
//! then trained on all snapshots.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    ArtefactError, Model, NotEnough, Stored, Tier, Weights, baselines, baselines::fit_regression,
    eligibility, inputs, probability,
};
use crate::{
    boosting::{self, BoostingError, Labelled, Objective},
    calibration::Calibration,
    features::FEATURES,
    folds,
    forest::{Forest, ForestError},
    history::Outcome,
    metrics::{
        CalibrationBin, Classification, Score, calibration_bins, classification, log_loss, loss,
        paired_p_value,
    },
    snapshot::{Snapshot, alive_model},
    special_functions::log_odds,
};

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The trees' parameters.
    pub boosting: boosting::Settings,
    /// Models that differ in their seed alone and are averaged.
    pub seeds: u32,
    /// The same for the folds, which only choose the number of trees, weights and calibration.
    pub fold_seeds: u32,
    /// Most rows to train on; beyond, a fixed sample is taken.
    pub rows: usize,
    /// Bootstrap replicates behind the intervals of the report.
    pub replicates: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        let boosting = boosting::Settings {
            objective: Objective::Binary,
            leaves: 15,
            learning_rate: 0.03,
            feature_fraction: 0.6,
            bagging_fraction: 0.7,
            minimum_leaf_rows: 100,
            ridge: 5.0,
            random_thresholds: true,
            rounds: 600,
            patience: 40,
            threads: 1,
        };
        Settings { boosting, seeds: 5, fold_seeds: 2, rows: 250_000, replicates: 200 }
    }
}

/// A model and what is known about it.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Ready to score.
    pub model: Model,
    /// How it was made and how good it is.
    pub report: TrainingReport,
    /// Answers for the newest closed window by models that had not seen it, for a comparison with the champion.
    pub held_back: Option<HeldBack>,
}

/// Answers for customers that the answering model was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The snapshot's day, since 1970-01-01.
    pub day: i32,
    /// The customers' numbers in the lines.
    pub customers: Vec<u32>,
    /// Calibrated probability of churn.
    pub probabilities: Vec<f64>,
    /// What happened.
    pub churned: Vec<bool>,
}

/// How a model was made and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// What the data could carry.
    pub tier: Tier,
    /// What was missing for more.
    pub missing: Vec<NotEnough>,
    /// Days of the training snapshots, newest first, since 1970-01-01.
    pub snapshot_days: Vec<i32>,
    /// Days after a snapshot that churn is about.
    pub horizon: u32,
    /// Rows trained on.
    pub rows: usize,
    /// Share of them that churned.
    pub churn_rate: f64,
    /// Trees a seed; none without trees.
    pub rounds: Option<u32>,
    /// The parts' weights.
    pub weights: Weights,
    /// Name of the calibration.
    pub calibration: String,
    /// Why that one.
    pub calibration_reason: String,
    /// Features with their share of the trees' gain, largest first.
    pub importance: Vec<(String, f64)>,
    /// Figures on the newest fold, ours first; empty without a fold.
    pub held_back: Vec<(String, Classification)>,
    /// The calibration plot of the newest fold.
    pub calibration_bins: Vec<CalibrationBin>,
    /// The parameters.
    pub settings: Settings,
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum CannotTrain {
    /// The data cannot carry any.
    #[error("not enough data: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotEnough(Vec<NotEnough>),
    /// LightGBM failed.
    #[error(transparent)]
    Boosting(#[from] BoostingError),
    /// LightGBM's text could not be read.
    #[error(transparent)]
    Forest(#[from] ForestError),
    /// The regression could not be fitted.
    #[error(transparent)]
    Regression(#[from] crate::logistic::CannotFit),
    /// The parts do not make a model.
    #[error(transparent)]
    Model(#[from] ArtefactError),
}

/// Trains on `closed`, snapshots whose windows have closed by `now.day` (others are left out), for use on `now`.
///
/// # Errors
/// The data cannot carry any model, or a library failed.
pub fn train(now: &Snapshot, closed: &[Snapshot], settings: &Settings) -> Result<Trained, CannotTrain> {
    let closed = folds::closed(now, closed);
    let allowed = eligibility::eligibility(now, &closed);
    let Some(tier) = allowed.tier else { return Err(CannotTrain::NotEnough(allowed.missing)) };
    let checks = if tier == Tier::Purchases { Vec::new() } else { folds::folds(&closed) };
    let mut rounds = (tier == Tier::Trees).then_some(ROUNDS_WITHOUT_A_FOLD);
    let mut answers: Vec<Answers> = Vec::new();
    let for_folds = Settings { seeds: settings.fold_seeds, ..*settings };
    for (newest, (training, test)) in checks.iter().enumerate().map(|(i, fold)| (i == 0, fold)) {
        let parts = Parts::train(training, test, tier, &mut rounds, newest, &for_folds)?;
        answers.push(parts.answers(test));
    }
    let purchases = now.purchases.as_ref().ok().map(|fit| fit.model);
    let with_purchases = alive_model(&now.purchases).is_some();
    let weights = match tier {
        Tier::Purchases => Weights { trees: 0.0, regression: 0.0, purchases: 1.0 },
        _ => choose_weights(&answers, tier, with_purchases),
    };
    let (calibration, calibration_reason) = choose_calibration(&answers, weights);
    let parts = match tier {
        Tier::Purchases => Parts::default(),
        _ => Parts::train(&closed, now, tier, &mut rounds, false, settings)?,
    };
    let churn: Vec<bool> = closed.iter().flat_map(|snapshot| snapshot.churned()).collect();
    let held_back = checks.first().zip(answers.first()).map(|((_, test), newest)| {
        // the model's own calibration has seen this window; the older window's has not
        let honest = match (&calibration, answers.get(1)) {
            (Calibration::Platt { .. }, Some(older)) => {
                Calibration::platt(&mixed(older, weights), &older.churned)
            }
            (Calibration::Isotonic { .. }, Some(older)) => {
                Calibration::isotonic(&mixed(older, weights), &older.churned)
            }
            _ => Calibration::None,
        };
        HeldBack {
            day: test.day,
            customers: test.customers.clone(),
            probabilities: mixed(newest, weights).iter().map(|score| honest.probability(*score)).collect(),
            churned: newest.churned.clone(),
        }
    });
    let mut figures = Vec::new();
    let mut bins = Vec::new();
    if let (Some(held_back), Some((training, test))) = (&held_back, checks.first()) {
        let ours = classification(
            &held_back.probabilities,
            &held_back.churned,
            Score::Probability,
            settings.replicates,
        );
        figures.push(("ours".to_owned(), ours));
        bins = calibration_bins(&held_back.probabilities, &held_back.churned);
        for baseline in baselines::baselines(training, test, settings.boosting.threads) {
            if let Ok(scores) = &baseline.scores {
                let measured = classification(scores, &held_back.churned, baseline.kind, settings.replicates);
                figures.push((baseline.name.to_owned(), measured));
            }
        }
    }
    let mut importance: Vec<(String, f64)> = FEATURES
        .iter()
        .map(|feature| feature.name.to_owned())
        .zip(boosting::importance(&parts.texts, FEATURES.len()))
        .filter(|(_, share)| *share > 0.0)
        .collect();
    importance.sort_by(|left, right| right.1.total_cmp(&left.1));
    let report = TrainingReport {
        tier,
        missing: allowed.missing,
        snapshot_days: closed.iter().map(|snapshot| snapshot.day).collect(),
        horizon: now.horizon,
        rows: churn.len().min(settings.rows),
        churn_rate: churn.iter().filter(|gone| **gone).count() as f64 / churn.len().max(1) as f64,
        rounds,
        weights,
        calibration: calibration.name().to_owned(),
        calibration_reason,
        importance,
        held_back: figures,
        calibration_bins: bins,
        settings: *settings,
    };
    let stored = Stored {
        features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
        horizon: now.horizon,
        trees: if weights.trees > 0.0 { parts.texts } else { Vec::new() },
        regression: parts.regression.filter(|_| weights.regression > 0.0),
        purchases: purchases.filter(|_| weights.purchases > 0.0),
        weights,
        calibration,
    };
    Ok(Trained { model: Model::new(stored)?, report, held_back })
}

/// Trees when no fold could say how many: the middle of what shops need at this learning rate.
const ROUNDS_WITHOUT_A_FOLD: u32 = 80;
/// The parts that learn from labels.
#[derive(Default)]
struct Parts {
    texts: Vec<String>,
    regression: Option<crate::logistic::Logistic>,
}

impl Parts {
    /// Trains them; with `stopping` the number of trees is found on `test`, otherwise it is `rounds`.
    fn train(
        training: &[&Snapshot],
        test: &Snapshot,
        tier: Tier,
        rounds: &mut Option<u32>,
        stopping: bool,
        settings: &Settings,
    ) -> Result<Parts, CannotTrain> {
        let regression = Some(fit_regression(training)?);
        let Some(known) = *rounds else { return Ok(Parts { texts: Vec::new(), regression }) };
        if tier != Tier::Trees {
            return Ok(Parts { texts: Vec::new(), regression });
        }
        let (rows, labels) = folds::table(training, settings.rows, churn_label);
        let (test_rows, test_labels) = folds::table(&[test], settings.rows, churn_label);
        let validation = stopping.then_some(Labelled { rows: &test_rows, labels: &test_labels });
        let mut boosting = settings.boosting;
        if !stopping {
            boosting.rounds = known;
        }
        // Seeds side by side, each on one thread: LightGBM's own threads wait for each other at every tree.
        let texts: Vec<String> = (1..=settings.seeds.max(1))
            .into_par_iter()
            .map(|seed| {
                boosting::train(
                    Labelled { rows: &rows, labels: &labels },
                    validation,
                    &folds::names(),
                    &boosting,
                    seed,
                )
            })
            .collect::<Result<_, _>>()?;
        if stopping {
            let all: u32 = texts.iter().map(|text| boosting::rounds(text)).sum();
            *rounds = Some((all / texts.len() as u32).max(5));
        }
        Ok(Parts { texts, regression })
    }

    /// The log-odds of every part for a snapshot.
    fn answers(&self, test: &Snapshot) -> Answers {
        let trees =
            Forest::parse(&self.texts, &folds::names()).ok().map(|forest| forest.scores(&test.features));
        let regression = self.regression.as_ref().map(|line| {
            let rows = (0..test.features.rows()).map(|row| inputs::of(test.features.row(row)));
            rows.map(|x| x.map_or(0.0, |x| line.score(&x))).collect()
        });
        let silent = alive_model(&test.purchases).and(test.silent());
        let purchases = silent.map(|silent| silent.into_iter().map(log_odds).collect());
        Answers { trees, regression, purchases, churned: test.churned() }
    }
}

/// 1 for churn.
fn churn_label(outcome: &Outcome) -> f32 {
    f32::from(u8::from(outcome.orders == 0))
}

/// The parts' log-odds for a fold's customers.
struct Answers {
    trees: Option<Vec<f64>>,
    regression: Option<Vec<f64>>,
    purchases: Option<Vec<f64>>,
    churned: Vec<bool>,
}

/// The weighted log-odds.
fn mixed(answers: &Answers, weights: Weights) -> Vec<f64> {
    let mut sums = vec![0.0; answers.churned.len()];
    let parts = [
        (weights.trees, &answers.trees),
        (weights.regression, &answers.regression),
        (weights.purchases, &answers.purchases),
    ];
    for (weight, part) in parts {
        if let Some(part) = part.as_ref().filter(|_| weight > 0.0) {
            sums.iter_mut().zip(part).for_each(|(sum, score)| *sum += weight * score);
        }
    }
    sums
}

/// The mixture with the smallest log loss over the folds, each after its own best line: a mixture is chosen for what
/// it tells of customers apart, not for having met the season's level by luck. Ties go to the earlier candidate.
fn choose_weights(folds: &[Answers], tier: Tier, with_purchases: bool) -> Weights {
    let candidates: &[(f64, f64, f64)] = match tier {
        Tier::Trees => &[
            (0.5, 0.5, 0.0),
            (0.6, 0.2, 0.2),
            (0.5, 0.25, 0.25),
            (0.4, 0.4, 0.2),
            (0.7, 0.3, 0.0),
            (0.3, 0.7, 0.0),
            (0.7, 0.0, 0.3),
            (1.0, 0.0, 0.0),
            (0.0, 1.0, 0.0),
        ],
        _ => &[(0.0, 1.0, 0.0), (0.0, 0.7, 0.3), (0.0, 0.5, 0.5)],
    };
    let usable =
        candidates.iter().map(|&(trees, regression, purchases)| Weights { trees, regression, purchases });
    let purchases_everywhere = with_purchases && folds.iter().all(|fold| fold.purchases.is_some());
    let usable: Vec<Weights> = usable.filter(|w| w.purchases == 0.0 || purchases_everywhere).collect();
    let cost = |weights: &Weights| -> f64 {
        let losses = folds.iter().filter_map(|fold| {
            let scores = mixed(fold, *weights);
            let line = Calibration::platt(&scores, &fold.churned);
            let probabilities: Vec<f64> = scores.iter().map(|score| line.probability(*score)).collect();
            log_loss(&probabilities, &fold.churned)
        });
        losses.sum()
    };
    let mut best = (f64::INFINITY, usable[0]);
    for weights in usable {
        let cost = cost(&weights);
        if cost < best.0 - 1e-9 {
            best = (cost, weights);
        }
    }
    best.1
}

/// Chance that is accepted when a calibration is kept.
const SIGNIFICANT: f64 = 0.05;
/// The largest mean error of the log-odds on the newest fold that still looks like drift. Beyond it the season has
/// turned or the shop has changed, and what was wrong last quarter says nothing about the next.
const LARGEST_SHIFT: f64 = 0.3;

/// A calibration fitted on the older fold must improve the newer one; then it is fitted anew on the newer one. One
/// fold alone cannot show that a correction lasts: there the model's own probabilities stay.
fn choose_calibration(folds: &[Answers], weights: Weights) -> (Calibration, String) {
    let [newer, older] = folds else {
        return (
            Calibration::None,
            "kept as it is: one held-back window cannot show that a correction lasts".into(),
        );
    };
    let (now, before) = (mixed(newer, weights), mixed(older, weights));
    let shift = mean_shift(&now, &newer.churned);
    if shift.abs() > LARGEST_SHIFT {
        let reason =
            format!("kept as it is: an error of {shift:+.2} in the log-odds is a season, not a drift");
        return (Calibration::None, reason);
    }
    let raw: Vec<f64> = now.iter().map(|score| probability(*score)).collect();
    let mut best: Option<(f64, Calibration)> = None;
    type Fit = fn(&[f64], &[bool]) -> Calibration;
    for fit in [Calibration::platt as Fit, Calibration::isotonic as Fit] {
        let fitted = fit(&before, &older.churned);
        let corrected: Vec<f64> = now.iter().map(|score| fitted.probability(*score)).collect();
        let differences: Vec<f64> = (0..now.len())
            .map(|i| loss(corrected[i], newer.churned[i]) - loss(raw[i], newer.churned[i]))
            .collect();
        let gain = differences.iter().sum::<f64>();
        let real = paired_p_value(&differences).is_some_and(|p| p < SIGNIFICANT);
        if real && best.as_ref().is_none_or(|(most, _)| gain < *most) {
            best = Some((gain, fit(&now, &newer.churned)));
        }
    }
    match best {
        Some((_, calibration)) => {
            (calibration, "fitted on the newer held-back window after the older one's had improved it".into())
        }
        None => (
            Calibration::None,
            "kept as it is: the older window's correction did not improve the newer".into(),
        ),
    }
}

/// What must be added to all log-odds so that the mean probability is the realised rate.
fn mean_shift(scores: &[f64], churned: &[bool]) -> f64 {
    let wanted = churned.iter().filter(|gone| **gone).count() as f64;
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        let sum: f64 = scores.iter().map(|score| probability(score + middle)).sum();
        if sum < wanted { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}
