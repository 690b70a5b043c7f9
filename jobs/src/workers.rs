//! The worker processes: one row each, beaten once a second. The beat also brings back what the
//! worker must know: whether it still counts as alive, which of its jobs are to be cancelled, and how
//! operators set its queues.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, types::Json};
use uuid::Uuid;

use crate::{JobId, QueueError};

/// How long a worker may be silent before its jobs are handed out again, in seconds.
pub const SILENCE_SECS: i32 = 10;

/// A worker process as it introduces itself.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// New for every start, and for every return after having been counted out.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// The machine.
    pub host: String,
    /// The process on it.
    pub pid: i32,
    /// The program's version.
    pub version: String,
    /// Slots by queue.
    pub queues: HashMap<String, usize>,
}

/// Makes a worker known.
///
/// # Errors
/// The ledger failed.
pub async fn introduce(conn: &mut PgConnection, worker: &Introduction) -> Result<(), QueueError> {
    sqlx::query(
        "insert into jobs.worker (id, name, host, pid, version, queues, state) values ($1, $2, $3, $4, $5, $6, 'active')
         on conflict (id) do nothing",
    )
    .bind(worker.id)
    .bind(&worker.name)
    .bind(&worker.host)
    .bind(worker.pid)
    .bind(&worker.version)
    .bind(Json(&worker.queues))
    .execute(conn)
    .await?;
    Ok(())
}

/// What a beat brings back.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// False when the worker was counted out: its leases are lost and its runs must not be written.
    pub alive: bool,
    /// Jobs of this worker that someone wants cancelled, with the reason.
    pub cancel: Vec<(JobId, String)>,
    /// What operators set, by queue.
    pub controls: HashMap<String, Control>,
    /// Leases of this worker that are older than [`SETTLED_SECS`]: one that it does not know comes from
    /// a claim whose answer was lost.
    pub leases: Vec<Uuid>,
}

/// After how many seconds a worker must know of a lease that it took.
pub const SETTLED_SECS: i32 = 3;

/// What an operator set for a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// No job of the queue is started.
    pub paused: bool,
    /// Slots of every worker, instead of what it was started with.
    pub concurrency: Option<i32>,
}

/// One beat: `closed` are leases of which no job is left. One under which a job runs by the ledger stays: a
/// fail-over lost the completion, and the next beats bring the lease back as one that the worker does not know.
///
/// # Errors
/// The ledger failed.
pub async fn beat(
    conn: &mut PgConnection,
    worker: Uuid,
    draining: bool,
    running: i32,
    closed: &[Uuid],
) -> Result<Orders, QueueError> {
    type Beaten = (bool, Json<Vec<(JobId, String)>>, Json<HashMap<String, Control>>, Vec<Uuid>);
    let (alive, Json(cancel), Json(controls), leases): Beaten = sqlx::query_as(
        "with beaten as (
             update jobs.worker
             set beat_at = clock_timestamp(), running = $3, state = case when $2 then 'draining' else 'active' end
             where id = $1 and state in ('active', 'draining') returning id
         ), closed as (
             delete from jobs.lease l where lease = any ($4)
                 and not exists (select from unnest(l.job_ids) held (id) join jobs.live j on j.id = held.id
                                 where j.lease = l.lease)
         )
         select exists (select from beaten),
             coalesce((select jsonb_agg(jsonb_build_array(id, cancel_reason)) from jobs.live
                       where cancel_reason is not null and worker_id = $1), '[]'),
             coalesce((select jsonb_object_agg(queue, jsonb_build_object('paused', paused, 'concurrency', concurrency))
                       from jobs.queue_control), '{}'),
             array(select lease from jobs.lease where worker_id = $1 and lease <> all ($4)
                       and claimed_at < clock_timestamp() - make_interval(secs => $5))",
    )
    .bind(worker)
    .bind(draining)
    .bind(running)
    .bind(closed)
    .bind(f64::from(SETTLED_SECS))
    .fetch_one(conn)
    .await?;
    Ok(Orders { alive, cancel, controls, leases })
}

/// Says goodbye after a drain.
///
/// # Errors
/// The ledger failed; the worker is then counted out after its silence.
pub async fn leave(conn: &mut PgConnection, worker: Uuid, closed: &[Uuid]) -> Result<(), QueueError> {
    sqlx::query(
        "with closed as (
             delete from jobs.lease l where lease = any ($2)
                 and not exists (select from unnest(l.job_ids) held (id) join jobs.live j on j.id = held.id
                                 where j.lease = l.lease)
         )
         update jobs.worker set state = 'stopped', running = 0, stopped_at = now() where id = $1 and state <> 'lost'",
    )
    .bind(worker)
    .bind(closed)
    .execute(conn)
    .await?;
    Ok(())
}

/// Says that the process lives which was counted out as `worker`: it was cut off from the ledger, or stood still, so nobody
/// died of `jobs`, which it ran then. A crash that one of them was blamed for is taken back, with the attempt that it counted
/// as; what was buried meanwhile stays so. Answers of how many. Said twice it changes nothing more.
///
/// # Errors
/// The ledger failed; nothing changed.
pub async fn came_back(conn: &mut PgConnection, worker: Uuid, jobs: &[JobId]) -> Result<u64, QueueError> {
    let done = sqlx::query(
        "with told as (
             update jobs.attempt
             set error_class = 'bystander',
                 message = 'the worker was cut off from the ledger while it ran the job, and lives; that counts as no attempt'
             where job_id = any ($2) and worker_id = $1 and outcome = 'crash' and error_class = 'worker_lost'
             returning job_id
         ), once as (
             select distinct job_id from told
         )
         update jobs.live j set crashes = j.crashes - 1, attempt = j.attempt - 1
         from once o where j.id = any (array[o.job_id]) and j.crashes > 0 and j.attempt > 0",
    )
    .bind(worker)
    .bind(jobs)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A worker, for operators.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct WorkerView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The machine.
    pub host: String,
    /// The process on it.
    pub pid: i32,
    /// The program's version.
    pub version: String,
    /// Slots by queue.
    pub queues: serde_json::Value,
    /// active, draining, stopped or lost.
    pub state: String,
    /// Jobs it ran at its last beat; none of one that is gone.
    pub running: i32,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    pub beat_at: DateTime<Utc>,
    /// The jobs it runs, at most 100: id, kind, attempt and when it started.
    pub jobs: serde_json::Value,
}

/// The workers that are alive or were within the last day, those that are alive first and the newest of each first, with
/// what they run; after the worker `after`.
///
/// # Errors
/// The ledger failed.
pub async fn list(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<WorkerView>, QueueError> {
    Ok(sqlx::query_as(
        "select w.id, w.name, w.host, w.pid, w.version, w.queues, w.state, w.running, w.started_at, w.beat_at,
             coalesce((select jsonb_agg(r) from (
                 select j.id, j.kind, j.attempt, j.started_at
                 from jobs.lease l cross join unnest(l.job_ids) held (id)
                 join jobs.live j on j.id = held.id and j.lease = l.lease
                 where l.worker_id = w.id limit 100) r), '[]') as jobs
         from jobs.worker w cross join lateral (select w.state in ('active', 'draining') as is_alive) a
         where (a.is_alive or w.beat_at > now() - interval '1 day')
           and ($1::uuid is null or (a.is_alive, w.id) < (select p.state in ('active', 'draining'), p.id
                                                          from jobs.worker p where p.id = $1))
         order by a.is_alive desc, w.id desc limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
