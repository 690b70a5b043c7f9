//! Reading jobs: one, many by filter, their failed attempts; and cancelling one.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{JobId, QueueError, SYSTEM_TENANT, State};

/// A job as people and programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// The rank of its priority, 0 goes first.
    pub priority: i16,
    /// Where it stands.
    pub state: State,
    /// Attempts so far.
    pub attempt: i16,
    /// Attempts it may have.
    pub max_attempts: i16,
    /// Workers that died while they ran it.
    pub crashes: i16,
    /// When it was or is due.
    pub run_at: DateTime<Utc>,
    /// Progress as its handler reported it: `{done, total, message}`.
    pub progress: Option<serde_json::Value>,
    /// What it left, when done.
    pub result: Option<serde_json::Value>,
    /// What failed last: `{class, message, fingerprint}`.
    pub error: Option<serde_json::Value>,
    /// Set when someone wants it cancelled and it still runs.
    pub cancel_reason: Option<String>,
    /// It waits for a slot of a concurrency limit.
    pub parked: bool,
    /// Correlates it with what caused it.
    pub correlation_id: String,
    /// api, webhook, schedule, job, ...
    pub origin: String,
    /// The job whose run created it.
    pub parent_id: Option<JobId>,
    /// When it came into being.
    pub created_at: DateTime<Utc>,
    /// When its latest attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The payload; only for a single job.
    pub payload: Option<serde_json::Value>,
}

const COLUMNS: &str = "id, tenant_id, kind, queue, priority, state::text, attempt, max_attempts, crashes, run_at, \
    progress, result, error, cancel_reason, parked, correlation_id, origin, parent_id, created_at, started_at, finished_at";

/// The job of that id, if the tenant has it; every tenant's when `tenant` is none (then under the
/// queue engine's role).
///
/// # Errors
/// The ledger failed.
pub async fn job(
    conn: &mut PgConnection,
    tenant: Option<Uuid>,
    id: JobId,
) -> Result<Option<JobView>, QueueError> {
    let mut query = QueryBuilder::new(format!("select {COLUMNS}, payload from jobs.job where id = "));
    query.push_bind(id).push(" and tenant_id = any (");
    match tenant {
        Some(tenant) => query.push_bind(vec![tenant]).push(")"),
        // names the tenants, so that the index on (tenant_id, id) serves the operators' look-up as well
        None => {
            query.push("array(select id from shared.tenant) || ").push_bind(vec![SYSTEM_TENANT]).push(")")
        }
    };
    let Some(row) = query.build().fetch_optional(conn).await? else { return Ok(None) };
    let mut view = view(&row)?;
    view.payload = row.try_get(21)?;
    Ok(Some(view))
}

/// When an unfinished job came into being, by the ledger's clock.
///
/// # Errors
/// The ledger failed, or the job is over.
pub async fn created_at(conn: &mut PgConnection, id: JobId) -> Result<DateTime<Utc>, QueueError> {
    Ok(sqlx::query_scalar("select created_at from jobs.live where id = $1").bind(id).fetch_one(conn).await?)
}

/// The states of those of the jobs that exist, in any order (queue engine's role).
///
/// # Errors
/// The ledger failed.
pub async fn states(conn: &mut PgConnection, ids: &[JobId]) -> Result<Vec<State>, QueueError> {
    let names: Vec<String> = sqlx::query_scalar(
        "select state::text from jobs.job
         where id = any ($1) and tenant_id = any (array(select id from shared.tenant) || $2)",
    )
    .bind(ids)
    .bind(vec![SYSTEM_TENANT])
    .fetch_all(conn)
    .await?;
    Ok(names.iter().filter_map(|name| State::parse(name)).collect())
}

/// The jobs of these (tenant, id) pairs, without payloads, in no order; what does not exist is left
/// out. One look-up by index each, in one statement.
///
/// # Errors
/// The ledger failed.
pub async fn jobs(conn: &mut PgConnection, wanted: &[(Uuid, JobId)]) -> Result<Vec<JobView>, QueueError> {
    let (tenants, ids): (Vec<Uuid>, Vec<JobId>) = wanted.iter().copied().unzip();
    let mut query = QueryBuilder::new("select found.* from unnest(");
    query.push_bind(tenants).push(", ").push_bind(ids);
    query.push(format!(
        ") wanted (tenant_id, id) cross join lateral (
             select {COLUMNS} from jobs.job j
             where j.tenant_id = wanted.tenant_id and j.id = any (array[wanted.id])) found"
    ));
    query.build().fetch_all(conn).await?.iter().map(view).collect()
}

/// Which jobs to list. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Of this tenant; of all when none (operators).
    pub tenant: Option<Uuid>,
    /// In one of these states; in any when empty.
    pub states: Vec<State>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Caused by the same.
    pub correlation_id: Option<String>,
    /// Children of this job.
    pub parent_id: Option<JobId>,
    /// Created at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before.
    pub created_to: Option<DateTime<Utc>>,
}

/// Up to `limit` jobs that match, newest first, older than `before`.
///
/// # Errors
/// The ledger failed.
pub async fn list(
    conn: &mut PgConnection,
    filter: &JobFilter,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<JobView>, QueueError> {
    let kinds = kinds_of_queue(conn, filter).await?;
    let mut query = QueryBuilder::new("");
    match filter.tenant {
        Some(tenant) => {
            query.push(format!("select {COLUMNS} from jobs.job where tenant_id = ")).push_bind(tenant);
            push_conditions(&mut query, filter, kinds, before);
        }
        // Every table is in order within a tenant: the newest of each tenant, and then of all.
        None => {
            query
                .push("select found.* from (select id from shared.tenant union all select ")
                .push_bind(SYSTEM_TENANT);
            query.push(format!(
                ") tenant (id) cross join lateral (select {COLUMNS} from jobs.job where tenant_id = tenant.id"
            ));
            push_conditions(&mut query, filter, kinds, before);
            query.push(" order by jobs.job.id desc limit ").push_bind(limit).push(") found");
        }
    }
    query.push(" order by id desc limit ").push_bind(limit);
    query.build().fetch_all(conn).await?.iter().map(view).collect()
}

/// The kinds of the queue's jobs. Asked for beforehand, so that the planner sees which they are and takes
/// the index by kind; there is none by queue.
async fn kinds_of_queue(
    conn: &mut PgConnection,
    filter: &JobFilter,
) -> Result<Option<Vec<String>>, QueueError> {
    let Some(queue) = &filter.queue else { return Ok(None) };
    let kinds = sqlx::query_scalar("select jobs.kinds_of($1)").bind(queue).fetch_one(conn).await?;
    Ok(Some(kinds))
}

fn push_conditions(
    query: &mut QueryBuilder<Postgres>,
    filter: &JobFilter,
    kinds: Option<Vec<String>>,
    before: Option<JobId>,
) {
    if !filter.states.is_empty() {
        // Written out rather than bound: the planner then leaves out the tables that hold other states.
        let states: Vec<String> = filter.states.iter().map(|state| format!("'{state}'")).collect();
        query.push(format!(" and state in ({})", states.join(", ")));
    }
    if let Some(kind) = &filter.kind {
        query.push(" and kind = ").push_bind(kind.clone());
    }
    if let Some(queue) = &filter.queue {
        query.push(" and queue = ").push_bind(queue.clone());
    }
    if let Some(kinds) = kinds {
        query.push(" and kind = any (").push_bind(kinds).push(")");
    }
    if let Some(correlation_id) = &filter.correlation_id {
        query.push(" and correlation_id = ").push_bind(correlation_id.clone());
    }
    if let Some(parent) = filter.parent_id {
        query.push(" and parent_id = ").push_bind(parent);
    }
    // Ids sort by time of creation: bounds of time are bounds of the index.
    if let Some(from) = filter.created_from {
        query.push(" and id >= ").push_bind(first_id_at(from));
    }
    if let Some(to) = filter.created_to {
        query.push(" and id < ").push_bind(first_id_at(to));
    }
    if let Some(before) = before {
        query.push(" and id < ").push_bind(before);
    }
}

/// The smallest version 7 UUID of that millisecond.
pub fn first_id_at(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis().max(0)).unwrap_or(0);
    Uuid::from_u128((millis << 80) | (0x7 << 76) | (0x2 << 62))
}

/// A failed attempt.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptView {
    /// Its number.
    pub attempt: i16,
    /// retry, dead, crash or cancelled.
    pub outcome: String,
    /// The class of the failure.
    pub class: String,
    /// What failed.
    pub message: String,
    /// The worker that ran it.
    pub worker_id: Option<Uuid>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}

/// The failed attempts of a job, oldest first, at most 100.
///
/// # Errors
/// The ledger failed.
pub async fn attempts(conn: &mut PgConnection, id: JobId) -> Result<Vec<AttemptView>, QueueError> {
    let rows = sqlx::query(
        "select attempt, outcome, error_class, message, worker_id, finished_at from jobs.attempt
         where job_id = $1 order by finished_at limit 100",
    )
    .bind(id)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AttemptView {
            attempt: row.get(0),
            outcome: row.get(1),
            class: row.get(2),
            message: row.get(3),
            worker_id: row.get(4),
            finished_at: row.get(5),
        })
        .collect())
}

/// What a cancellation led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited and is cancelled now.
    Now,
    /// It runs; its worker will be told within a second.
    Requested,
    /// It was over already, in this state.
    Over(State),
    /// There is no such job.
    Unknown,
}

/// Cancels a job of the tenant (of any when none), wherever it is.
///
/// # Errors
/// The ledger failed.
pub async fn cancel(
    conn: &mut PgConnection,
    tenant: Option<Uuid>,
    id: JobId,
    reason: &str,
) -> Result<Cancelled, QueueError> {
    // A job may start to run, or come back from a run, between two looks at it.
    for _ in 0..3 {
        let requested: Option<JobId> = sqlx::query_scalar(
            "update jobs.live set cancel_reason = $3 where id = $1 and ($2::uuid is null or tenant_id = $2)
             and state = 'running' returning id",
        )
        .bind(id)
        .bind(tenant)
        .bind(reason)
        .fetch_optional(&mut *conn)
        .await?;
        if requested.is_some() {
            return Ok(Cancelled::Requested);
        }
        match job(conn, tenant, id).await? {
            None => return Ok(Cancelled::Unknown),
            Some(view) if view.state.is_finished() => return Ok(Cancelled::Over(view.state)),
            Some(_) => {
                if !cancel_waiting(conn, &[id], reason).await?.is_empty() {
                    return Ok(Cancelled::Now);
                }
            }
        }
    }
    Ok(Cancelled::Requested)
}

/// Cancels those of the jobs that wait.
pub(crate) async fn cancel_waiting(
    conn: &mut PgConnection,
    ids: &[JobId],
    reason: &str,
) -> Result<Vec<JobId>, QueueError> {
    Ok(sqlx::query_scalar(include_str!("cancel_waiting.sql")).bind(ids).bind(reason).fetch_all(conn).await?)
}

fn view(row: &PgRow) -> Result<JobView, QueueError> {
    let state: &str = row.try_get(5)?;
    Ok(JobView {
        id: row.try_get(0)?,
        tenant_id: row.try_get(1)?,
        kind: row.try_get(2)?,
        queue: row.try_get(3)?,
        priority: row.try_get(4)?,
        state: State::parse(state)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown state {state}").into()))?,
        attempt: row.try_get(6)?,
        max_attempts: row.try_get(7)?,
        crashes: row.try_get(8)?,
        run_at: row.try_get(9)?,
        progress: row.try_get(10)?,
        result: row.try_get(11)?,
        error: row.try_get(12)?,
        cancel_reason: row.try_get(13)?,
        parked: row.try_get(14)?,
        correlation_id: row.try_get(15)?,
        origin: row.try_get(16)?,
        parent_id: row.try_get(17)?,
        created_at: row.try_get(18)?,
        started_at: row.try_get(19)?,
        finished_at: row.try_get(20)?,
        payload: None,
    })
}
