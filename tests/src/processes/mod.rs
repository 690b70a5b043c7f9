//! A whole cluster from start to end: servers, schema, a tenant with a key and a help desk, one api, any
//! number of workers and schedulers, and the recording upstream in this process.
//!
//! Dropping a [`Cluster`] kills exactly the processes that it started and ends its servers;
//! [`Cluster::stop`] does the same in order.

mod process;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use rand::RngExt;
use reqwest::StatusCode;
use sqlx::{PgPool, postgres::PgPoolOptions};

pub use process::{Logs, Process, Signalled};

use crate::{
    desk::{Credentials, Desk},
    folder::Folder,
    servers::{Afterwards, Servers},
    upstream::{self, Upstream},
};

/// How long the processes may take until they are ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long a process may take to end in order.
const END_WITHIN: Duration = Duration::from_secs(40);

/// What kind of cluster to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where data and logs go, and stay; a temporary folder when none.
    pub dir: Option<PathBuf>,
    /// The database as its owner, and Redis, to be used instead of private ones.
    pub given: Option<(String, String)>,
    /// The slug of the tenant that is made.
    pub tenant: String,
    /// How many workers.
    pub workers: usize,
    /// How many schedulers.
    pub schedulers: usize,
    /// Slots of each worker, as in `DESK_QUEUES`.
    pub queues: String,
    /// Where the api listens; on a free port when none.
    pub bind: Option<SocketAddr>,
    /// More settings, for every process; they override the cluster's own.
    pub env: Vec<(String, String)>,
    /// Where log lines go.
    pub logs: Logs,
}

impl Default for Options {
    /// Two workers and two schedulers in a temporary folder, with rate limits out of the way.
    fn default() -> Options {
        let rate = |name: &str| (format!("DESK_RATE_{name}_PER_MINUTE"), "10000000".to_owned());
        Options {
            dir: None,
            given: None,
            tenant: "demo".to_owned(),
            workers: 2,
            schedulers: 2,
            queues: "ai=4,default=16,ops=2".to_owned(),
            bind: None,
            env: ["GENERAL", "WEBHOOKS", "AI"].map(rate).to_vec(),
            logs: Logs::File,
        }
    }
}

/// A running cluster. The order of the fields is the order in which they are dropped.
pub struct Cluster {
    /// The api.
    pub api: Process,
    /// The workers that were not killed.
    pub workers: Vec<Process>,
    /// The schedulers that were not killed.
    pub schedulers: Vec<Process>,
    /// What plays the outside world.
    pub upstream: Upstream,
    /// The database as its owner, who sees all tenants.
    pub ledger: PgPool,
    /// Calls the api as the tenant, with a key that may do everything.
    pub desk: Desk,
    /// Postgres and Redis.
    pub servers: Servers,
    env: Env,
    started_workers: usize,
    started_schedulers: usize,
    folder: Folder,
}

impl Cluster {
    /// Starts everything and waits until all of it is ready.
    ///
    /// # Errors
    /// The binaries are not built, a server or a process does not start, or a setting is wrong.
    pub async fn start(options: Options) -> anyhow::Result<Cluster> {
        let folder = match &options.dir {
            Some(dir) => Folder::named(dir).with_context(|| format!("{} cannot be made", dir.display()))?,
            None => Folder::temporary().context("no temporary folder can be made")?,
        };
        let servers = connect(&options, &folder).await?;
        migrations::apply(&servers.admin_url).await?;
        let ledger = PgPoolOptions::new().max_connections(4).connect_lazy(&servers.admin_url)?;
        let upstream = upstream::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let mut env = Env::new(&options, &folder, &servers, &upstream)?;

        let bind = options.bind.map_or_else(free_address, Ok)?;
        env.set("DESK_BIND", bind.to_string());
        let desk = env.create_tenant(&options.tenant, &format!("http://{bind}"), &upstream).await?;
        let api = env.spawn("api", "api", None)?;
        let mut cluster = Cluster {
            api,
            workers: Vec::new(),
            schedulers: Vec::new(),
            upstream,
            ledger,
            desk,
            servers,
            env,
            started_workers: 0,
            started_schedulers: 0,
            folder,
        };
        for _ in 0..options.schedulers {
            cluster.start_scheduler()?;
        }
        for _ in 0..options.workers {
            cluster.start_worker()?;
        }
        cluster.ready().await?;
        Ok(cluster)
    }

    /// Starts one more worker, without waiting until it is ready.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_worker(&mut self) -> anyhow::Result<&Process> {
        let queues = self.env.queues.clone();
        self.start_worker_with(&[("DESK_QUEUES", &queues)])
    }

    /// Starts one more worker with settings of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_worker_with(&mut self, settings: &[(&str, &str)]) -> anyhow::Result<&Process> {
        self.started_workers += 1;
        let name = format!("worker-{}", self.started_workers);
        let mut env = self.env.clone();
        env.set("DESK_WORKER_NAME", name.clone());
        for (setting, value) in settings {
            env.set(setting, (*value).to_owned());
        }
        self.workers.push(env.spawn(&name, "worker", Some(free_address()?))?);
        self.workers.last().context("a worker was just started")
    }

    /// Starts one more scheduler, without waiting until it is ready.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_scheduler(&mut self) -> anyhow::Result<&Process> {
        self.started_schedulers += 1;
        let name = format!("scheduler-{}", self.started_schedulers);
        self.schedulers.push(self.env.spawn(&name, "scheduler", Some(free_address()?))?);
        self.schedulers.last().context("a scheduler was just started")
    }

    /// Kills (-9) the worker at a place in [`Cluster::workers`]; the later ones move up.
    pub async fn kill_worker(&mut self, place: usize) -> Process {
        let worker = self.workers.remove(place);
        worker.kill().await;
        worker
    }

    /// Kills (-9) the leading scheduler; none when nobody leads at the moment.
    pub async fn kill_leader(&mut self) -> Option<Process> {
        let place = self.leader().await?;
        let leader = self.schedulers.remove(place);
        leader.kill().await;
        Some(leader)
    }

    /// The place in [`Cluster::schedulers`] of the one that says it leads.
    pub async fn leader(&self) -> Option<usize> {
        for (place, scheduler) in self.schedulers.iter().enumerate() {
            let leads = scheduler.metrics().await.is_some_and(|metrics| {
                metrics.lines().any(|line| line.starts_with("deskwork_leader ") && line.ends_with(" 1"))
            });
            if leads {
                return Some(place);
            }
        }
        None
    }

    /// Waits until every process that runs says it is ready.
    ///
    /// # Errors
    /// One ended instead, or is not ready after a minute.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let url = |ops: Option<SocketAddr>| {
            ops.map_or_else(|| self.desk.base().to_owned(), |ops| format!("http://{ops}")) + "/health/ready"
        };
        for process in [&self.api].into_iter().chain(&self.schedulers).chain(&self.workers) {
            let url = url(process.ops);
            tokio::select! {
                waited = tokio::time::timeout(READY_WITHIN, answers_ok(&http, &url)) => {
                    if waited.is_err() {
                        bail!("{} is not ready after {READY_WITHIN:?}; its log is {}", process.name, process.log.display());
                    }
                }
                status = process.wait() => {
                    bail!("{} ended at once ({status}): {}", process.name, process.last_words());
                }
            }
        }
        Ok(())
    }

    /// Makes another tenant with a key of its own and the same help desk.
    ///
    /// # Errors
    /// The slug is taken or the database is away.
    pub async fn create_tenant(&self, slug: &str) -> anyhow::Result<Desk> {
        self.env.create_tenant(slug, self.desk.base(), &self.upstream).await
    }

    /// Starts the api again after it was killed, on the same port; waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart_api(&mut self) -> anyhow::Result<()> {
        self.api.kill().await;
        self.api = self.env.spawn("api", "api", None)?;
        self.ready().await
    }

    /// The database as the api sees it.
    ///
    /// # Errors
    /// The owner's address is no Postgres URL.
    pub fn api_database_url(&self) -> anyhow::Result<String> {
        Ok(self.servers.url_for("desk_api")?)
    }

    /// The folder of files to import.
    pub fn imports(&self) -> PathBuf {
        self.folder.path().join("imports")
    }

    /// The folder of data and logs.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps data and logs after the end, and says where.
    pub fn keep(&mut self) -> PathBuf {
        self.folder.keep();
        self.servers.afterwards(Afterwards::Stop);
        self.folder.path().to_owned()
    }

    /// Lets the processes drain, ends them and the servers; whoever takes too long is killed.
    pub async fn stop(mut self) {
        let first = self.workers.drain(..).chain(self.schedulers.drain(..)).collect::<Vec<_>>();
        end(&first).await;
        end(std::slice::from_ref(&self.api)).await;
        self.ledger.close().await;
        self.servers.stop();
    }
}

async fn end(processes: &[Process]) {
    for process in processes {
        process.terminate();
    }
    for process in processes {
        if tokio::time::timeout(END_WITHIN, process.wait()).await.is_err() {
            process.kill().await;
        }
    }
}

async fn connect(options: &Options, folder: &Folder) -> anyhow::Result<Servers> {
    if let Some((database, redis)) = &options.given {
        return Ok(Servers::given(database, redis));
    }
    let dir = folder.path().join("servers");
    let afterwards = if folder.stays() { Afterwards::Stop } else { Afterwards::Remove };
    let started = tokio::task::spawn_blocking(move || Servers::start(&dir, afterwards)).await?;
    started.context("private servers")
}

async fn answers_ok(http: &reqwest::Client, url: &str) {
    loop {
        if http.get(url).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            return;
        }
        // A process that does not listen yet has no other way to say that it does now.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A loopback address with a port that nobody listens on. It lies below the ports that the kernel gives
/// to outgoing connections, so that none of those takes it before its process does.
///
/// # Errors
/// None was found.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    for _ in 0..200 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, rand::rng().random_range(15_000..32_000)));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port between 15000 and 32000")
}

/// The settings that the processes of one cluster share.
#[derive(Clone, Debug)]
struct Env {
    programs: PathBuf,
    logs_dir: PathBuf,
    logs: Logs,
    queues: String,
    urls: [(&'static str, String); 3],
    settings: Vec<(String, String)>,
}

impl Env {
    fn new(options: &Options, folder: &Folder, servers: &Servers, upstream: &Upstream) -> anyhow::Result<Env> {
        let logs_dir = folder.path().join("logs");
        let imports = folder.path().join("imports");
        std::fs::create_dir_all(&logs_dir)?;
        std::fs::create_dir_all(&imports)?;
        let mut env = Env {
            programs: process::programs()?,
            logs_dir,
            logs: options.logs,
            queues: options.queues.clone(),
            urls: [
                ("api", servers.url_for("desk_api")?),
                ("worker", servers.url_for("desk_worker")?),
                ("scheduler", servers.url_for("desk_scheduler")?),
            ],
            settings: Vec::new(),
        };
        env.set("REDIS_URL", servers.redis_url.clone());
        env.set("DESK_MASTER_KEY", random_key());
        env.set("DESK_IMPORT_DIR", imports.display().to_string());
        env.set("DESK_ALLOW_LOOPBACK", "true".to_owned());
        env.set("DESK_PROBE_URL", format!("http://{}", upstream.addr));
        for (name, value) in &options.env {
            env.set(name, value.clone());
        }
        Ok(env)
    }

    fn set(&mut self, name: &str, value: String) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value));
    }

    fn for_program(&self, program: &str) -> Vec<(String, String)> {
        let url = self.urls.iter().find(|(name, _)| *name == program).map(|(_, url)| url.clone());
        let mut settings = self.settings.clone();
        settings.extend(url.map(|url| ("DATABASE_URL".to_owned(), url)));
        settings
    }

    fn spawn(&self, name: &str, program: &'static str, ops: Option<SocketAddr>) -> anyhow::Result<Process> {
        let mut settings = self.for_program(program);
        settings.extend(ops.map(|ops| ("DESK_OPS_BIND".to_owned(), ops.to_string())));
        let log = self.logs_dir.join(format!("{name}.log"));
        Process::spawn(name, &self.programs.join(program), settings, log, self.logs, ops)
            .with_context(|| format!("{name} does not start"))
    }

    async fn create_tenant(&self, slug: &str, base: &str, upstream: &Upstream) -> anyhow::Result<Desk> {
        let webhook_secret = random_key();
        let tenant_id = self.command(&["create-tenant", "--slug", slug, "--name", "Corner Records"], &[]).await?;
        let tenant_id = tenant_id.parse().context("create-tenant prints the tenant's id")?;
        let key = self
            .command(&["create-key", "--tenant", slug, "--name", "everything", "--scopes", "operator", "--expires-days", "7"], &[])
            .await?;
        let secrets = [("GORGIAS_API_KEY", "recorded"), ("GORGIAS_WEBHOOK_SECRET", &webhook_secret)];
        let help_desk = upstream.gorgias_base();
        let connect = ["connect-gorgias", "--tenant", slug, "--base-url", &help_desk, "--email", "desk@shop.example"];
        let connect = [&connect[..], &["--verify", "hmac", "--allow-loopback"]].concat();
        self.command(&connect, &secrets).await?;
        Ok(Desk::new(base, Credentials { tenant: slug.to_owned(), tenant_id, key, webhook_secret }))
    }

    /// Runs a command of the api program; what it printed.
    async fn command(&self, arguments: &[&str], secrets: &[(&str, &str)]) -> anyhow::Result<String> {
        let program = self.programs.join("api");
        let output = tokio::process::Command::new(&program)
            .args(arguments)
            .env_clear()
            .envs(self.for_program("api"))
            .envs(secrets.iter().copied())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("{} cannot be run", program.display()))?;
        if !output.status.success() {
            bail!("api {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// 32 random bytes in base64.
fn random_key() -> String {
    use base64::Engine;
    let bytes: [u8; 32] = rand::rng().random();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A short suffix that makes a name unique.
pub fn suffix() -> String {
    format!("{:08x}", rand::rng().random::<u32>())
}
