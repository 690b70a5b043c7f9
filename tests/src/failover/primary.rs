//! The primary is gone, killed or silent, and its standby takes its place at the same address. What was
//! acknowledged by a synchronous pair is done, once; of what an asynchronous pair loses nothing stays behind.

use std::time::Duration;

use anyhow::bail;
use chrono::Utc;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::{
    Fault, Options,
    run::Run,
    standby::{Replication, Standby},
    tally::Promise,
};

/// For how long the standby hears nothing before an asynchronous primary is killed.
const LAG: Duration = Duration::from_secs(1);

/// Lets the primary go. True when every goal is reached.
///
/// # Errors
/// The pair does not start, the standby cannot be promoted, or the cluster fails otherwise.
pub async fn run(fault: Fault, options: &Options) -> anyhow::Result<bool> {
    let (replication, promise) = match fault {
        Fault::AsyncLag => (Replication::Asynchronous, Promise::NothingStuck),
        _ => (Replication::Synchronous, Promise::Once),
    };
    let cluster = Run::cluster(fault, options).await?;
    let standby = Standby::follow(&cluster, replication).await?;
    let mut run = Run::begin(cluster, fault, options);
    run.until_under_way().await?;
    let servers = &run.cluster.servers;
    match fault {
        Fault::SyncKill => tokio::task::block_in_place(|| servers.kill_postgres())?,
        Fault::SyncSilent => servers.silence_postgres()?,
        Fault::AsyncLag => {
            standby.signal_receiver(Signal::SIGSTOP)?;
            // The length of the lag is the fault itself.
            tokio::time::sleep(LAG).await;
            tokio::task::block_in_place(|| servers.kill_postgres())?;
            // What has arrived at this machine and was not read yet is lost with its reader.
            standby.signal_receiver(Signal::SIGKILL)?;
        }
        other => bail!("{} is no fault of a primary", other.name()),
    }
    let gone = Instant::now();
    standby.promote().await?;
    let answered = Utc::now();
    println!("the standby is the primary {:.1} s later", gone.elapsed().as_secs_f64());
    run.moved_to(&standby.ledger);
    run.proxy()?.move_to(standby.addr);
    let resumed = run.until_resumed(answered, options.resumed_within).await?;
    let reached = run.end(gone, promise, resumed).await;
    standby.kill().await;
    reached
}
