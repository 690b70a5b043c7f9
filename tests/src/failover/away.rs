//! The standby of a synchronous pair is away, so that no commit ends. Whoever enqueues is told so in time,
//! with 503 and when to ask again; what was committed after all runs once, however often it was asked for.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    Fault, Options,
    load::{Acknowledgement, probe},
    run::Run,
    standby::{Replication, Standby},
    tally::{self, Promise},
};
use crate::{
    chaos::inflict::nobody_ended,
    desk::{Desk, DeskError, Enqueued},
    report::{self, Goal, Spread},
};

/// Requests while the standby is away.
const REQUESTS: u64 = 40;

/// Time between two of them.
const EVERY: Duration = Duration::from_millis(250);

/// How long a client waits for any answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// In what time an answer must come; balancers in front of the api give up after 10 s or more.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// How long the cluster may take to serve again.
const SERVE_WITHIN: Duration = Duration::from_secs(120);

/// Takes the standby away. True when every goal is reached.
///
/// # Errors
/// The pair does not start, or the cluster fails otherwise.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let fault = Fault::StandbyAway;
    // The load is what is asked for here, so it is small.
    let options = &Options { jobs: usize::try_from(REQUESTS)?, ..options.clone() };
    let mut cluster = Run::cluster(fault, options).await?;
    let mut standby = Standby::follow(&cluster, Replication::Synchronous).await?;
    let desk = cluster.desk.clone();
    let warm: Enqueued = desk.enqueue(&probe("warm", 0), None).await.context("a job before the fault")?;
    desk.wait(warm.job_id, Duration::from_secs(30)).await.context("a job before the fault")?;

    standby.kill().await;
    let mut calls = JoinSet::new();
    for number in 0..REQUESTS {
        calls.spawn(ask(desk.clone(), number));
        tokio::time::sleep(EVERY).await;
    }
    let mut heard = Vec::new();
    while let Some(call) = calls.join_next().await {
        heard.push(call?);
    }
    standby.return_to(&cluster, Replication::Synchronous).await?;
    let back = Instant::now();
    let mut requests = Vec::new();
    for number in 0..REQUESTS {
        requests.push(repeat(&desk, number, back).await?);
    }
    report::figure("failover_standby_away_acknowledged_after", back.elapsed().as_secs_f64(), "s");

    let count = |said: Said| heard.iter().filter(|(was, _)| *was == said).count();
    let spread = Spread::of(heard.iter().map(|(_, took)| *took).collect());
    println!(
        "{REQUESTS} requests without the standby: {} were told to come back, {} acknowledged",
        count(Said::ComeBack),
        count(Said::Acknowledged)
    );
    report::count("failover_standby_away_refused", i64::try_from(count(Said::ComeBack))?, "count");
    let none = |what: &str, count: usize| {
        let name = format!("failover_standby_away_{what}");
        report::goal(&name, f64::from(u32::try_from(count).unwrap_or(u32::MAX)), "count", Goal::AtMost(0.0))
    };
    let mut goals = vec![
        none("unanswered", count(Said::Nothing)),
        none("other_answers", count(Said::Other)),
        report::goal(
            "failover_standby_away_answered_max",
            spread.max.as_secs_f64(),
            "s",
            Goal::AtMost(ANSWER_WITHIN.as_secs_f64()),
        ),
    ];
    let upstream = &cluster.upstream;
    let tally = tally::count(&cluster.ledger, &requests, || upstream.recorded()).await?;
    goals.push(tally.tell(fault.figure(), Promise::Once));
    nobody_ended(&cluster)?;
    let reached = goals.into_iter().all(|reached| reached);
    if !reached {
        println!("{}: missed; data and logs are in {}", fault.name(), cluster.keep().display());
    }
    cluster.stop().await;
    standby.kill().await;
    Ok(reached)
}

/// What a request was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Acknowledged,
    /// 503 with a time to come back.
    ComeBack,
    Nothing,
    Other,
}

fn job(number: u64) -> (String, Value) {
    let name = format!("away-{number}");
    let job = probe(&name, number);
    (name, job)
}

async fn ask(desk: Desk, number: u64) -> (Said, Duration) {
    let (name, job) = job(number);
    let asked = Instant::now();
    let said = match timeout(PATIENCE, desk.enqueue(&job, Some(&name))).await {
        Ok(Ok(_)) => Said::Acknowledged,
        Ok(Err(DeskError::Refused { status, retry_after: Some(_), .. })) if status.as_u16() == 503 => {
            Said::ComeBack
        }
        Ok(Err(_)) => Said::Other,
        Err(_) => Said::Nothing,
    };
    (said, asked.elapsed())
}

/// Asks again under the same key until it is acknowledged.
async fn repeat(desk: &Desk, number: u64, back: Instant) -> anyhow::Result<Acknowledgement> {
    let (name, job) = job(number);
    loop {
        let sent = Instant::now();
        match timeout(PATIENCE, desk.enqueue(&job, Some(&name))).await {
            Ok(Ok(enqueued)) => {
                let jobs = vec![(enqueued.job_id, name)];
                return Ok(Acknowledgement { jobs, sent, answered: Instant::now() });
            }
            Ok(Err(error)) if !error.is_worth_repeating() => return Err(error.into()),
            Ok(Err(_)) | Err(_) => {}
        }
        ensure!(back.elapsed() < SERVE_WITHIN, "the cluster does not serve after the standby came back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
