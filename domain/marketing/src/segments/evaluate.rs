//! Evaluations: who is in a segment now, who came and who went, in one statement and one transaction. Killed halfway
//! it leaves the members as they were, and the next attempt of the job comes to the same result.

use std::time::Instant;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::count::names_for;
use super::facts;
use super::json::from_json;
use super::resolve::{NameError, resolve};
use super::scan::push_from;
use database::ids::{SegmentId, TenantId};
use database::{Db, DbError, Role, Tx};

/// How long changes of members are kept, in days.
const KEEP_CHANGES_DAYS: i32 = 60;

/// How long evaluations are kept, in days; the last done one of a segment is kept for good.
const KEEP_EVALUATIONS_DAYS: i32 = 400;

/// An evaluation of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The job that did it.
    pub id: Uuid,
    /// running, done or failed.
    pub state: String,
    /// The run whose facts it saw.
    pub run: Option<Uuid>,
    /// The version of those facts.
    pub facts_version: Option<i64>,
    /// The version of the segment that it evaluated.
    pub rule_version: i32,
    /// Members afterwards.
    pub members: Option<i64>,
    /// Who were not members before.
    pub entered: Option<i64>,
    /// Who are members no more.
    pub departed: Option<i64>,
    /// When its latest attempt began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// The same as a row's JSON.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    id: Uuid,
    state: String,
    run_id: Option<Uuid>,
    facts_version: Option<i64>,
    rule_version: i32,
    members: Option<i64>,
    entered: Option<i64>,
    departed: Option<i64>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    took_ms: Option<i64>,
    error: Option<String>,
}

impl From<Stored> for Evaluation {
    fn from(stored: Stored) -> Evaluation {
        Evaluation {
            id: stored.id,
            state: stored.state,
            run: stored.run_id,
            facts_version: stored.facts_version,
            rule_version: stored.rule_version,
            members: stored.members,
            entered: stored.entered,
            departed: stored.departed,
            started_at: stored.started_at,
            finished_at: stored.finished_at,
            took_ms: stored.took_ms,
            error: stored.error,
        }
    }
}

/// Why a segment was not evaluated. All but a failure of the database are noted in the evaluation.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// It is archived, or not there.
    #[error("the segment is archived, or there is no such segment")]
    Gone,
    /// Nothing is known of the tenant's customers yet.
    #[error("no run has been published yet, so nothing is known of the customers")]
    NoFacts,
    /// The rule names something that is not there any more.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The rule was stored by another version of the program.
    #[error("the stored rule is not understood: {0}")]
    BadRule(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for EvaluateError {
    fn from(error: sqlx::Error) -> EvaluateError {
        EvaluateError::Db(error.into())
    }
}

/// Evaluates a segment under the id of the job that does it.
///
/// # Errors
/// See [`EvaluateError`]; the members are then as they were.
pub async fn evaluate(
    db: &Db,
    tenant: TenantId,
    segment: SegmentId,
    job: Uuid,
    now: DateTime<Utc>,
) -> Result<Evaluation, EvaluateError> {
    let started = Instant::now();
    begin(db, tenant, segment, job).await?;
    let ended = replace_members(db, tenant, segment, job, now, started).await;
    if let Err(error) = &ended
        && !matches!(error, EvaluateError::Gone)
    {
        // If this fails as well, the evaluation stays as running and is shown as stuck.
        fail(db, tenant, job, &error.to_string(), started).await?;
    }
    ended
}

/// Shows that it runs.
async fn begin(db: &Db, tenant: TenantId, segment: SegmentId, job: Uuid) -> Result<(), EvaluateError> {
    let mut tx = db.tenant_tx(Role::Marketing, tenant).await?;
    let begun = sqlx::query(
        "insert into marketing_app.segment_evaluation (id, tenant_id, segment_id, rule_version)
         select $1, tenant_id, id, version from marketing_app.segment
         where tenant_id = $2 and id = $3 and archived_at is null
         on conflict (id) do update
         set state = 'running', rule_version = excluded.rule_version, started_at = now(), finished_at = null, error = null",
    )
    .bind(job)
    .bind(tenant)
    .bind(segment)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    if begun.rows_affected() == 0 { Err(EvaluateError::Gone) } else { Ok(()) }
}

async fn replace_members(
    db: &Db,
    tenant: TenantId,
    segment: SegmentId,
    job: Uuid,
    now: DateTime<Utc>,
    started: Instant,
) -> Result<Evaluation, EvaluateError> {
    let mut tx = db.tenant_tx(Role::Marketing, tenant).await?;
    // One state of the facts throughout. Sets of customers are compared by hashing, whatever the planner guesses
    // about their sizes.
    sqlx::raw_sql(
        "set transaction isolation level repeatable read; set local statement_timeout = '300s';
         set local work_mem = '64MB'; set local enable_nestloop = off; set local enable_mergejoin = off",
    )
    .execute(&mut *tx)
    .await?;
    let (rule, rule_version, is_later): (serde_json::Value, i32, bool) = sqlx::query_as(
        "select rule, version, exists (select from marketing_app.segment_evaluation e
                                       where e.segment_id = s.id and e.state = 'done') as is_later
         from marketing_app.segment s where id = $1 and archived_at is null for update",
    )
    .bind(segment)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(EvaluateError::Gone)?;
    let rule = from_json(&rule).map_err(|error| EvaluateError::BadRule(error.to_string()))?;
    let facts = facts::current(&mut tx, tenant).await?.ok_or(EvaluateError::NoFacts)?;
    let today = facts::today(&mut tx, tenant, now).await?;
    let test = resolve(&rule, &names_for(&mut tx, &facts, &rule).await?, today)?;

    let mut query: QueryBuilder<Postgres> =
        QueryBuilder::new("with matching as materialized (select f.customer_id");
    push_from(&mut query, facts.rows, &test);
    query
        .push("), departed as (delete from marketing_app.segment_member m where m.segment_id = ")
        .push_bind(segment);
    query.push(
        " and not exists (select from matching n where n.customer_id = m.customer_id) returning m.customer_id),
         entered as (insert into marketing_app.segment_member (tenant_id, segment_id, customer_id, entered_at) select ",
    );
    query.push_bind(tenant).push(", ").push_bind(segment).push(", n.customer_id, ").push_bind(now);
    query.push(
        " from matching n where not exists (select from marketing_app.segment_member m where m.segment_id = ",
    );
    query.push_bind(segment).push(
        " and m.customer_id = n.customer_id) returning customer_id),
         noted as (insert into marketing_app.segment_change (tenant_id, segment_id, evaluation_id, customer_id, entered) select ",
    );
    query.push_bind(tenant).push(", ").push_bind(segment).push(", ").push_bind(job);
    query.push(
        ", changed.customer_id, changed.entered
         from (select customer_id, true from entered union all select customer_id, false from departed)
              as changed (customer_id, entered) where ",
    );
    query.push_bind(is_later).push(" returning 1)");
    query.push(
        " select (select count(*) from matching), (select count(*) from entered), (select count(*) from departed),
                 (select count(*) from noted)",
    );
    let (members, entered, departed): (i64, i64, i64) =
        query.build_query_as().persistent(false).fetch_one(&mut *tx).await?;

    let took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let sqlx::types::Json(stored): sqlx::types::Json<Stored> = sqlx::query_scalar(
        "update marketing_app.segment_evaluation
         set state = 'done', run_id = $2, facts_version = $3, rule_version = $4, members = $5, entered = $6,
             departed = $7, finished_at = now(), took_ms = $8, error = null
         where id = $1 returning to_jsonb(segment_evaluation.*)",
    )
    .bind(job)
    .bind(facts.run)
    .bind(facts.version)
    .bind(rule_version)
    .bind(members)
    .bind(entered)
    .bind(departed)
    .bind(took_ms)
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(stored.into())
}

async fn fail(db: &Db, tenant: TenantId, job: Uuid, error: &str, started: Instant) -> Result<(), DbError> {
    let mut tx = db.tenant_tx(Role::Marketing, tenant).await?;
    sqlx::query(
        "update marketing_app.segment_evaluation
         set state = 'failed', finished_at = now(), took_ms = $2, error = left($3, 2000) where id = $1",
    )
    .bind(job)
    .bind(i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX))
    .bind(error)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// A segment's evaluations, latest first, before the one given by start and id (marketing role).
pub async fn history(
    tx: &mut Tx,
    segment: SegmentId,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Evaluation>, DbError> {
    let rows: Vec<sqlx::types::Json<Stored>> = sqlx::query_scalar(
        "select to_jsonb(e.*) from marketing_app.segment_evaluation e
         where segment_id = $1 and ($2::timestamptz is null or (started_at, id) < ($2, $3))
         order by started_at desc, id desc limit $4",
    )
    .bind(segment)
    .bind(before.map(|(at, _)| at))
    .bind(before.map(|(_, id)| id))
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|sqlx::types::Json(stored)| stored.into()).collect())
}

/// Removes what is older than its time, at most `limit` changes and as many evaluations (marketing role); says how
/// many rows went.
pub async fn prune(tx: &mut Tx, tenant: TenantId, limit: i64) -> Result<u64, DbError> {
    let changes = sqlx::query(
        "delete from marketing_app.segment_change where ctid = any (array(
             select c.ctid from marketing_app.segment_change c
             join marketing_app.segment_evaluation e on e.id = c.evaluation_id
             where c.segment_id in (select id from marketing_app.segment where tenant_id = $1)
               and e.started_at < now() - make_interval(days => $2) limit $3))",
    )
    .bind(tenant)
    .bind(KEEP_CHANGES_DAYS)
    .bind(limit)
    .execute(&mut **tx)
    .await?;
    let evaluations = sqlx::query(
        "delete from marketing_app.segment_evaluation where id in (
             select id from (select id, started_at, row_number() over (
                                 partition by segment_id order by (state = 'done') desc, started_at desc) as place
                             from marketing_app.segment_evaluation where tenant_id = $1) e
             where place > 1 and started_at < now() - make_interval(days => $2) limit $3)",
    )
    .bind(tenant)
    .bind(KEEP_EVALUATIONS_DAYS)
    .bind(limit)
    .execute(&mut **tx)
    .await?;
    Ok(changes.rows_affected() + evaluations.rows_affected())
}
