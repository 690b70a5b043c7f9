//! What a run needs before it can score: the tenant's statistics as of the cut-off, and a segmentation, which is fitted
//! once and then frozen.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Days, NaiveDate, Utc};
use database::{Db, DbError, Role, Tx};
use intelligence::bg_nbd::BgNbd;
use intelligence::cold_start::Facts;
use intelligence::features::{self, TenantStats};
use intelligence::heirs::heirs;
use intelligence::history::{self, Summary};
use intelligence::matrix::Matrix;
use intelligence::segmentation::{Fit, FitReport, Segmentation};
use intelligence::snapshot;
use intelligence::words::Spread;
use platform::insights::archetype_names;
use platform::insights::segmentations::{self, NewSegmentation};
use platform::models::{Target, registry};
use platform::roster;
use platform::runs::{self, Run};
use serde_json::{Value, json};
use uuid::Uuid;

use super::catalog::catalog;
use super::days::day_of;
use super::material::{Material, Read};
use super::orders::{Orders, OrdersKey};
use super::tickets::Tickets;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Statistics are of all lines up to so many; of a sample of customers beyond, so that memory is bounded.
const STATISTICS_LINES: i64 = 12_000_000;
/// The segmentation is fitted on a sample of about so many customers.
const FIT_CUSTOMERS: i64 = 100_000;
/// What customers write in about is learnt from at most about so many tickets.
const TICKETS: i64 = 200_000;
/// Customers are compared with a sample of about so many.
const SPREAD_CUSTOMERS: usize = 100_000;
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
    let extent = material.extent(db, ctx.tenant).await?;
    let Some(currency) = extent.currency.clone() else {
        let why = "the tenant has no order that counts as revenue; import some, or change what counts (the revenue rule), and run this again";
        let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
        runs::fail(&mut tx, run.id, why).await?;
        tx.commit().await?;
        return Err(Stop::Cancel(why.to_owned()));
    };
    let one_in = (extent.lines / STATISTICS_LINES + 1).max(1);
    let key =
        |one_in: i64| OrdersKey { tenant: ctx.tenant, one_in, currency: currency.clone(), until: run.as_of };
    let loaded = load(ctx, db, material, &key(one_in), extent.lines).await?;
    let day = day_of(run.as_of);
    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let tickets = Arc::new(Tickets::sample(&mut tx, ctx.tenant, one_in, TICKETS, run.as_of).await?);
    tx.commit().await?;
    let written = tickets.clone();
    let (statistics, loaded) = super::heavily("computing statistics", move |_| {
        (statistics_of(&loaded.orders, &written, day), loaded)
    })
    .await?;
    let is_everybody = one_in == 1;
    if is_everybody {
        material.kept.keep(run.id, loaded.clone());
    }

    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let standing = segmentations::current(&mut tx).await?;
    tx.commit().await?;
    let lines = loaded.orders.lines.len() as i64 * one_in;
    let fitted = match standing.filter(|_| !refit) {
        Some(_) => None,
        None => {
            ctx.progress(0, None, "fitting segments");
            let former = match standing {
                Some(standing) => Former::read(ctx, db, standing).await?,
                None => None,
            };
            let sample_one_in = (extent.customers / FIT_CUSTOMERS).max(1);
            // Out of everybody's lines those of a sample are taken, which is quicker than to read them.
            let ids = match is_everybody && sample_one_in > 1 {
                true => Some(sample(ctx, db, sample_one_in).await?),
                false => None,
            };
            let read = if is_everybody || sample_one_in == one_in {
                loaded
            } else {
                drop(loaded);
                load(ctx, db, material, &key(sample_one_in), extent.lines).await?
            };
            let fitting = move |_: &intelligence::stop::Stop| match ids {
                Some(ids) => fit(&read.orders.of(ids.iter().map(String::as_str)), &tickets, day, former),
                None => fit(&read.orders, &tickets, day, former),
            };
            Some(super::heavily("fitting segments", fitting).await?)
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

/// The tenant's statistics, and how a sample of the customers is spread.
fn statistics_of(orders: &Orders, tickets: &Tickets, day: i32) -> TenantStats {
    let support = tickets.statistics();
    let statistics = TenantStats { support, ..TenantStats::of(&orders.lines, day) };
    let customers = orders.lines.customers();
    let sample: Vec<usize> = (0..customers).step_by(customers / SPREAD_CUSTOMERS + 1).collect();
    let table = features::compute_some(&orders.lines, &statistics, None, day, &sample);
    let written = tickets.numbers(orders, &support, day);
    TenantStats { spread: Spread::of(&table, written.as_ref()), ..statistics }
}

async fn load(
    ctx: &Ctx,
    db: &Db,
    material: &Material,
    key: &OrdersKey,
    lines: i64,
) -> Result<Arc<Read>, Stop> {
    let loaded = material.orders(ctx, db, key, lines / key.one_in).await?;
    loaded.ok_or(Stop::Snooze(std::time::Duration::ZERO))
}

/// The customers of a sample.
async fn sample(ctx: &Ctx, db: &Db, one_in: i64) -> Result<Vec<String>, Stop> {
    let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let ids = roster::sample(&mut tx, one_in).await?;
    tx.commit().await?;
    Ok(ids)
}

/// A segmentation, what people read of it, and how the fit went.
struct Fitted {
    segmentation: Segmentation,
    report: Value,
    catalog: Value,
    customers: usize,
    /// The version that it follows, and what of its archetypes' names goes over.
    names: Option<(Uuid, Vec<(String, String)>)>,
}

/// A version whose archetypes the tenant has named.
struct Former {
    id: Uuid,
    segmentation: Segmentation,
    /// By archetype.
    names: BTreeMap<String, String>,
}

impl Former {
    /// None when nothing was named, or what was fitted cannot be read any more: then there is nothing to take over.
    async fn read(ctx: &Ctx, db: &Db, id: Uuid) -> Result<Option<Former>, Stop> {
        let mut tx = db.tenant_tx(Role::Platform, ctx.tenant).await?;
        let names = archetype_names::given(&mut tx, id).await?;
        let model = if names.is_empty() { None } else { segmentations::model(&mut tx, id).await? };
        tx.commit().await?;
        let segmentation = model.and_then(|model| serde_json::from_slice(&model).ok());
        Ok(segmentation.map(|segmentation| Former { id, segmentation, names }))
    }

    /// The archetypes of the new version that have the same customers, with the names; a name that the rules gave to
    /// another one is left behind.
    fn passed_on(&self, new: &Segmentation, features: &Matrix, facts: &[Facts]) -> Vec<(String, String)> {
        let (before, after) =
            (self.segmentation.assign_all(features, facts), new.assign_all(features, facts));
        let (old, list) = (&self.segmentation.archetypes, &new.archetypes.list);
        let heirs = heirs(old, &before, &new.archetypes, &after);
        let named = heirs.into_iter().filter_map(|(from, to)| {
            let name = self.names.get(&old.list[usize::from(from)].id.to_string())?;
            let heir = &list[usize::from(to)];
            let is_taken =
                list.iter().any(|other| other.id != heir.id && archetype_names::is_same(&other.name, name));
            (!is_taken).then(|| (heir.id.to_string(), name.clone()))
        });
        named.collect()
    }
}

fn fit(orders: &Orders, tickets: &Tickets, day: i32, former: Option<Former>) -> Fitted {
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
    let support = tickets.statistics();
    let written = tickets.numbers(orders, &support, day);
    let written_week_before = tickets.numbers(orders, &support, day - 7);
    let fitted = Segmentation::fit(&Fit {
        features: &features,
        facts: &facts,
        week_before: Some(&week_before),
        alive,
        tickets: written.as_ref(),
        tickets_week_before: written_week_before.as_ref(),
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
    let names = former.map(|former| (former.id, former.passed_on(&segmentation, &features, &facts)));
    Fitted { segmentation, report, catalog, customers, names }
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
    let id = segmentations::store(tx, &new).await?;
    if let Some((former, names)) = &fitted.names {
        archetype_names::take_over(tx, *former, id, names, Utc::now()).await?;
    }
    Ok(id)
}
