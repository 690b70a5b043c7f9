//! How long statements took, by Postgres's own log: every one over 50 ms, and a sample of the others that
//! is large enough for percentiles and small enough not to cost anything. `pg_stat_statements` counts.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use anyhow::Context;
use sqlx::{PgPool, Row};

use crate::servers::Servers;

/// The bound of the goal, in milliseconds.
pub const SLOW_MS: f64 = 50.0;

/// The one statement that waits, and says nothing of how fast others are.
const WAITS: &str = "call outbound.await_event";

/// The share of the fast statements that is logged.
const SAMPLE: f64 = 0.05;

/// Watches the statements of the cluster's own roles.
pub struct Statements {
    admin: PgPool,
    log: PathBuf,
    from: u64,
}

/// One statement's times.
#[derive(Clone, Debug)]
pub struct StatementTimes {
    /// Its first words.
    pub text: String,
    /// How often it ran.
    pub calls: i64,
    /// How often it took longer than [`SLOW_MS`].
    pub slow: i64,
    /// 99 of 100 took at most so long, in milliseconds.
    pub p99_ms: f64,
    /// The longest that was logged, in milliseconds.
    pub max_ms: f64,
}

impl Statements {
    /// Sets the server up; nothing is watched before [`Statements::begin`].
    ///
    /// # Errors
    /// The server is not private, or has no `pg_stat_statements`.
    pub async fn new(servers: &Servers, admin: &PgPool) -> anyhow::Result<Statements> {
        let log = servers.postgres_log().context("statements are watched on private servers only")?;
        for statement in [
            "create extension if not exists pg_stat_statements",
            "alter system set log_line_prefix = '%m [%p] %u %Q '",
            "alter system set log_min_duration_statement = '50ms'",
            "alter system set log_min_duration_sample = 0",
            "alter system set log_statement_sample_rate = 0",
        ] {
            sqlx::query(statement).execute(admin).await.context(statement)?;
        }
        Ok(Statements { admin: admin.clone(), log, from: 0 })
    }

    /// Begins to watch.
    ///
    /// # Errors
    /// Postgres does not answer, or its log cannot be read.
    pub async fn begin(&mut self) -> anyhow::Result<()> {
        self.sample("alter system set log_statement_sample_rate = 0.05").await?;
        sqlx::query("select pg_stat_statements_reset()").execute(&self.admin).await?;
        self.from = std::fs::metadata(&self.log).context("Postgres's log")?.len();
        Ok(())
    }

    /// How many statements the cluster's roles ran since the beginning.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn calls(&self) -> anyhow::Result<i64> {
        let calls = sqlx::query_scalar(
            "select coalesce(sum(s.calls), 0)::bigint from pg_stat_statements s
             join pg_roles r on r.oid = s.userid where r.rolname like 'desk%'",
        );
        Ok(calls.fetch_one(&self.admin).await?)
    }

    /// Calls by statement since the beginning, the most frequent first: first words and calls.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn frequent(&self) -> anyhow::Result<Vec<(String, i64)>> {
        let known = self.known().await?;
        let mut calls: Vec<(String, i64)> = known.into_values().collect();
        calls.sort_by_key(|(_, calls)| -calls);
        Ok(calls)
    }

    /// Ends watching: what took how long, the slowest at the 99th percentile first.
    ///
    /// # Errors
    /// Postgres does not answer, or its log cannot be read.
    pub async fn end(&self) -> anyhow::Result<Vec<StatementTimes>> {
        self.sample("alter system set log_statement_sample_rate = 0").await?;
        let known = self.known().await?;
        let mut logged: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for line in self.news()?.lines() {
            if let Some((id, took_ms)) = duration(line) {
                logged.entry(id).or_default().push(took_ms);
            }
        }
        let mut all: Vec<StatementTimes> = known
            .into_iter()
            .filter(|(_, (text, _))| !text.starts_with(WAITS))
            .map(|(id, (text, calls))| times(text, calls, logged.remove(&id).unwrap_or_default()))
            .collect();
        all.sort_by(|a, b| b.p99_ms.total_cmp(&a.p99_ms));
        Ok(all)
    }

    async fn sample(&self, setting: &'static str) -> anyhow::Result<()> {
        sqlx::query(setting).execute(&self.admin).await?;
        sqlx::query("select pg_reload_conf()").execute(&self.admin).await?;
        Ok(())
    }

    async fn known(&self) -> anyhow::Result<BTreeMap<i64, (String, i64)>> {
        let rows = sqlx::query(
            "select s.queryid, min(s.query), sum(s.calls)::bigint from pg_stat_statements s
             join pg_roles r on r.oid = s.userid where r.rolname like 'desk%' and s.toplevel group by s.queryid",
        )
        .fetch_all(&self.admin)
        .await?;
        Ok(rows.into_iter().map(|row| (row.get(0), (first_words(row.get(1)), row.get(2)))).collect())
    }

    fn news(&self) -> anyhow::Result<String> {
        let mut file = File::open(&self.log).context("Postgres's log")?;
        file.seek(SeekFrom::Start(self.from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Statement and milliseconds of a line of the log that tells a duration of one of the cluster's roles.
fn duration(line: &str) -> Option<(i64, f64)> {
    let (head, tail) = line.split_once(" LOG:  duration: ")?;
    let mut words = head.rsplit(' ');
    let id: i64 = words.next()?.parse().ok()?;
    let user = words.next()?;
    // Parsing is done once a connection; binding may plan, and is counted with the execution.
    let (took, step) = tail.split_once(" ms  ")?;
    if id == 0 || !user.starts_with("desk") || step.starts_with("parse") {
        return None;
    }
    Some((id, took.parse().ok()?))
}

/// A slow statement was always logged and stands for itself; a fast one was sampled and stands for many.
fn times(text: String, calls: i64, mut logged_ms: Vec<f64>) -> StatementTimes {
    logged_ms.sort_by(f64::total_cmp);
    let slow = logged_ms.iter().filter(|ms| **ms > SLOW_MS).count();
    let weight = |ms: f64| if ms > SLOW_MS { 1.0 } else { 1.0 / SAMPLE };
    let total: f64 = logged_ms.iter().map(|ms| weight(*ms)).sum();
    let mut passed = 0.0;
    let p99_ms = logged_ms.iter().copied().find(|ms| {
        passed += weight(*ms);
        passed >= total * 0.99
    });
    StatementTimes {
        text,
        calls,
        slow: i64::try_from(slow).unwrap_or(i64::MAX),
        p99_ms: p99_ms.unwrap_or(0.0),
        max_ms: logged_ms.last().copied().unwrap_or(0.0),
    }
}

fn first_words(query: &str) -> String {
    let without_comments = query.lines().filter(|line| !line.trim_start().starts_with("--"));
    let words: Vec<&str> = without_comments.flat_map(str::split_whitespace).collect();
    words.join(" ").chars().take(90).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_from_the_log() {
        let line = "2026-03-01 10:00:00.123 UTC [77] desk_worker -4611 LOG:  duration: 1.250 ms  execute sqlx_s_1: select 1";
        assert_eq!(duration(line), Some((-4611, 1.25)));
        for other in [
            "2026-03-01 10:00:00.123 UTC [77] postgres 12 LOG:  duration: 1.250 ms  execute x: select 1",
            "2026-03-01 10:00:00.123 UTC [77] desk_worker 12 LOG:  duration: 1.250 ms  parse x: select 1",
            "2026-03-01 10:00:00.123 UTC [77] desk_worker 0 LOG:  duration: 1.250 ms  execute x: select 1",
            "\tfrom jobs.live",
        ] {
            assert_eq!(duration(other), None, "{other}");
        }
    }

    #[test]
    fn a_sampled_statement_stands_for_many() {
        // 100 samples stand for 2,000 runs; ten slow ones are half a percent of them.
        let mut logged: Vec<f64> = vec![2.0; 100];
        logged.extend([80.0; 10]);
        let few = times(String::new(), 2_010, logged.clone());
        assert_eq!((few.slow, few.p99_ms, few.max_ms), (10, 2.0, 80.0));
        logged.extend([90.0; 30]);
        assert!(times(String::new(), 2_040, logged).p99_ms > SLOW_MS);
        assert_eq!(times(String::new(), 0, Vec::new()).p99_ms, 0.0);
    }
}
