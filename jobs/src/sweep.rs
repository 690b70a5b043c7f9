//! What the leading scheduler repairs and moves on: jobs that fall due, jobs of workers that fell
//! silent, jobs that Redis forgot. Every step is bounded, and harmless when two do it at once.

use std::time::Duration;

use sqlx::{Connection, PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    JobId, Offer, QueueError, State,
    events::Event,
    ledger::{
        Failure,
        complete::bury,
        release::{Back, Returned, returned},
    },
    successors,
    workers::SILENCE_SECS,
};

pub use crate::parked::{Freed, next_parked, parked_heads, parked_of_kind};

/// Crashes for which a job is to blame, after which it counts as poison.
pub const POISON_CRASHES: i16 = 3;

/// How many workers are counted out at once, and of how many the leases are taken back: each with all of them, for what ran
/// together tells who is to blame. The rest comes with the next look.
pub const LOST_AT_ONCE: i64 = 50;

/// Makes up to `limit` due jobs ready, the longest due first.
///
/// # Errors
/// The ledger failed.
pub async fn promote_due(conn: &mut PgConnection, limit: i64) -> Result<Vec<Offer>, QueueError> {
    Ok(sqlx::query_as(
        "with due as (
             select id from jobs.live where due_at <= now() order by due_at, id limit $1 for update skip locked
         ), before as (
             select id, state from jobs.live where id in (select id from due)
         ), promoted as (
             update jobs.live j set state = 'ready', due_at = null
             from before b where j.id = any (array[b.id])
             returning j.id, j.tenant_id, j.queue, j.priority, j.kind, b.state as was
         ), counted as (
             insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, was, 'ready', count(*) from promoted group by queue, kind, was
         )
         select id, tenant_id as tenant, queue, priority from promoted",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// What was done about workers that fell silent.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The workers that are counted out now.
    pub workers: Vec<Uuid>,
    /// Their jobs that may be claimed again.
    pub offers: Vec<Offer>,
    /// Their jobs that ended: as poison, out of attempts, or cancelled.
    pub events: Vec<Event>,
}

/// Counts out workers that were silent for `silence`, at least [`SILENCE_SECS`], and hands out what they ran. What was in
/// flight at one crash goes on as before; what was in flight at two is suspect, and a process runs one suspect at a time.
/// To blame for a crash is the suspect that was in flight, or the job that was in flight alone: for that one the crash
/// counts as an attempt, and a job that [`POISON_CRASHES`] workers died of is buried. The others lose nothing, nor does
/// what a worker left that said goodbye. At most [`LOST_AT_ONCE`] workers at a time.
///
/// # Errors
/// The ledger failed; nothing changed.
pub async fn recover_lost_workers(
    conn: &mut PgConnection,
    silence: Duration,
) -> Result<Recovered, QueueError> {
    let silence_secs = silence.as_secs_f64().max(f64::from(SILENCE_SECS));
    let mut tx = conn.begin().await?;
    let workers: Vec<Uuid> = sqlx::query_scalar(
        "with silent as (
             select id from jobs.worker
             where state in ('active', 'draining') and beat_at < now() - make_interval(secs => $1)
             order by id limit $2 for update skip locked
         )
         update jobs.worker set state = 'lost', stopped_at = now(), running = 0
         where id in (select id from silent) returning id",
    )
    .bind(silence_secs)
    .bind(LOST_AT_ONCE)
    .fetch_all(&mut *tx)
    .await?;
    let mut recovered = Recovered { workers, ..Recovered::default() };
    // Leases of workers that are gone: of those counted out just now, any that a claim took in the very
    // moment in which its worker was counted out, and those of a worker that died before its first beat.
    let lost: Vec<Lost> = sqlx::query_as(
        "with gone as (
             select distinct l.worker_id from jobs.lease l left join jobs.worker w on w.id = l.worker_id
             where w.state in ('lost', 'stopped')
                or w.id is null and l.claimed_at < now() - make_interval(secs => $1)
             order by l.worker_id limit $2
         ), idle as (
             delete from jobs.lease l
             where l.worker_id in (select worker_id from gone)
               and (exists (select from jobs.worker w where w.id = l.worker_id and w.state in ('lost', 'stopped'))
                    or l.claimed_at < now() - make_interval(secs => $1)
                       and not exists (select from jobs.worker w where w.id = l.worker_id))
             returning l.lease, l.worker_id, l.job_ids
         ), held as (
             -- whoever said goodbye did not crash: what it left it could not write down any more
             select j.id, j.lease, w.state is distinct from 'stopped' as crashed,
                 w.state is distinct from 'stopped'
                 and case when bool_or(j.suspect) over together then j.suspect else count(*) over together = 1 end
                     as blamed
             from idle i left join jobs.worker w on w.id = i.worker_id cross join unnest(i.job_ids) t (id) join jobs.live j on j.id = t.id and j.lease = i.lease
             window together as (partition by i.worker_id)
             order by j.id
         ), returned as (
             update jobs.live j
             set state = 'ready', lease = null, parked = false, watched = j.watched or h.crashed,
                 suspect = j.suspect or h.blamed or h.crashed and j.watched,
                 crashes = j.crashes + h.blamed::int, attempt = j.attempt - (not h.blamed)::int
             from held h where j.id = any (array[h.id]) and j.lease = h.lease
             returning j.id, j.tenant_id, j.queue, j.priority, j.kind, j.worker_id, j.attempt, j.max_attempts,
                 j.crashes, j.cancel_reason, j.started_at, h.blamed, h.crashed
         ), noted as (
             insert into jobs.attempt (job_id, tenant_id, kind, attempt, worker_id, outcome, error_class, message,
                 fingerprint, started_at)
             select id, tenant_id, kind, attempt + (not blamed)::int, worker_id, 'crash',
                 case when blamed then 'worker_lost' else 'bystander' end,
                 case when blamed then 'the worker fell silent while it ran the job'
                      else 'the worker fell silent while it ran the job beside others; that counts as no attempt' end,
                 'worker_lost', started_at
             from returned where crashed
         ), counted as (
             insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, 'running', 'ready', count(*) from returned group by queue, kind
         )
         select id, tenant_id as tenant, queue, priority, attempt, max_attempts, crashes,
             cancel_reason is not null as is_cancelled
         from returned",
    )
    .bind(silence_secs)
    .bind(LOST_AT_ONCE)
    .fetch_all(&mut *tx)
    .await?;
    let (mut buried, mut failures, mut cancelled) = (Vec::new(), Vec::new(), Vec::new());
    for Lost { offer, attempt, max_attempts, crashes, is_cancelled } in lost {
        let id = offer.id;
        if is_cancelled {
            cancelled.push(id);
        } else if crashes >= POISON_CRASHES {
            buried.push(id);
            failures.push(Failure::new("poison", "three workers died while they ran the job"));
        } else if attempt >= max_attempts {
            buried.push(id);
            failures.push(Failure::new("worker_lost", "the worker died in the job's last attempt"));
        } else {
            recovered.offers.push(offer);
        }
    }
    if !buried.is_empty() {
        let errors: Vec<_> = failures.iter().map(Json).collect();
        let dead = bury(&mut tx, &buried, &vec![None; buried.len()], &errors, State::Ready).await?;
        recovered.events.extend(dead.into_iter().map(|id| Event { id, state: State::Dead }));
    }
    if !cancelled.is_empty() {
        let ids = crate::read::cancel_waiting(&mut tx, &cancelled, "cancelled while its worker died").await?;
        recovered.events.extend(ids.into_iter().map(|id| Event { id, state: State::Cancelled }));
    }
    let over: Vec<JobId> = recovered.events.iter().map(|event| event.id).collect();
    recovered.offers.extend(successors::release(&mut tx, &over).await?.ready);
    tx.commit().await?;
    Ok(recovered)
}

/// A page of the search for running jobs that no lease holds.
#[derive(Debug, Default)]
pub struct Unheld {
    /// The last job that was looked at; none when there are no further ones.
    pub last: Option<JobId>,
    /// What became of those that were found.
    pub returned: Returned,
}

/// Looks at the `limit` jobs after the job `after` and makes those claimable that run by the ledger under a
/// lease that does not exist: a fail-over to a standby that lagged lost a part of what was written. Nobody is
/// known to have died of such a job, so it costs no attempt and counts no crash; should it run all the same,
/// that run's lease is lost and nothing of it is written. One that somebody wants cancelled is cancelled.
///
/// # Errors
/// The ledger failed; nothing changed.
pub async fn recover_unheld(
    conn: &mut PgConnection,
    after: Option<JobId>,
    limit: i64,
) -> Result<Unheld, QueueError> {
    let after = after.unwrap_or(Uuid::nil());
    // There are none as a rule, and then this is all.
    let (is_any, last): (bool, Option<JobId>) =
        sqlx::query_as(include_str!("unheld_look.sql")).bind(after).bind(limit).fetch_one(&mut *conn).await?;
    if !is_any {
        return Ok(Unheld { last, ..Unheld::default() });
    }
    let mut tx = conn.begin().await?;
    let rows: Vec<Found> =
        sqlx::query_as(include_str!("unheld.sql")).bind(after).bind(limit).fetch_all(&mut *tx).await?;
    let last = rows.iter().find_map(|row| row.last);
    let back = rows.into_iter().filter_map(Found::back).collect();
    let returned = returned(&mut tx, back).await?;
    tx.commit().await?;
    Ok(Unheld { last, returned })
}

/// A page of claimable jobs after the last one of the page before, by queue, priority and age: for telling Redis
/// again.
///
/// # Errors
/// The ledger failed.
pub async fn ready_page(
    conn: &mut PgConnection,
    after: Option<&Offer>,
    limit: i64,
) -> Result<Vec<Offer>, QueueError> {
    Ok(sqlx::query_as(
        "select id, tenant_id as tenant, queue, priority from jobs.live
         where (queue, priority, id) > ($1, $2, $3) and due_at is null and not parked and state = 'ready'
         order by queue, priority, id limit $4",
    )
    .bind(after.map_or("", |offer| offer.queue.as_str()))
    .bind(after.map_or(0, |offer| offer.priority))
    .bind(after.map_or(Uuid::nil(), |offer| offer.id))
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// The oldest claimable jobs of each queue and priority, `limit` of each.
///
/// # Errors
/// The ledger failed.
pub async fn first_ready(conn: &mut PgConnection, limit: i64) -> Result<Vec<Offer>, QueueError> {
    Ok(sqlx::query_as(
        "select j.* from (select distinct queue from jobs.balance) q
         cross join unnest(jobs.priorities()) p (priority)
         cross join lateral (
             select id, tenant_id as tenant, queue, priority from jobs.live
             where queue = q.queue and priority = p.priority and due_at is null and not parked and state = 'ready'
             order by id limit $1
         ) j",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// Those of the jobs that may be claimed, to be offered again by who took them from Redis and did not claim them.
///
/// # Errors
/// The ledger failed.
pub async fn still_ready(conn: &mut PgConnection, ids: &[JobId]) -> Result<Vec<Offer>, QueueError> {
    Ok(sqlx::query_as(
        "select id, tenant_id as tenant, queue, priority from jobs.live
         where id = any ($1) and state = 'ready' and not parked",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?)
}

/// A job whose worker fell silent.
#[derive(sqlx::FromRow)]
struct Lost {
    #[sqlx(flatten)]
    offer: Offer,
    attempt: i16,
    max_attempts: i16,
    crashes: i16,
    is_cancelled: bool,
}

/// A job that nobody held, or in a row of its own the last one of the page.
#[derive(sqlx::FromRow)]
struct Found {
    id: Option<JobId>,
    tenant: Option<Uuid>,
    queue: Option<String>,
    priority: Option<i16>,
    cancel_reason: Option<String>,
    last: Option<JobId>,
}

impl Found {
    fn back(self) -> Option<Back> {
        let offer =
            Offer { id: self.id?, tenant: self.tenant?, queue: self.queue?, priority: self.priority? };
        Some(Back { offer, cancel_reason: self.cancel_reason })
    }
}
