//! The chaos run: a whole cluster works while its parts are killed, wiped, paused and restarted; then it
//! is counted whether every acknowledged job was done, once.
//!
//! Reading order: [`mod@plan`] (which faults, when), [`requests`] (what is sent), [`feed`] (who sends it and
//! what was acknowledged), [`inflict`] (how a fault happens; [`clock`], [`imports`]), [`settle`] (the time after), [`verdict`]
//! (the counts); beside them [`recovery`], fault by fault. The faults come at numbers of acknowledged jobs, so a slow machine gets the same run.

pub mod clock;
pub mod feed;
pub mod imports;
pub mod inflict;
pub mod plan;
pub mod recovery;
pub mod requests;
pub mod settle;
pub mod verdict;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use rand::{SeedableRng, rngs::StdRng};
use sqlx::PgPool;
use tokio::{sync::watch, time::Instant};

use crate::processes::{self, Cluster};
use feed::{Acknowledged, Feed, Leave};
use inflict::{Inflicted, nobody_ended};
use plan::{Amounts, Planned, plan};
use settle::Dead;
use verdict::Verdict;

/// What kind of run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Jobs to be acknowledged, those that follow from webhooks not counted.
    pub jobs: usize,
    /// The faults.
    pub amounts: Amounts,
    /// What the random choices follow from.
    pub seed: u64,
    /// Where data and logs go; a temporary folder when none, which stays only when the run fails.
    pub dir: Option<PathBuf>,
}

impl Options {
    /// The run whose figures are published.
    pub fn full(seed: u64) -> Options {
        let amounts = Amounts {
            worker_kills: 20,
            leader_kills: 3,
            redis_wipes: 5,
            redis_restarts: 2,
            redis_pause: Duration::from_secs(5),
            redis_refusal: Duration::from_secs(5),
            postgres_restarts: 2,
            black_holes: 2,
            postgres_slow: Duration::from_secs(10),
            skewed_clocks: 1,
            import_pairs: 2,
        };
        Options { jobs: 20_000, amounts, seed, dir: None }
    }

    /// The same with less of everything, for every day.
    pub fn short(seed: u64) -> Options {
        let amounts = Amounts {
            worker_kills: 4,
            leader_kills: 1,
            redis_wipes: 1,
            redis_restarts: 1,
            redis_pause: Duration::from_secs(2),
            redis_refusal: Duration::from_secs(1),
            postgres_restarts: 1,
            black_holes: 1,
            postgres_slow: Duration::from_secs(5),
            skewed_clocks: 1,
            import_pairs: 1,
        };
        Options { jobs: 1_500, amounts, seed, dir: None }
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What was acknowledged.
    pub acknowledged: Acknowledged,
    /// The faults that happened.
    pub inflicted: Inflicted,
    /// What died.
    pub dead: Dead,
    /// The counts.
    pub verdict: Verdict,
    /// From the first request to the last fault.
    pub faults_took: Duration,
    /// From the last acknowledgement until nothing was unfinished.
    pub rest_took: Duration,
    /// Data and logs, when the run failed.
    pub kept: Option<PathBuf>,
}

impl Outcome {
    /// Whether the run shows what it is to show.
    pub fn holds(&self) -> bool {
        self.verdict.holds() && self.dead.others.is_empty()
    }
}

/// Unfinished jobs at which the feed waits for the workers, so that faults meet work and not a mountain.
const AHEAD: usize = 1_500;

/// Starts a cluster, runs it through the plan, and counts.
///
/// # Errors
/// The cluster does not start, a process ended by itself, the feed was refused; the folder is then kept
/// and named.
pub async fn run(options: &Options) -> anyhow::Result<Outcome> {
    let mut cluster = Cluster::start(processes::Options {
        workers: 3,
        schedulers: 2,
        tenant: "chaos".to_owned(),
        dir: options.dir.clone(),
        proxied: true,
        ..processes::Options::default()
    })
    .await
    .context("starting the cluster")?;
    match torment(&mut cluster, options).await {
        Ok(mut outcome) => {
            if !outcome.holds() {
                outcome.kept = Some(cluster.keep());
            }
            cluster.stop().await;
            Ok(outcome)
        }
        Err(error) => {
            let folder = cluster.keep();
            cluster.stop().await;
            Err(error.context(format!("the run failed; data and logs are in {}", folder.display())))
        }
    }
}

async fn torment(cluster: &mut Cluster, options: &Options) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let feed = Arc::new(Feed::new(cluster.desk.clone(), options.seed));
    let (leave, granted) = watch::channel(Leave { jobs: 0, hold: false, over: false });
    let leave = Arc::new(leave);
    let mut feeding = tokio::spawn(feed.clone().run(granted));
    let holding = tokio::spawn(hold_while_behind(cluster.ledger.clone(), leave.clone()));

    let mut inflicted = Inflicted::default();
    let directed = tokio::select! {
        directed = direct(cluster, options, &feed, &leave, &mut inflicted) => directed,
        ended = &mut feeding => match ended.context("the feed failed")? {
            Ok(()) => bail!("the feed ended early"),
            Err(error) => Err(error),
        },
    };
    holding.abort();
    let faults_took = started.elapsed();
    if directed.is_ok() {
        leave.send_modify(|leave| leave.over = true);
        feeding.await.context("the feed failed")??;
    } else {
        feeding.abort();
    }
    directed?;
    println!("faults are over after {:.0} s; waiting for what is unfinished", faults_took.as_secs_f64());

    let resting = Instant::now();
    let mut dead = Dead::default();
    if settle::rest(&cluster.ledger).await? {
        dead = settle::bring_back_poisoned(&cluster.ledger, &cluster.desk).await?;
        settle::rest(&cluster.ledger).await?;
    }
    let rest_took = resting.elapsed();
    nobody_ended(cluster)?;
    let acknowledged = feed.acknowledged();
    let recorded = cluster.upstream.recorded();
    let mut verdict = verdict::count(&cluster.ledger, &acknowledged, &inflicted.killed, &recorded).await?;
    verdict.imports(&cluster.ledger, &inflicted.imports).await.context("looking at the imports")?;
    Ok(Outcome { acknowledged, inflicted, dead, verdict, faults_took, rest_took, kept: None })
}

/// Leads the feed from fault to fault: it may run a little ahead of each, so that every fault happens
/// while requests are under way, and all have happened before the last job is sent.
async fn direct(
    cluster: &mut Cluster,
    options: &Options,
    feed: &Feed,
    leave: &watch::Sender<Leave>,
    inflicted: &mut Inflicted,
) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(options.seed.wrapping_add(1));
    let started = Instant::now();
    let ahead = (options.jobs / 20).max(50);
    let mut count = feed.count();
    for Planned { fault, at_acknowledged } in plan(&options.amounts, options.jobs, options.seed) {
        leave.send_modify(|leave| leave.jobs = (at_acknowledged + ahead).min(options.jobs));
        count.wait_for(|count| *count >= at_acknowledged).await.context("the feed is gone")?;
        inflicted.inflict(cluster, fault, &mut random).await.context(fault.name())?;
        println!(
            "{:6.1} s  {:>6} acknowledged  {}",
            started.elapsed().as_secs_f64(),
            *count.borrow(),
            fault.name()
        );
    }
    leave.send_modify(|leave| leave.jobs = options.jobs);
    count.wait_for(|count| *count >= options.jobs).await.context("the feed is gone")?;
    Ok(())
}

/// Holds the feed while too much is unfinished.
async fn hold_while_behind(ledger: PgPool, leave: Arc<watch::Sender<Leave>>) {
    loop {
        // While Postgres restarts there is nothing to learn here, and the feed finds out by itself.
        if let Ok(unfinished) = settle::unfinished(&ledger).await {
            let behind = unfinished > AHEAD;
            leave.send_if_modified(|leave| std::mem::replace(&mut leave.hold, behind) != behind);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
