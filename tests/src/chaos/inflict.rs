//! Lets a fault happen to a cluster, and keeps count of what happened.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rand::{RngExt, rngs::StdRng};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::{clock, imports, plan::Fault};
use crate::processes::Cluster;

/// How long the cluster may be without a leader: the lease of a dead one and a slow machine.
const LEADER_WITHIN: Duration = Duration::from_secs(60);

/// How late each answer of a slow Postgres is.
const LATE: Duration = Duration::from_secs(2);

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Inflicted {
    /// Workers killed.
    pub worker_kills: usize,
    /// Their process ids.
    pub killed: Vec<i32>,
    /// Jobs that they ran when they were killed.
    pub in_flight: usize,
    /// Leading schedulers killed.
    pub leader_kills: usize,
    /// Times that Redis was wiped.
    pub redis_wipes: usize,
    /// Times that Redis was restarted.
    pub redis_restarts: usize,
    /// Times that Redis stood still.
    pub redis_pauses: usize,
    /// Times that Redis refused writes, read-only or full.
    pub redis_refusals: usize,
    /// Times that Postgres was restarted.
    pub postgres_restarts: usize,
    /// Times that all open connections to Postgres went silent.
    pub black_holes: usize,
    /// Times that Postgres was slow.
    pub postgres_slow: usize,
    /// Processes that were started with a clock an hour off.
    pub skewed_clocks: usize,
    /// The jobs of the imports, two for each pair.
    pub imports: Vec<Uuid>,
}

impl Inflicted {
    /// Lets one fault happen; killed processes are started again at once.
    ///
    /// # Errors
    /// The fault cannot be brought about, or a process that nobody killed has ended.
    pub async fn inflict(
        &mut self,
        cluster: &mut Cluster,
        fault: Fault,
        random: &mut StdRng,
    ) -> anyhow::Result<()> {
        nobody_ended(cluster)?;
        match fault {
            Fault::KillWorker => {
                let place = random.random_range(0..cluster.workers.len());
                let worker = cluster.kill_worker(place).await;
                cluster.start_worker()?;
                let pid = i32::try_from(worker.pid).context("a pid is a small number")?;
                self.in_flight += running(&cluster.ledger, pid).await;
                self.killed.push(pid);
                self.worker_kills += 1;
            }
            Fault::KillLeader => {
                kill_leader(cluster).await?;
                self.leader_kills += 1;
            }
            Fault::WipeRedis => {
                cluster.servers.wipe_redis().await?;
                self.redis_wipes += 1;
            }
            Fault::RestartRedis => {
                tokio::task::block_in_place(|| cluster.servers.restart_redis())?;
                self.redis_restarts += 1;
            }
            Fault::PauseRedis(pause) => {
                cluster.servers.pause_redis()?;
                // The length of the pause is the fault itself.
                tokio::time::sleep(pause).await;
                cluster.servers.resume_redis()?;
                self.redis_pauses += 1;
            }
            Fault::RedisReadOnly(time) => {
                // A replica of nobody: it keeps what it has and takes nothing new.
                cluster.servers.tell_redis(&["REPLICAOF", "127.0.0.1", "1"]).await?;
                tokio::time::sleep(time).await;
                cluster.servers.tell_redis(&["REPLICAOF", "NO", "ONE"]).await?;
                self.redis_refusals += 1;
            }
            Fault::RedisFull(time) => {
                cluster.servers.tell_redis(&["CONFIG", "SET", "maxmemory", "1"]).await?;
                tokio::time::sleep(time).await;
                cluster.servers.tell_redis(&["CONFIG", "SET", "maxmemory", "0"]).await?;
                self.redis_refusals += 1;
            }
            Fault::RestartPostgres => {
                tokio::task::block_in_place(|| cluster.servers.restart_postgres())?;
                self.postgres_restarts += 1;
            }
            Fault::BlackHole => {
                let proxy = cluster.proxy.as_ref().context("the cluster has no proxy")?;
                // Nobody closes what is silent, except that Postgres has room for the sessions of one such time.
                proxy.close_frozen();
                proxy.freeze_open();
                self.black_holes += 1;
            }
            Fault::SlowPostgres(time) => {
                let proxy = cluster.proxy.as_ref().context("the cluster has no proxy")?;
                proxy.delay_answers(LATE);
                tokio::time::sleep(time).await;
                proxy.delay_answers(Duration::ZERO);
                self.postgres_slow += 1;
            }
            Fault::SkewedClocks => self.skew_clocks(cluster, random).await?,
            Fault::TwoImports => {
                let pair = self.imports.len() / 2;
                self.imports.extend(imports::import_two(cluster, pair).await?);
            }
        }
        Ok(())
    }

    /// The clocks of processes that begin are wrong from their beginning, so both are started anew.
    async fn skew_clocks(&mut self, cluster: &mut Cluster, random: &mut StdRng) -> anyhow::Result<()> {
        let ahead = clock::skewed(cluster.dir(), clock::HOUR_SECS).await?;
        let behind = clock::skewed(cluster.dir(), -clock::HOUR_SECS).await?;
        let place = random.random_range(0..cluster.workers.len());
        let worker = cluster.kill_worker(place).await;
        self.killed.push(i32::try_from(worker.pid).context("a pid is a small number")?);
        cluster.start_worker_with(&ahead.each_ref().map(|(name, value)| (*name, value.as_str())))?;
        end_leader(cluster).await?;
        cluster.start_scheduler_with(&behind.each_ref().map(|(name, value)| (*name, value.as_str())))?;
        self.skewed_clocks += 2;
        Ok(())
    }
}

/// Kills whoever leads, and starts another.
async fn kill_leader(cluster: &mut Cluster) -> anyhow::Result<()> {
    end_leader(cluster).await?;
    cluster.start_scheduler()?;
    Ok(())
}

/// Kills whoever leads; when nobody does at the moment, as soon as somebody does.
async fn end_leader(cluster: &mut Cluster) -> anyhow::Result<()> {
    let asked = Instant::now();
    while cluster.kill_leader().await.is_none() {
        if asked.elapsed() > LEADER_WITHIN {
            bail!("nobody has led for {LEADER_WITHIN:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// # Errors
/// A process has ended by itself.
pub fn nobody_ended(cluster: &Cluster) -> anyhow::Result<()> {
    for process in [&cluster.api].into_iter().chain(&cluster.workers).chain(&cluster.schedulers) {
        ensure!(
            process.ended().is_none(),
            "{} ended by itself: {}; its log is {}",
            process.name,
            process.last_words(),
            process.log.display()
        );
    }
    Ok(())
}

/// The jobs that a killed process leaves behind as running. What its last statements still commit comes on
/// top, so this describes the fault; the verdict does not rest on it.
async fn running(ledger: &PgPool, pid: i32) -> usize {
    let count: Result<i64, _> = sqlx::query_scalar(
        "select count(*) from jobs.live j join jobs.worker w on w.id = j.worker_id where j.state = 'running' and w.pid = $1",
    )
    .bind(pid)
    .fetch_one(ledger)
    .await;
    count.ok().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}
