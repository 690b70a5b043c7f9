//! A whole cluster from start to end: servers, schema, a tenant with a key and a help desk, one api, any
//! number of workers and schedulers, and the recording upstream in this process.
//!
//! Dropping a [`Cluster`] kills exactly the processes that it started and ends its servers;
//! [`Cluster::stop`] does the same in order.

mod environment;
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

use environment::Env;
pub use environment::random_key;
pub use process::{Logs, Process, Signalled};

use crate::{
    desk::Desk,
    folder::Folder,
    proxy::Proxy,
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
    /// Servers to be used instead of private ones.
    pub given: Given,
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
    /// The programs reach Postgres through a [`Proxy`], so that the network can fail.
    pub proxied: bool,
}

/// Servers that are there. What is not given is private.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The database as its owner.
    pub database_url: Option<String>,
    /// Redis.
    pub redis_url: Option<String>,
    /// The database as a program's login role, by program; the owner's address with the role's name when
    /// a program is not there.
    pub logins: Vec<(&'static str, String)>,
}

impl Default for Options {
    /// Two workers and two schedulers in a temporary folder, with rate limits out of the way.
    fn default() -> Options {
        let rate = |name: &str| (format!("DESK_RATE_{name}_PER_MINUTE"), "10000000".to_owned());
        Options {
            dir: None,
            given: Given::default(),
            tenant: "demo".to_owned(),
            workers: 2,
            schedulers: 2,
            queues: "ai=4,bulk=1,default=16,imports=2,intelligence=3,ops=2,outbound=32,profiles=4,reading=4"
                .to_owned(),
            bind: None,
            env: ["GENERAL", "WEBHOOKS", "AI", "SEGMENTS"].map(rate).to_vec(),
            logs: Logs::File,
            proxied: false,
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
    /// What the programs take for Postgres, when the cluster was started so. The ledger goes past it.
    pub proxy: Option<Proxy>,
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
        let proxy = match options.proxied {
            true => Some(Proxy::start(free_address()?, servers.postgres_addr()?).await?),
            false => None,
        };
        let mut env = Env::new(&options, &folder, &servers, &upstream, proxy.as_ref())?;

        let bind = options.bind.map_or_else(free_address, Ok)?;
        env.set("DESK_BIND", bind.to_string());
        let desk = env.create_tenant(&options.tenant, &format!("http://{bind}"), &upstream).await?;
        let api = env.spawn("api", "api", None)?;
        let mut cluster = Cluster {
            api,
            workers: Vec::new(),
            schedulers: Vec::new(),
            upstream,
            proxy,
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
        self.start_scheduler_with(&[])
    }

    /// Starts one more scheduler with settings of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_scheduler_with(&mut self, settings: &[(&str, &str)]) -> anyhow::Result<&Process> {
        self.started_schedulers += 1;
        let name = format!("scheduler-{}", self.started_schedulers);
        let mut env = self.env.clone();
        for (setting, value) in settings {
            env.set(setting, (*value).to_owned());
        }
        self.schedulers.push(env.spawn(&name, "scheduler", Some(free_address()?))?);
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

    /// Makes a key of a tenant with these scopes, separated by commas.
    ///
    /// # Errors
    /// The command fails.
    pub async fn create_key(&self, slug: &str, scopes: &str) -> anyhow::Result<String> {
        self.env.create_key(slug, scopes).await
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
    /// The api has no address of it, which cannot be once the cluster runs.
    pub fn api_database_url(&self) -> anyhow::Result<String> {
        let url = self.env.urls.iter().find(|(program, _)| *program == "api");
        url.map(|(_, url)| url.clone()).context("the api has no database")
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
    let Given { database_url, redis_url, .. } = &options.given;
    if let (Some(database), Some(redis)) = (database_url, redis_url) {
        return Ok(Servers::given(database, redis));
    }
    let dir = folder.path().join("servers");
    let afterwards = if folder.stays() { Afterwards::Stop } else { Afterwards::Remove };
    let started = tokio::task::spawn_blocking(move || Servers::start(&dir, afterwards)).await?;
    let mut servers = started.context("private servers")?;
    if let Some(database) = database_url {
        servers.admin_url.clone_from(database);
    }
    if let Some(redis) = redis_url {
        servers.redis_url.clone_from(redis);
    }
    Ok(servers)
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

/// A short suffix that makes a name unique.
pub fn suffix() -> String {
    format!("{:08x}", rand::rng().random::<u32>())
}
