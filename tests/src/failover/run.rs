//! One cluster under load from its start to the counts: every fault here happens to the same kind of cluster
//! in the same way, in the middle of the load.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    Fault, Options,
    load::{Leave, Load, probe},
    tally::{self, Promise},
};
use crate::{
    chaos::inflict::nobody_ended,
    desk::Desk,
    processes::{self, Cluster},
    proxy::Proxy,
    report::{self, Goal},
    servers::Servers,
};

/// Unfinished jobs at which the clients wait, so that the fault meets work and not a mountain.
const AHEAD: i64 = 1_500;

/// How long after a fault the rest of the load may take to be acknowledged. A cluster that serves none of it
/// by then does not come back by itself.
const LOAD_WITHIN: Duration = Duration::from_secs(180);

/// How long after a fault the first job may take to start before it counts as not at all.
const RESUME_WITHIN: Duration = Duration::from_secs(60);

/// Slots of each worker: enough that Postgres, and not waiting, is what is busy.
const QUEUES: &str = "default=48,ops=2";

/// A cluster under load.
pub struct Run {
    /// The cluster.
    pub cluster: Cluster,
    /// The load.
    pub load: Arc<Load>,
    fault: Fault,
    jobs: usize,
    /// The ledger that counts: the first primary's until another takes its place.
    ledger: Arc<Mutex<PgPool>>,
    sending: JoinHandle<anyhow::Result<()>>,
    holding: JoinHandle<()>,
}

impl Run {
    /// Starts a cluster; nothing is sent yet.
    ///
    /// # Errors
    /// It does not start.
    pub async fn cluster(fault: Fault, options: &Options) -> anyhow::Result<Cluster> {
        println!("\n{}: {} jobs", fault.name(), options.jobs);
        let dir = options.dir.as_ref().map(|dir| dir.join(fault.name()));
        if let Some(dir) = &dir {
            // What an earlier run counted is not this one's.
            tokio::task::block_in_place(|| Servers::clear(&dir.join("servers")))?;
        }
        Cluster::start(processes::Options {
            tenant: "failover".to_owned(),
            queues: QUEUES.to_owned(),
            dir,
            proxied: true,
            ..processes::Options::default()
        })
        .await
        .context("starting the cluster")
    }

    /// Puts a cluster under load.
    pub fn begin(cluster: Cluster, fault: Fault, options: &Options) -> Run {
        let load = Arc::new(Load::new(cluster.desk.clone(), fault.name(), options.jobs));
        let ledger = Arc::new(Mutex::new(cluster.ledger.clone()));
        let sending = tokio::spawn(load.clone().run());
        let holding = tokio::spawn(hold_while_behind(ledger.clone(), load.clone()));
        Run { cluster, load, fault, jobs: options.jobs, ledger, sending, holding }
    }

    /// What the programs take for Postgres.
    ///
    /// # Errors
    /// The cluster was started without, which [`Run::cluster`] does not.
    pub fn proxy(&self) -> anyhow::Result<&Proxy> {
        self.cluster.proxy.as_ref().context("the cluster has no proxy")
    }

    /// Waits until a third of the load is acknowledged.
    ///
    /// # Errors
    /// It is not in three minutes, or a client was refused for good.
    pub async fn until_under_way(&mut self) -> anyhow::Result<()> {
        let third = self.jobs / 3;
        let mut count = self.load.count();
        tokio::select! {
            // All of it is a third, too.
            biased;
            reached = timeout(LOAD_WITHIN, count.wait_for(|count| *count >= third)) => {
                reached.with_context(|| format!("{third} jobs are not acknowledged in {LOAD_WITHIN:?}"))??;
                Ok(())
            }
            ended = &mut self.sending => match ended? {
                Ok(()) => bail!("the load is over before the fault"),
                Err(error) => Err(error),
            },
        }
    }

    /// From now on this is the ledger.
    pub fn moved_to(&self, ledger: &PgPool) {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner) = ledger.clone();
    }

    /// The ledger that counts.
    pub fn ledger(&self) -> PgPool {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Prints how long after `since` the first job started, and says whether that was in time. Most times jobs
    /// wait for a slot, so that one starts as soon as a worker can; one more is enqueued in case none does.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn until_resumed(&self, since: DateTime<Utc>, within: Duration) -> anyhow::Result<bool> {
        let name = format!("failover_{}_resumed_after", self.fault.figure());
        let asked = Instant::now();
        let ledger = self.ledger();
        let marker = tokio::spawn(enqueue_marker(self.cluster.desk.clone(), self.fault));
        let seconds = loop {
            let first: Option<DateTime<Utc>> = sqlx::query_scalar(
                "select min(started_at) from (
                     select started_at from jobs.live where started_at > $1
                     union all select started_at from jobs.finished where started_at > $1
                 ) started",
            )
            .bind(since)
            .fetch_one(&ledger)
            .await?;
            match first {
                Some(first) => break (first - since).as_seconds_f64(),
                None if asked.elapsed() > RESUME_WITHIN => break asked.elapsed().as_secs_f64(),
                None => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        marker.abort();
        Ok(report::goal(&name, seconds, "s", Goal::AtMost(within.as_secs_f64())))
    }

    /// Lets the load end, waits until the cluster is at rest, counts, and ends the cluster. `goals` is whether
    /// the goals of the fault itself were reached. True when all are.
    ///
    /// # Errors
    /// A process ended by itself, a client was refused for good, or the ledger cannot be read.
    pub async fn end(mut self, since: Instant, promise: Promise, goals: bool) -> anyhow::Result<bool> {
        match self.count(since, promise).await {
            Ok(counts) => {
                let reached = counts && goals;
                if !reached {
                    println!(
                        "{}: missed; data and logs are in {}",
                        self.fault.name(),
                        self.cluster.keep().display()
                    );
                }
                self.stop().await;
                Ok(reached)
            }
            Err(error) => {
                let folder = self.cluster.keep();
                self.stop().await;
                Err(error.context(format!("data and logs are in {}", folder.display())))
            }
        }
    }

    async fn count(&mut self, since: Instant, promise: Promise) -> anyhow::Result<bool> {
        let figure = self.fault.figure();
        // Frozen clients and a cluster that does not come back must not keep this run for ever.
        if let Ok(sent) = timeout(LOAD_WITHIN, &mut self.sending).await {
            sent.context("the load failed")??;
        } else {
            self.load.direct(Leave::Stop);
        }
        let requests = self.load.acknowledged();
        let acknowledged: usize = requests.iter().map(|request| request.jobs.len()).sum();
        let missing = u32::try_from(self.jobs.saturating_sub(acknowledged))?;
        let all = report::goal(
            &format!("failover_{figure}_not_acknowledged"),
            f64::from(missing),
            "count",
            Goal::AtMost(0.0),
        );
        let first =
            requests.iter().filter(|request| request.sent >= since).map(|request| request.answered).min();
        if let Some(first) = first {
            report::figure(
                &format!("failover_{figure}_acknowledged_after"),
                (first - since).as_secs_f64(),
                "s",
            );
        }
        let upstream = &self.cluster.upstream;
        let tally = tally::count(&self.ledger(), &requests, || upstream.recorded()).await?;
        nobody_ended(&self.cluster)?;
        Ok(tally.tell(figure, promise) && all)
    }

    /// A server that is silent would keep the cluster's end waiting.
    async fn stop(self) {
        self.holding.abort();
        self.sending.abort();
        let Run { cluster, .. } = self;
        let killed = tokio::task::block_in_place(|| cluster.servers.kill_postgres());
        if let Err(error) = killed {
            println!("postgres cannot be ended: {error}");
        }
        for process in cluster.workers.iter().chain(&cluster.schedulers) {
            process.kill().await;
        }
        cluster.stop().await;
    }
}

/// Enqueues one job, as often as it takes.
async fn enqueue_marker(desk: Desk, fault: Fault) {
    let name = format!("{}-marker", fault.name());
    let job = probe(&name, 0);
    while !matches!(timeout(Duration::from_secs(10), desk.enqueue(&job, Some(&name))).await, Ok(Ok(_))) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Holds the clients while too much is unfinished.
async fn hold_while_behind(ledger: Arc<Mutex<PgPool>>, load: Arc<Load>) {
    loop {
        let pool = ledger.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let looked = sqlx::query_scalar("select count(*) from jobs.live where state <> 'scheduled'");
        let unfinished: Option<i64> =
            timeout(Duration::from_secs(2), looked.fetch_one(&pool)).await.ok().and_then(Result::ok);
        // A ledger that does not answer is found out about by the clients themselves.
        load.direct(if unfinished.is_some_and(|count| count > AHEAD) { Leave::Hold } else { Leave::Send });
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
