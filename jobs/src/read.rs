//! Reading jobs: one, many by filter, their failed attempts; and cancelling one.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{JobId, QueueError, SYSTEM_TENANT, State, successors};

/// A job as people and programs see it.
#[derive(Clone, Debug, Serialize, FromRow)]
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
    #[sqlx(default)]
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
    Ok(query.build_query_as().fetch_optional(conn).await?)
}

/// When an unfinished job came into being, by the ledger's clock.
///
/// # Errors
/// The ledger failed, or the job is over.
pub async fn created_at(conn: &mut PgConnection, id: JobId) -> Result<DateTime<Utc>, QueueError> {
    Ok(sqlx::query_scalar("select created_at from jobs.live where id = $1").bind(id).fetch_one(conn).await?)
}

/// Whether a job is not over yet; also false when there is no such job.
///
/// # Errors
/// The ledger failed.
pub async fn is_unfinished(conn: &mut PgConnection, id: JobId) -> Result<bool, QueueError> {
    Ok(sqlx::query_scalar("select exists (select from jobs.live where id = $1)")
        .bind(id)
        .fetch_one(conn)
        .await?)
}

/// A job that another one enqueued, as far as that one waits for it.
#[derive(Clone, Debug, FromRow)]
pub struct Child {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// What tells it from the other children of the kind.
    pub dedup_key: Option<String>,
    /// Where it stands.
    pub state: State,
}

/// The jobs that a job enqueued, in no order (a tenant's own).
///
/// # Errors
/// The ledger failed.
pub async fn children(conn: &mut PgConnection, parent: JobId) -> Result<Vec<Child>, QueueError> {
    Ok(sqlx::query_as("select id, kind, dedup_key, state::text from jobs.job where parent_id = $1")
        .bind(parent)
        .fetch_all(conn)
        .await?)
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
    Ok(query.build_query_as().fetch_all(conn).await?)
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

/// Up to `limit` jobs that match, newest first, older than `before`, without their results: see [`add_results`].
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
    let brief = COLUMNS.replace(" result,", " null::jsonb as result,");
    let mut query = QueryBuilder::new("");
    match filter.tenant {
        Some(tenant) => {
            query.push(format!("select {brief} from jobs.job where tenant_id = ")).push_bind(tenant);
            push_conditions(&mut query, filter, kinds, before);
        }
        // Every table is in order within a tenant: the newest of each tenant, and then of all.
        None => {
            query
                .push("select found.* from (select id from shared.tenant union all select ")
                .push_bind(SYSTEM_TENANT);
            query.push(format!(
                ") tenant (id) cross join lateral (select {brief} from jobs.job where tenant_id = tenant.id"
            ));
            push_conditions(&mut query, filter, kinds, before);
            query.push(" order by jobs.job.id desc limit ").push_bind(limit).push(") found");
        }
    }
    query.push(" order by id desc limit ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(conn).await?)
}

/// Reads the results of the first of these jobs, of as many as have at most `max_bytes` together and of one at
/// least. Says of how many.
///
/// # Errors
/// The ledger failed.
pub async fn add_results(
    conn: &mut PgConnection,
    jobs: &mut [JobView],
    max_bytes: usize,
) -> Result<usize, QueueError> {
    let (tenants, ids): (Vec<Uuid>, Vec<JobId>) = jobs.iter().map(|job| (job.tenant_id, job.id)).unzip();
    let rows: Vec<(i64, Option<serde_json::Value>)> = sqlx::query_as(
        "select place, result from (
             select w.place, j.result,
                 coalesce(sum(octet_length(j.result::text)) over (order by w.place), 0) as bytes
             from unnest($1::uuid[], $2::uuid[]) with ordinality w (tenant_id, id, place)
             left join jobs.job j using (tenant_id, id)
         ) r where bytes <= $3 or place = 1 order by place",
    )
    .bind(tenants)
    .bind(ids)
    .bind(i64::try_from(max_bytes).unwrap_or(i64::MAX))
    .fetch_all(conn)
    .await?;
    let read = rows.len();
    for (job, (_, result)) in jobs.iter_mut().zip(rows) {
        job.result = result;
    }
    Ok(read)
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
fn first_id_at(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis().max(0)).unwrap_or(0);
    Uuid::from_u128((millis << 80) | (0x7 << 76) | (0x2 << 62))
}

/// A failed attempt.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct AttemptView {
    /// Its number.
    pub attempt: i16,
    /// retry, dead, crash or cancelled.
    pub outcome: String,
    /// The class of the failure.
    #[sqlx(rename = "error_class")]
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
    Ok(sqlx::query_as(
        "select attempt, outcome, error_class, message, worker_id, finished_at from jobs.attempt
         where job_id = $1 order by finished_at limit 100",
    )
    .bind(id)
    .fetch_all(conn)
    .await?)
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
/// The ledger failed, or the job began and ended runs all the time.
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
                    // Redis is told of a successor by the leader, as of everything that it does not know.
                    let _ = successors::release(conn, &[id]).await?;
                    return Ok(Cancelled::Now);
                }
            }
        }
    }
    Err(QueueError::Unsettled(id))
}

/// Cancels those of the jobs that wait.
pub(crate) async fn cancel_waiting(
    conn: &mut PgConnection,
    ids: &[JobId],
    reason: &str,
) -> Result<Vec<JobId>, QueueError> {
    Ok(sqlx::query_scalar(include_str!("cancel_waiting.sql")).bind(ids).bind(reason).fetch_all(conn).await?)
}
