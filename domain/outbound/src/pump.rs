//! Hands events out of the outbox: deliveries and alerts, and the jobs that send them, in one transaction. Any worker may
//! do it at any time; an advisory lock lets one at a time, and what one leaves undone the next one does.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Acquire, FromRow, PgConnection};
use uuid::Uuid;

use database::ids::TenantId;
use jobs::{Announcement, NewJob, QueueError};

use crate::deliveries::end::job_of;
use crate::kinds::SendSlackAlert;

/// Events that are handed out at once.
pub const BATCH: i32 = 500;

/// How long what was delivered is kept.
pub const KEPT: chrono::Duration = chrono::Duration::days(30);

/// What there is to do: a delivery, or alerts of a channel.
#[derive(Debug, FromRow)]
struct ToDo {
    tenant_id: TenantId,
    delivery_id: Option<Uuid>,
    workspace_id: Option<Uuid>,
    channel: Option<String>,
}

impl ToDo {
    fn job(&self) -> Result<Option<NewJob>, QueueError> {
        if let Some(delivery) = self.delivery_id {
            return job_of(self.tenant_id, delivery).map(Some);
        }
        let (Some(workspace_id), Some(channel)) = (self.workspace_id, &self.channel) else { return Ok(None) };
        channel_job(self.tenant_id, workspace_id, channel).map(Some)
    }
}

/// The job that tells a channel what waits for it now.
///
/// # Errors
/// Never in practice: the payload is an id and a short name.
pub fn channel_job(tenant: TenantId, workspace_id: Uuid, channel: &str) -> Result<NewJob, QueueError> {
    let key = format!("{workspace_id}:{channel}");
    NewJob::of(tenant, &SendSlackAlert { workspace_id, channel: channel.to_owned() })?
        .with_dedup_key(&key)?
        .with_concurrency_key(&key, 1)
}

/// Waits until an event lies in the outbox, at most for so long; answers whether one does (the queue's role, outside of a
/// transaction).
///
/// # Errors
/// The ledger failed.
pub async fn await_event(conn: &mut PgConnection, longest: Duration) -> Result<bool, QueueError> {
    let is_there = sqlx::query_scalar("call outbound.await_event($1)").bind(longest.as_secs_f64());
    Ok(is_there.fetch_one(conn).await?)
}

/// Hands out up to [`BATCH`] events; how many jobs that made, and what is to be announced (the queue's role).
///
/// # Errors
/// The ledger failed; then nothing was handed out.
pub async fn hand_out(conn: &mut PgConnection) -> Result<(usize, Announcement), QueueError> {
    let mut tx = conn.begin().await?;
    let to_do: Vec<ToDo> =
        sqlx::query_as("select * from outbound.hand_out($1)").bind(BATCH).fetch_all(&mut *tx).await?;
    let new: Vec<NewJob> =
        to_do.iter().filter_map(|to_do| to_do.job().transpose()).collect::<Result<_, _>>()?;
    let (_, announcement) = jobs::enqueue(&mut tx, &new).await?;
    tx.commit().await?;
    Ok((new.len(), announcement))
}

/// Asks anew for the jobs of deliveries whose time passed ten minutes ago, in case theirs are gone (the queue's role).
///
/// # Errors
/// The ledger failed.
pub async fn look_after_overdue(conn: &mut PgConnection) -> Result<(usize, Announcement), QueueError> {
    let mut tx = conn.begin().await?;
    let to_do: Vec<ToDo> =
        sqlx::query_as("select * from outbound.overdue($1)").bind(BATCH).fetch_all(&mut *tx).await?;
    let new: Vec<NewJob> =
        to_do.iter().filter_map(|to_do| to_do.job().transpose()).collect::<Result<_, _>>()?;
    let (enqueued, announcement) = jobs::enqueue(&mut tx, &new).await?;
    let revived: Vec<Uuid> = to_do
        .iter()
        .filter(|to_do| to_do.delivery_id.is_some())
        .zip(&enqueued)
        .filter_map(|(to_do, enqueued)| to_do.delivery_id.filter(|_| enqueued.created))
        .collect();
    sqlx::query("select outbound.revived($1)").bind(&revived).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok((revived.len(), announcement))
}

/// Removes what is older than [`KEPT`], some of it; whether there may be more (the queue's role).
///
/// # Errors
/// The ledger failed.
pub async fn prune(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, QueueError> {
    let gone: i32 = sqlx::query_scalar("select outbound.prune($1, $2)")
        .bind(now - KEPT)
        .bind(BATCH)
        .fetch_one(conn)
        .await?;
    Ok(gone >= BATCH)
}
