//! Fills the queue through the same code as everybody, holds and releases it as an operator would, and
//! reads from the ledger when jobs started and ended.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use database::ids::TenantId;
use jobs::{Dispatch, NewJob, Store, kinds::Probe, queues};
use sqlx::{PgPool, Row};
use tokio::time::sleep;

use super::PATIENCE;
use crate::report::Spread;

/// Jobs that one statement takes.
pub const BATCH: u64 = 1_000;

/// How often a count is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The queue as a load program uses it.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    dispatch: Dispatch,
    admin: PgPool,
}

impl Ledger {
    /// The queue of a cluster: engine and dispatcher for what programs do, the owner for what they look up.
    pub fn new(store: Store, dispatch: Dispatch, admin: PgPool) -> Ledger {
        Ledger { store, dispatch, admin }
    }

    /// The database as its owner.
    pub fn admin(&self) -> &PgPool {
        &self.admin
    }

    /// Enqueues probes in bulk, each made by `probe` from its number, under one name (their correlation
    /// id), and says how long it took until Redis knew them.
    ///
    /// # Errors
    /// The ledger refused them; the same for everything below.
    pub async fn fill(
        &self,
        tenant: TenantId,
        name: &str,
        count: u64,
        run_at: Option<DateTime<Utc>>,
        probe: impl Fn(u64) -> Probe,
    ) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let mut conn = self.store.pool().acquire().await?;
        for first in (0..count).step_by(BATCH as usize) {
            let mut jobs = Vec::with_capacity(BATCH as usize);
            for number in first..count.min(first + BATCH) {
                let mut job = NewJob::of(tenant, &probe(number))?.with_cause(name, None, "load");
                if let Some(at) = run_at {
                    // Spread over the milliseconds of one second.
                    job = job.with_run_at(at + chrono::TimeDelta::milliseconds((number % 1_000) as i64));
                }
                jobs.push(job);
            }
            let (_, announcement) = jobs::enqueue(&mut conn, &jobs).await?;
            self.dispatch.announce(announcement);
        }
        self.dispatch.flush().await;
        Ok(started.elapsed())
    }

    /// Enqueues one probe, as a request would.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn add(&self, tenant: TenantId, name: &str, probe: &Probe) -> anyhow::Result<()> {
        let job = NewJob::of(tenant, probe)?.with_cause(name, None, "load");
        let mut conn = self.store.pool().acquire().await?;
        let (_, announcement) = jobs::enqueue(&mut conn, &[job]).await?;
        self.dispatch.announce(announcement);
        Ok(())
    }

    /// Lets nothing of the queue be started. What a worker has asked for already is still started.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn pause(&self, queue: &str) -> anyhow::Result<()> {
        self.set_paused(queue, true).await
    }

    /// Lets the queue go on.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn resume(&self, queue: &str) -> anyhow::Result<()> {
        self.set_paused(queue, false).await
    }

    async fn set_paused(&self, queue: &str, paused: bool) -> anyhow::Result<()> {
        let mut conn = self.store.pool().acquire().await?;
        queues::control(&mut conn, queue, Some(paused), None, None, "load").await?;
        self.dispatch.poke_workers();
        self.dispatch.flush().await;
        Ok(())
    }

    /// How many jobs of the queue are in that state, by the books, which are cheap to ask.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn count(&self, queue: &str, state: &str) -> anyhow::Result<i64> {
        let mut conn = self.store.pool().acquire().await?;
        let books = queues::balances(&mut conn).await?;
        Ok(books
            .iter()
            .filter(|entry| entry.queue == queue && entry.account == state)
            .map(|entry| entry.n)
            .sum())
    }

    /// Waits until at least so many jobs of the queue are in that state.
    ///
    /// # Errors
    /// They are not after [`PATIENCE`].
    pub async fn wait_for(&self, queue: &str, state: &str, at_least: i64) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let now = self.count(queue, state).await?;
            if now >= at_least {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!(
                    "{now} jobs of {queue} are {state} after {} s, {at_least} should be",
                    PATIENCE.as_secs()
                );
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until nothing of the queue waits or runs.
    ///
    /// # Errors
    /// Something does after [`PATIENCE`].
    pub async fn wait_until_empty(&self, queue: &str) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let mut left = 0;
            for state in ["scheduled", "ready", "running", "retrying"] {
                left += self.count(queue, state).await?;
            }
            if left == 0 {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!("{left} jobs of {queue} are unfinished after {} s", PATIENCE.as_secs());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// How long the jobs of that name waited, from the transaction that made them to the start of the last
    /// attempt.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn waits(&self, name: &str) -> anyhow::Result<Spread> {
        let rows = sqlx::query_scalar::<_, f64>(
            "select extract(epoch from started_at - run_at)::float8 from jobs.finished
             where correlation_id = $1 and started_at is not null",
        );
        let waits = rows.bind(name).fetch_all(&self.admin).await?;
        Ok(Spread::of(waits.into_iter().map(|secs| Duration::from_secs_f64(secs.max(0.0))).collect()))
    }

    /// How many jobs of other tenants were started during each wait of the tenant's jobs of that name, sorted. Unlike
    /// a time it does not depend on what else the machine does.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn overtaken(&self, tenant: TenantId, name: &str) -> anyhow::Result<Vec<usize>> {
        let others: Vec<DateTime<Utc>> = sqlx::query_scalar(
            "select started_at from jobs.finished where tenant_id <> $1 and started_at is not null order by started_at",
        )
        .bind(tenant)
        .fetch_all(&self.admin)
        .await?;
        let waits: Vec<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
            "select run_at, started_at from jobs.finished where correlation_id = $1 and started_at is not null",
        )
        .bind(name)
        .fetch_all(&self.admin)
        .await?;
        let before = |at: DateTime<Utc>| others.partition_point(|started| *started < at);
        let mut overtaken: Vec<usize> =
            waits.iter().map(|(from, to)| before(*to).saturating_sub(before(*from))).collect();
        overtaken.sort_unstable();
        Ok(overtaken)
    }

    /// Finished jobs a second, from `from` until the `jobs`th job after it, and until `to` if that is later.
    ///
    /// # Errors
    /// Fewer jobs finished.
    pub async fn throughput(
        &self,
        from: DateTime<Utc>,
        to: Option<DateTime<Utc>>,
        jobs: i64,
    ) -> anyhow::Result<f64> {
        let end: Option<DateTime<Utc>> = sqlx::query_scalar(
            "select finished_at from jobs.finished where finished_at >= $1 and kind = 'probe'
             order by finished_at offset $2 limit 1",
        )
        .bind(from)
        .bind(jobs - 1)
        .fetch_optional(&self.admin)
        .await?;
        let end = end.with_context(|| format!("fewer than {jobs} jobs finished"))?.max(to.unwrap_or(from));
        let row = sqlx::query(
            "select count(*), extract(epoch from $2 - $1)::float8 from jobs.finished
             where finished_at between $1 and $2 and kind = 'probe'",
        )
        .bind(from)
        .bind(end)
        .fetch_one(&self.admin)
        .await?;
        Ok(row.get::<i64, _>(0) as f64 / row.get::<f64, _>(1))
    }
}
