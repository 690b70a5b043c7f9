//! Trains models for a tenant: the past as snapshots, the trainers of the pure crate, and the registry's decision.

use chrono::{NaiveDate, Utc};
use database::{Db, Role};
use intelligence::boosting;
use intelligence::ensemble::Settings;
use intelligence::features::FEATURES;
use intelligence::stop::Stop as Stopping;
use intelligence::{
    churn::{self, ArtefactError},
    spend,
};
use platform::models::registry::{self, NewModel, Registered};
use platform::models::{HORIZON_DAYS as HORIZONS, Target};
use platform::zone;
use serde_json::{Value, json};
use uuid::Uuid;

use super::days::{date_of, day_of};
use super::material::Material;
use super::orders::OrdersKey;
use super::past::Snapshots;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Models are trained on a sample of about so many customers, which bounds time and memory whatever the shop's size.
const CUSTOMERS: i64 = 30_000;
/// Rows that the boosting sees: customers times snapshots, and a fixed sample of these beyond.
const ROWS: usize = 20_000;
/// Seeds that are averaged, the shrinkage of a tree, and the replicates behind an interval. `make evaluate` takes more
/// of all, which costs ten times as much; a model of the night is measured on held-back data by itself, whatever it
/// was made with.
const SEEDS: u32 = 2;
const LEARNING_RATE: f64 = 0.1;
const PATIENCE: u32 = 20;
const REPLICATES: usize = 100;
/// The usual horizon.
const HORIZON_DAYS: i32 = 90;

/// What became of a training.
pub struct Outcome {
    /// The registered model; none when there is not enough data.
    pub model: Option<Uuid>,
    /// Whether it is the champion.
    pub is_champion: bool,
    /// Why, in words.
    pub reason: String,
}

/// A trained model as the registry takes it.
struct Candidate {
    family: String,
    artefact: Vec<u8>,
    parameters: Value,
    metrics: Value,
    calibration: Value,
    snapshots: Value,
    is_champion: bool,
    comparison: Option<Value>,
    reason: String,
}

/// Trains a model of `target` on the orders up to `as_of` and registers it.
///
/// # Errors
/// The database failed, the job was halted, or what was asked for makes no sense.
pub async fn train(
    ctx: &Ctx,
    db: &Db,
    material: &Material,
    target: Target,
    as_of: Option<NaiveDate>,
    horizon_days: Option<i32>,
) -> Result<Outcome, Stop> {
    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let today = zone::today(&mut tx, Utc::now()).await?;
    tx.commit().await?;
    let as_of = as_of.unwrap_or(today);
    let horizon = horizon_days.unwrap_or(HORIZON_DAYS);
    if as_of > today || !HORIZONS.contains(&horizon) {
        return Err(Stop::fail(
            "bad_payload",
            "as_of must not lie in the future, and horizon_days must be 7 to 365",
        ));
    }
    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    if let Some((model, is_champion, reason)) = registry::of_job(&mut tx, target, ctx.job_id).await? {
        return Ok(Outcome { model: Some(model), is_champion, reason });
    }
    tx.commit().await?;
    let extent = material.extent(db, ctx.tenant).await?;
    let Some(currency) = extent.currency.clone() else {
        return Ok(Outcome {
            model: None,
            is_champion: false,
            reason: "not enough data: there are no orders".to_owned(),
        });
    };
    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let champion = registry::champion(&mut tx, target).await?;
    let champion = match champion {
        Some(champion) => {
            // A champion that cannot be read is no reason to keep it.
            let artefact = registry::artefact(&mut tx, champion.id).await.unwrap_or_default();
            Some((champion, artefact))
        }
        None => None,
    };
    tx.commit().await?;
    let key = OrdersKey {
        tenant: ctx.tenant,
        one_in: (extent.customers / CUSTOMERS).max(1),
        currency,
        until: as_of,
    };
    let expected = extent.lines / key.one_in;
    let day = day_of(as_of);
    let snapshots = material.snapshots(ctx, db, &key, expected, day, horizon).await?;
    let Some(snapshots) = snapshots else {
        return Err(Stop::Snooze(std::time::Duration::ZERO));
    };
    ctx.progress(0, None, "training");
    let first_day = snapshots.first_day;
    let work = move |stop: &Stopping| match target {
        Target::Churn => churn_candidate(&snapshots, champion.as_ref(), as_of, stop),
        Target::Ltv => spend_candidate(&snapshots, champion.as_ref(), as_of, stop),
    };
    let trained = super::heavily("training the model", work).await?;
    let candidate = match trained {
        Ok(candidate) => candidate,
        Err(Untrained::NotEnough(reason)) => return Ok(Outcome { model: None, is_champion: false, reason }),
        Err(Untrained::Failed(error)) => return Err(Stop::retry("training", &error)),
    };

    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let features = json!(FEATURES.iter().map(|feature| feature.name).collect::<Vec<_>>());
    let model = NewModel {
        job: ctx.job_id,
        target,
        family: &candidate.family,
        horizon_days: horizon,
        trained_as_of: as_of,
        window: (date_of(first_day).unwrap_or(as_of), as_of),
        snapshots: &candidate.snapshots,
        features: &features,
        parameters: &candidate.parameters,
        metrics: &candidate.metrics,
        calibration: &candidate.calibration,
        comparison: candidate.comparison.as_ref(),
        artefact: &candidate.artefact,
        is_champion: candidate.is_champion,
        reason: &candidate.reason,
    };
    let id = registry::register(&mut tx, &model).await?;
    tx.commit().await?;
    Ok(Outcome { model: Some(id), is_champion: candidate.is_champion, reason: candidate.reason })
}

fn for_the_night(settings: Settings) -> Settings {
    let boosting =
        boosting::Settings { learning_rate: LEARNING_RATE, patience: PATIENCE, ..settings.boosting };
    Settings { boosting, rows: ROWS, seeds: SEEDS, fold_seeds: 1, replicates: REPLICATES }
}

enum Untrained {
    /// What is missing.
    NotEnough(String),
    /// What went wrong.
    Failed(String),
}

fn churn_candidate(
    snapshots: &Snapshots,
    champion: Option<&(Registered, Vec<u8>)>,
    as_of: NaiveDate,
    stop: &Stopping,
) -> Result<Candidate, Untrained> {
    let settings = for_the_night(churn::settings());
    let trained =
        churn::train(&snapshots.now, &snapshots.closed, &settings, stop).map_err(|error| match error {
            churn::CannotTrain::NotEnough(_) => Untrained::NotEnough(error.to_string()),
            error => Untrained::Failed(error.to_string()),
        })?;
    let report = &trained.report;
    let (is_champion, comparison, reason) = challenge(champion, as_of, |artefact| {
        Ok(compare_churn(snapshots, &churn::Model::from_artefact(artefact)?, &trained))
    });
    let held_back = trained
        .held_back
        .as_ref()
        .map(|held_back| json!({ "until": date_of(held_back.day), "customers": held_back.customers.len() }));
    Ok(Candidate {
        family: word(&report.tier),
        artefact: trained.model.to_artefact(),
        parameters: json!({ "settings": report.settings, "rounds": report.rounds, "weights": report.weights,
                            "calibration": report.calibration, "calibration_reason": report.calibration_reason,
                            "rows": report.rows, "base_rate": report.churn_rate, "importance": report.importance,
                            "missing": report.missing.iter().map(ToString::to_string).collect::<Vec<_>>() }),
        metrics: metrics(held_back, &report.held_back),
        calibration: json!(report.calibration_bins),
        snapshots: dates(&report.snapshot_days),
        is_champion,
        comparison,
        reason,
    })
}

/// Whether the new model becomes the champion, both models' figures, and why in words.
type Judgement = (bool, Option<Value>, String);

/// Judges by `compare`, which reads the champion, where there is one that can be compared.
fn challenge(
    champion: Option<&(Registered, Vec<u8>)>,
    as_of: NaiveDate,
    compare: impl FnOnce(&[u8]) -> Result<Judgement, ArtefactError>,
) -> Judgement {
    let Some((champion, artefact)) = champion else { return (true, None, "the first model".to_owned()) };
    let number = champion.number;
    // A model that has seen what came after a day says nothing of that day.
    if champion.trained_as_of > as_of {
        let reason = format!("the champion, model {number}, was trained on days after this one");
        return (true, None, reason);
    }
    compare(artefact).unwrap_or_else(|error| {
        (true, None, format!("the champion, model {number}, cannot be read: {error}"))
    })
}

/// Both models on the newest window that has closed, which the challenger's answers here have not seen. A champion of
/// the same week has seen most of it, so a challenger is promoted too seldom rather than too often.
fn compare_churn(snapshots: &Snapshots, old: &churn::Model, trained: &churn::Trained) -> Judgement {
    let window = trained.held_back.as_ref().and_then(|held_back| {
        Some((held_back, snapshots.closed.iter().find(|closed| closed.day == held_back.day)?))
    });
    let Some((held_back, snapshot)) = window else {
        return (false, None, "there is no closed window to compare the models on".to_owned());
    };
    let scores: Option<Vec<f64>> =
        old.score(&snapshot.features).into_iter().map(|score| score.map(f64::from)).collect();
    let Some(scores) = scores else {
        return (true, None, "the champion has no answer for some customers".to_owned());
    };
    let verdict = churn::better(&scores, &held_back.probabilities, &held_back.churned);
    (verdict.promote, serde_json::to_value(&verdict).ok(), verdict.reason)
}

fn spend_candidate(
    snapshots: &Snapshots,
    champion: Option<&(Registered, Vec<u8>)>,
    as_of: NaiveDate,
    stop: &Stopping,
) -> Result<Candidate, Untrained> {
    let settings = for_the_night(spend::settings());
    let trained =
        spend::train(&snapshots.now, &snapshots.closed, &settings, stop).map_err(|error| match error {
            spend::CannotTrain::NotEnough(_) => Untrained::NotEnough(error.to_string()),
            error => Untrained::Failed(error.to_string()),
        })?;
    let report = &trained.report;
    let (is_champion, comparison, reason) = challenge(champion, as_of, |artefact| {
        Ok(compare_spend(snapshots, &spend::Model::from_artefact(artefact)?, &trained))
    });
    let reason =
        format!("{reason}; the forecast is {}: {}", report.mixture.describe(), report.mixture_reason);
    let held_back = trained
        .held_back
        .as_ref()
        .map(|held_back| json!({ "until": date_of(held_back.day), "customers": held_back.spent.len() }));
    Ok(Candidate {
        family: word(&report.tier),
        artefact: trained.model.to_artefact(),
        parameters: json!({ "settings": report.settings, "rounds": report.rounds, "importance": report.importance,
                            "mixture": report.mixture, "mixture_reason": report.mixture_reason,
                            "interval_coverage": report.coverage,
                            "missing": report.missing.iter().map(ToString::to_string).collect::<Vec<_>>() }),
        metrics: metrics(held_back, &report.held_back),
        calibration: json!([]),
        snapshots: dates(&report.snapshot_days),
        is_champion,
        comparison,
        reason,
    })
}

/// As `compare_churn`, for forecasts of spend.
fn compare_spend(snapshots: &Snapshots, old: &spend::Model, trained: &spend::Trained) -> Judgement {
    let window = trained.held_back.as_ref().and_then(|held_back| {
        Some((held_back, snapshots.closed.iter().find(|closed| closed.day == held_back.day)?))
    });
    let Some((held_back, snapshot)) = window else {
        return (false, None, "there is no closed window to compare the models on".to_owned());
    };
    let forecasts: Option<Vec<f64>> = old
        .score(&snapshot.features, &snapshot.stats.season)
        .into_iter()
        .map(|forecast| forecast.map(|forecast| forecast.expected))
        .collect();
    let Some(forecasts) = forecasts else {
        return (true, None, "the champion has no answer for some customers".to_owned());
    };
    let verdict = spend::better(&forecasts, &held_back.expected, &held_back.spent);
    // A champion from before a simple rule was a part of the mixture may lose to one; then it goes.
    let outdone = spend::beaten_by(&forecasts, snapshot)
        .filter(|_| spend::beaten_by(&held_back.expected, snapshot).is_none() && !verdict.promote);
    if let Some(rule) = outdone {
        let reason = format!("a simple rule ({rule}) beats the champion, and not this model");
        return (true, serde_json::to_value(&verdict).ok(), reason);
    }
    (verdict.promote, serde_json::to_value(&verdict).ok(), verdict.reason)
}

/// The metrics as they are stored: ours and the baselines on the same held-back customers.
fn metrics<M: serde::Serialize>(held_back: Option<Value>, measured: &[(String, M)]) -> Value {
    let mut ours = Value::Null;
    let mut baselines = serde_json::Map::new();
    for (name, figures) in measured {
        if name == "ours" {
            ours = json!(figures);
        } else {
            baselines.insert(name.clone(), json!(figures));
        }
    }
    json!({ "held_back": held_back, "ours": ours, "baselines": baselines })
}

fn dates(days: &[i32]) -> Value {
    json!(days.iter().filter_map(|day| date_of(*day)).collect::<Vec<NaiveDate>>())
}

/// The word that stands for a unit variant in JSON.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
