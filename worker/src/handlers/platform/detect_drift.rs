//! Compares the current run with what its segmentation was fitted on, its scores with those of a month ago, and what
//! was predicted a horizon ago with what happened since. A sample is enough, and its size is bounded.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use database::{Role, Tx};
use intelligence::drift::{Alarm, BaseRate, Reference};
use intelligence::features::FEATURES;
use platform::kinds::{detect_drift::DetectDriftOutput, DetectDrift};
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

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
    // A generation of this night has no statistics yet; the planner would take its million rows for a few.
    sqlx::query("set local enable_nestloop = off").execute(&mut *tx).await?;
    let Some(run) = current(&mut tx).await? else {
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

    let mut by_feature = serde_json::Map::new();
    for (column, (feature, reference)) in FEATURES.iter().zip(&run.references).enumerate() {
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
    let verdict = serde_json::to_value(worst).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
    let report = json!({
        "customers_sampled": features.len(), "features": by_feature, "churn_score": score,
        "churn_rate": realised, "findings": findings,
    });
    sqlx::query(
        "insert into platform.drift_report (job_id, tenant_id, run_id, verdict, report)
         values ($1, shared.current_tenant(), $2, $3, $4)
         on conflict (job_id) do update set run_id = excluded.run_id, verdict = excluded.verdict, report = excluded.report",
    )
    .bind(ctx.job_id)
    .bind(run.id)
    .bind(&verdict)
    .bind(&report)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    done(DetectDriftOutput { verdict, findings })
}

struct CurrentRun {
    id: Uuid,
    generation: i32,
    as_of: NaiveDate,
    customers: i64,
    references: Vec<Reference>,
    horizon_days: i32,
}

async fn current(tx: &mut Tx) -> Result<Option<CurrentRun>, Stop> {
    let row = sqlx::query(
        "select r.id, r.generation, r.as_of, coalesce(r.customers, 0) as customers,
                s.catalog -> 'psi_reference' as reference, coalesce(m.horizon_days, 90) as horizon_days
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id
              join platform.segmentation s on s.id = r.segmentation_id
              left join platform.model m on m.id = r.churn_model_id",
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let reference: Value = row.try_get("reference")?;
    Ok(Some(CurrentRun {
        id: row.try_get("id")?,
        generation: row.try_get("generation")?,
        as_of: row.try_get("as_of")?,
        customers: row.try_get("customers")?,
        references: serde_json::from_value(reference).unwrap_or_default(),
        horizon_days: row.try_get("horizon_days")?,
    }))
}

/// Features and churn scores of about `SAMPLE` customers.
async fn sample(tx: &mut Tx, run: &CurrentRun) -> Result<(Vec<Vec<f32>>, Vec<f32>), Stop> {
    let rows = sqlx::query(
        "select i.features, f.churn
         from platform.customer_insight i join platform.customer_fact f using (tenant_id, generation, customer_id)
         where i.generation = $1 and f.orders > 0 and mod(hashtextextended(i.customer_id, 7), $2) = 0 limit $3",
    )
    .persistent(false)
    .bind(run.generation)
    .bind((run.customers / SAMPLE).max(1))
    .bind(2 * SAMPLE)
    .fetch_all(&mut **tx)
    .await?;
    let (mut features, mut scores) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in &rows {
        let bytes: &[u8] = row.try_get("features")?;
        if bytes.len() == FEATURES.len() * 4 {
            features.push(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
        }
        scores.extend(row.try_get::<Option<f32>, _>("churn")?);
    }
    Ok((features, scores))
}

type Predicted = Vec<(String, Option<f32>)>;

/// Customers and churn scores of the youngest snapshot up to a day.
async fn snapshot_before(tx: &mut Tx, day: Option<NaiveDate>) -> Result<Option<Predicted>, Stop> {
    let Some((_, predicted)) = dated_snapshot_before(tx, day).await? else { return Ok(None) };
    Ok(Some(predicted))
}

async fn dated_snapshot_before(tx: &mut Tx, day: Option<NaiveDate>) -> Result<Option<(NaiveDate, Predicted)>, Stop> {
    let rows = sqlx::query(
        "select taken_on, customers, churn from platform.profile_snapshot
         where (grain, taken_on) = (select grain, taken_on from platform.profile_snapshot where taken_on <= $1
                                    order by taken_on desc, grain limit 1)
         order by hashtextextended(first_customer, 7) limit $2",
    )
    .bind(day)
    .bind(CHUNKS)
    .fetch_all(&mut **tx)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut predicted = Vec::new();
    for row in &rows {
        let customers: Vec<String> = row.try_get("customers")?;
        let churn: Vec<Option<f32>> = row.try_get("churn")?;
        predicted.extend(customers.into_iter().zip(churn));
    }
    Ok(Some((first.try_get("taken_on")?, predicted)))
}

/// What was predicted a horizon ago against what came; none before there is a snapshot that old.
async fn realised(tx: &mut Tx, run: &CurrentRun) -> Result<Option<BaseRate>, Stop> {
    let horizon = Days::new(u64::try_from(run.horizon_days).unwrap_or(90));
    let Some((taken_on, predicted)) = dated_snapshot_before(tx, run.as_of.checked_sub_days(horizon)).await? else {
        return Ok(None);
    };
    let scored: Vec<(String, f32)> =
        predicted.into_iter().filter_map(|(customer, churn)| Some((customer, churn?))).collect();
    let customers: Vec<&str> = scored.iter().map(|(customer, _)| customer.as_str()).collect();
    let bought: Vec<String> = sqlx::query_scalar(
        "select distinct customer_id from platform.order_line
         where customer_id = any ($1) and not is_return
           and ordered_at >= ($2::date + 1) at time zone 'UTC' and ordered_at < ($2::date + 1 + $3::int) at time zone 'UTC'",
    )
    .bind(&customers)
    .bind(taken_on)
    .bind(run.horizon_days)
    .fetch_all(&mut **tx)
    .await?;
    let bought: std::collections::HashSet<String> = bought.into_iter().collect();
    Ok(BaseRate::of(scored.iter().map(|(customer, churn)| (*churn, !bought.contains(customer)))))
}
