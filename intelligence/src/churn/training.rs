//! Trains a model of churn from snapshots of the past, and says how good it is on customers it did not see.
//!
//! The newest fold (`folds.rs`) stops the boosting; the two newest choose weights and calibration; the model itself is
//! then trained on all snapshots.

use serde::{Deserialize, Serialize};

use super::{
    ArtefactError, Model, NotEnough, Stored, Tier, Weights, baselines, eligibility, inputs, probability,
};
pub use crate::ensemble::Settings;
use crate::{
    boosting::{self, BoostingError, Objective},
    calibration::Calibration,
    ensemble::{self, Table},
    folds,
    forest::{Forest, ForestError},
    logistic::Logistic,
    metrics::{
        CalibrationBin, Classification, Score, calibration_bins, classification, clearly_better, loss,
    },
    snapshot::{Snapshot, alive_model},
    special_functions::log_odds,
    stop::Stop,
};

/// The settings that `make evaluate` measures.
pub fn settings() -> Settings {
    let boosting = boosting::Settings {
        objective: Objective::Binary,
        leaves: 15,
        learning_rate: 0.03,
        feature_fraction: 0.6,
        bagging_fraction: 0.7,
        minimum_leaf_rows: 100,
        ridge: 5.0,
        random_thresholds: true,
        falls_with_activity: true,
        rounds: 600,
        patience: 40,
    };
    Settings { boosting, seeds: 5, fold_seeds: 2, rows: 250_000, replicates: 200 }
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
/// The data cannot carry any model, a library failed, or `stop` was asked for.
pub fn train(
    now: &Snapshot,
    closed: &[Snapshot],
    settings: &Settings,
    stop: &Stop,
) -> Result<Trained, CannotTrain> {
    let closed = folds::closed(now, closed);
    let allowed = eligibility::eligibility(now, &closed);
    let Some(tier) = allowed.tier else { return Err(CannotTrain::NotEnough(allowed.missing)) };
    let checks = if tier == Tier::Purchases { Vec::new() } else { folds::folds(&closed) };
    let usual = ensemble::rounds_without_a_fold(&settings.boosting);
    let (mut rounds, mut newest) = ((tier == Tier::Trees).then_some(usual), None);
    if let Some((training, test)) = checks.first() {
        let (found, answers) = newest_fold(training, test, tier, settings, stop)?;
        (rounds, newest) = (found.or(rounds), Some(answers));
    }
    let older = || match checks.get(1) {
        Some((training, test)) => {
            let seeds = settings.fold_seeds;
            Parts::train(&learn(training, settings), rounds, settings, seeds, stop)
                .map(|p| Some(p.answers(test)))
        }
        None => Ok(None),
    };
    let whole = || match tier {
        Tier::Purchases => Ok(Parts::default()),
        _ => Parts::train(&learn(&closed, settings), rounds, settings, settings.seeds, stop),
    };
    let compared =
        || checks.first().map_or_else(Vec::new, |(training, test)| baselines::baselines(training, test));
    let (whole, (older, compared)) = rayon::join(whole, || rayon::join(older, compared));
    let (answers, parts): (Vec<Answers>, Parts) = (newest.into_iter().chain(older?).collect(), whole?);

    let purchases = now.purchases.as_ref().ok().map(|fit| fit.model);
    let weights = match tier {
        Tier::Purchases => Weights { trees: 0.0, regression: 0.0, purchases: 1.0 },
        _ => choose_weights(&answers, tier, alive_model(&now.purchases).is_some()),
    };
    let (calibration, calibration_reason) = choose_calibration(&answers, weights);
    let held_back = checks.first().zip(answers.first()).map(|((_, test), newest)| {
        // the model's own calibration has seen this window; the older window's has not
        let honest = match (calibration, answers.get(1)) {
            (Calibration::Platt { .. }, Some(older)) => {
                Calibration::platt(&mixed(older, weights), &older.churned)
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
    if let Some(held_back) = &held_back {
        let ours = classification(
            &held_back.probabilities,
            &held_back.churned,
            Score::Probability,
            settings.replicates,
        );
        figures.push(("ours".to_owned(), ours));
        bins = calibration_bins(&held_back.probabilities, &held_back.churned);
        for baseline in &compared {
            if let Ok(scores) = &baseline.scores {
                let measured = classification(scores, &held_back.churned, baseline.kind, settings.replicates);
                figures.push((baseline.name.to_owned(), measured));
            }
        }
    }
    let outcomes = closed.iter().flat_map(|snapshot| &snapshot.outcomes);
    let gone = outcomes.clone().filter(|outcome| outcome.orders == 0).count();
    let customers = outcomes.count();
    let report = TrainingReport {
        tier,
        missing: allowed.missing,
        snapshot_days: closed.iter().map(|snapshot| snapshot.day).collect(),
        horizon: now.horizon,
        rows: customers.min(settings.rows),
        churn_rate: gone as f64 / customers.max(1) as f64,
        rounds,
        weights,
        calibration: calibration.name().to_owned(),
        calibration_reason,
        importance: ensemble::importance(&parts.texts),
        held_back: figures,
        calibration_bins: bins,
        settings: *settings,
    };
    let stored = Stored {
        features: folds::names().iter().map(ToString::to_string).collect(),
        horizon: now.horizon,
        trees: if weights.trees > 0.0 { parts.texts } else { Vec::new() },
        regression: parts.regression.filter(|_| weights.regression > 0.0),
        purchases: purchases.filter(|_| weights.purchases > 0.0),
        weights,
        calibration,
        // BG/NBD alone needs no known outcome; it is made from the customers themselves.
        outcomes: if tier == Tier::Purchases { now.customers.len() } else { report.rows } as u64,
    };
    Ok(Trained { model: Model::new(stored)?, report, held_back })
}

/// The ridge of the regression: its inputs repeat each other, and without one they cancel each other out.
const RIDGE: f64 = 100.0;

/// The rows that a model learns from.
fn learn(training: &[&Snapshot], settings: &Settings) -> Table {
    folds::table(training, settings.rows, inputs::churn_label)
}

/// What the newest fold says: the number of trees a seed, and the answers of models that stopped there.
fn newest_fold(
    training: &[&Snapshot],
    test: &Snapshot,
    tier: Tier,
    settings: &Settings,
    stop: &Stop,
) -> Result<(Option<u32>, Answers), CannotTrain> {
    let table = learn(training, settings);
    if tier != Tier::Trees {
        return Ok((None, Parts::train(&table, None, settings, 1, stop)?.answers(test)));
    }
    let validation = folds::table(&[test], settings.rows, inputs::churn_label);
    let trees = || ensemble::train(&table, Some(&validation), &settings.boosting, settings.fold_seeds, stop);
    let (texts, regression) = rayon::join(trees, || fit_regression(&table));
    let texts = texts?;
    let rounds = ensemble::rounds(&texts);
    Ok((Some(rounds), Parts { texts, regression: Some(regression?) }.answers(test)))
}

/// Each customer's loss after the scores' own best line: what is told of customers apart, whatever the season's level.
fn separation_losses(scores: &[f64], churned: &[bool]) -> Vec<f64> {
    let line = Calibration::platt(scores, churned);
    scores.iter().zip(churned).map(|(score, churned)| loss(line.probability(*score), *churned)).collect()
}

/// The regression on the rows of a table; rows without an order are left out.
fn fit_regression((rows, labels): &Table) -> Result<Logistic, crate::logistic::CannotFit> {
    let known = (0..rows.rows()).filter_map(|row| Some((inputs::of(rows.row(row))?, labels[row] > 0.5)));
    let (inputs, churned): (Vec<_>, Vec<bool>) = known.unzip();
    Logistic::fit(&inputs, &churned, RIDGE)
}

/// The parts that learn from labels.
#[derive(Default)]
struct Parts {
    texts: Vec<String>,
    regression: Option<Logistic>,
}

impl Parts {
    /// Trains them, so many trees a seed; without a number no trees.
    fn train(
        table: &Table,
        rounds: Option<u32>,
        settings: &Settings,
        seeds: u32,
        stop: &Stop,
    ) -> Result<Parts, CannotTrain> {
        let trees = || match rounds {
            Some(rounds) => {
                let boosting = boosting::Settings { rounds, ..settings.boosting };
                ensemble::train(table, None, &boosting, seeds, stop)
            }
            None => Ok(Vec::new()),
        };
        let (texts, regression) = rayon::join(trees, || fit_regression(table));
        Ok(Parts { texts: texts?, regression: Some(regression?) })
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

/// The mixture with the smallest loss over the folds, if it is better than the usual one, which is the first, by more
/// than noise. Losses are taken after each fold's own best line: a mixture is chosen for what it tells of customers
/// apart, not for having met the season's level by luck. Trees keep half at least: the folds have less to learn from than
/// the model, and trees lose more by that than a regression.
fn choose_weights(folds: &[Answers], tier: Tier, with_purchases: bool) -> Weights {
    let candidates: &[(f64, f64, f64)] = match tier {
        Tier::Trees => &[
            (0.7, 0.3, 0.0),
            (0.5, 0.5, 0.0),
            (0.5, 0.4, 0.1),
            (0.6, 0.2, 0.2),
            (0.4, 0.4, 0.2),
            (0.7, 0.0, 0.3),
            (1.0, 0.0, 0.0),
        ],
        _ => &[(0.0, 1.0, 0.0), (0.0, 0.7, 0.3), (0.0, 0.5, 0.5)],
    };
    let usable =
        candidates.iter().map(|&(trees, regression, purchases)| Weights { trees, regression, purchases });
    let purchases_everywhere = with_purchases && folds.iter().all(|fold| fold.purchases.is_some());
    let usable: Vec<Weights> = usable.filter(|w| w.purchases == 0.0 || purchases_everywhere).collect();
    let losses = |weights: Weights| -> Vec<f64> {
        folds.iter().flat_map(|fold| separation_losses(&mixed(fold, weights), &fold.churned)).collect()
    };
    let alternatives: Vec<Vec<f64>> = usable[1..].iter().map(|weights| losses(*weights)).collect();
    clearly_better(&losses(usable[0]), &alternatives).map_or(usable[0], |i| usable[i + 1])
}

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
    let losses = |of: &dyn Fn(f64) -> f64| -> Vec<f64> {
        now.iter().zip(&newer.churned).map(|(score, churned)| loss(of(*score), *churned)).collect()
    };
    let fitted = Calibration::platt(&before, &older.churned);
    let corrected = losses(&|score| fitted.probability(score));
    if clearly_better(&losses(&probability), &[corrected]).is_some() {
        let reason = "fitted on the newer held-back window after the older one's had improved it";
        return (Calibration::platt(&now, &newer.churned), reason.into());
    }
    (Calibration::None, "kept as it is: the older window's correction did not improve the newer".into())
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
