//! Forgetting: whole days of finished jobs are dropped, never scanned; what is small, and what no day
//! took, is deleted in bounded batches. What is forgotten is booked as pruned.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use sqlx::{Connection, PgConnection, Row};

use crate::{
    QueueError, clock,
    kinds::{PruneHistory, prune_history::Pruned},
};

/// Dead letters, deleted and booked.
const DEAD: &str = "
    with gone as (
        delete from jobs.dead where id in (
            select id from jobs.dead where finished_at < now() - make_interval(days => $1)
            order by finished_at limit 2000)
        returning queue, kind
    ), counted as (
        insert into jobs.transition (queue, kind, from_state, to_state, n)
        select queue, kind, 'dead', null, count(*) from gone group by queue, kind
    ) select count(*) from gone";

/// Finished jobs of days that had no partition of their own, deleted and booked. The audit's counts of their time
/// go with them: it counts what is left.
const STRAY: &str = "
    with gone as (
        delete from jobs.finished_default where ctid = any (array(
            select ctid from jobs.finished_default where finished_at < now() - make_interval(days => $1)
            order by finished_at limit 2000))
        returning queue, kind, state, finished_at
    ), booked as (
        insert into jobs.transition (queue, kind, from_state, to_state, n)
        select queue, kind, state, null, count(*) from gone group by queue, kind, state
    ), slice as (
        select distinct date_bin('10 minutes', finished_at, 'epoch') as at from gone
    ), counts as (
        delete from jobs.audit_count c using slice where c.at = slice.at
    ), slices as (
        delete from jobs.audit_slice s using slice where s.at = slice.at
    ) select count(*) from gone";

/// One round of pruning: at most a day of each table dropped, and a batch of everything else deleted. Says
/// whether there may be more. A step that fails keeps none of the others from being taken.
///
/// # Errors
/// The ledger failed in a step, or a table was too busy to drop a day from; the other steps are done.
pub async fn prune_step(
    conn: &mut PgConnection,
    ages: &PruneHistory,
    pruned: &mut Pruned,
) -> Result<bool, QueueError> {
    let (finished, dead) = (i32::from(ages.keep_finished_days), i32::from(ages.keep_dead_days));
    let mut steps = Steps::default();
    for (parent, keep_days) in [("finished", ages.keep_finished_days), ("attempt", ages.keep_dead_days)] {
        if let Some(jobs) = steps.take(drop_oldest_day(conn, parent, keep_days).await).flatten() {
            steps.more = true;
            pruned.finished += jobs;
            pruned.days_dropped += 1;
        }
    }
    for (statement, days, into) in [(DEAD, dead, &mut pruned.dead), (STRAY, finished, &mut pruned.finished)] {
        let gone = sqlx::query_scalar::<_, i64>(statement).bind(days).fetch_one(&mut *conn).await;
        let gone = steps.take(gone.map_err(QueueError::from)).unwrap_or(0);
        steps.more |= gone > 0;
        *into += gone;
    }
    for (statement, days) in [
        ("delete from jobs.attempt_default where ctid = any (array(select ctid from jobs.attempt_default
          where finished_at < now() - make_interval(days => $1) order by finished_at limit 5000))", dead),
        ("delete from jobs.idempotency where (tenant_id, key) in (select tenant_id, key from jobs.idempotency
          where created_at < now() - make_interval(days => $1) limit 5000)", 2),
        ("delete from jobs.side_effect where (tenant_id, key) in (select tenant_id, key from jobs.side_effect
          where intended_at < now() - make_interval(days => $1) limit 5000)", i32::from(ages.keep_effects_days)),
        ("delete from jobs.occurrence where ctid = any (array(select ctid from jobs.occurrence
          where decided_at < now() - make_interval(days => $1) limit 5000))", 90),
        ("delete from jobs.rate where ctid = any (array(select ctid from jobs.rate
          where minute < now() - make_interval(days => $1) limit 5000))", 2),
        ("delete from jobs.slot_holder h where ctid = any (array(select h.ctid from jobs.slot_holder h
          where not exists (select 1 from jobs.live j where j.id = h.job_id and j.lease = h.lease)
          and $1::int is not null limit 5000))", 0),
        ("delete from jobs.worker where id in (select id from jobs.worker where state in ('stopped', 'lost')
          and beat_at < now() - make_interval(days => $1) limit 5000)", 7),
    ] {
        let gone = sqlx::query(statement).bind(days).execute(&mut *conn).await;
        let gone = steps.take(gone.map_err(QueueError::from)).map_or(0, |done| done.rows_affected());
        steps.more |= gone > 0;
        pruned.records += i64::try_from(gone).unwrap_or(0);
    }
    steps.end()
}

/// How the steps of a round went.
#[derive(Default)]
struct Steps {
    more: bool,
    failed: Option<QueueError>,
}

impl Steps {
    /// What a step came to; none when it failed, which is remembered.
    fn take<T>(&mut self, step: Result<T, QueueError>) -> Option<T> {
        match step {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed.get_or_insert(error);
                None
            }
        }
    }

    /// A round in which something failed goes on as long as other steps have something to do.
    fn end(self) -> Result<bool, QueueError> {
        match self.failed {
            Some(error) if !self.more => Err(error),
            _ => Ok(self.more),
        }
    }
}

/// Drops the oldest day that is older than that by the ledger's clock, and says how many jobs were in it; none when no day
/// is.
async fn drop_oldest_day(
    conn: &mut PgConnection,
    parent: &str,
    keep_days: u16,
) -> Result<Option<i64>, QueueError> {
    let today = clock::now(conn).await?.date_naive();
    let oldest_kept = today.checked_sub_days(Days::new(u64::from(keep_days))).unwrap_or(NaiveDate::MIN);
    match oldest_day(conn, parent).await?.filter(|day| *day < oldest_kept) {
        Some(day) => drop_day(conn, parent, day).await.map(Some),
        None => Ok(None),
    }
}

/// The oldest day that a table has a partition for.
async fn oldest_day(conn: &mut PgConnection, parent: &str) -> Result<Option<NaiveDate>, QueueError> {
    let name: Option<String> = sqlx::query_scalar(
        "select min(c.relname)::text from pg_inherits i
         join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
         join pg_namespace n on n.oid = p.relnamespace
         where n.nspname = 'jobs' and p.relname = $1 and c.relname ~ '_[0-9]{8}$'",
    )
    .bind(parent)
    .fetch_one(conn)
    .await?;
    Ok(name.and_then(|name| NaiveDate::parse_from_str(&name[name.len() - 8..], "%Y%m%d").ok()))
}

/// How long [`prune_step`] may go without an answer from the server: longer than the jobs of a day may take to be
/// counted.
pub const SILENT_FOR: Duration = Duration::from_secs(6 * 60);

/// How long the jobs of a day may take to be counted, whatever the connection allows otherwise.
const COUNT_WITHIN: &str = "set local statement_timeout = '5min'";

/// Drops a day, books its jobs as pruned, and says how many jobs went. Gives way when the table is
/// busy: nobody waits behind it for longer than a moment.
async fn drop_day(conn: &mut PgConnection, parent: &str, day: NaiveDate) -> Result<i64, QueueError> {
    let mut tx = conn.begin().await?;
    sqlx::query(COUNT_WITHIN).execute(&mut *tx).await?;
    let mut gone = 0;
    if parent == "finished" {
        // The day is over: nothing is written to it any more, so counting first misses nothing.
        let (from, to) = (day, day.succ_opt().unwrap_or(day));
        let rows = sqlx::query(
            "with held as (
                 select queue, kind, state, count(*) as n from jobs.finished
                 where finished_at >= $1::date::timestamp at time zone 'UTC'
                   and finished_at < $2::date::timestamp at time zone 'UTC'
                 group by queue, kind, state
             ) insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, state, null, n from held returning n",
        )
        .bind(from)
        .bind(to)
        .fetch_all(&mut *tx)
        .await?;
        gone = rows.iter().map(|row| row.get::<i64, _>(0)).sum();
    }
    sqlx::query("select jobs.drop_day($1, $2)").bind(parent).bind(day).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(gone)
}
