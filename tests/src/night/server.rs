//! A private Postgres with the memory that a server of 24 GiB would give it, as the database of a shop with a million
//! customers has; the servers of other programs keep the small settings of `deploy/local/servers`.

use std::path::Path;

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::servers::{Afterwards, Servers};

/// Settings, and why they are not the defaults: the working set is in memory, and no checkpoint falls into a bulk load.
const SETTINGS: [(&str, &str); 6] = [
    ("shared_buffers", "2GB"),
    ("effective_cache_size", "12GB"),
    ("work_mem", "64MB"),
    ("maintenance_work_mem", "512MB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
];

/// Starts a private pair below `dir` with these settings.
///
/// # Errors
/// A server does not start or refuses a setting.
pub async fn start(dir: &Path, afterwards: Afterwards) -> anyhow::Result<Servers> {
    let dir = dir.join("servers");
    let servers = tokio::task::spawn_blocking(move || Servers::start(&dir, afterwards)).await??;
    let mut owner = PgConnection::connect(&servers.admin_url).await.context("the private Postgres")?;
    for (name, value) in SETTINGS {
        sqlx::query(AssertSqlSafe(format!("alter system set {name} = '{value}'")))
            .execute(&mut owner)
            .await?;
    }
    owner.close().await?;
    let (servers, restarted) = tokio::task::spawn_blocking(move || {
        let restarted = servers.restart_postgres();
        (servers, restarted)
    })
    .await?;
    restarted.context("Postgres with the memory of a large server")?;
    Ok(servers)
}
