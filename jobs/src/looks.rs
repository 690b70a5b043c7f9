//! What the leading scheduler looks at again and again to find out whether there is anything to do: cheap statements,
//! each by an index. What it then does is in [`crate::sweep`].

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use crate::QueueError;

/// The next job that falls due, by the ledger's clock.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct NextDue {
    /// The time by the ledger's clock.
    pub now: DateTime<Utc>,
    /// When the next job falls due; none when none waits for a time.
    pub due_at: Option<DateTime<Utc>>,
}

/// When the next job falls due.
///
/// # Errors
/// The ledger failed.
pub async fn next_due(conn: &mut PgConnection) -> Result<NextDue, QueueError> {
    Ok(sqlx::query_as(
        "select clock_timestamp() as now,
             (select due_at from jobs.live where due_at is not null order by due_at limit 1) as due_at",
    )
    .fetch_one(conn)
    .await?)
}

/// Signs that something must be done about workers or parked jobs.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Unrest {
    /// A worker is silent, or one that is counted out or was never heard of still holds a lease.
    pub silent_or_gone: bool,
    /// Jobs are parked.
    pub parked: bool,
}

/// Whether a worker was silent for so long or is gone, and whether jobs are parked.
///
/// # Errors
/// The ledger failed.
pub async fn unrest(conn: &mut PgConnection, silence: Duration) -> Result<Unrest, QueueError> {
    Ok(sqlx::query_as(
        "select exists (select from jobs.worker
                 where state in ('active', 'draining') and beat_at < now() - make_interval(secs => $1))
             or exists (select from jobs.lease l left join jobs.worker w on w.id = l.worker_id
                 where w.state in ('lost', 'stopped')
                    or w.id is null and l.claimed_at < now() - make_interval(secs => $1)) as silent_or_gone,
             exists (select from jobs.live where parked) as parked",
    )
    .bind(silence.as_secs_f64())
    .fetch_one(conn)
    .await?)
}

/// How many ready jobs of each queue are parked; a queue without one is left out.
///
/// # Errors
/// The ledger failed.
pub async fn parked_by_queue(conn: &mut PgConnection) -> Result<Vec<(String, i64)>, QueueError> {
    let counts = sqlx::query_as(
        "select queue, count(*) from jobs.live where parked and state = 'ready' group by queue",
    );
    Ok(counts.fetch_all(conn).await?)
}

/// How many workers there are in each state: active, draining, stopped, lost.
///
/// # Errors
/// The ledger failed.
pub async fn workers_by_state(conn: &mut PgConnection) -> Result<Vec<(String, i64)>, QueueError> {
    Ok(sqlx::query_as("select state, count(*) from jobs.worker group by state").fetch_all(conn).await?)
}
