//! Forgetting: whole days of finished jobs are dropped, never scanned; what is small is deleted in
//! bounded batches. What is forgotten is booked as pruned.

use chrono::{Days, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, Row};

use crate::{
    QueueError,
    kinds::{PruneHistory, prune_history::Pruned},
};

/// Makes the partitions of today and the next `days` days. Says how many were new.
///
/// # Errors
/// The ledger is away or too busy for it now.
pub async fn ensure_days(conn: &mut PgConnection, days: u64) -> Result<u32, QueueError> {
    let today = Utc::now().date_naive();
    let mut made = 0;
    // The days to come first: when today has no place of its own (the default partition holds some of
    // it already), tomorrow still gets one.
    for day in (0..=days).rev().filter_map(|n| today.checked_add_days(Days::new(n))) {
        for parent in ["finished", "attempt"] {
            let new = sqlx::query_scalar::<_, bool>("select jobs.ensure_day($1, $2)")
                .bind(parent)
                .bind(day)
                .fetch_one(&mut *conn)
                .await;
            match new.map_err(QueueError::from) {
                Ok(new) => made += u32::from(new),
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    tracing::warn!(parent, %day, %error, "the day has no partition of its own; its rows are in the default one")
                }
            }
        }
    }
    Ok(made)
}

/// One step of pruning: a day dropped, or a batch deleted. Call until it says that nothing was left.
///
/// # Errors
/// The ledger failed, or the table was too busy to drop a day from; what was done so far is done.
pub async fn prune_step(
    conn: &mut PgConnection,
    ages: &PruneHistory,
    pruned: &mut Pruned,
) -> Result<bool, QueueError> {
    let today = Utc::now().date_naive();
    for (parent, keep_days) in [("finished", ages.keep_finished_days), ("attempt", ages.keep_dead_days)] {
        let oldest_kept = today.checked_sub_days(Days::new(u64::from(keep_days))).unwrap_or(NaiveDate::MIN);
        if let Some(day) = oldest_day(conn, parent).await?.filter(|day| *day < oldest_kept) {
            pruned.finished += drop_day(conn, parent, day).await?;
            pruned.days_dropped += 1;
            return Ok(true);
        }
    }
    let dead = sqlx::query_scalar::<_, i64>(
        "with gone as (
             delete from jobs.dead where id in (
                 select id from jobs.dead where finished_at < now() - make_interval(days => $1)
                 order by finished_at limit 2000)
             returning queue, kind
         ), counted as (
             insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, 'dead', null, count(*) from gone group by queue, kind
         ) select count(*) from gone",
    )
    .bind(i32::from(ages.keep_dead_days))
    .fetch_one(&mut *conn)
    .await?;
    pruned.dead += dead;
    // Rows of days that had no partition of their own.
    let stray = sqlx::query_scalar::<_, i64>(
        "with gone as (
             delete from jobs.finished where ctid = any (array(
                 select ctid from jobs.finished_default where finished_at < now() - make_interval(days => $1) limit 2000))
               and tableoid = 'jobs.finished_default'::regclass
             returning queue, kind, state
         ), counted as (
             insert into jobs.transition (queue, kind, from_state, to_state, n)
             select queue, kind, state, null, count(*) from gone group by queue, kind, state
         ) select count(*) from gone",
    )
    .bind(i32::from(ages.keep_finished_days))
    .fetch_one(&mut *conn)
    .await?;
    pruned.finished += stray;
    let mut records = 0;
    for (statement, days) in [
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
        let done = sqlx::query(statement).bind(days).execute(&mut *conn).await?;
        records += i64::try_from(done.rows_affected()).unwrap_or(0);
    }
    pruned.records += records;
    Ok(dead + stray + records > 0)
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

/// Drops a day, books its jobs as pruned, and says how many jobs went. Gives way when the table is
/// busy: nobody waits behind it for longer than a moment.
async fn drop_day(conn: &mut PgConnection, parent: &str, day: NaiveDate) -> Result<i64, QueueError> {
    let mut tx = conn.begin().await?;
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
