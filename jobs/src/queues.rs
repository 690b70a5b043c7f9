//! Queues for operators: depths, ages and rates; pausing, resuming, resizing; and the books from
//! which all of that is computed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgConnection};

use crate::{JobId, QueueError, State, events::Event};

/// A queue, for operators.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct QueueView {
    /// Its name.
    pub queue: String,
    /// Jobs by state: scheduled, ready, running, retrying, done, dead, cancelled (the ends as far as
    /// history is kept).
    pub jobs: serde_json::Value,
    /// How long the oldest claimable job has waited, in seconds; none when none waits.
    pub oldest_ready_secs: Option<f64>,
    /// Jobs enqueued or made ready in the last five minutes, per second.
    pub in_per_sec: f64,
    /// Jobs that ended in the last five minutes, per second.
    pub out_per_sec: f64,
    /// Nothing is started.
    pub paused: bool,
    /// Slots of every worker, when an operator set them.
    pub concurrency: Option<i32>,
    /// Why, as the operator said.
    pub reason: Option<String>,
}

/// Every queue that has or had jobs, by name.
///
/// # Errors
/// The ledger failed.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<QueueView>, QueueError> {
    Ok(sqlx::query_as(include_str!("queues.sql")).fetch_all(conn).await?)
}

/// Sets what is given and leaves the rest. `concurrency` of `Some(None)` gives the slots back to the
/// workers' own settings.
///
/// # Errors
/// The ledger failed.
pub async fn control(
    conn: &mut PgConnection,
    queue: &str,
    paused: Option<bool>,
    concurrency: Option<Option<i32>>,
    reason: Option<&str>,
    by: &str,
) -> Result<(), QueueError> {
    sqlx::query(
        "insert into jobs.queue_control (queue, paused, concurrency, reason, changed_by)
         values ($1, coalesce($2, false), $4, $5, $6)
         on conflict (queue) do update set paused = coalesce($2, queue_control.paused),
             concurrency = case when $3 then $4 else queue_control.concurrency end,
             -- the slots may change while a queue is paused; why and since when it is paused stays known
             reason = case when $2 is null and $5 is null then queue_control.reason else $5 end,
             changed_by = $6,
             changed_at = case when $2 is null and queue_control.paused then queue_control.changed_at else now() end",
    )
    .bind(queue)
    .bind(paused)
    .bind(concurrency.is_some())
    .bind(concurrency.flatten())
    .bind(reason)
    .bind(by)
    .execute(conn)
    .await?;
    Ok(())
}

/// A queue of which nothing is started.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Paused {
    /// Its name.
    pub queue: String,
    /// For how long an operator has left it so, in seconds.
    pub secs: f64,
}

/// The queues that are paused, by name.
///
/// # Errors
/// The ledger failed.
pub async fn paused(conn: &mut PgConnection) -> Result<Vec<Paused>, QueueError> {
    Ok(sqlx::query_as(
        "select queue, extract(epoch from now() - changed_at)::float8 as secs from jobs.queue_control
         where paused order by queue",
    )
    .fetch_all(conn)
    .await?)
}

/// Limits how many jobs of a kind run at once in the cluster, or lifts the limit.
///
/// # Errors
/// The ledger failed.
pub async fn limit_kind(
    conn: &mut PgConnection,
    kind: &str,
    max_running: Option<i32>,
    by: &str,
) -> Result<(), QueueError> {
    match max_running {
        Some(max_running) => {
            sqlx::query(
                "insert into jobs.kind_limit (kind, max_running, changed_by) values ($1, $2, $3)
                 on conflict (kind) do update set max_running = $2, changed_by = $3, changed_at = now()",
            )
            .bind(kind)
            .bind(max_running)
            .bind(by)
            .execute(conn)
            .await?;
        }
        None => {
            sqlx::query("delete from jobs.kind_limit where kind = $1").bind(kind).execute(conn).await?;
        }
    }
    Ok(())
}

/// The limits of kinds: kind, limit, who set it.
///
/// # Errors
/// The ledger failed.
pub async fn kind_limits(conn: &mut PgConnection) -> Result<Vec<(String, i32, String)>, QueueError> {
    Ok(sqlx::query_as("select kind, max_running, changed_by from jobs.kind_limit order by kind")
        .fetch_all(conn)
        .await?)
}

/// Cancels those that wait of the next `limit` jobs of a queue, between `after` and `up_to`. Says at
/// which job to go on, and none when there is no further one.
///
/// # Errors
/// The ledger failed.
pub async fn drain(
    conn: &mut PgConnection,
    queue: &str,
    kind: Option<&str>,
    after: JobId,
    up_to: JobId,
    reason: &str,
    limit: i64,
) -> Result<(Vec<Event>, Option<JobId>), QueueError> {
    let ids: Vec<JobId> = sqlx::query_scalar(
        "select id from jobs.live where queue = $1 and id > $2 and id <= $3 and ($5::text is null or kind = $5)
         order by id limit $4",
    )
    .bind(queue)
    .bind(after)
    .bind(up_to)
    .bind(limit)
    .bind(kind)
    .fetch_all(&mut *conn)
    .await?;
    let cancelled = crate::read::cancel_waiting(conn, &ids, reason).await?;
    let events = cancelled.into_iter().map(|id| Event { id, state: State::Cancelled }).collect();
    Ok((events, ids.last().copied()))
}

/// Jobs of a kind in a state of a queue, by the books.
#[derive(Clone, Debug, FromRow)]
pub struct Balance {
    /// The queue.
    pub queue: String,
    /// The kind.
    pub kind: String,
    /// A state, or `enqueued` or `pruned`.
    pub account: String,
    /// How many.
    pub n: i64,
}

/// The books, not yet compacted transitions included.
///
/// # Errors
/// The ledger failed.
pub async fn balances(conn: &mut PgConnection) -> Result<Vec<Balance>, QueueError> {
    Ok(sqlx::query_as(
        "select queue, kind, account, sum(n)::bigint as n from (
             select queue, kind, account, n from jobs.balance
             union all
             select queue, kind, coalesce(to_state::text, 'pruned'), n from jobs.transition
             union all
             select queue, kind, coalesce(from_state::text, 'enqueued'), case when from_state is null then n else -n end
             from jobs.transition
         ) books group by queue, kind, account",
    )
    .fetch_all(conn)
    .await?)
}

/// Folds up to `limit` transitions into the balances and the rates by minute. Run by one at a time.
///
/// # Errors
/// The ledger failed.
pub async fn compact(conn: &mut PgConnection, limit: i64) -> Result<u64, QueueError> {
    let folded: i64 = sqlx::query_scalar(include_str!("compact.sql")).bind(limit).fetch_one(conn).await?;
    Ok(u64::try_from(folded).unwrap_or(0))
}

/// When the oldest claimable job of each queue that has or had jobs fell due, whatever its priority; none where none
/// waits.
///
/// # Errors
/// The ledger failed.
pub async fn oldest_ready(
    conn: &mut PgConnection,
) -> Result<Vec<(String, Option<DateTime<Utc>>)>, QueueError> {
    Ok(sqlx::query_as(
        "select q.queue, (
             select min(first.run_at) from unnest(jobs.priorities()) p (priority)
             cross join lateral (
                 select j.run_at from jobs.live j
                 where j.queue = q.queue and j.priority = p.priority and j.due_at is null and not j.parked
                   and j.state = 'ready'
                 order by j.id limit 1
             ) first)
         from (select distinct queue from jobs.balance) q",
    )
    .fetch_all(conn)
    .await?)
}
