//! Trains the model of spend, as `churn/training.rs` trains that of churn: the newest fold stops the boosting and
//! gives the intervals, and the model itself is trained on all snapshots.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ArtefactError, Group, HeldBack, Model, Stored, interval};
use crate::{
    boosting::{self, BoostingError, Labelled, Objective},
    churn::{NotEnough, Tier, eligibility::eligibility},
    folds,
    forest::{Forest, ForestError},
    history::Outcome,
    metrics::{SpendQuality, spend_quality},
    snapshot::Snapshot,
};

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The trees' parameters.
    pub boosting: boosting::Settings,
    /// Models that differ in their seed alone and are averaged.
    pub seeds: u32,
    /// The same for the folds, which only choose the number of trees and the intervals.
    pub fold_seeds: u32,
    /// Most rows to train on; beyond, a fixed sample is taken.
    pub rows: usize,
    /// Bootstrap replicates behind the intervals of the report.
    pub replicates: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        let boosting = boosting::Settings {
            objective: Objective::Tweedie { power: 1.5 },
            leaves: 15,
            learning_rate: 0.03,
            feature_fraction: 0.6,
            bagging_fraction: 0.7,
            minimum_leaf_rows: 100,
            ridge: 5.0,
            random_thresholds: false,
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
    /// Forecasts for the newest closed window by a model that had not seen it, for a comparison with the champion.
    pub held_back: Option<HeldBack>,
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
    /// Days after a snapshot that the spend is of.
    pub horizon: u32,
    /// Trees a seed; none without trees.
    pub rounds: Option<u32>,
    /// Features with their share of the trees' gain, largest first.
    pub importance: Vec<(String, f64)>,
    /// Figures on the newest fold, ours first; empty without a fold.
    pub held_back: Vec<(String, SpendQuality)>,
    /// Share of the newest fold's customers inside intervals learnt on the older fold; none without two.
    pub coverage: Option<f64>,
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
    /// The parts do not make a model.
    #[error(transparent)]
    Model(#[from] ArtefactError),
}

/// Trees when no fold could say how many.
const ROUNDS_WITHOUT_A_FOLD: u32 = 80;
/// Groups of similar forecast that have an interval of their own.
const GROUPS: usize = 20;
/// Fewest customers of a group.
const GROUP_CUSTOMERS: usize = 50;

/// Trains on `closed`, snapshots whose windows have closed by `now.day` (others are left out), for use on `now`.
///
/// # Errors
/// The data cannot carry any model, or a library failed.
pub fn train(now: &Snapshot, closed: &[Snapshot], settings: &Settings) -> Result<Trained, CannotTrain> {
    let closed = folds::closed(now, closed);
    let allowed = eligibility(now, &closed);
    let Some(tier) = allowed.tier else { return Err(CannotTrain::NotEnough(allowed.missing)) };
    let with_trees = tier == Tier::Trees && closed.iter().any(|s| s.outcomes.iter().any(|o| o.spend > 0.0));
    let mut rounds = with_trees.then_some(ROUNDS_WITHOUT_A_FOLD);
    let mut intervals: Vec<Vec<Group>> = Vec::new();
    let mut held_back = Vec::new();
    let mut newest = None;
    let checks = if with_trees { folds::folds(&closed) } else { Vec::new() };
    let for_folds = Settings { seeds: settings.fold_seeds, ..*settings };
    for (number, (training, test)) in checks.iter().enumerate() {
        let texts = texts(training, (number == 0).then_some(*test), &mut rounds, &for_folds)?;
        let forecasts = forecasts(&texts, test)?;
        intervals.push(groups(&forecasts, &test.spent()));
        if number == 0 {
            held_back
                .push(("ours".to_owned(), spend_quality(&forecasts, &test.spent(), settings.replicates)));
            for (name, answers) in baselines(test) {
                if let Ok(answers) = answers {
                    held_back
                        .push((name.to_owned(), spend_quality(&answers, &test.spent(), settings.replicates)));
                }
            }
            newest = Some(HeldBack { day: test.day, expected: forecasts, spent: test.spent() });
        }
    }
    let coverage = newest.as_ref().zip(intervals.get(1)).map(|(newest, older)| {
        let inside = newest.expected.iter().zip(&newest.spent).filter(|(forecast, spent)| {
            interval(older, **forecast).is_some_and(|(low, high)| (low..=high).contains(*spent))
        });
        inside.count() as f64 / newest.spent.len().max(1) as f64
    });
    let trees = if with_trees { texts(&closed, None, &mut rounds, settings)? } else { Vec::new() };
    let names = folds::names();
    let mut importance: Vec<(String, f64)> = names
        .iter()
        .map(ToString::to_string)
        .zip(boosting::importance(&trees, names.len()))
        .filter(|(_, share)| *share > 0.0)
        .collect();
    importance.sort_by(|left, right| right.1.total_cmp(&left.1));
    let stored = Stored {
        features: names.iter().map(ToString::to_string).collect(),
        horizon: now.horizon,
        trees,
        purchases: now.purchases.as_ref().ok().map(|fit| fit.model),
        intervals: intervals.into_iter().next().unwrap_or_default(),
    };
    if stored.trees.is_empty() && stored.purchases.is_none() {
        return Err(CannotTrain::NotEnough(vec![NotEnough::PurchaseModel]));
    }
    let report = TrainingReport {
        tier,
        missing: allowed.missing,
        snapshot_days: closed.iter().map(|snapshot| snapshot.day).collect(),
        horizon: now.horizon,
        rounds,
        importance,
        held_back,
        coverage,
        settings: *settings,
    };
    Ok(Trained { model: Model::new(stored)?, report, held_back: newest })
}

/// What a forecast has to beat, for the customers of `test`: a name, and one number a customer or why there is none.
pub fn baselines(test: &Snapshot) -> Vec<(&'static str, Result<Vec<f64>, String>)> {
    let count = test.customers.len();
    let recent =
        test.summaries.iter().map(|summary| summary.spend_90.max(0.0) * f64::from(test.horizon) / 90.0);
    let model = test.expected_spend().ok_or_else(|| match (&test.purchases, &test.money) {
        (Err(error), _) => error.to_string(),
        (_, Err(error)) => error.to_string(),
        _ => "the models have no mean".to_owned(),
    });
    vec![
        ("predict zero", Ok(vec![0.0; count])),
        ("last 90 days' spend", Ok(recent.collect())),
        ("BG/NBD x Gamma-Gamma", model),
    ]
}

/// The models of all seeds; with `stopping` the number of trees is found on it, otherwise it is `rounds`.
fn texts(
    training: &[&Snapshot],
    stopping: Option<&Snapshot>,
    rounds: &mut Option<u32>,
    settings: &Settings,
) -> Result<Vec<String>, CannotTrain> {
    let (rows, labels) = folds::table(training, settings.rows, spend_label);
    let held = stopping.map(|test| folds::table(&[test], settings.rows, spend_label));
    let validation = held.as_ref().map(|(rows, labels)| Labelled { rows, labels });
    let mut boosting = settings.boosting;
    if let (None, Some(known)) = (stopping, *rounds) {
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
    if stopping.is_some() {
        let all: u32 = texts.iter().map(|text| boosting::rounds(text)).sum();
        *rounds = Some((all / texts.len() as u32).max(5));
    }
    Ok(texts)
}

/// What was spent; a Tweedie loss knows nothing below zero.
fn spend_label(outcome: &Outcome) -> f32 {
    (outcome.spend as f32).max(0.0)
}

fn forecasts(texts: &[String], test: &Snapshot) -> Result<Vec<f64>, CannotTrain> {
    let forest = Forest::parse(texts, &folds::names())?;
    Ok(forest.scores(&test.features).into_iter().map(|score| score.exp().min(super::LARGEST)).collect())
}

/// The groups of similar forecast with the tenth and ninetieth percentile of what they spent, over the forecast.
fn groups(forecasts: &[f64], spent: &[f64]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..forecasts.len()).collect();
    order.sort_by(|&l, &r| forecasts[l].total_cmp(&forecasts[r]).then(spent[l].total_cmp(&spent[r])));
    let size = (order.len() / GROUPS).max(GROUP_CUSTOMERS);
    let whole = order.chunks(size).filter(|chunk| chunk.len() >= GROUP_CUSTOMERS / 2);
    let groups = whole.filter_map(|chunk| {
        let mean = chunk.iter().map(|&i| forecasts[i]).sum::<f64>() / chunk.len() as f64;
        let mut ratios: Vec<f64> = chunk.iter().map(|&i| spent[i].max(0.0) / mean).collect();
        ratios.sort_by(f64::total_cmp);
        // one more than the count below the bound, as conformal prediction asks
        let at = |share: f64| ((share * (ratios.len() + 1) as f64) as usize).clamp(1, ratios.len()) - 1;
        let (low, high) = (ratios[at(0.1)], ratios[at(0.9)]);
        (mean > 0.0 && high < 1e12).then(|| Group { upto: forecasts[chunk[chunk.len() - 1]], low, high })
    });
    groups.collect()
}
