//! How long an audit of the books takes over millions of past jobs, and how soon it finds a single job that
//! is missing.
//!
//! usage: audit [--rows N], 5,000,000 when not given. The past jobs are small rows written by SQL over the last week,
//! with the indexes that the real ones have; these are made after the rows, which takes a fraction of the time. What
//! the disk has to hold is said at once, and every phase when it begins. The data is in a temporary folder, below
//! `TMPDIR` when that is set, and goes when the program ends.

use std::{
    path::Path,
    process::{Command, ExitCode},
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

/// After how many rows the program says how far it is.
const TOLD_EVERY: u64 = 5_000_000;

/// What a past job takes on the disk at most, its indexes and its share of the log that Postgres writes ahead included.
const ROW_BYTES: u64 = 400;

/// The log that Postgres writes ahead, and what sorting an index takes, at most.
const FIXED_BYTES: u64 = 6 << 30;

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
    has_room(folder.path(), rows * ROW_BYTES + FIXED_BYTES)?;
    let servers = Servers::start(&folder.path().join("servers"), Afterwards::Remove)?;
    migrations::apply(&servers.admin_url).await.context("the schema")?;
    let admin = PgPoolOptions::new().max_connections(2).connect(&servers.admin_url).await?;
    let engine = Store::connect(&servers.url_for("desk_worker")?, 2)?;
    write(&admin, rows).await?;

    let mut conn = engine.pool().acquire().await?;
    println!("the first audit, which counts everything");
    let started = Instant::now();
    let first = run(&mut conn).await?;
    let first_took = started.elapsed();
    ensure!(first.drifts.is_empty(), "the books were wrong from the start: {:?}", first.drifts);
    ensure!(first.held.unsigned_abs() == rows, "{} of {rows} jobs were counted", first.held);

    println!("{RUNS} audits more");
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        let report = run(&mut conn).await?;
        times.push(started.elapsed());
        ensure!(report.drifts.is_empty(), "a drift out of nothing: {:?}", report.drifts);
    }
    let times = Spread::of(times);
    println!("one statement over everything");
    let started = Instant::now();
    sqlx::query(COUNT_ALL).fetch_one(&admin).await?;
    let count_all = started.elapsed();

    let mut searches = Vec::new();
    for (name, break_it, mend_it) in breakages() {
        println!("one job {name}: looked for, and mended");
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
    sqlx::query(
        "select jobs.ensure_day('finished', (now() at time zone 'UTC')::date - n) from generate_series(1, 7) n",
    )
    .execute(admin)
    .await?;
    let indexes: Vec<Index> = sqlx::query_as(INDEXES).fetch_all(admin).await.context("the indexes")?;
    for index in &indexes {
        let drop = format!("drop index jobs.{}", index.name);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(admin).await.context("dropping an index")?;
    }
    for first in (1..=rows).step_by(usize::try_from(BATCH)?) {
        let last = rows.min(first + BATCH - 1);
        let insert =
            sqlx::query(INSERT).bind(i64::try_from(first)?).bind(i64::try_from(last)?).bind(rows as f64);
        insert.execute(admin).await.context("writing past jobs")?;
        if last.is_multiple_of(TOLD_EVERY) || last == rows {
            println!("  {last} after {:.0} s", started.elapsed().as_secs_f64());
        }
    }
    for index in &indexes {
        println!("  index {} after {:.0} s", index.name, started.elapsed().as_secs_f64());
        sqlx::raw_sql(AssertSqlSafe(index.make.as_str())).execute(admin).await.context("making an index")?;
    }
    println!("  vacuum after {:.0} s", started.elapsed().as_secs_f64());
    sqlx::query("vacuum analyze jobs.finished").execute(admin).await?;
    let bytes: i64 = sqlx::query_scalar(
        "select sum(pg_total_relation_size(inhrelid))::bigint from pg_inherits where inhparent = 'jobs.finished'::regclass",
    )
    .fetch_one(admin)
    .await?;
    figure("audit_write_seconds", started.elapsed().as_secs_f64(), "s");
    figure("audit_disk", bytes as f64 / 1e9, "GB");
    sqlx::query(
        "insert into jobs.transition (queue, kind, from_state, to_state, n)
         select queue, kind, null, state, count(*) from jobs.finished group by queue, kind, state",
    )
    .execute(admin)
    .await
    .context("the books of past jobs")?;
    Ok(())
}

/// An index of the past jobs by which people find them.
#[derive(sqlx::FromRow)]
struct Index {
    name: String,
    /// The statement that makes it, for every day.
    make: String,
}

/// All of them, whatever today's schema has. The index of block ranges stays: it costs nothing while rows are written.
const INDEXES: &str = "
select c.relname::text as name, replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') as make
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
where i.indrelid = 'jobs.finished'::regclass and a.amname <> 'brin' order by 1";

/// Says how much room the data needs, and refuses when the file system has less.
fn has_room(folder: &Path, bytes: u64) -> anyhow::Result<()> {
    let told = Command::new("df").args(["--output=avail", "--block-size=1"]).arg(folder).output();
    let told = String::from_utf8(told.context("df cannot be run")?.stdout).context("what df says")?;
    let free = told.lines().last().and_then(|line| line.trim().parse().ok());
    let free: u64 = free.with_context(|| format!("df does not say what {} has left", folder.display()))?;
    let gb = |bytes: u64| bytes as f64 / 1e9;
    println!("at most {:.0} GB in {}, where {:.0} GB are free", gb(bytes), folder.display(), gb(free));
    ensure!(free > bytes, "too little room; name a folder on a larger disk in TMPDIR, or fewer rows");
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
