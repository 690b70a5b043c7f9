//! Calls of tools that take long: kept while a job makes them, for whoever called to fetch the answer or to cancel. A call
//! that nobody fetched goes with a later one of the tenant.

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use jobs::JobId;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::desk::Made;
use crate::tools::Call;

/// How long a call is kept.
pub const KEPT: TimeDelta = TimeDelta::minutes(10);

/// How long it is remembered that a call was taken back: longer than it takes until a job is begun for one.
const TAKEN_BACK: TimeDelta = TimeDelta::minutes(1);

/// Old calls that a new one takes away at most.
const LET_GO_AT_ONCE: i64 = 100;

/// A call that is to be made.
#[derive(Debug)]
pub struct NewCall<'a> {
    /// Its id.
    pub id: Uuid,
    /// Who calls, as the trail names them.
    pub asked_by: &'a str,
    /// By which name the client cancels it, if it has told one.
    pub session: Option<&'a str>,
    /// The client's number of the request.
    pub request: &'a str,
    /// The call.
    pub call: &'a Call,
    /// What the credential may do.
    pub scopes: &'a [String],
    /// The job that makes it.
    pub job_id: JobId,
}

/// A call that is kept.
#[derive(Debug, FromRow)]
pub struct Kept {
    /// The call.
    pub call: Json<Call>,
    /// What the credential may do.
    pub scopes: Vec<String>,
    /// Its answer, once it is made.
    pub answer: Option<Json<Made>>,
}

/// Keeps a call (marketing role).
///
/// # Errors
/// The database failed.
pub async fn keep(
    tx: &mut Tx,
    tenant: TenantId,
    new: &NewCall<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "delete from questions_app.tool_call where id in
             (select id from questions_app.tool_call
              where tenant_id = (select shared.current_tenant()) and expires_at <= $1 order by expires_at limit $2
              for update skip locked)",
    )
    .bind(now)
    .bind(LET_GO_AT_ONCE)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into questions_app.tool_call (id, tenant_id, asked_by, session, request, call, scopes, job_id, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new.id)
    .bind(tenant)
    .bind(new.asked_by)
    .bind(new.session)
    .bind(new.request)
    .bind(Json(new.call))
    .bind(new.scopes)
    .bind(new.job_id)
    .bind(now + KEPT)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A call by its id; none when it is gone or its time is over (marketing role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> Result<Option<Kept>, DbError> {
    Ok(sqlx::query_as(
        "select call, scopes, answer from questions_app.tool_call where id = $1 and expires_at > $2",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Writes the answer down; false when nobody waits for it any more (marketing role).
///
/// # Errors
/// The database failed.
pub async fn answer(tx: &mut Tx, id: Uuid, made: &Made) -> Result<bool, DbError> {
    let written = sqlx::query("update questions_app.tool_call set answer = $2 where id = $1")
        .bind(id)
        .bind(Json(made))
        .execute(&mut **tx)
        .await?;
    Ok(written.rows_affected() > 0)
}

/// Takes a call away, with its answer if it has one (marketing role).
///
/// # Errors
/// The database failed.
pub async fn take(tx: &mut Tx, id: Uuid) -> Result<Option<Made>, DbError> {
    let taken: Option<Option<Json<Made>>> =
        sqlx::query_scalar("delete from questions_app.tool_call where id = $1 returning answer")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(taken.flatten().map(|made| made.0))
}

/// The jobs of a caller's request that has no answer yet: one, unless the client numbers its requests badly (marketing
/// role).
///
/// # Errors
/// The database failed.
pub async fn jobs_of(
    tx: &mut Tx,
    asked_by: &str,
    session: &str,
    request: &str,
) -> Result<Vec<JobId>, DbError> {
    Ok(sqlx::query_scalar(
        "select job_id from questions_app.tool_call
         where tenant_id = (select shared.current_tenant()) and session = $2 and request = $3 and asked_by = $1
           and answer is null
         limit 10",
    )
    .bind(asked_by)
    .bind(session)
    .bind(request)
    .fetch_all(&mut **tx)
    .await?)
}

/// Remembers that a client takes a request back, for whoever is about to begin a job for it (marketing role). Whoever looks
/// for its jobs, see [`jobs_of`], does so after this was committed: then one of the two sees the other.
///
/// # Errors
/// The database failed.
pub async fn take_back(
    tx: &mut Tx,
    tenant: TenantId,
    asked_by: &str,
    session: &str,
    request: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "delete from questions_app.call_taken_back where (tenant_id, session, request, asked_by) in
             (select tenant_id, session, request, asked_by from questions_app.call_taken_back
              where tenant_id = $1 and expires_at <= $2 order by expires_at limit $3 for update skip locked)",
    )
    .bind(tenant)
    .bind(now)
    .bind(LET_GO_AT_ONCE)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into questions_app.call_taken_back (tenant_id, asked_by, session, request, expires_at)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, session, request, asked_by) do update set expires_at = excluded.expires_at",
    )
    .bind(tenant)
    .bind(asked_by)
    .bind(session)
    .bind(request)
    .bind(now + TAKEN_BACK)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether the client took the request back; it is forgotten with that (marketing role).
///
/// # Errors
/// The database failed.
pub async fn was_taken_back(
    tx: &mut Tx,
    asked_by: &str,
    session: &str,
    request: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let gone = sqlx::query(
        "delete from questions_app.call_taken_back
         where tenant_id = (select shared.current_tenant()) and session = $2 and request = $3 and asked_by = $1
           and expires_at > $4",
    )
    .bind(asked_by)
    .bind(session)
    .bind(request)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected() > 0)
}
