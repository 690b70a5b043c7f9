//! Schedules and their occurrences. The identity of an occurrence (schedule, time, tenant) is unique
//! in the ledger, so however many schedulers run and die, it becomes a job exactly once.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{Connection, PgConnection, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::{
    JobId, QueueError, SYSTEM_TENANT,
    enqueue::{Announcement, NewJob, enqueue},
    kinds::KindInfo,
};

/// A schedule.
#[derive(Clone, Debug, Serialize)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The kind of job.
    pub kind: String,
    /// The payload of every job.
    pub payload: serde_json::Value,
    /// When: a cron expression of five fields, or six with seconds first.
    pub cron: String,
    /// The IANA time zone in which the expression is read.
    pub timezone: String,
    /// `system` (one job) or `each_tenant` (one job a tenant).
    pub scope: String,
    /// What becomes of missed occurrences: `skip`, `once` or `all`.
    pub catch_up: String,
    /// No occurrence becomes a job.
    pub paused: bool,
    /// Up to here occurrences were decided on.
    pub decided_until: DateTime<Utc>,
    /// `default`, or who changed it.
    pub changed_by: String,
}

/// A schedule that ships with the code.
#[derive(Clone, Copy, Debug)]
pub struct DefaultSchedule {
    /// Its name.
    pub name: &'static str,
    /// The kind of job.
    pub kind: &'static str,
    /// The payload as JSON.
    pub payload: &'static str,
    /// The cron expression.
    pub cron: &'static str,
    /// The IANA time zone.
    pub timezone: &'static str,
    /// `system` or `each_tenant`.
    pub scope: &'static str,
    /// `skip`, `once` or `all`.
    pub catch_up: &'static str,
}

/// The schedules that ship with the code. A changed one keeps the operator's settings.
pub static DEFAULTS: &[DefaultSchedule] = &[
    DefaultSchedule {
        name: "audit_ledger",
        kind: "audit_ledger",
        payload: "{}",
        cron: "*/5 * * * *",
        timezone: "UTC",
        scope: "system",
        catch_up: "skip",
    },
    DefaultSchedule {
        name: "prune_history",
        kind: "prune_history",
        payload: "{}",
        cron: "30 3 * * *",
        timezone: "UTC",
        scope: "system",
        catch_up: "once",
    },
    DefaultSchedule {
        name: "nightly_intelligence",
        kind: "resegment_tenant",
        payload: "{}",
        cron: "0 2 * * *",
        timezone: "UTC",
        scope: "each_tenant",
        catch_up: "once",
    },
    DefaultSchedule {
        name: "nightly_forecasts",
        kind: "forecast_metrics",
        payload: "{}",
        cron: "0 1 * * *",
        timezone: "UTC",
        scope: "each_tenant",
        catch_up: "once",
    },
];

/// Writes the shipped schedules that are missing, and updates those that no operator changed.
///
/// # Errors
/// The ledger failed.
pub async fn install_defaults(conn: &mut PgConnection) -> Result<(), QueueError> {
    for default in DEFAULTS {
        sqlx::query(
            "insert into jobs.schedule (name, kind, payload, cron, timezone, scope, catch_up)
             values ($1, $2, $3::jsonb, $4, $5, $6, $7)
             on conflict (name) do update set kind = $2, payload = $3::jsonb, cron = $4, timezone = $5, scope = $6,
                 catch_up = $7
             where schedule.changed_by = 'default'
               and (schedule.kind, schedule.payload, schedule.cron, schedule.timezone, schedule.scope, schedule.catch_up)
                   is distinct from ($2, $3::jsonb, $4, $5, $6, $7)",
        )
        .bind(default.name)
        .bind(default.kind)
        .bind(default.payload)
        .bind(default.cron)
        .bind(default.timezone)
        .bind(default.scope)
        .bind(default.catch_up)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// All schedules, by name.
///
/// # Errors
/// The ledger failed.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Schedule>, QueueError> {
    let rows = sqlx::query(
        "select name, kind, payload, cron, timezone, scope, catch_up, paused, decided_until, changed_by
         from jobs.schedule order by name",
    )
    .fetch_all(conn)
    .await?;
    rows.iter().map(read).collect()
}

/// The schedule of that name.
///
/// # Errors
/// The ledger failed.
pub async fn find(conn: &mut PgConnection, name: &str) -> Result<Option<Schedule>, QueueError> {
    let row = sqlx::query(
        "select name, kind, payload, cron, timezone, scope, catch_up, paused, decided_until, changed_by
         from jobs.schedule where name = $1",
    )
    .bind(name)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Pauses or resumes a schedule. What falls into the pause is not caught up. False when there is none.
///
/// # Errors
/// The ledger failed.
pub async fn set_paused(
    conn: &mut PgConnection,
    name: &str,
    paused: bool,
    by: &str,
) -> Result<bool, QueueError> {
    let done = sqlx::query(
        "update jobs.schedule set decided_until = case when paused and not $2 then now() else decided_until end,
             paused = $2, changed_by = $3, changed_at = now() where name = $1",
    )
    .bind(name)
    .bind(paused)
    .bind(by)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Turns occurrences of a schedule into jobs of `kind`, which is the schedule's, each once, and notes that everything up to `until` is
/// decided. The times are those that the catch-up policy left.
///
/// # Errors
/// The ledger failed or the schedule's payload no longer fits its kind; nothing changed.
pub async fn fire(
    conn: &mut PgConnection,
    schedule: &Schedule,
    kind: &KindInfo,
    times: &[DateTime<Utc>],
    until: DateTime<Utc>,
) -> Result<(Vec<JobId>, Announcement), QueueError> {
    let mut tx = conn.begin().await?;
    let tenants = tenants_of(&mut tx, schedule).await?;
    let mut jobs = Vec::new();
    for time in times {
        for tenant in &tenants {
            let job = job_of(schedule, kind, *tenant)?;
            let new = sqlx::query(
                "insert into jobs.occurrence (schedule, tick_at, tenant_id, job_id) values ($1, $2, $3, $4)
                 on conflict do nothing",
            )
            .bind(&schedule.name)
            .bind(time)
            .bind(tenant)
            .bind(job.id())
            .execute(&mut *tx)
            .await?;
            if new.rows_affected() == 1 {
                jobs.push(job);
            }
        }
    }
    let (enqueued, announcement) = enqueue(&mut tx, &jobs).await?;
    sqlx::query("update jobs.schedule set decided_until = greatest(decided_until, $2) where name = $1")
        .bind(&schedule.name)
        .bind(until)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok((enqueued.into_iter().map(|job| job.id).collect(), announcement))
}

/// Runs a schedule now, besides its times. `kind` is the schedule's.
///
/// # Errors
/// The ledger failed or the schedule's payload no longer fits its kind.
pub async fn trigger(
    conn: &mut PgConnection,
    schedule: &Schedule,
    kind: &KindInfo,
    correlation_id: &str,
) -> Result<(Vec<JobId>, Announcement), QueueError> {
    let tenants = tenants_of(conn, schedule).await?;
    let jobs = tenants
        .iter()
        .map(|tenant| Ok(job_of(schedule, kind, *tenant)?.with_cause(correlation_id, None, "trigger")))
        .collect::<Result<Vec<_>, QueueError>>()?;
    let (enqueued, announcement) = enqueue(conn, &jobs).await?;
    Ok((enqueued.into_iter().map(|job| job.id).collect(), announcement))
}

async fn tenants_of(conn: &mut PgConnection, schedule: &Schedule) -> Result<Vec<Uuid>, QueueError> {
    if schedule.scope == "each_tenant" {
        return Ok(sqlx::query_scalar("select id from shared.tenant order by id").fetch_all(conn).await?);
    }
    Ok(vec![SYSTEM_TENANT])
}

fn job_of(schedule: &Schedule, kind: &KindInfo, tenant: Uuid) -> Result<NewJob, QueueError> {
    let payload = RawValue::from_string(schedule.payload.to_string())
        .map_err(|error| QueueError::BadPayload { kind: schedule.kind.clone(), reason: error.to_string() })?;
    let job = NewJob::raw(TenantId(tenant), kind, payload)?;
    let correlation = job.id().to_string();
    Ok(job.with_cause(&correlation, None, "schedule"))
}

fn read(row: &PgRow) -> Result<Schedule, QueueError> {
    let payload: Json<serde_json::Value> = row.try_get(2)?;
    Ok(Schedule {
        name: row.try_get(0)?,
        kind: row.try_get(1)?,
        payload: payload.0,
        cron: row.try_get(3)?,
        timezone: row.try_get(4)?,
        scope: row.try_get(5)?,
        catch_up: row.try_get(6)?,
        paused: row.try_get(7)?,
        decided_until: row.try_get(8)?,
        changed_by: row.try_get(9)?,
    })
}

/// Who leads: a lease in the ledger that its holder renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// Grows with every change of the leader.
    pub term: i64,
}

/// Takes or renews the leadership for `ttl_secs`; none while somebody else holds it.
///
/// # Errors
/// The ledger failed; who led until now must stop when its time is over.
pub async fn lead(
    conn: &mut PgConnection,
    holder: Uuid,
    ttl_secs: f64,
) -> Result<Option<Leadership>, QueueError> {
    let term: Option<i64> = sqlx::query_scalar(
        "insert into jobs.leader as l (name, holder, term, expires_at)
         values ('scheduler', $1, 1, clock_timestamp() + make_interval(secs => $2))
         on conflict (name) do update set holder = $1, expires_at = clock_timestamp() + make_interval(secs => $2),
             term = case when l.holder = $1 then l.term else l.term + 1 end
         where l.holder = $1 or l.expires_at < clock_timestamp()
         returning term",
    )
    .bind(holder)
    .bind(ttl_secs)
    .fetch_optional(conn)
    .await?;
    Ok(term.map(|term| Leadership { term }))
}

/// Gives the leadership up, so that another takes it at once.
///
/// # Errors
/// The ledger failed; it then expires by itself.
pub async fn abdicate(conn: &mut PgConnection, holder: Uuid) -> Result<(), QueueError> {
    sqlx::query(
        "update jobs.leader set expires_at = clock_timestamp() where name = 'scheduler' and holder = $1",
    )
    .bind(holder)
    .execute(conn)
    .await?;
    Ok(())
}
