//! Redis answers and refuses every write, first as a read-only replica and then for want of memory: enqueues are
//! acknowledged all the same, and work goes on as soon as it accepts writes again.

use std::time::Duration;

use tokio::time::Instant;

use super::{enqueue, probes, until_done, workers};
use crate::{
    chaos::inflict::nobody_ended,
    processes::Cluster,
    report::{self, Goal},
};

/// For how long each.
const FOR: Duration = Duration::from_secs(10);

/// Jobs that are enqueued meanwhile, one by one.
const JOBS: usize = 100;

/// Lets Redis refuse. True when every goal is reached.
///
/// # Errors
/// A process ends, a job is not done in the end, or the cluster fails otherwise.
pub async fn run(cluster: &mut Cluster) -> anyhow::Result<bool> {
    workers(cluster, 2).await?;
    let read_only =
        refuse(cluster, "read_only", &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]);
    let read_only = read_only.await?;
    let full =
        refuse(cluster, "full", &["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]);
    Ok(full.await? && read_only)
}

async fn refuse(cluster: &Cluster, name: &str, begin: &[&str], end: &[&str]) -> anyhow::Result<bool> {
    cluster.servers.tell_redis(begin).await?;
    let began = Instant::now();
    let (mut ids, mut refused) = (Vec::new(), 0);
    for (number, job) in probes(&format!("redis-{name}"), JOBS, Duration::ZERO, true).iter().enumerate() {
        match enqueue(&cluster.desk, std::slice::from_ref(job)).await {
            Ok(enqueued) => ids.extend(enqueued),
            Err(_) => refused += 1,
        }
        let part = u32::try_from(number + 1)? * (FOR / u32::try_from(JOBS)?);
        tokio::time::sleep_until(began + part).await;
    }
    cluster.servers.tell_redis(end).await?;
    let accepts = Instant::now();
    until_done(&cluster.ledger, &ids).await?;
    let done_after = accepts.elapsed();
    nobody_ended(cluster)?;
    println!("redis refused writes for {} s ({name}): {} enqueues acknowledged", FOR.as_secs(), ids.len());
    let goals = [
        report::goal(
            &format!("recovery_redis_{name}_not_acknowledged"),
            f64::from(refused),
            "count",
            Goal::AtMost(0.0),
        ),
        report::goal(
            &format!("recovery_redis_{name}_all_done_after"),
            done_after.as_secs_f64(),
            "s",
            Goal::AtMost(10.0),
        ),
    ];
    Ok(goals.iter().all(|reached| *reached))
}
