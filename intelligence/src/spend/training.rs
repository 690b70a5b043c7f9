//! Trains the model of spend, as `churn/training.rs` trains that of churn: the newest fold stops the boosting and
//! gives the intervals, and the model itself is trained on all snapshots.

use serde::{Deserialize, Serialize};

use super::{
    ArtefactError, Group, HeldBack, Model, Stored, interval,
    mixture::{self, Mixture, Parts},
    purchases,
    simple::{Factors, Simple, simple},
};
pub use crate::ensemble::Settings;
use crate::{
    bg_nbd::BgNbd,
    boosting::{self, BoostingError, Objective},
    churn::{NotEnough, Tier, eligibility::eligibility},
    ensemble, folds,
    forest::{Forest, ForestError},
    gamma_gamma::GammaGamma,
    history::Outcome,
    metrics::{SpendQuality, spend_quality},
    snapshot::Snapshot,
    stop::Stop,
};

/// The settings that `make evaluate` measures.
pub fn settings() -> Settings {
    let boosting = boosting::Settings {
        objective: Objective::Tweedie { power: 1.5 },
        leaves: 15,
        learning_rate: 0.03,
        feature_fraction: 0.6,
        bagging_fraction: 0.7,
        minimum_leaf_rows: 100,
        ridge: 5.0,
        random_thresholds: false,
        falls_with_activity: false,
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
    /// What the forecast is made of.
    pub mixture: Mixture,
    /// Why it is that.
    pub mixture_reason: String,
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

/// Held-back days that choose where nothing learns from labels.
const HELD_BACK_DAYS: usize = 2;
/// Groups of similar forecast that have an interval of their own.
const GROUPS: usize = 20;
/// Fewest customers of a group.
const GROUP_CUSTOMERS: usize = 50;

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
    let allowed = eligibility(now, &closed);
    let Some(tier) = allowed.tier else { return Err(CannotTrain::NotEnough(allowed.missing)) };
    let with_trees = tier == Tier::Trees && closed.iter().any(|s| s.outcomes.iter().any(|o| o.spend > 0.0));
    let model = now.purchases.as_ref().ok().map(|fit| fit.model);
    let checks = if with_trees { folds::folds(&closed) } else { Vec::new() };
    let learn = |training: &[&Snapshot]| folds::table(training, settings.rows, spend_label);
    let mut rounds = with_trees.then(|| ensemble::rounds_without_a_fold(&settings.boosting));
    let mut newest = None;
    if let Some((training, test)) = checks.first() {
        let validation = folds::table(&[*test], settings.rows, spend_label);
        let texts = ensemble::train(
            &learn(training),
            Some(&validation),
            &settings.boosting,
            settings.fold_seeds,
            stop,
        )?;
        rounds = Some(ensemble::rounds(&texts));
        newest = Some(parts_of(Some((texts.as_slice(), season_of(training))), test)?);
    }
    let boosting = boosting::Settings { rounds: rounds.unwrap_or_default(), ..settings.boosting };
    let older = || match checks.get(1) {
        Some((training, test)) => {
            let texts = ensemble::train(&learn(training), None, &boosting, settings.fold_seeds, stop)?;
            parts_of(Some((texts.as_slice(), season_of(training))), test).map(Some)
        }
        None => Ok(None),
    };
    let whole = || match with_trees {
        true => ensemble::train(&learn(&closed), None, &boosting, settings.seeds, stop),
        false => Ok(Vec::new()),
    };
    let (older, trees) = rayon::join(older, whole);
    let (mut parts, trees): (Vec<Parts>, _) = (newest.into_iter().chain(older?).collect(), trees?);
    let mut tests: Vec<&Snapshot> = checks.iter().map(|(_, test)| *test).collect();
    if !with_trees {
        // What learns from no label can be measured on every closed window.
        tests = closed.iter().copied().take(HELD_BACK_DAYS).collect();
        parts = tests.iter().map(|test| parts_of(None, test)).collect::<Result<_, _>>()?;
    }
    let choice = mixture::choose(&parts, !trees.is_empty(), model.is_some());
    let mixture = choice.mixture;

    let newest = parts.first().map(|parts| (parts.forecasts(mixture), parts));
    let mut held_back = Vec::new();
    if let (Some((forecasts, parts)), Some(test)) = (&newest, tests.first()) {
        held_back.push(("ours".to_owned(), spend_quality(forecasts, &parts.spent, settings.replicates)));
        for (name, answers) in baselines(test) {
            if let Ok(answers) = answers {
                held_back.push((name.to_owned(), spend_quality(&answers, &parts.spent, settings.replicates)));
            }
        }
    }
    let coverage = newest.as_ref().zip(parts.get(1)).map(|((forecasts, newest), older)| {
        let learnt = groups(&older.forecasts(mixture), &older.spent);
        let inside = forecasts.iter().zip(&newest.spent).filter(|(forecast, spent)| {
            interval(&learnt, **forecast).is_some_and(|(low, high)| (low..=high).contains(*spent))
        });
        inside.count() as f64 / forecasts.len().max(1) as f64
    });
    let importance = ensemble::importance(&trees);
    let names = folds::names();
    let intervals = newest.as_ref().map(|(forecasts, parts)| groups(forecasts, &parts.spent));
    let has_purchases = mixture.model_share() > 0.0 && mixture.purchases > 0.0;
    let stored = Stored {
        features: names.iter().map(ToString::to_string).collect(),
        horizon: now.horizon,
        trees: if mixture.model_share() > 0.0 && mixture.purchases < 1.0 { trees } else { Vec::new() },
        purchases: model.filter(|_| has_purchases),
        money: has_purchases.then(|| money_of(now)).flatten(),
        mixture,
        learnt_season: season_of(&closed),
        intervals: intervals.unwrap_or_default(),
    };
    if stored.trees.is_empty() && stored.purchases.is_none() && mixture.model_share() > 0.0 {
        return Err(CannotTrain::NotEnough(vec![NotEnough::PurchaseModel]));
    }
    let report = TrainingReport {
        tier,
        missing: allowed.missing,
        snapshot_days: closed.iter().map(|snapshot| snapshot.day).collect(),
        horizon: now.horizon,
        rounds,
        mixture,
        mixture_reason: choice.reason,
        importance,
        held_back,
        coverage,
        settings: *settings,
    };
    let held_back = newest.zip(tests.first()).map(|((expected, parts), test)| HeldBack {
        day: test.day,
        expected,
        spent: parts.spent.clone(),
    });
    Ok(Trained { model: Model::new(stored)?, report, held_back })
}

/// What a forecast has to beat, for the customers of `test`: a name, and one number a customer or why there is none.
pub fn baselines(test: &Snapshot) -> Vec<(&'static str, Result<Vec<f64>, String>)> {
    let count = test.customers.len();
    let (horizon, season) = (f64::from(test.horizon), Factors::of(&test.stats.season, test.horizon));
    let simple = |factors, of: fn(Simple) -> f64| -> Vec<f64> {
        let rows = (0..count).map(|row| simple(test.features.row(row), horizon, factors));
        rows.map(|simple| simple.map_or(0.0, of)).collect()
    };
    let model = test.expected_spend().ok_or_else(|| match (&test.purchases, &test.money) {
        (Err(error), _) => error.to_string(),
        (_, Err(error)) => error.to_string(),
        _ => "the models have no mean".to_owned(),
    });
    let mut all = vec![
        (ZERO, Ok(vec![0.0; count])),
        ("last 90 days' spend", Ok(simple(Factors::EVEN, |simple| simple.recent))),
        ("rate of a year", Ok(simple(Factors::EVEN, |simple| simple.rate))),
    ];
    if season != Factors::EVEN {
        all.push(("last 90 days, season", Ok(simple(season, |simple| simple.recent))));
        all.push(("rate of a year, season", Ok(simple(season, |simple| simple.rate))));
    }
    all.push((MODEL, model));
    all
}

/// The baseline that predicts nothing.
const ZERO: &str = "predict zero";
/// The baseline that is a model itself.
const MODEL: &str = "BG/NBD x Gamma-Gamma";

/// The simple rule that beats the forecasts on `test`: with an absolute error that is smaller by more than noise (paired
/// test), a sum that is about right or nearer to it, and no smaller capture. To predict nothing at all is no rule: its
/// error is small and its forecast useless.
pub fn beaten_by(expected: &[f64], test: &Snapshot) -> Option<&'static str> {
    let spent = test.spent();
    let rules = baselines(test).into_iter().filter(|(name, _)| *name != ZERO && *name != MODEL);
    rules
        .filter_map(|(name, answers)| Some((name, answers.ok()?)))
        .find_map(|(name, answers)| mixture::outdoes(&answers, expected, &spent).then_some(name))
}

/// What was spent; a Tweedie loss knows nothing below zero.
fn spend_label(outcome: &Outcome) -> f32 {
    (outcome.spend as f32).max(0.0)
}

/// The model of what a purchase day is worth, from all of them: the first tells as much of a customer's taste as the
/// others, and of those who bought once it is all there is.
fn money_of(snapshot: &Snapshot) -> Option<GammaGamma> {
    let values: Vec<(f64, f64)> = snapshot
        .summaries
        .iter()
        .map(|summary| (f64::from(summary.repeats) + 1.0, summary.spend / (f64::from(summary.repeats) + 1.0)))
        .collect();
    GammaGamma::fit(&values).ok()
}

/// The season that trees learn from: the mean logarithm of the factors of the snapshots, each by its customers.
fn season_of(training: &[&Snapshot]) -> f64 {
    let customers: usize = training.iter().map(|snapshot| snapshot.customers.len()).sum();
    let sum: f64 = training
        .iter()
        .map(|snapshot| {
            Factors::of(&snapshot.stats.season, snapshot.horizon).log_recent()
                * snapshot.customers.len() as f64
        })
        .sum();
    sum / customers.max(1) as f64
}

/// What all parts say of a held-back day's customers.
fn parts_of(trees: Option<(&[String], f64)>, test: &Snapshot) -> Result<Parts, CannotTrain> {
    let model: Option<BgNbd> = test.purchases.as_ref().ok().map(|fit| fit.model);
    let money = model.and_then(|_| money_of(test));
    let horizon = f64::from(test.horizon);
    let rows = || (0..test.features.rows()).map(|row| test.features.row(row));
    let forest = trees.map(|(texts, _)| Forest::parse(texts, &folds::names())).transpose()?;
    let seasonal = Factors::of(&test.stats.season, test.horizon);
    let none = Simple { recent: 0.0, rate: 0.0 };
    let simple = |factors| rows().map(|row| simple(row, horizon, factors).unwrap_or(none)).collect();
    Ok(Parts {
        trees: forest.map(|forest| forest.scores(&test.features)),
        purchases: rows().map(|row| purchases(model.as_ref()?, money.as_ref(), row, horizon)).collect(),
        simple: [simple(Factors::EVEN), simple(seasonal)],
        season: (seasonal != Factors::EVEN).then(|| seasonal.shift(trees.map_or(0.0, |(_, learnt)| learnt))),
        spent: test.spent(),
    })
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
