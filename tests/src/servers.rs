//! A private Postgres and Redis, or somebody else's that are merely used; and the faults that a private
//! pair can be made to suffer.
//!
//! The work is done by `deploy/local/servers`. A shell, the janitor, waits on a pipe from this process
//! and ends the pair when the pipe closes, so the pair goes with this process however that ends.

use std::{
    io::{self, Write},
    net::{SocketAddr, ToSocketAddrs},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};

/// Why the servers did not do as they were told.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// The script cannot be run.
    #[error("{path} cannot be run: {source}")]
    Script {
        /// The script.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The script failed; it said why.
    #[error("servers {command}: {said}")]
    Failed {
        /// What was asked.
        command: &'static str,
        /// Its last words.
        said: String,
    },
    /// The addresses are not what was expected.
    #[error("{0} is no address that can be used")]
    Address(String),
    /// The servers are not ours to hurt.
    #[error("the servers were given; faults are for private ones only")]
    NotPrivate,
    /// Redis does not answer a command.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
}

/// What becomes of a private pair in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// Both are stopped; their data and logs stay.
    Stop,
    /// Both are stopped and their data is deleted.
    Remove,
}

impl Afterwards {
    fn command(self) -> &'static str {
        match self {
            Afterwards::Stop => "stop",
            Afterwards::Remove => "remove",
        }
    }
}

/// A Postgres with a database and a Redis. A private pair is ended when this is dropped.
#[derive(Debug)]
pub struct Servers {
    /// The database as its owner.
    pub admin_url: String,
    /// Redis.
    pub redis_url: String,
    private: Option<Private>,
}

#[derive(Debug)]
struct Private {
    dir: PathBuf,
    janitor: Child,
    afterwards: Afterwards,
}

impl Servers {
    /// Starts a private pair whose data is in `dir`; blocks until both answer.
    ///
    /// # Errors
    /// The script is missing or failed.
    pub fn start(dir: &Path, afterwards: Afterwards) -> Result<Servers, ServersError> {
        // The janitor comes first: a start that is interrupted half-way leaves nothing running either.
        let private = Private { dir: dir.to_owned(), janitor: janitor(dir, afterwards)?, afterwards };
        let mut servers =
            Servers { admin_url: String::new(), redis_url: String::new(), private: Some(private) };
        script("start", dir)?;
        let said = script("env", dir)?;
        servers.admin_url = exported(&said, "DATABASE_URL")?;
        servers.redis_url = exported(&said, "REDIS_URL")?;
        Ok(servers)
    }

    /// Ends what an earlier run left in `dir`, if anything, and deletes its data.
    ///
    /// # Errors
    /// The script is missing or failed.
    pub fn clear(dir: &Path) -> Result<(), ServersError> {
        script("remove", dir).map(|_| ())
    }

    /// Uses servers that are there; they are left running.
    pub fn given(admin_url: &str, redis_url: &str) -> Servers {
        Servers { admin_url: admin_url.to_owned(), redis_url: redis_url.to_owned(), private: None }
    }

    /// The database as a login role, for example `desk_api`.
    ///
    /// # Errors
    /// The owner's address is no Postgres URL.
    pub fn url_for(&self, role: &str) -> Result<String, ServersError> {
        let options: PgConnectOptions =
            self.admin_url.parse().map_err(|_| ServersError::Address("DATABASE_URL".to_owned()))?;
        Ok(options.username(role).to_url_lossy().to_string())
    }

    /// Decides anew what becomes of a private pair, for example to keep what a failed run left.
    pub fn afterwards(&mut self, afterwards: Afterwards) {
        if let Some(private) = &mut self.private {
            private.afterwards = afterwards;
        }
    }

    /// Ends a private pair now; blocks until both are gone.
    pub fn stop(&mut self) {
        let Some(mut private) = self.private.take() else { return };
        if let Some(mut order) = private.janitor.stdin.take() {
            // A janitor that is gone has done its work already.
            let _ = writeln!(order, "{}", private.afterwards.command());
        }
        let _ = private.janitor.wait();
    }

    /// Stops Postgres at once, as a crash would, and starts it on the same port.
    ///
    /// # Errors
    /// As [`Servers::start`], or the servers were given; the same for every fault below.
    pub fn restart_postgres(&self) -> Result<(), ServersError> {
        self.fault("restart-postgres")
    }

    /// Kills Postgres with all its processes.
    pub fn kill_postgres(&self) -> Result<(), ServersError> {
        self.fault("kill-postgres")
    }

    /// Starts Postgres after it was killed.
    pub fn start_postgres(&self) -> Result<(), ServersError> {
        self.fault("start-postgres")
    }

    /// Stops Redis and starts it empty.
    pub fn restart_redis(&self) -> Result<(), ServersError> {
        self.fault("restart-redis")
    }

    /// Kills Redis.
    pub fn kill_redis(&self) -> Result<(), ServersError> {
        self.fault("kill-redis")
    }

    /// Starts Redis, empty, after it was killed.
    pub fn start_redis(&self) -> Result<(), ServersError> {
        self.fault("start-redis")
    }

    /// Stops Redis in its tracks (SIGSTOP): connections stay open and nothing answers.
    pub fn pause_redis(&self) -> Result<(), ServersError> {
        self.signal_redis(Signal::SIGSTOP)
    }

    /// Lets a paused Redis go on.
    pub fn resume_redis(&self) -> Result<(), ServersError> {
        self.signal_redis(Signal::SIGCONT)
    }

    /// Deletes everything that Redis holds.
    pub async fn wipe_redis(&self) -> Result<(), ServersError> {
        self.tell_redis(&["FLUSHALL"]).await
    }

    /// Sends a command to Redis that makes it suffer, such as a setting.
    pub async fn tell_redis(&self, words: &[&str]) -> Result<(), ServersError> {
        if self.private.is_none() {
            return Err(ServersError::NotPrivate);
        }
        let client = redis::Client::open(self.redis_url.as_str())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query_async::<()>(&mut connection).await?;
        Ok(())
    }

    /// Where Postgres writes its log, when it is private.
    pub fn postgres_log(&self) -> Option<PathBuf> {
        Some(self.postgres_home()?.join("log"))
    }

    /// The folder of Postgres' data, log and socket, when it is private; its user may write there.
    pub fn postgres_home(&self) -> Option<PathBuf> {
        let dir = &self.private.as_ref()?.dir;
        let home = std::fs::read_to_string(dir.join("postgres.home")).ok()?;
        Some(PathBuf::from(home.trim()))
    }

    /// Where Postgres listens.
    ///
    /// # Errors
    /// The owner's address is no Postgres URL.
    pub fn postgres_addr(&self) -> Result<SocketAddr, ServersError> {
        let wrong = || ServersError::Address("DATABASE_URL".to_owned());
        let options: PgConnectOptions = self.admin_url.parse().map_err(|_| wrong())?;
        let found = (options.get_host(), options.get_port()).to_socket_addrs().map_err(|_| wrong())?.next();
        found.ok_or_else(wrong)
    }

    /// Stops Postgres in its tracks with all its processes (SIGSTOP): connections stay open and nothing answers.
    ///
    /// # Errors
    /// It does not run, or is not ours.
    pub fn silence_postgres(&self) -> Result<(), ServersError> {
        self.signal_postgres(Signal::SIGSTOP)
    }

    /// Lets a silent Postgres go on.
    ///
    /// # Errors
    /// As [`Servers::silence_postgres`].
    pub fn resume_postgres(&self) -> Result<(), ServersError> {
        self.signal_postgres(Signal::SIGCONT)
    }

    /// The first process of Postgres, when it is private and runs.
    pub fn postgres_pid(&self) -> Option<Pid> {
        let file = self.postgres_home()?.join("data/postmaster.pid");
        std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok().map(Pid::from_raw)
    }

    fn fault(&self, command: &'static str) -> Result<(), ServersError> {
        let private = self.private.as_ref().ok_or(ServersError::NotPrivate)?;
        script(command, &private.dir).map(|_| ())
    }

    fn signal_postgres(&self, signal: Signal) -> Result<(), ServersError> {
        let failed = |said: &str| ServersError::Failed { command: "signal postgres", said: said.to_owned() };
        let first = self.postgres_pid().ok_or_else(|| failed("Postgres has no pid"))?;
        // The first process first: it starts no others then.
        kill(first, signal).map_err(|error| failed(&error.to_string()))?;
        for child in children(first) {
            // A connection may end at any moment.
            let _ = kill(child, signal);
        }
        Ok(())
    }

    fn signal_redis(&self, signal: Signal) -> Result<(), ServersError> {
        let private = self.private.as_ref().ok_or(ServersError::NotPrivate)?;
        let pid = std::fs::read_to_string(private.dir.join("redis/pid")).unwrap_or_default();
        let failed = |said: String| ServersError::Failed { command: "signal redis", said };
        let pid: i32 = pid.trim().parse().map_err(|_| failed("Redis has no pid".to_owned()))?;
        kill(Pid::from_raw(pid), signal).map_err(|error| failed(error.to_string()))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The checkout's folder: `DESK_ROOT`, or where this was compiled.
pub fn root() -> PathBuf {
    let compiled = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = std::env::var_os("DESK_ROOT").map_or_else(compiled, PathBuf::from);
    root.canonicalize().unwrap_or(root)
}

fn script_path() -> PathBuf {
    root().join("deploy/local/servers")
}

fn script(command: &'static str, dir: &Path) -> Result<String, ServersError> {
    let path = script_path();
    let output = Command::new(&path)
        .arg(command)
        .arg(dir)
        .stdin(Stdio::null())
        .process_group(0)
        .output()
        .map_err(|source| ServersError::Script { path, source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(ServersError::Failed { command, said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits for an order, or for this process to end without one. It has a process group of its own, so
/// that a Ctrl-C at the terminal does not reach it.
fn janitor(dir: &Path, afterwards: Afterwards) -> Result<Child, ServersError> {
    const WAIT: &str = r#"read -r order; exec "$1" "${order:-$3}" "$2" >/dev/null 2>&1"#;
    let path = script_path();
    Command::new("/bin/sh")
        .args(["-c", WAIT, "deskwork-janitor"])
        .arg(&path)
        .arg(dir)
        .arg(afterwards.command())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|source| ServersError::Script { path, source })
}

/// The processes that a process has started and that still run.
pub fn children(parent: Pid) -> Vec<Pid> {
    let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}

fn exported(said: &str, name: &str) -> Result<String, ServersError> {
    let prefix = format!("export {name}=");
    let found = said.lines().find_map(|line| line.strip_prefix(&prefix));
    found
        .map(|value| value.trim_matches('\'').to_owned())
        .ok_or_else(|| ServersError::Address(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read_by_name() {
        let said = "export DATABASE_URL=postgres://postgres@127.0.0.1:15001/desk\nexport REDIS_URL=redis://127.0.0.1:15002/0\n";
        assert_eq!(exported(said, "REDIS_URL").expect("it is there"), "redis://127.0.0.1:15002/0");
        assert!(exported(said, "OTHER").is_err());
    }

    #[test]
    fn a_role_logs_in_at_the_same_place() {
        let servers = Servers::given("postgres://owner@127.0.0.1:15001/desk", "redis://127.0.0.1:15002/0");
        let url = servers.url_for("desk_api").expect("a URL");
        assert!(url.starts_with("postgres://desk_api@127.0.0.1:15001/desk"), "{url}");
    }
}
