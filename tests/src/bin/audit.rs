//! How long an audit of the books takes over millions of past jobs, and how soon it finds a single job that
//! is missing.
//!
//! usage: audit [--rows N], 5,000,000 when not given. The past jobs are small rows written by SQL over the last week.
//! The indexes by which people find jobs are left out: the audit uses none of them, and they would double the disk.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use cluster::{
    folder::Folder,
    program,
    report::{Goal, Spread, count, figure, goal, table},
    servers::{Afterwards, Servers},
};
use jobs::{
    Store,
    audit::{self, Pace},
    kinds::audit_ledger::AuditReport,
};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, postgres::PgPoolOptions};

/// Rows that one statement writes.
const BATCH: u64 = 500_000;

/// Runs whose times are compared with the goal.
const RUNS: usize = 10;

/// In how many runs a missing job has to be found.
const FOUND_WITHIN: i64 = 2;

/// One row a number, of five kinds and two states, evenly over six and a half days until now.
const INSERT: &str = "
insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at,
    payload_version, payload, correlation_id, origin, created_at, started_at, finished_at)
select gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'kind_' || n % 5, case when n % 5 = 0 then 'ai' else 'default' end,
    2, case when n % 50 = 3 then 'cancelled' else 'done' end::jobs.state, 1, 5, 0, at, 1, '{}', 'past', 'api', at, at, at
from (select n, now() - interval '156 hours' * (1 - n::float8 / $3) as at from generate_series($1::bigint, $2::bigint) n) s";

/// What one statement over everything costs, which is what an audit without kept counts has to do.
const COUNT_ALL: &str =
    "select count(*) from (select queue, kind, state, count(*) from jobs.finished group by 1, 2, 3) c";

fn main() -> ExitCode {
    program::run("audit", measure())
}

async fn measure() -> anyhow::Result<ExitCode> {
    let rows = rows_from_arguments()?;
    let folder = Folder::temporary().context("no temporary folder can be made")?;
    let servers = Servers::start(&folder.path().join("servers"), Afterwards::Remove)?;
    migrations::apply(&servers.admin_url).await.context("the schema")?;
    let admin = PgPoolOptions::new().max_connections(2).connect(&servers.admin_url).await?;
    let engine = Store::connect(&servers.url_for("desk_worker")?, 2)?;
    write(&admin, rows).await?;

    let mut conn = engine.pool().acquire().await?;
    let started = Instant::now();
    let first = run(&mut conn).await?;
    let first_took = started.elapsed();
    ensure!(first.drifts.is_empty(), "the books were wrong from the start: {:?}", first.drifts);
    ensure!(first.held.unsigned_abs() == rows, "{} of {rows} jobs were counted", first.held);

    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        let report = run(&mut conn).await?;
        times.push(started.elapsed());
        ensure!(report.drifts.is_empty(), "a drift out of nothing: {:?}", report.drifts);
    }
    let times = Spread::of(times);
    let started = Instant::now();
    sqlx::query(COUNT_ALL).fetch_one(&admin).await?;
    let count_all = started.elapsed();

    let mut searches = Vec::new();
    for (name, break_it, mend_it) in breakages() {
        searches.push(search(&admin, &mut conn, name, &break_it, &mend_it).await?);
    }

    println!();
    let line = |search: &Search| {
        let secs = |duration: Duration| format!("{:.2}", duration.as_secs_f64());
        [
            search.name.to_owned(),
            search.found_after.to_string(),
            secs(search.found_in),
            search.quiet_after.to_string(),
            secs(search.quiet_in),
        ]
    };
    table(
        ["one job", "found after runs", "s", "quiet after runs", "s"],
        &searches.iter().map(line).collect::<Vec<_>>(),
    );
    println!();
    count("audit_rows", i64::try_from(rows)?, "jobs");
    figure("audit_first_seconds", first_took.as_secs_f64(), "s");
    figure("audit_count_all_seconds", count_all.as_secs_f64(), "s");
    figure("audit_run_median_seconds", times.p50.as_secs_f64(), "s");
    let mut reached = goal("audit_run_seconds", times.max.as_secs_f64(), "s", Goal::AtMost(1.0));
    let runs =
        searches.iter().map(|search| search.found_after.max(search.quiet_after)).max().unwrap_or_default();
    reached &=
        goal("audit_runs_until_found_or_mended", runs as f64, "runs", Goal::AtMost(FOUND_WITHIN as f64));
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn rows_from_arguments() -> anyhow::Result<u64> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(5_000_000),
        ["--rows", rows] => rows.parse().context("--rows wants a number"),
        _ => bail!("the only argument is --rows N"),
    }
}

/// Writes the past jobs and the books of them.
async fn write(admin: &PgPool, rows: u64) -> anyhow::Result<()> {
    println!("{rows} past jobs, written by SQL");
    let started = Instant::now();
    sqlx::raw_sql(
        "drop index jobs.finished_tenant, jobs.finished_kind, jobs.finished_cancelled, jobs.finished_correlation, jobs.finished_parent;
         select jobs.ensure_day('finished', (now() at time zone 'UTC')::date - n) from generate_series(1, 7) n",
    )
    .execute(admin)
    .await?;
    for first in (1..=rows).step_by(usize::try_from(BATCH)?) {
        let last = rows.min(first + BATCH - 1);
        let insert =
            sqlx::query(INSERT).bind(i64::try_from(first)?).bind(i64::try_from(last)?).bind(rows as f64);
        insert.execute(admin).await.context("writing past jobs")?;
        if last.is_multiple_of(5_000_000) {
            println!("  {last} after {:.0} s", started.elapsed().as_secs_f64());
        }
    }
    sqlx::query("vacuum analyze jobs.finished").execute(admin).await?;
    sqlx::query(
        "insert into jobs.transition (queue, kind, from_state, to_state, n)
         select queue, kind, null, state, count(*) from jobs.finished group by queue, kind, state",
    )
    .execute(admin)
    .await
    .context("the books of past jobs")?;
    Ok(())
}

/// Ways to break the ledger by one job, and to mend it.
fn breakages() -> Vec<(&'static str, String, String)> {
    let gone = |at: &str| {
        let one = format!(
            "select ctid, tableoid from jobs.finished where finished_at >= {at} order by finished_at limit 1"
        );
        (
            format!("with one as materialized ({one}), gone as (
                    delete from jobs.finished f using one where f.ctid = one.ctid and f.tableoid = one.tableoid and f.finished_at >= {at}
                    returning f.*)
                insert into gone select * from gone"),
            "with back as (delete from gone returning *) insert into jobs.finished select * from back".to_owned(),
        )
    };
    let day_ago = |days: i32| {
        format!("(date_trunc('day', now(), 'UTC') - interval '{days} days' + interval '5 hours')")
    };
    let books = |by: &str| {
        format!(
            "insert into jobs.transition (queue, kind, from_state, to_state, n) values ('default', 'kind_1', null, 'done', {by})"
        )
    };
    let (past, past_back) = gone(&day_ago(3));
    let (today, today_back) = gone("(now() - interval '35 minutes')");
    let (now, now_back) = gone("(now() - interval '5 minutes')");
    vec![
        ("gone, three days ago", past, past_back),
        ("gone, half an hour ago", today, today_back),
        ("gone, just now", now, now_back),
        ("too many in the books", books("1"), books("-1")),
    ]
}

/// How an audit came to know that one job was missing, and that it was back.
struct Search {
    name: &'static str,
    found_after: i64,
    found_in: Duration,
    quiet_after: i64,
    quiet_in: Duration,
}

async fn search(
    admin: &PgPool,
    conn: &mut PgConnection,
    name: &'static str,
    break_it: &str,
    mend_it: &str,
) -> anyhow::Result<Search> {
    sqlx::query("create table if not exists gone as select * from jobs.finished where false")
        .execute(admin)
        .await?;
    change(admin, break_it).await?;
    let (found_after, found_in) = run_until(conn, 1).await.with_context(|| format!("{name}: not found"))?;
    change(admin, mend_it).await?;
    let (quiet_after, quiet_in) = run_until(conn, 0).await.with_context(|| format!("{name}: not quiet"))?;
    Ok(Search { name, found_after, found_in, quiet_after, quiet_in })
}

/// Changes one row; the server has counted it when this returns.
async fn change(admin: &PgPool, statement: &str) -> anyhow::Result<()> {
    let mut conn = admin.acquire().await?;
    let changed =
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await.context(statement.to_owned())?;
    ensure!(changed.rows_affected() == 1, "{} rows were changed by {statement}", changed.rows_affected());
    sqlx::query("select pg_stat_force_next_flush()").execute(&mut *conn).await?;
    Ok(())
}

/// Audits until so many jobs drift: how many runs, and how long all of them together.
async fn run_until(conn: &mut PgConnection, drift: i64) -> anyhow::Result<(i64, Duration)> {
    let started = Instant::now();
    for runs in 1..=10 {
        let report = run(conn).await?;
        if report.drift() == drift {
            ensure!(audit::last(conn).await?.drift == drift, "the leader would serve something else");
            return Ok((runs, started.elapsed()));
        }
    }
    bail!("ten runs did not come to a drift of {drift}")
}

/// One audit; after one that could not count everything the next follows at once.
async fn run(conn: &mut PgConnection) -> anyhow::Result<AuditReport> {
    loop {
        if let Some(report) = audit::run(conn, Pace::default()).await? {
            return Ok(report);
        }
    }
}
