//! Successors: one more run for what is asked for while it runs. A job that has begun has read its input, so
//! it cannot stand in for a request that comes now; a job of its own is written for that one, which waits
//! until the first is over, however it ends, and then takes over its dedup key.

use chrono::{DateTime, Utc};
use sqlx::{Arguments, FromRow, PgConnection};
use uuid::Uuid;

use crate::{Announcement, JobId, NewJob, Offer, QueueError, contract::Rerun, new_job::columns};

/// What stands for a job that was asked for.
#[derive(FromRow)]
pub(crate) struct Met {
    /// The id of the job that was asked for.
    pub(crate) asked: JobId,
    /// The job that stands for it: one that waits, or the successor of one that has begun.
    pub(crate) id: JobId,
    /// Where that one stands.
    pub(crate) state: String,
    tenant_id: Uuid,
    queue: String,
    priority: i16,
    is_claimable: bool,
}

impl Met {
    /// A job that waited to be claimed. While the caller's transaction held it, a claim may have passed it
    /// over, so it is offered again.
    pub(crate) fn offer(&self) -> Option<Offer> {
        self.is_claimable.then(|| Offer {
            id: self.id,
            tenant: self.tenant_id,
            queue: self.queue.clone(),
            priority: self.priority,
        })
    }
}

/// Finds what stands for these jobs, whose dedup keys unfinished jobs have; writes successors where those have
/// begun. Of jobs with the same key the last one's payload counts.
pub(crate) async fn meet(conn: &mut PgConnection, jobs: &[&NewJob]) -> Result<Vec<Met>, QueueError> {
    let goes_on: Vec<bool> = jobs.iter().map(|job| job.rerun == Rerun::WhenAskedOnceBegun).collect();
    let mut columns = columns(jobs)?;
    columns.add(goes_on).map_err(sqlx::Error::Encode)?;
    Ok(sqlx::query_as_with(include_str!("successors/ask.sql"), columns).fetch_all(conn).await?)
}

#[derive(FromRow)]
struct Released {
    id: JobId,
    tenant_id: Uuid,
    queue: String,
    priority: i16,
    due_at: Option<DateTime<Utc>>,
}

/// Releases the successors of those of `jobs` that are over, in the transaction in which they ended.
pub(crate) async fn release(conn: &mut PgConnection, jobs: &[JobId]) -> Result<Announcement, QueueError> {
    let released: Vec<Released> =
        sqlx::query_as(include_str!("successors/release.sql")).bind(jobs).fetch_all(conn).await?;
    let mut announcement = Announcement::default();
    for job in released {
        match job.due_at {
            Some(at) => announcement.next_due = announcement.next_due.into_iter().chain([at]).min(),
            None => announcement.ready.push(Offer {
                id: job.id,
                tenant: job.tenant_id,
                queue: job.queue,
                priority: job.priority,
            }),
        }
    }
    Ok(announcement)
}

/// Releases up to `limit` successors that were left behind: what they follow was ended by a program that knew
/// nothing of them. Harmless when two do it at once.
///
/// # Errors
/// The ledger failed; the next look tries again.
pub async fn release_left_behind(conn: &mut PgConnection, limit: i64) -> Result<Announcement, QueueError> {
    let gone: Vec<JobId> = sqlx::query_scalar(
        "select f.successor_of from jobs.live f
         where f.successor_of is not null and not exists (select from jobs.live s where s.id = f.successor_of)
         limit $1",
    )
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    if gone.is_empty() {
        return Ok(Announcement::default());
    }
    release(conn, &gone).await
}
