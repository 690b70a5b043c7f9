//! Schedules and their occurrences. The identity of an occurrence (schedule, time, tenant) is unique
//! in the ledger, so however many schedulers run and die, it becomes a job exactly once.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use crate::{
    Announcement, JobId, NewJob, QueueError, SYSTEM_TENANT, contract::Unfit, enqueue::enqueue,
    kinds::KindInfo,
};

/// A schedule.
#[derive(Clone, Debug, Serialize, FromRow)]
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
    /// Over how many seconds the tenants' jobs are spread; 0 makes them ready all at once.
    pub spread_secs: i32,
    /// The dedup key of every job: what others asked for with it stands in.
    pub dedup_key: Option<String>,
}

impl Schedule {
    /// How long after an occurrence a tenant's job is due: always the same for a tenant, and anywhere within the
    /// spread for all of them together.
    pub fn offset_of(&self, tenant: Uuid) -> TimeDelta {
        if self.scope != EACH_TENANT || self.spread_secs <= 0 {
            return TimeDelta::zero();
        }
        let digest = Sha256::digest(tenant.as_bytes());
        let place = digest.iter().take(4).fold(0_u64, |place, byte| (place << 8) | u64::from(*byte));
        // A share of the spread in milliseconds: a place is below 2^32, and a spread at most a day.
        let millis = (place * u64::from(self.spread_secs.unsigned_abs()) * 1000) >> 32;
        TimeDelta::milliseconds(i64::try_from(millis).unwrap_or(0))
    }
}

/// The scope of a schedule with one job a tenant.
const EACH_TENANT: &str = "each_tenant";

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
    /// Over how many seconds the tenants' jobs are spread.
    pub spread_secs: i32,
    /// The dedup key of every job.
    pub dedup_key: Option<&'static str>,
}

/// Writes the shipped schedules that are missing, and updates those that no operator changed.
///
/// # Errors
/// The ledger failed.
pub async fn install_defaults(
    conn: &mut PgConnection,
    defaults: &[DefaultSchedule],
) -> Result<(), QueueError> {
    for default in defaults {
        sqlx::query(
            "insert into jobs.schedule (name, kind, payload, cron, timezone, scope, catch_up, spread_secs, dedup_key)
             values ($1, $2, $3::jsonb, $4, $5, $6, $7, $8, $9)
             on conflict (name) do update set kind = $2, payload = $3::jsonb, cron = $4, timezone = $5, scope = $6,
                 catch_up = $7, spread_secs = $8, dedup_key = $9
             where schedule.changed_by = 'default'
               and (schedule.kind, schedule.payload, schedule.cron, schedule.timezone, schedule.scope,
                    schedule.catch_up, schedule.spread_secs, schedule.dedup_key)
                   is distinct from ($2, $3::jsonb, $4, $5, $6, $7, $8, $9)",
        )
        .bind(default.name)
        .bind(default.kind)
        .bind(default.payload)
        .bind(default.cron)
        .bind(default.timezone)
        .bind(default.scope)
        .bind(default.catch_up)
        .bind(default.spread_secs)
        .bind(default.dedup_key)
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
    Ok(sqlx::query_as("select * from jobs.schedule order by name").fetch_all(conn).await?)
}

/// The schedule of that name.
///
/// # Errors
/// The ledger failed.
pub async fn find(conn: &mut PgConnection, name: &str) -> Result<Option<Schedule>, QueueError> {
    Ok(sqlx::query_as("select * from jobs.schedule where name = $1").bind(name).fetch_optional(conn).await?)
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

/// Occurrences that become jobs in one transaction.
const PIECE: usize = 500;

/// Turns occurrences of a schedule into jobs of `kind`, which is the
/// schedule's, each once, and notes that everything up to `until` is decided. The
/// times are those that the catch-up policy left. It commits piece by piece: whoever fires again after a crash makes
/// the jobs that are missing.
///
/// # Errors
/// The ledger failed or the schedule's payload no longer fits its kind; what was not committed is fired again.
pub async fn fire(
    conn: &mut PgConnection,
    schedule: &Schedule,
    kind: &KindInfo,
    times: &[DateTime<Utc>],
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(Vec<JobId>, Announcement), QueueError> {
    let tenants = tenants_of(conn, schedule).await?;
    let occurrences: Vec<(DateTime<Utc>, Uuid)> =
        times.iter().flat_map(|time| tenants.iter().map(|tenant| (*time, *tenant))).collect();
    let (mut fired, mut told) = (Vec::new(), Announcement::default());
    for piece in occurrences.chunks(PIECE) {
        let jobs = piece
            .iter()
            .map(|(time, tenant)| {
                // One that is caught up is spread from now on: its own time is over.
                let due = (*time).max(now) + schedule.offset_of(*tenant);
                Ok((*time, job_of(schedule, kind, *tenant, due)?.with_run_at(due)))
            })
            .collect::<Result<Vec<_>, QueueError>>()?;
        let (ids, announcement) = fire_piece(conn, schedule, &jobs).await?;
        fired.extend(ids);
        told.merge(announcement);
    }
    sqlx::query("update jobs.schedule set decided_until = greatest(decided_until, $2) where name = $1")
        .bind(&schedule.name)
        .bind(until)
        .execute(conn)
        .await?;
    Ok((fired, told))
}

/// Writes those of the occurrences that are new, with their jobs.
async fn fire_piece(
    conn: &mut PgConnection,
    schedule: &Schedule,
    occurrences: &[(DateTime<Utc>, NewJob)],
) -> Result<(Vec<JobId>, Announcement), QueueError> {
    let mut tx = conn.begin().await?;
    let new: Vec<JobId> = sqlx::query_scalar(
        "insert into jobs.occurrence (schedule, tick_at, tenant_id, job_id)
         select $1, tick_at, tenant_id, job_id
         from unnest($2::timestamptz[], $3::uuid[], $4::uuid[]) t (tick_at, tenant_id, job_id)
         order by tick_at, tenant_id
         on conflict do nothing returning job_id",
    )
    .bind(&schedule.name)
    .bind(occurrences.iter().map(|(time, _)| *time).collect::<Vec<_>>())
    .bind(occurrences.iter().map(|(_, job)| job.tenant.0).collect::<Vec<_>>())
    .bind(occurrences.iter().map(|(_, job)| job.id()).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    let new: HashSet<JobId> = new.into_iter().collect();
    let jobs: Vec<NewJob> =
        occurrences.iter().map(|(_, job)| job).filter(|job| new.contains(&job.id())).cloned().collect();
    let (enqueued, announcement) = enqueue(&mut tx, &jobs).await?;
    let (asked, standing): (Vec<JobId>, Vec<JobId>) = jobs
        .iter()
        .zip(&enqueued)
        .filter(|(job, enqueued)| job.id() != enqueued.id)
        .map(|(job, enqueued)| (job.id(), enqueued.id))
        .unzip();
    if !asked.is_empty() {
        // An unfinished job with the schedule's key stands for the occurrence.
        sqlx::query(
            "update jobs.occurrence o set job_id = t.standing from unnest($2::uuid[], $3::uuid[]) t (asked, standing)
             where o.schedule = $1 and o.job_id = t.asked",
        )
        .bind(&schedule.name)
        .bind(&asked)
        .bind(&standing)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok((enqueued.into_iter().map(|job| job.id).collect(), announcement))
}

/// Runs a schedule now, besides its times, and for all tenants at once. `kind` is the schedule's.
///
/// # Errors
/// The ledger failed or the schedule's payload no longer fits its kind.
pub async fn trigger(
    conn: &mut PgConnection,
    schedule: &Schedule,
    kind: &KindInfo,
    correlation_id: &str,
) -> Result<(Vec<JobId>, Announcement), QueueError> {
    let (tenants, now) = (tenants_of(conn, schedule).await?, Utc::now());
    let jobs = tenants
        .iter()
        .map(|tenant| Ok(job_of(schedule, kind, *tenant, now)?.with_cause(correlation_id, None, "trigger")))
        .collect::<Result<Vec<_>, QueueError>>()?;
    let (enqueued, announcement) = enqueue(conn, &jobs).await?;
    Ok((enqueued.into_iter().map(|job| job.id).collect(), announcement))
}

async fn tenants_of(conn: &mut PgConnection, schedule: &Schedule) -> Result<Vec<Uuid>, QueueError> {
    if schedule.scope == EACH_TENANT {
        return Ok(sqlx::query_scalar("select id from shared.tenant order by id").fetch_all(conn).await?);
    }
    Ok(vec![SYSTEM_TENANT])
}

/// The job of a schedule for a tenant, which may begin at that time.
fn job_of(
    schedule: &Schedule,
    kind: &KindInfo,
    tenant: Uuid,
    at: DateTime<Utc>,
) -> Result<NewJob, QueueError> {
    let payload = RawValue::from_string(schedule.payload.to_string()).map_err(|error| {
        QueueError::BadPayload { kind: schedule.kind.clone(), unfit: Unfit::whole(error.to_string()) }
    })?;
    let job = NewJob::raw(TenantId(tenant), kind, payload, at)?;
    let correlation = job.id().to_string();
    let job = job.with_cause(&correlation, None, "schedule");
    match &schedule.dedup_key {
        Some(key) => job.with_dedup_key(key),
        None => Ok(job),
    }
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

/// Nobody leads when the leadership ended so long ago: a change of leaders takes a few seconds.
const LEADERLESS_SECS: f64 = 15.0;

/// Since when nobody leads; none while somebody does, and where nobody ever did.
///
/// # Errors
/// The ledger failed.
pub async fn leaderless_since(conn: &mut PgConnection) -> Result<Option<DateTime<Utc>>, QueueError> {
    Ok(sqlx::query_scalar(
        "select expires_at from jobs.leader
         where name = 'scheduler' and expires_at < clock_timestamp() - make_interval(secs => $1)",
    )
    .bind(LEADERLESS_SECS)
    .fetch_optional(conn)
    .await?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_spread_evenly_and_always_in_the_same_way() {
        let mut schedule = Schedule {
            name: "nightly".to_owned(),
            kind: "probe".to_owned(),
            payload: serde_json::json!({}),
            cron: "0 2 * * *".to_owned(),
            timezone: "UTC".to_owned(),
            scope: EACH_TENANT.to_owned(),
            catch_up: "once".to_owned(),
            paused: false,
            decided_until: DateTime::UNIX_EPOCH,
            changed_by: "default".to_owned(),
            spread_secs: 1800,
            dedup_key: None,
        };
        let mut minutes = [0_usize; 30];
        for n in 0..3_000_u128 {
            let offset = schedule.offset_of(Uuid::from_u128(n));
            assert_eq!(offset, schedule.offset_of(Uuid::from_u128(n)));
            minutes[usize::try_from(offset.num_minutes()).expect("not before the time")] += 1;
        }
        assert!(minutes.iter().all(|tenants| (50..=150).contains(tenants)), "{minutes:?}");
        schedule.spread_secs = 0;
        assert_eq!(schedule.offset_of(Uuid::from_u128(7)), TimeDelta::zero());
        let system = Schedule { spread_secs: 1800, scope: "system".to_owned(), ..schedule };
        assert_eq!(system.offset_of(SYSTEM_TENANT), TimeDelta::zero());
    }
}
