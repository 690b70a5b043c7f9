//! What the load programs share. Each of them starts a cluster of its own, loads it in one way, reads
//! what happened from the ledger and the servers themselves, and prints figures beside their goals.
//!
//! [`mod@ledger`] fills the queue and reads times from it, [`statements`] and [`broker`] say what Postgres
//! and Redis did meanwhile, [`arrivals`] sends requests at a fixed rate, [`deliveries`] makes webhooks,
//! [`celery`] runs the service that ours is compared with, [`history`] makes millions of old jobs.

pub mod arrivals;
pub mod broker;
pub mod celery;
pub mod deliveries;
pub mod history;
pub mod ledger;
pub mod partners;
pub mod statements;

use std::time::Duration;

use anyhow::{Context, bail};
use database::ids::TenantId;
use jobs::{Dispatch, Store, dispatch::Server};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::processes::Cluster;
use ledger::Ledger;

/// How long a program waits for something that should come within seconds.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// What the goals speak of.
    Full,
    /// Small enough to try a change; its figures are not compared with goals of the full run.
    Quick,
}

impl Size {
    /// Reads the program's arguments: none, or `--quick`.
    ///
    /// # Errors
    /// There is another argument.
    pub fn from_arguments() -> anyhow::Result<Size> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Ok(Size::Full),
            ["--quick"] => Ok(Size::Quick),
            _ => bail!("the only argument is --quick"),
        }
    }

    /// The one or the other.
    pub fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}

/// The queue of a cluster, for filling it as a process of the cluster would.
///
/// # Errors
/// An address of the cluster's servers cannot be read.
pub fn ledger(cluster: &Cluster) -> anyhow::Result<Ledger> {
    let store = Store::connect(&cluster.servers.url_for("desk_worker")?, 8)?;
    let redis = Server::new(&cluster.servers.redis_url).context("the cluster's Redis")?;
    Ok(Ledger::new(store, Dispatch::new(redis, "deskwork"), cluster.ledger.clone()))
}

/// The id of the cluster's own tenant.
///
/// # Errors
/// The database does not answer.
pub async fn tenant(cluster: &Cluster) -> anyhow::Result<TenantId> {
    let id = sqlx::query_scalar("select id from shared.tenant where slug = $1");
    let id = id.bind(&cluster.desk.credentials().tenant).fetch_one(&cluster.ledger).await;
    Ok(TenantId(id.context("the cluster's tenant")?))
}

/// Lets this process, and those that it starts from now on, open many sockets.
///
/// # Errors
/// The system's hard limit is lower than `files`.
pub fn allow_open_files(files: u64) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("the limit of open files")?;
    if soft >= files {
        return Ok(());
    }
    if hard < files {
        bail!("the system allows {hard} open files, {files} are needed; raise it with: ulimit -Hn {files}");
    }
    setrlimit(Resource::RLIMIT_NOFILE, files, hard).context("raising the limit of open files")
}
