//! A second Postgres that follows a cluster's private one, as a fail-over needs it. It is made from the
//! running primary, runs as the same user, and ends with this process.

use std::{
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{
    ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{process::Command, time::Instant};

use crate::{
    processes::{Cluster, Logs, Process, free_address},
    servers::children,
};

/// What it calls itself at the primary.
const NAME: &str = "standby";

/// How long anything about it may take.
const WITHIN: Duration = Duration::from_secs(60);

/// How a primary treats its standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// A commit waits until the standby has it on disk.
    Synchronous,
    /// A commit does not wait.
    Asynchronous,
}

/// The second server.
pub struct Standby {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its database as its owner, who sees all tenants.
    pub ledger: PgPool,
    process: Process,
    start: PathBuf,
    log: PathBuf,
}

impl Standby {
    /// Makes a standby of the cluster's Postgres and waits until it follows.
    ///
    /// # Errors
    /// The servers are not private, or Postgres refuses.
    pub async fn follow(cluster: &Cluster, replication: Replication) -> anyhow::Result<Standby> {
        let servers = &cluster.servers;
        let home = servers.postgres_home().context("a standby needs a private Postgres")?;
        let primary = servers.postgres_pid().context("the primary does not run")?;
        let programs = std::fs::read_link(format!("/proc/{primary}/exe")).context("the primary's program")?;
        let programs = programs.parent().context("a program is in a folder")?.to_owned();
        let data = home.join("standby");

        // The copy is made before the primary waits for anybody, so that the standby itself, once it is
        // promoted, does not wait for a standby that nobody made.
        admit(&cluster.ledger, &home).await?;
        copy(&programs, &home, &data, servers.postgres_addr()?).await?;
        if replication == Replication::Synchronous {
            sqlx::query("alter system set synchronous_standby_names = 'ANY 1 (standby)'")
                .execute(&cluster.ledger)
                .await?;
            reload(&cluster.ledger).await?;
        }

        let addr = free_address()?;
        let url: PgConnectOptions = servers.admin_url.parse().context("the primary's address")?;
        let url = url.host(&addr.ip().to_string()).port(addr.port()).to_url_lossy();
        let ledger = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy(url.as_str())?;
        let start = cluster.dir().join("standby.sh");
        std::fs::write(&start, script(&programs, &data, addr.port()))?;
        std::fs::set_permissions(&start, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let log = cluster.dir().join("logs/standby.log");
        let standby = Standby { addr, ledger, process: spawn(&start, &log)?, start, log };
        standby.until_following(cluster, replication).await?;
        Ok(standby)
    }

    /// Kills it with all its processes (-9).
    pub async fn kill(&self) {
        let first = Pid::from_raw(self.process.pid.cast_signed());
        let others = children(first);
        self.process.kill().await;
        for other in others {
            let _ = kill(other, Signal::SIGKILL);
        }
    }

    /// Starts it again after it was killed, and waits until it follows again.
    ///
    /// # Errors
    /// It does not start.
    pub async fn return_to(&mut self, cluster: &Cluster, replication: Replication) -> anyhow::Result<()> {
        let asked = Instant::now();
        loop {
            // What the killed one left may be in the way for a moment.
            self.process = spawn(&self.start, &self.log)?;
            tokio::select! {
                followed = self.until_following(cluster, replication) => return followed,
                _ = self.process.wait() => {}
            }
            ensure!(asked.elapsed() < WITHIN, "the standby does not start: {}", self.process.last_words());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Sends a signal to the process that receives from the primary.
    ///
    /// # Errors
    /// Nothing is received at the moment.
    pub fn signal_receiver(&self, signal: Signal) -> anyhow::Result<()> {
        let first = Pid::from_raw(self.process.pid.cast_signed());
        let receives = |pid: &Pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.contains("walreceiver"))
        };
        let receiver = children(first).into_iter().find(receives).context("the standby receives nothing")?;
        Ok(kill(receiver, signal)?)
    }

    /// Makes it the primary; returns when it answers as one.
    ///
    /// # Errors
    /// It does not within a minute.
    pub async fn promote(&self) -> anyhow::Result<()> {
        let asked = Instant::now();
        loop {
            let promoted = async {
                sqlx::query("select pg_promote(false) where pg_is_in_recovery()")
                    .execute(&self.ledger)
                    .await?;
                sqlx::query_scalar("select not pg_is_in_recovery()").fetch_one(&self.ledger).await
            };
            // Otherwise it is being promoted, or starts again because its receiver was killed.
            if let Ok(true) = promoted.await {
                return Ok(());
            }
            ensure!(
                asked.elapsed() < WITHIN,
                "the standby cannot be promoted: {}",
                self.process.last_words()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until_following(&self, cluster: &Cluster, replication: Replication) -> anyhow::Result<()> {
        let state = match replication {
            Replication::Synchronous => "quorum",
            Replication::Asynchronous => "async",
        };
        let asked = Instant::now();
        loop {
            let follows: bool = sqlx::query_scalar(
                "select exists (select from pg_stat_replication where state = 'streaming' and sync_state = $1)",
            )
            .bind(state)
            .fetch_one(&cluster.ledger)
            .await?;
            if follows {
                return Ok(());
            }
            if asked.elapsed() > WITHIN || self.process.ended().is_some() {
                bail!("the standby does not follow: {}", self.process.last_words());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Lets a standby of this machine connect.
async fn admit(ledger: &PgPool, home: &Path) -> anyhow::Result<()> {
    let rules = home.join("data/pg_hba.conf");
    let known = std::fs::read_to_string(&rules)?;
    // Written in place, so that the file stays its owner's.
    std::fs::write(&rules, known + "host replication all 127.0.0.1/32 trust\n")?;
    reload(ledger).await
}

async fn reload(ledger: &PgPool) -> anyhow::Result<()> {
    sqlx::query("select pg_reload_conf()").execute(ledger).await?;
    Ok(())
}

async fn copy(programs: &Path, home: &Path, data: &Path, primary: SocketAddr) -> anyhow::Result<()> {
    let source =
        format!("host={} port={} user=postgres application_name={NAME}", primary.ip(), primary.port());
    let mut command = match is_root() {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(programs.join("pg_basebackup"));
            command
        }
        false => Command::new(programs.join("pg_basebackup")),
    };
    let output = command
        .args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--dbname", &source])
        .arg("--pgdata")
        .arg(data)
        .current_dir(home.ancestors().last().unwrap_or(home))
        .kill_on_drop(true)
        .output()
        .await
        .context("pg_basebackup cannot be run")?;
    ensure!(output.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// Postgres refuses to be root's, so root hands it to the user `postgres`, as deploy/local/servers does.
fn script(programs: &Path, data: &Path, port: u16) -> String {
    let user = match is_root() {
        true => "setpriv --reuid postgres --regid \"$(id -g postgres)\" --init-groups --pdeathsig KILL -- ",
        false => "",
    };
    format!(
        "#!/bin/sh\ncd / && rm -f '{data}/postmaster.pid' && exec {user}'{program}' -D '{data}' -p {port}\n",
        data = data.display(),
        program = programs.join("postgres").display(),
    )
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn spawn(start: &Path, log: &Path) -> anyhow::Result<Process> {
    let settings = vec![("LC_ALL".to_owned(), "C".to_owned())];
    Process::spawn(NAME, start, settings, log.to_owned(), Logs::File, None)
        .context("the standby does not start")
}
