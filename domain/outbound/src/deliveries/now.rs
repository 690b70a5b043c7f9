//! Sends a delivery now that waits for its next attempt: the attempt is brought forward, not added. What an endpoint
//! gets in order stays in order, because only the first that waits is sent.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use database::ids::TenantId;
use database::{DbError, Tx};
use jobs::{Announcement, QueueError};

use super::end::{following, job_of};
use super::{State, take};
use crate::kinds::DeliverWebhook;
use crate::{catalogue, endpoints};

/// What comes within this time comes by itself. It may be under way already: whoever goes on with a delivery marks it
/// with a time that is so near, and to bring that forward would send it twice.
const SOON: TimeDelta = TimeDelta::seconds(take::TAKEN_FOR.num_seconds() + 15);

/// What came of asking.
#[derive(Debug)]
pub enum Sent {
    /// There is no such delivery.
    Unknown,
    /// It is over.
    Over(State),
    /// Its endpoint gets nothing now: paused, disabled or removed.
    NotActive,
    /// This one goes before it.
    Behind(Uuid),
    /// It is tried within a minute anyway.
    Soon(Next),
    /// It is due earlier than before, as is to be announced after the commit.
    Now(Next, Announcement),
}

/// When it is tried, and why not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The moment.
    pub at: DateTime<Utc>,
    /// Its endpoint failed too often, so nothing is sent to it before that.
    pub waits_for_circuit: bool,
}

#[derive(FromRow)]
struct Row {
    endpoint_id: Uuid,
    #[sqlx(rename = "type")]
    kind: String,
    state: State,
    next_at: DateTime<Utc>,
    circuit_until: Option<DateTime<Utc>>,
    endpoint_state: endpoints::State,
    is_removed: bool,
}

/// Makes the waiting attempt of a delivery due at once (outbound role).
///
/// # Errors
/// The ledger failed.
pub async fn send(tx: &mut Tx, tenant: TenantId, id: Uuid, now: DateTime<Utc>) -> Result<Sent, QueueError> {
    // The order's lock first, as everywhere, so that what goes first stays so until the commit.
    let row: Option<Row> = sqlx::query_as(
        "select d.endpoint_id, d.type, d.state, d.next_at, d.circuit_until, e.state as endpoint_state,
             e.removed_at is not null as is_removed
         from outbound.webhook_delivery d join outbound.endpoint e on e.id = d.endpoint_id
         where d.id = $1 for update of e",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(Sent::Unknown) };
    if row.state != State::Waiting {
        return Ok(Sent::Over(row.state));
    }
    if row.is_removed || row.endpoint_state != endpoints::State::Active {
        return Ok(Sent::NotActive);
    }
    if row.kind != catalogue::TEST
        && let Some(first) = following(tx, row.endpoint_id).await.map_err(QueueError::Ledger)?
        && first != id
    {
        return Ok(Sent::Behind(first));
    }
    // While its circuit is open a run would only put it off once more.
    let circuit_until = row.circuit_until.filter(|until| *until > now);
    let waits_for_circuit = circuit_until.is_some();
    if row.next_at > now && row.next_at <= circuit_until.unwrap_or(now).max(now + SOON) {
        return Ok(Sent::Soon(Next { at: row.next_at, waits_for_circuit }));
    }
    let at = sooner(tx, id, circuit_until.unwrap_or(now)).await.map_err(QueueError::Ledger)?;
    // Its job waits for the same time; one that was lost is made anew.
    let job = job_of(tenant, id)?;
    let (_, mut announcement) = jobs::enqueue(tx, &[job]).await?;
    announcement.merge(jobs::bring_forward::<DeliverWebhook>(tx, &id.to_string()).await?);
    Ok(Sent::Now(Next { at, waits_for_circuit }, announcement))
}

/// When it is due. A run that takes the delivery in this moment writes its own time afterwards, which then holds.
async fn sooner(tx: &mut Tx, id: Uuid, at: DateTime<Utc>) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar(
        "update outbound.webhook_delivery set next_at = least(next_at, $2) where id = $1 returning next_at",
    )
    .bind(id)
    .bind(at)
    .fetch_one(&mut **tx)
    .await?)
}
