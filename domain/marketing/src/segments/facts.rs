//! Which facts are current for a tenant, and what the tenant calls things.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::case::fold;
use super::resolve::{Archetype, Names};
use super::scan::Rows;
use database::ids::{SegmentId, TenantId};
use database::{DbError, Tx};
use platform::insights::archetype_names;

/// The state of a tenant's facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The tenant and the generation.
    pub rows: Rows,
    /// The run that wrote them.
    pub run: Uuid,
    /// How often single rows were brought up to date since; with the run it names one state of the facts.
    pub version: i64,
    /// The last day whose orders the run saw.
    pub as_of: NaiveDate,
    /// Customers of the run.
    pub customers: i64,
    /// The currency of amounts, ISO 4217.
    pub currency: Option<String>,
    /// The segmentation whose names hold.
    pub segmentation: Option<Uuid>,
}

/// The tenant's current facts; none before its first run is published (marketing role).
pub async fn current(tx: &mut Tx, tenant: TenantId) -> Result<Option<Facts>, DbError> {
    let stored: Option<Stored> = sqlx::query_as(
        "select c.run_id, c.generation, c.facts_version, r.as_of, coalesce(r.customers, 0) as customers, r.currency,
                r.segmentation_id
         from platform.current_run c join platform.intelligence_run r on r.id = c.run_id where c.tenant_id = $1",
    )
    .bind(tenant)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(stored.map(|stored| Facts {
        rows: Rows { tenant, generation: stored.generation },
        run: stored.run_id,
        version: stored.facts_version,
        as_of: stored.as_of,
        customers: stored.customers,
        currency: stored.currency,
        segmentation: stored.segmentation_id,
    }))
}

/// How many customers there are now: those of the run, and whoever was heard of since (marketing role).
pub async fn customers_now(tx: &mut Tx, facts: &Facts) -> Result<i64, DbError> {
    if facts.version == 0 {
        return Ok(facts.customers);
    }
    let since: i64 = sqlx::query_scalar(
        "select count(*) from (
             select distinct c.customer_id from platform.fact_change c
             where c.tenant_id = $1 and c.generation = $2 and not c.existed) n
         join platform.customer_fact f on f.tenant_id = $1 and f.generation = $2 and f.customer_id = n.customer_id",
    )
    .bind(facts.rows.tenant)
    .bind(facts.rows.generation)
    .fetch_one(&mut **tx)
    .await?;
    Ok(facts.customers + since)
}

/// The published run as it is stored.
#[derive(FromRow)]
struct Stored {
    run_id: Uuid,
    generation: i32,
    facts_version: i64,
    as_of: NaiveDate,
    customers: i64,
    currency: Option<String>,
    segmentation_id: Option<Uuid>,
}

/// The day that it is at `now` where the tenant is; by UTC when its zone has no known name (any role of an app).
pub async fn today(tx: &mut Tx, tenant: TenantId, now: DateTime<Utc>) -> Result<NaiveDate, DbError> {
    let zone: Option<String> = sqlx::query_scalar("select timezone from shared.tenant where id = $1")
        .bind(tenant)
        .fetch_optional(&mut **tx)
        .await?;
    let zone: Option<chrono_tz::Tz> = zone.and_then(|name| name.parse().ok());
    Ok(zone.map_or_else(|| now.date_naive(), |zone| now.with_timezone(&zone).date_naive()))
}

/// The names of a segmentation (the tenant's current one when none is given) and of the tenant's segments
/// (marketing role).
pub async fn names(tx: &mut Tx, tenant: TenantId, segmentation: Option<Uuid>) -> Result<Names, DbError> {
    let catalog: Option<(Uuid, Option<Value>, Option<Value>)> = sqlx::query_as(
        "select id, catalog -> 'axes' as axes, catalog -> 'archetypes' as archetypes from platform.segmentation
         where tenant_id = $1 and case when $2::uuid is null then state = 'current' else id = $2 end",
    )
    .bind(tenant)
    .bind(segmentation)
    .fetch_optional(&mut **tx)
    .await?;
    let mut names = Names { segments: segments(tx, tenant).await?, ..Names::default() };
    if let Some((segmentation, axes, archetypes)) = catalog {
        let given = archetype_names::given(tx, segmentation).await?;
        let axes = axes.unwrap_or_default();
        names.axes = Some(std::array::from_fn(|n| {
            let segments = axes[n]["segments"].as_array().map(Vec::as_slice).unwrap_or_default();
            segments.iter().map(|segment| segment["name"].as_str().unwrap_or_default().to_owned()).collect()
        }));
        let archetypes = archetypes.unwrap_or_default();
        let archetypes = archetypes.as_array().map(Vec::as_slice).unwrap_or_default();
        names.archetypes = archetypes
            .iter()
            .map(|archetype| {
                let level = archetype["level"].as_u64().and_then(|level| u8::try_from(level).ok());
                let given = archetype["id"].as_str().and_then(|id| given.get(id)).cloned();
                Archetype {
                    automatic_name: archetype["name"].as_str().unwrap_or_default().to_owned(),
                    given_name: given,
                    level: level.unwrap_or(1),
                }
            })
            .collect();
    }
    Ok(names)
}

async fn segments(tx: &mut Tx, tenant: TenantId) -> Result<BTreeMap<String, SegmentId>, DbError> {
    let rows: Vec<(String, SegmentId)> = sqlx::query_as(
        "select name, id from marketing_app.segment where tenant_id = $1 and archived_at is null order by id desc",
    )
    .bind(tenant)
    .fetch_all(&mut **tx)
    .await?;
    // Of names that differed by case when that was of ASCII alone the older one's is meant.
    Ok(rows.into_iter().map(|(name, id)| (fold(&name), id)).collect())
}
