//! The load: clients that enqueue through the api, give up on an answer after a while as real ones do, ask
//! again under the same idempotency key, and remember what was acknowledged and when.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::desk::{Desk, DeskError};

/// Requests under way at once.
const CLIENTS: usize = 8;

/// Jobs of every second request; the others have one.
const BATCH: u64 = 20;

/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The wait before a request is repeated.
const REPEAT_AFTER: Duration = Duration::from_millis(200);

/// Far more attempts than faults can cost, so that no job runs out of them.
const MAX_ATTEMPTS: u8 = 20;

/// A request that was acknowledged.
#[derive(Clone, Debug)]
pub struct Acknowledgement {
    /// The jobs, with the keys of their effects.
    pub jobs: Vec<(Uuid, String)>,
    /// When it was sent for the last time.
    pub sent: Instant,
    /// When the answer came.
    pub answered: Instant,
}

/// The load of one run.
pub struct Load {
    desk: Desk,
    name: &'static str,
    wanted: u64,
    next: AtomicU64,
    acknowledged: Mutex<Vec<Acknowledgement>>,
    count: watch::Sender<usize>,
    leave: watch::Sender<Leave>,
}

/// What the clients may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Send.
    Send,
    /// Wait: the workers are behind.
    Hold,
    /// Stop, whatever is unanswered.
    Stop,
}

impl Load {
    /// So many jobs, whose names begin with `name`.
    pub fn new(desk: Desk, name: &'static str, wanted: usize) -> Load {
        Load {
            desk,
            name,
            wanted: wanted as u64,
            next: AtomicU64::new(0),
            acknowledged: Mutex::default(),
            count: watch::channel(0).0,
            leave: watch::channel(Leave::Send).0,
        }
    }

    /// How many jobs are acknowledged, as it changes.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// What was acknowledged so far.
    pub fn acknowledged(&self) -> Vec<Acknowledgement> {
        lock(&self.acknowledged).clone()
    }

    /// Directs the clients.
    pub fn direct(&self, leave: Leave) {
        // Who was told to stop does not go on.
        self.leave.send_if_modified(|now| *now != Leave::Stop && std::mem::replace(now, leave) != leave);
    }

    /// Sends everything; returns when all of it is acknowledged, or when told to stop.
    ///
    /// # Errors
    /// A request was refused for good.
    pub async fn run(self: Arc<Load>) -> anyhow::Result<()> {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(self.clone().send_all());
        }
        while let Some(ended) = clients.join_next().await {
            ended.context("a client failed")??;
        }
        Ok(())
    }

    async fn send_all(self: Arc<Load>) -> anyhow::Result<()> {
        let mut leave = self.leave.subscribe();
        loop {
            let told = *leave.wait_for(|leave| *leave != Leave::Hold).await?;
            let Some(numbers) = (told == Leave::Send).then(|| self.take()).flatten() else { return Ok(()) };
            tokio::select! {
                sent = self.send(numbers) => sent?,
                stopped = leave.wait_for(|leave| *leave == Leave::Stop) => {
                    stopped?;
                    return Ok(());
                }
            }
        }
    }

    /// The numbers of the next request's jobs.
    fn take(&self) -> Option<std::ops::Range<u64>> {
        let size = if self.next.load(Ordering::SeqCst).is_multiple_of(BATCH + 1) { 1 } else { BATCH };
        let first = self.next.fetch_add(size, Ordering::SeqCst);
        (first < self.wanted).then(|| first..(first + size).min(self.wanted))
    }

    async fn send(&self, numbers: std::ops::Range<u64>) -> anyhow::Result<()> {
        let names: Vec<String> = numbers.clone().map(|number| format!("{}-{number}", self.name)).collect();
        let jobs: Vec<Value> = names.iter().zip(numbers).map(|(name, number)| probe(name, number)).collect();
        let key = names.first().context("a request has jobs")?;
        loop {
            let sent = Instant::now();
            match timeout(PATIENCE, enqueue(&self.desk, &jobs, key)).await {
                Ok(Ok(ids)) => {
                    anyhow::ensure!(ids.len() == names.len(), "{} jobs for {}", ids.len(), names.len());
                    let jobs = ids.into_iter().zip(names).collect();
                    let mut all = lock(&self.acknowledged);
                    all.push(Acknowledgement { jobs, sent, answered: Instant::now() });
                    self.count.send_replace(all.iter().map(|request| request.jobs.len()).sum());
                    return Ok(());
                }
                Ok(Err(error)) if !error.is_worth_repeating() => return Err(error.into()),
                Ok(Err(_)) => tokio::time::sleep(REPEAT_AFTER).await,
                Err(_) => {}
            }
        }
    }
}

/// Enqueues one job or several together, under a key.
async fn enqueue(desk: &Desk, jobs: &[Value], key: &str) -> Result<Vec<Uuid>, DeskError> {
    match jobs {
        [job] => Ok(vec![desk.enqueue(job, Some(key)).await?.job_id]),
        _ => Ok(desk.batch(jobs, Some(key)).await?.into_iter().map(|job| job.job_id).collect()),
    }
}

/// A job with an effect of its own. Most take a while, so that there are some under way at any time.
pub fn probe(name: &str, number: u64) -> Value {
    let sleep_ms = [0, 20, 100, 400][(number % 4) as usize];
    let payload = json!({ "name": name, "effect": true, "sleep_ms": sleep_ms });
    json!({ "kind": "probe", "payload": payload, "max_attempts": MAX_ATTEMPTS })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
