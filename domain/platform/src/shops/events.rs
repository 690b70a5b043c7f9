//! What a shop's webhooks tell: stored at once, each once, and applied by a job in the order in which it happened. A body is kept
//! until it is applied and no longer.

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError, enqueue_one};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::types::Json;

use crate::kinds::ApplyShopEvents;

/// What came.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'e> {
    /// Which system's.
    pub source: &'static str,
    /// What it is about, such as `orders/updated`.
    pub topic: &'e str,
    /// What makes two deliveries the same one.
    pub event_id: &'e str,
    /// When it happened, by the shop's clock.
    pub triggered_at: DateTime<Utc>,
    /// The body.
    pub body: &'e RawValue,
    /// The request's correlation id.
    pub correlation_id: &'e str,
    /// The request's W3C trace context.
    pub trace_parent: Option<&'e str>,
}

/// Stores an event and asks for the job that applies it (platform role); none when it was stored before.
///
/// # Errors
/// The database failed.
pub async fn take_in(
    tx: &mut Tx,
    tenant: TenantId,
    event: &NewEvent<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Announcement>, QueueError> {
    let stored = sqlx::query(
        "insert into platform.shop_event (tenant_id, source, topic, event_id, triggered_at, received_at, body)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(tenant)
    .bind(event.source)
    .bind(event.topic)
    .bind(event.event_id)
    .bind(event.triggered_at)
    .bind(now)
    .bind(Json(event.body))
    .execute(&mut **tx)
    .await
    .map_err(DbError::from)?;
    if stored.rows_affected() == 0 {
        return Ok(None);
    }
    let lag = (now - event.triggered_at).max(TimeDelta::zero()).num_milliseconds();
    sqlx::query(
        "update platform.shop_health set told_at = $3, told_lag_ms = $4 where tenant_id = $1 and source = $2",
    )
    .bind(tenant)
    .bind(event.source)
    .bind(now)
    .bind(lag)
    .execute(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let job = NewJob::of(tenant, &ApplyShopEvents {})?.with_dedup_key(ApplyShopEvents::PLAIN)?.with_cause(
        event.correlation_id,
        event.trace_parent,
        "webhook",
    );
    Ok(Some(enqueue_one(tx, job).await?.1))
}

/// An event that is to be applied.
#[derive(Debug, Clone, FromRow)]
pub struct Event {
    /// What it is about.
    pub topic: String,
    /// What it is known by.
    pub event_id: String,
    /// When it happened.
    pub triggered_at: DateTime<Utc>,
    /// The body.
    #[sqlx(json)]
    pub body: Value,
}

/// The events that wait, the first to happen first (platform role).
///
/// # Errors
/// The database failed.
pub async fn waiting(tx: &mut Tx, source: &str, limit: i64) -> Result<Vec<Event>, DbError> {
    Ok(sqlx::query_as(
        "select topic, event_id, triggered_at, coalesce(body, '{}') as body from platform.shop_event
         where tenant_id = (select shared.current_tenant()) and source = $1 and state = 'waiting'
         order by triggered_at, event_id limit $2",
    )
    .bind(source)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Fate {
    /// Something is different from before.
    Applied,
    /// Nothing is.
    Unchanged,
    /// It is about nothing that is kept here.
    Ignored,
    /// It cannot be stored.
    Refused,
}

/// Notes what became of an event, and forgets its body (platform role); false when that was noted before.
///
/// # Errors
/// The database failed.
pub async fn settle(
    tx: &mut Tx,
    source: &str,
    event: &Event,
    (fate, reason): (Fate, Option<&str>),
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let settled = sqlx::query(
        "update platform.shop_event set state = $4, reason = $5, applied_at = $6, body = null
         where tenant_id = (select shared.current_tenant()) and source = $1 and topic = $2 and event_id = $3
           and state = 'waiting'",
    )
    .bind(source)
    .bind(&event.topic)
    .bind(&event.event_id)
    .bind(fate)
    .bind(reason)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(settled.rows_affected() == 1)
}

/// Events are remembered for so long, to know them when they come again.
const REMEMBERED: TimeDelta = TimeDelta::days(14);

/// Forgets some events that were settled long ago (platform role).
///
/// # Errors
/// The database failed.
pub async fn forget_old(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "delete from platform.shop_event where (source, topic, event_id) in
             (select source, topic, event_id from platform.shop_event
              where tenant_id = (select shared.current_tenant()) and received_at < $1 and state <> 'waiting' limit 20000)
         and tenant_id = (select shared.current_tenant())",
    )
    .bind(now - REMEMBERED)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
