//! How much memory processes use, as the kernel counts it.

use std::time::Duration;

use sqlx::PgPool;
use tokio::{sync::oneshot, task::JoinHandle, time::interval};

/// How often Postgres is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The most that a running process ever had resident, in bytes.
pub fn peak_bytes(pid: u32) -> Option<u64> {
    status(pid, "VmHWM:")
}

/// Watches a Postgres on this machine until it is asked.
pub struct PostgresWatch {
    end: oneshot::Sender<()>,
    watch: JoinHandle<u64>,
}

impl PostgresWatch {
    /// Begins to watch; none when the server's processes are not ours to look at.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn start(owner: &PgPool) -> anyhow::Result<Option<PostgresWatch>> {
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(owner).await?;
        let Some(parent) = status_number(backend.unsigned_abs(), "PPid:") else { return Ok(None) };
        let parent = u32::try_from(parent)?;
        let (end, mut ended) = oneshot::channel();
        let watch = tokio::spawn(async move {
            let mut ticks = interval(LOOK_EVERY);
            let mut peak = 0;
            loop {
                peak = peak.max(postgres_bytes(parent));
                tokio::select! {
                    _ = ticks.tick() => {}
                    _ = &mut ended => return peak,
                }
            }
        });
        Ok(Some(PostgresWatch { end, watch }))
    }

    /// The most that all its processes had at the same time, in bytes: what each has for itself, and the shared buffers
    /// once.
    ///
    /// # Errors
    /// The watch panicked.
    pub async fn peak_bytes(self) -> anyhow::Result<u64> {
        // When the watch has ended, its answer is there as well.
        let _ = self.end.send(());
        Ok(self.watch.await?)
    }
}

fn postgres_bytes(parent: u32) -> u64 {
    let children =
        std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let pids = children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).chain([parent]);
    let (mut own, mut shared) = (0, 0);
    for pid in pids {
        own += status(pid, "RssAnon:").unwrap_or(0);
        shared = shared.max(status(pid, "RssShmem:").unwrap_or(0));
    }
    own + shared
}

fn status(pid: u32, name: &str) -> Option<u64> {
    status_number(pid, name).map(|kilobytes| kilobytes * 1_024)
}

fn status_number(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_bytes(std::process::id()).is_some_and(|bytes| bytes > 1_000_000));
        assert!(status_number(std::process::id(), "PPid:").is_some());
    }
}
