//! The FastAPI + Celery service that does what our webhook route does, from `tests/bench/celery_webhook`,
//! for as long as this lives.

use std::{
    fs::File,
    io,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{processes::Cluster, servers::root};

/// The longest that preparing its backlog may take.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// The running service.
pub struct CeleryService {
    process: Child,
    /// Where it takes webhooks.
    pub url: String,
}

/// Whether the service is installed; `make setup` for benchmarks does that.
pub fn is_installed() -> bool {
    installed().join("webhook/bin/uvicorn").exists()
}

fn installed() -> PathBuf {
    root().join(".local/bench")
}

impl CeleryService {
    /// Starts it on a cluster's servers, beside the cluster's own data, with so many tasks of `busy_ms`
    /// of processor time waiting for its worker. It logs into the cluster's folder.
    ///
    /// # Errors
    /// It is not installed, or does not become ready.
    pub async fn start(cluster: &Cluster, backlog: u64, busy_ms: f64) -> anyhow::Result<CeleryService> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?.port();
        let (servers, secret) = (&cluster.servers, &cluster.desk.credentials().webhook_secret);
        let log_path = cluster.dir().join("logs/celery.log");
        let log = File::create(&log_path).context("the log of the FastAPI and Celery service")?;
        let redis = servers.redis_url.trim_end_matches("/0").to_owned() + "/1";
        let mut process = Command::new("python3")
            .arg(root().join("tests/bench/celery_webhook/run.py"))
            .args(["--port", &port.to_string(), "--database-url", &servers.admin_url, "--redis-url", &redis])
            .args([
                "--secret",
                secret.as_str(),
                "--backlog",
                &backlog.to_string(),
                "--busy-ms",
                &busy_ms.to_string(),
            ])
            .arg("--installed")
            .arg(installed())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("starting the FastAPI and Celery service")?;
        let output = process.stdout.take().ok_or_else(|| io::Error::other("its output is not connected"))?;
        let service = CeleryService { process, url: format!("http://127.0.0.1:{port}/api/gorgias/webhook") };
        let mut lines = BufReader::new(tokio::process::ChildStdout::from_std(output)?).lines();
        match tokio::time::timeout(READY_WITHIN, lines.next_line()).await {
            Ok(Ok(Some(line))) if line.contains("\"ready\"") => Ok(service),
            Ok(_) => {
                let log = std::fs::read_to_string(&log_path).unwrap_or_default();
                bail!(
                    "the FastAPI and Celery service did not start: {}",
                    log.lines().last().unwrap_or("it said nothing")
                )
            }
            Err(_) => {
                bail!("the FastAPI and Celery service was not ready within {} s", READY_WITHIN.as_secs())
            }
        }
    }
}

impl Drop for CeleryService {
    fn drop(&mut self) {
        // It ends what it started; only it knows all of that.
        if let Ok(pid) = i32::try_from(self.process.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.process.wait();
    }
}
