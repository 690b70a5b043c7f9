//! What a run needs before it can score: the tenant's statistics as of the cut-off, and a segmentation, which is fitted
//! once and then frozen.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use database::{Db, DbError, Role, Tx};
use intelligence::bg_nbd::BgNbd;
use intelligence::cold_start::Facts;
use intelligence::features::{self, TenantStats};
use intelligence::history::{self, Summary};
use intelligence::segmentation::{Fit, FitReport, Segmentation};
use intelligence::snapshot;
use platform::insights::segmentations::{self, NewSegmentation};
use platform::models::{Target, registry};
use platform::roster;
use platform::runs::{self, Run};
use serde_json::{Value, json};
use uuid::Uuid;

use super::catalog::catalog;
use super::days::day_of;
use super::material::Material;
use super::orders::{Orders, OrdersKey};
use crate::context::Ctx;
use crate::outcome::Stop;

/// Statistics are of all lines up to so many; of a sample of customers beyond, so that memory is bounded.
const STATISTICS_LINES: i64 = 12_000_000;
/// The segmentation is fitted on a sample of about so many customers.
const FIT_CUSTOMERS: i64 = 100_000;
/// A champion older than this is challenged.
const MODEL_DAYS: u64 = 7;

/// Whether a model should be trained: there is none, or it is old, or it was made of days after this one.
pub async fn is_model_due(tx: &mut Tx, target: Target, as_of: NaiveDate) -> Result<bool, DbError> {
    let champion = registry::champion(tx, target).await?;
    Ok(champion.is_none_or(|champion| {
        as_of < champion.trained_as_of || as_of >= champion.trained_as_of + Days::new(MODEL_DAYS)
    }))
}

/// Computes statistics and, where there is none or `refit` asks for it, a segmentation; keeps both with the run.
///
/// # Errors
/// The database failed, the run was halted, or the tenant has no orders.
pub async fn prepare(
    ctx: &Ctx,
    db: &Db,
    material: &Material,
    run: &mut Run,
    refit: bool,
) -> Result<(), Stop> {
    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let extent = roster::extent(&mut tx).await?;
    let Some(currency) = extent.currency else {
        let why = "the tenant has no orders; import some, and run this again";
        runs::fail(&mut tx, run.id, why).await?;
        tx.commit().await?;
        return Err(Stop::Cancel(why.to_owned()));
    };
    let one_in = (extent.lines / STATISTICS_LINES + 1).max(1);
    tx.commit().await?;
    let key =
        |one_in: i64| OrdersKey { tenant: ctx.tenant, one_in, currency: currency.clone(), until: run.as_of };
    let loaded = load(ctx, db, material, &key(one_in), extent.lines).await?;
    let day = day_of(run.as_of);
    let (statistics, loaded) =
        super::heavily("computing statistics", move |_| (TenantStats::of(&loaded.lines, day), loaded))
            .await?;

    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let standing = segmentations::current(&mut tx).await?;
    tx.commit().await?;
    let lines = loaded.lines.len() as i64 * one_in;
    let fitted = match standing.filter(|_| !refit) {
        Some(_) => None,
        None => {
            ctx.progress(0, None, "fitting segments");
            let sample_one_in = (extent.customers / FIT_CUSTOMERS).max(1);
            let orders = if sample_one_in == one_in {
                loaded
            } else {
                drop(loaded);
                load(ctx, db, material, &key(sample_one_in), extent.lines).await?
            };
            Some(super::heavily("fitting segments", move |_| fit(&orders, day)).await?)
        }
    };

    let statistics =
        serde_json::to_vec(&statistics).map_err(|error| Stop::fail("statistics", &error.to_string()))?;
    let left_out = (extent.lines - lines).max(0);
    let mut report = json!({ "currency": currency });
    if left_out > extent.lines / 100 {
        report["lines_left_out"] = json!(left_out);
        report["preparation"] = json!([format!(
            "about {left_out} lines after the cut-off or in other currencies than {currency} were left out"
        )]);
    }
    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let segmentation = match (fitted, standing) {
        (Some(fitted), _) => {
            let reason = if refit { "a refit was asked for" } else { "the first version" };
            store(&mut tx, run, &fitted, reason).await?
        }
        (None, Some(standing)) => standing,
        (None, None) => {
            return Err(Stop::retry("no_segmentation", "the segmentation went away; it is fitted next time"));
        }
    };
    runs::keep_statistics(&mut tx, run.id, &currency, &statistics, segmentation, &report).await?;
    tx.commit().await?;
    run.has_statistics = true;
    Ok(())
}

async fn load(
    ctx: &Ctx,
    db: &Db,
    material: &Material,
    key: &OrdersKey,
    lines: i64,
) -> Result<Arc<Orders>, Stop> {
    let loaded = material.orders(ctx, db, key, lines / key.one_in).await?;
    loaded.ok_or(Stop::Snooze(std::time::Duration::ZERO))
}

/// A segmentation, what people read of it, and how the fit went.
struct Fitted {
    segmentation: Segmentation,
    report: Value,
    catalog: Value,
    customers: usize,
}

fn fit(orders: &Orders, day: i32) -> Fitted {
    let statistics = TenantStats::of(&orders.lines, day);
    let summaries = history::summaries(&orders.lines, day);
    let purchases = BgNbd::fit(summaries.iter().flatten().map(snapshot::observation));
    let alive = snapshot::alive_model(&purchases);
    let features = features::compute(&orders.lines, &statistics, alive.as_ref(), day);
    let week_before =
        features::compute(&orders.lines, &TenantStats::of(&orders.lines, day - 7), alive.as_ref(), day - 7);
    let facts: Vec<Facts> = summaries
        .iter()
        .map(|summary: &Option<Summary>| summary.as_ref().map_or_else(Facts::default, Facts::from))
        .collect();
    let customers = summaries.iter().flatten().count();
    let fitted = Segmentation::fit(&Fit {
        features: &features,
        facts: &facts,
        week_before: Some(&week_before),
        alive,
    });
    let (segmentation, report) = match fitted {
        Ok((segmentation, report)) => {
            (segmentation, serde_json::to_value::<FitReport>(report).unwrap_or_default())
        }
        // Too small or too uniform: the rules for newcomers hold for everybody, and the report says why.
        Err(reason) => {
            let reason = reason.to_string();
            (Segmentation::by_rules_alone(&facts, alive, &reason), json!({ "rules_only": reason }))
        }
    };
    let catalog = catalog(&segmentation, &features);
    Fitted { segmentation, report, catalog, customers }
}

async fn store(tx: &mut Tx, run: &Run, fitted: &Fitted, reason: &str) -> Result<Uuid, Stop> {
    let model = serde_json::to_vec(&fitted.segmentation)
        .map_err(|error| Stop::fail("segmentation", &error.to_string()))?;
    let new = NewSegmentation {
        fitted_as_of: run.as_of,
        customers: fitted.customers as i64,
        model: &model,
        catalog: &fitted.catalog,
        report: &fitted.report,
        reason,
    };
    Ok(segmentations::store(tx, &new).await?)
}
