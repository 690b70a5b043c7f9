//! What became of the jobs, counted in the ledger that is the true one in the end and at the upstream that
//! recorded every effect.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context;
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::load::Acknowledgement;
use crate::{
    chaos::{feed::Acknowledged, verdict},
    report::{self, Goal},
    upstream::Recorded,
};

/// How long the cluster may take until nothing is unfinished. What is left then is stuck: the longest a job
/// waits for by itself is the 10 s of a silent worker.
const REST_WITHIN: Duration = Duration::from_secs(90);

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The counts.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Jobs whose enqueue was answered with success.
    pub acknowledged: usize,
    /// Of those, the ones that the ledger does not know.
    pub lost: usize,
    /// Jobs that are unfinished although nothing keeps them from being run.
    pub stuck: usize,
    /// Of those, the ones that are said to run under a lease that is not there.
    pub without_lease: usize,
    /// Jobs that were finished, enqueued or had their effect more than once.
    pub twice: usize,
    /// Acknowledged jobs that the ledger knows and whose effect did not happen.
    pub effects_missing: usize,
    /// Jobs that failed for good.
    pub dead: usize,
    /// Jobs that were taken from a worker that lived.
    pub taken_from_the_living: usize,
    /// Accounts in which the books and the tables differ.
    pub drifts: usize,
    /// From the last acknowledgement until nothing was unfinished.
    pub rest_took: Duration,
    /// The first few of what is wrong.
    pub examples: Vec<String>,
}

/// What a run may lose and may do twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Everything that was acknowledged is done, once.
    Once,
    /// What the standby never heard of is gone; what it knows is finished.
    NothingStuck,
}

/// Waits until nothing is unfinished, and counts.
///
/// # Errors
/// The ledger cannot be read.
pub async fn count(
    ledger: &PgPool,
    requests: &[Acknowledgement],
    recorded: impl Fn() -> Recorded,
) -> anyhow::Result<Tally> {
    let mut tally = Tally { rest_took: rest(ledger).await?, ..Tally::default() };
    let jobs: Vec<(Uuid, &String)> =
        requests.iter().flat_map(|request| &request.jobs).map(|(id, name)| (*id, name)).collect();
    let ids: Vec<Uuid> = jobs.iter().map(|(id, _)| *id).collect();
    tally.acknowledged = ids.len();
    let known: BTreeSet<Uuid> = sqlx::query_scalar("select distinct id from jobs.job where id = any ($1)")
        .bind(&ids)
        .fetch_all(ledger)
        .await?
        .into_iter()
        .collect();
    tally.lost = ids.iter().filter(|id| !known.contains(id)).count();
    stuck(&mut tally, ledger).await.context("looking for jobs that are stuck")?;
    tally.dead = count_rows(ledger, "select count(*) from jobs.dead").await?;

    let mut acknowledged = Acknowledged::default();
    for (id, name) in jobs.iter().filter(|(id, _)| known.contains(id)) {
        acknowledged.jobs.insert(*id);
        acknowledged.effects.push((*name).clone());
    }
    let verdict = verdict::count(ledger, &acknowledged, &[], &recorded()).await?;
    tally.twice = verdict.committed_twice + verdict.enqueued_twice + verdict.effects_twice;
    tally.effects_missing = verdict.effects_missing;
    tally.taken_from_the_living = verdict.taken_from_the_living;
    tally.drifts = verdict.drifts;
    // What is stuck is not done and has no effect yet; once is enough to say so.
    let said = |example: &String| {
        tally.stuck == 0 || !(example.starts_with("lost") || example.starts_with("no effect"))
    };
    let more: Vec<String> = verdict.examples.into_iter().filter(said).collect();
    tally.examples.extend(more);
    Ok(tally)
}

impl Tally {
    /// Prints the counts and says whether they are what the run promises.
    pub fn tell(&self, run: &str, promise: Promise) -> bool {
        report::count(&format!("failover_{run}_acknowledged"), number(self.acknowledged), "count");
        report::figure(&format!("failover_{run}_rest_took"), self.rest_took.as_secs_f64(), "s");
        report::count(&format!("failover_{run}_without_lease"), number(self.without_lease), "count");
        let none = |what: &str, count: usize| {
            report::goal(&format!("failover_{run}_{what}"), float(count), "count", Goal::AtMost(0.0))
        };
        let mut reached = vec![
            none("stuck", self.stuck),
            none("dead", self.dead),
            none("drift", self.drifts),
            none("taken_from_the_living", self.taken_from_the_living),
        ];
        match promise {
            Promise::Once => reached.extend([
                none("lost", self.lost),
                none("done_twice", self.twice),
                none("effects_missing", self.effects_missing),
            ]),
            // The standby did not hear of the last moments: neither of jobs nor of what was done.
            Promise::NothingStuck => {
                report::count(&format!("failover_{run}_lost"), number(self.lost), "count");
                report::count(&format!("failover_{run}_done_twice"), number(self.twice), "count");
            }
        }
        let reached = reached.into_iter().all(|reached| reached);
        if !reached {
            for example in &self.examples {
                println!("  {example}");
            }
        }
        reached
    }
}

/// Waits until nothing is unfinished, or for so long that what is left will stay.
async fn rest(ledger: &PgPool) -> anyhow::Result<Duration> {
    let started = Instant::now();
    while count_rows(ledger, "select count(*) from jobs.live where kind = 'probe'").await? > 0
        && started.elapsed() < REST_WITHIN
    {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(started.elapsed())
}

async fn stuck(tally: &mut Tally, ledger: &PgPool) -> sqlx::Result<()> {
    #[derive(sqlx::FromRow)]
    struct Stuck {
        id: Uuid,
        state: String,
        attempt: i16,
        has_lease: bool,
    }
    let rows: Vec<Stuck> = sqlx::query_as(
        "select id, state::text, attempt, exists (select from jobs.lease l where l.lease = j.lease) as has_lease
         from jobs.live j where kind = 'probe' order by id",
    )
    .fetch_all(ledger)
    .await?;
    tally.stuck = rows.len();
    tally.without_lease = rows.iter().filter(|row| row.state == "running" && !row.has_lease).count();
    tally.examples.extend(rows.iter().take(5).map(|row| {
        let lease = if row.has_lease { "with" } else { "without" };
        format!("stuck: {} is {} {lease} a lease, attempt {}", row.id, row.state, row.attempt)
    }));
    Ok(())
}

async fn count_rows(ledger: &PgPool, statement: &'static str) -> anyhow::Result<usize> {
    let count: i64 = sqlx::query_scalar(statement).fetch_one(ledger).await?;
    Ok(usize::try_from(count)?)
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
