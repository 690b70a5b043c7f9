//! Lets a fault happen to a cluster, and keeps count of what happened.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rand::{RngExt, rngs::StdRng};
use sqlx::PgPool;
use tokio::time::Instant;

use super::plan::Fault;
use crate::processes::Cluster;

/// How long the cluster may be without a leader: the lease of a dead one and a slow machine.
const LEADER_WITHIN: Duration = Duration::from_secs(60);

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
    /// Times that Postgres was restarted.
    pub postgres_restarts: usize,
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
            Fault::RestartPostgres => {
                tokio::task::block_in_place(|| cluster.servers.restart_postgres())?;
                self.postgres_restarts += 1;
            }
        }
        Ok(())
    }
}

/// Kills whoever leads; when nobody does at the moment, as soon as somebody does.
async fn kill_leader(cluster: &mut Cluster) -> anyhow::Result<()> {
    let asked = Instant::now();
    while cluster.kill_leader().await.is_none() {
        if asked.elapsed() > LEADER_WITHIN {
            bail!("nobody has led for {LEADER_WITHIN:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    cluster.start_scheduler()?;
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
