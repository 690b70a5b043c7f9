//! The days of the tables that are partitioned by day: those to come are made ahead, and rows that no
//! day took, because nobody had made it in time, are moved into days of their own.
//!
//! A default partition takes what no day takes. While it is small, Postgres looks through it whenever a
//! day is made, under a lock, in no time. When it is large it is fenced first: see the migration
//! `default_partitions`. The leader looks after the days every hour, and so does every worker, for the
//! case that there is no leader; two at once do no harm.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use crate::QueueError;

/// The tables that are partitioned by day.
const PARENTS: [&str; 2] = ["finished", "attempt"];

/// How many days ahead have a partition.
const AHEAD: u64 = 7;

/// What begins within a day is written within this time after its end. For as long before a day begins no
/// fence is put around it.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// How long [`look_after`] may go without an answer from the server: longer than the rows of one day may take to be
/// moved, which is one statement.
pub const SILENT_FOR: std::time::Duration = std::time::Duration::from_secs(16 * 60);

/// How long the rows of one day may take to be moved.
const MOVE_WITHIN: &str = "set local statement_timeout = '15min'";

/// What was done to the days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Partitions that were made.
    pub made: u32,
    /// Rows that were moved out of the default partitions.
    pub moved: i64,
}

/// Makes the partitions of today and the days to come, and moves rows of other days out of the default
/// partitions. What cannot be done for one day or table does not keep the others from it.
///
/// # Errors
/// The ledger is away, or a table was too busy; what could be done is done. Call again a little later.
pub async fn look_after(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Done, QueueError> {
    let mut done = Done::default();
    let mut first_error = None;
    for parent in PARENTS {
        if let Err(error) = make_ahead(conn, parent, now, &mut done).await {
            first_error.get_or_insert(error);
        }
        if let Err(error) = move_strays(conn, parent, now, &mut done).await {
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(done), Err)
}

async fn make_ahead(
    conn: &mut PgConnection,
    parent: &str,
    now: DateTime<Utc>,
    done: &mut Done,
) -> Result<(), QueueError> {
    let today = now.date_naive();
    let missing = missing_days(conn, parent, today).await?;
    let large = is_large(conn, parent).await?;
    let since = missing.iter().copied().find(|day| large && is_far(*day, now));
    let fence = since.zip(today.checked_add_days(Days::new(AHEAD + 1)));
    // A fence that was left behind would in the end keep rows out of the default partition.
    unfence(conn, parent, today, fence).await?;
    let mut days = missing;
    if large {
        let Some((since, until)) = fence else { return Ok(()) };
        for step in ["select jobs.fence($1, $2, $3)", "select jobs.check_fence($1, $2, $3)"] {
            run_long(conn, step, parent, since, until).await?;
        }
        days.retain(|day| *day >= since);
    }
    // What is in the default partition already has to be moved, which makes the day as well.
    let stray = stray_days(conn, parent).await?;
    days.retain(|day| !stray.contains(day));
    let mut made = Ok(());
    for day in days {
        let new = sqlx::query_scalar::<_, bool>("select jobs.ensure_day($1, $2)").bind(parent).bind(day);
        match new.fetch_one(&mut *conn).await {
            Ok(new) => done.made += u32::from(new),
            Err(error) => made = made.and(Err(QueueError::from(error))),
        }
    }
    unfence(conn, parent, today, None).await?;
    made
}

async fn is_large(conn: &mut PgConnection, parent: &str) -> Result<bool, QueueError> {
    Ok(sqlx::query_scalar("select jobs.is_large($1)").bind(parent).fetch_one(conn).await?)
}

/// Removes the fences around days to come, but for one.
async fn unfence(
    conn: &mut PgConnection,
    parent: &str,
    today: NaiveDate,
    but_for: Option<(NaiveDate, NaiveDate)>,
) -> Result<(), QueueError> {
    sqlx::query("select jobs.unfence($1, $2, jobs.fence_name($1, $3, $4))")
        .bind(parent)
        .bind(today)
        .bind(but_for.map(|(since, _)| since))
        .bind(but_for.map(|(_, until)| until))
        .execute(conn)
        .await?;
    Ok(())
}

/// The days from today on that have no partition, in order.
async fn missing_days(
    conn: &mut PgConnection,
    parent: &str,
    today: NaiveDate,
) -> Result<Vec<NaiveDate>, QueueError> {
    Ok(sqlx::query_scalar(
        "select $2::date + n from generate_series(0, $3) n
         where to_regclass('jobs.' || $1 || '_' || to_char($2::date + n, 'YYYYMMDD')) is null order by 1",
    )
    .bind(parent)
    .bind(today)
    .bind(AHEAD as i32)
    .fetch_all(conn)
    .await?)
}

async fn stray_days(conn: &mut PgConnection, parent: &str) -> Result<Vec<NaiveDate>, QueueError> {
    Ok(sqlx::query_scalar("select jobs.stray_days($1)").bind(parent).fetch_all(conn).await?)
}

/// Moves what the default partition holds, a day at a time.
async fn move_strays(
    conn: &mut PgConnection,
    parent: &str,
    now: DateTime<Utc>,
    done: &mut Done,
) -> Result<(), QueueError> {
    let mut moved = Ok(());
    for day in stray_days(conn, parent).await? {
        match move_day(conn, parent, day, now).await {
            Ok(0) => {}
            Ok(rows) => {
                tracing::info!(parent, %day, rows, "rows of a day without a partition were moved into one");
                done.made += 1;
                done.moved += rows;
            }
            Err(error) => moved = moved.and(Err(error)),
        }
    }
    moved
}

async fn move_day(
    conn: &mut PgConnection,
    parent: &str,
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<i64, QueueError> {
    let large = is_large(conn, parent).await?;
    let until = day.succ_opt().unwrap_or(day);
    if large {
        // A day that may still take rows is left until it is over.
        if !is_over(day, now) {
            return Ok(0);
        }
        run_long(conn, "select jobs.fence($1, $2, $3)", parent, day, until).await?;
    }
    let mut tx = conn.begin().await?;
    sqlx::query(MOVE_WITHIN).execute(&mut *tx).await?;
    let moved =
        sqlx::query_scalar("select jobs.move_day($1, $2)").bind(parent).bind(day).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(moved)
}

async fn run_long(
    conn: &mut PgConnection,
    step: &'static str,
    parent: &str,
    since: NaiveDate,
    until: NaiveDate,
) -> Result<(), QueueError> {
    let mut tx = conn.begin().await?;
    sqlx::query(MOVE_WITHIN).execute(&mut *tx).await?;
    sqlx::query(step).bind(parent).bind(since).bind(until).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a day begins late enough for a fence around it.
fn is_far(day: NaiveDate, now: DateTime<Utc>) -> bool {
    now + MARGIN < start(day)
}

/// Whether nothing is written into a day any more.
fn is_over(day: NaiveDate, now: DateTime<Utc>) -> bool {
    day.succ_opt().is_some_and(|next| start(next) + MARGIN <= now)
}

fn start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_fenced_neither_shortly_before_it_nor_before_it_is_over() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert!(is_far(day("2026-11-29"), at("2026-11-28T22:59:59Z")));
        assert!(!is_far(day("2026-11-29"), at("2026-11-28T23:00:00Z")));
        assert!(!is_over(day("2026-11-28"), at("2026-11-29T00:59:59Z")));
        assert!(is_over(day("2026-11-28"), at("2026-11-29T01:00:00Z")));
    }
}
