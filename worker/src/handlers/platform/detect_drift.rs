//! Compares the current run with what its segmentation was fitted on, its scores with those of a month ago, and what
//! was predicted a horizon ago with what happened since. A sample is enough, and its size is bounded.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use database::{Role, Tx};
use intelligence::drift::{Alarm, BaseRate, Reference};
use intelligence::features::FEATURES;
use platform::insights::drift::{self, Measured};
use platform::insights::{self, sample, snapshots};
use platform::kinds::{DetectDrift, detect_drift::DetectDriftOutput};
use platform::roster;
use serde_json::json;

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

/// Customers in the sample.
const SAMPLE: i64 = 20_000;
/// Rows of a snapshot in the sample, about a thousand customers each.
const CHUNKS: i64 = 20;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: DetectDrift) -> Outcome<DetectDriftOutput> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    insights::distrust_statistics(&mut tx).await?;
    let Some(run) = drift::measured(&mut tx).await? else {
        return Err(Stop::Cancel("the tenant has no published run".to_owned()));
    };
    let (features, scores) = sample(&mut tx, &run).await?;
    let mut findings = Vec::new();
    let mut worst = Alarm::Fine;
    let mut judge = |what: &str, index: f64, alarm: Alarm| {
        if alarm != Alarm::Fine {
            findings.push(format!("{what}: population stability index {index:.2}"));
        }
        worst = worst.max(alarm);
        json!({ "index": index, "alarm": alarm })
    };

    let references: Vec<Reference> = serde_json::from_value(run.references.clone()).unwrap_or_default();
    let mut by_feature = serde_json::Map::new();
    for (column, (feature, reference)) in FEATURES.iter().zip(&references).enumerate() {
        if let Some(index) = reference.stability_index(features.iter().map(|row| row[column])) {
            let verdict = judge(feature.name, index, Alarm::of_stability_index(index));
            by_feature.insert(feature.name.to_owned(), verdict);
        }
    }
    let month_ago = snapshot_before(&mut tx, run.as_of.checked_sub_days(Days::new(28))).await?;
    let score = match month_ago.filter(|_| !scores.is_empty()) {
        Some(snapshot) => {
            let then = Reference::of(snapshot.iter().filter_map(|(_, churn)| *churn));
            then.stability_index(scores.iter().copied())
                .map(|index| judge("churn score", index, Alarm::of_stability_index(index)))
        }
        None => None,
    };
    let realised = realised(&mut tx, &run).await?;
    if let Some(rate) = &realised {
        worst = worst.max(rate.alarm);
        if rate.alarm != Alarm::Fine {
            findings.push(format!(
                "churn: {:.1} % was predicted {} days ago, {:.1} % came",
                rate.predicted * 100.0,
                run.horizon_days,
                rate.realised * 100.0
            ));
        }
    }
    let verdict = serde_json::to_value(worst)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default();
    let report = json!({
        "customers_sampled": features.len(), "features": by_feature, "churn_score": score,
        "churn_rate": realised, "findings": findings,
    });
    drift::store(&mut tx, ctx.job_id, run.id, &verdict, &report).await?;
    tx.commit().await?;
    done(DetectDriftOutput { verdict, findings })
}

/// Features and churn scores of about `SAMPLE` customers.
async fn sample(tx: &mut Tx, run: &Measured) -> Result<(Vec<Vec<f32>>, Vec<f32>), Stop> {
    let sampled = sample::sample(tx, run.generation, (run.customers / SAMPLE).max(1), 2 * SAMPLE).await?;
    let (mut features, mut scores) = (Vec::with_capacity(sampled.len()), Vec::with_capacity(sampled.len()));
    for customer in sampled {
        // What tickets say stands behind them.
        if let Some((values, _)) = customer.features.as_chunks::<4>().0.split_at_checked(FEATURES.len()) {
            features.push(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
        }
        scores.extend(customer.churn);
    }
    Ok((features, scores))
}

type Predicted = Vec<(String, Option<f32>)>;

/// Customers and churn scores of the youngest snapshot up to a day.
async fn snapshot_before(tx: &mut Tx, day: Option<NaiveDate>) -> Result<Option<Predicted>, Stop> {
    let Some((_, predicted)) = dated_snapshot_before(tx, day).await? else { return Ok(None) };
    Ok(Some(predicted))
}

async fn dated_snapshot_before(
    tx: &mut Tx,
    day: Option<NaiveDate>,
) -> Result<Option<(NaiveDate, Predicted)>, Stop> {
    let pieces = snapshots::pieces_before(tx, day, CHUNKS).await?;
    let Some(taken_on) = pieces.first().map(|piece| piece.taken_on) else { return Ok(None) };
    let predicted =
        pieces.into_iter().flat_map(|piece| piece.customers.into_iter().zip(piece.churn)).collect();
    Ok(Some((taken_on, predicted)))
}

/// What was predicted a horizon ago against what came; none before there is a snapshot that old.
async fn realised(tx: &mut Tx, run: &Measured) -> Result<Option<BaseRate>, Stop> {
    let horizon = Days::new(u64::try_from(run.horizon_days).unwrap_or(90));
    let Some((taken_on, predicted)) = dated_snapshot_before(tx, run.as_of.checked_sub_days(horizon)).await?
    else {
        return Ok(None);
    };
    let scored: Vec<(String, f32)> =
        predicted.into_iter().filter_map(|(customer, churn)| Some((customer, churn?))).collect();
    let customers: Vec<&str> = scored.iter().map(|(customer, _)| customer.as_str()).collect();
    let bought = roster::who_bought(tx, &customers, taken_on, run.horizon_days).await?;
    let bought: std::collections::HashSet<String> = bought.into_iter().collect();
    Ok(BaseRate::of(scored.iter().map(|(customer, churn)| (*churn, !bought.contains(customer)))))
}
