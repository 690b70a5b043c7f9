//! The feed: sends requests without pause, repeats what was not answered, and remembers what was
//! acknowledged. It stays a little ahead of the faults and of the workers, so that there is always
//! something to be lost.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use super::requests::{Probe, Request, Requests, Work, webhook_body};
use crate::desk::{Desk, DeskError, Enqueued};

/// How many requests are under way at once.
const SENDERS: usize = 8;

/// The wait before a request is repeated, unless the answer names one.
const REPEAT_AFTER: Duration = Duration::from_millis(100);

/// A request that is not acknowledged in this time shows a cluster that does not come back.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

/// What was acknowledged: answered with a success, at the first try or at a later one.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    /// The jobs.
    pub jobs: BTreeSet<Uuid>,
    /// How many of the requests were webhooks.
    pub webhooks: usize,
    /// The effects that follow, by their key.
    pub effects: Vec<String>,
    /// Requests that were acknowledged.
    pub requests: usize,
    /// How often a request was repeated.
    pub repeats: usize,
}

/// How far the feed may go; changed while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// Jobs that may be acknowledged by now.
    pub jobs: usize,
    /// The workers are behind: nothing is sent until they have caught up.
    pub hold: bool,
    /// The feed is over.
    pub over: bool,
}

/// The feed.
pub struct Feed {
    desk: Desk,
    requests: Mutex<Requests>,
    acknowledged: Mutex<Acknowledged>,
    count: watch::Sender<usize>,
    /// Jobs in requests that are under way.
    sent: AtomicUsize,
}

impl Feed {
    /// A feed of the requests that follow from a seed.
    pub fn new(desk: Desk, seed: u64) -> Feed {
        Feed {
            desk,
            requests: Mutex::new(Requests::new(seed)),
            acknowledged: Mutex::default(),
            count: watch::channel(0).0,
            sent: AtomicUsize::new(0),
        }
    }

    /// How many jobs are acknowledged, as it changes.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// What is acknowledged.
    pub fn acknowledged(&self) -> Acknowledged {
        lock(&self.acknowledged).clone()
    }

    /// Sends as far as it may until it is told that it is over. Everything that was sent is then
    /// acknowledged.
    ///
    /// # Errors
    /// A request was refused for good, or not acknowledged in two minutes.
    pub async fn run(self: Arc<Feed>, leave: watch::Receiver<Leave>) -> anyhow::Result<()> {
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(send_all(self.clone(), leave.clone()));
        }
        while let Some(ended) = senders.join_next().await {
            ended.context("a sender failed")??;
        }
        Ok(())
    }

    /// The next request that fits into what may be sent, if any does.
    fn next(&self, allowed: usize) -> Option<Request> {
        let mut requests = lock(&self.requests);
        let sent = self.sent.load(Ordering::SeqCst);
        let left = allowed.checked_sub(sent).filter(|left| *left > 0)?;
        let request = requests.next(left);
        self.sent.store(sent + size(&request), Ordering::SeqCst);
        Some(request)
    }

    async fn send_until_acknowledged(&self, request: &Request) -> anyhow::Result<()> {
        let mut repeats = 0;
        let acknowledged = tokio::time::timeout(GIVE_UP_AFTER, async {
            loop {
                match self.send(request).await {
                    Ok(jobs) => return anyhow::Ok(jobs),
                    Err(error) if error.is_worth_repeating() => {
                        repeats += 1;
                        let named = match &error {
                            DeskError::Refused { retry_after, .. } => *retry_after,
                            _ => None,
                        };
                        tokio::time::sleep(named.unwrap_or(REPEAT_AFTER)).await;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        });
        let Ok(jobs) = acknowledged.await else {
            bail!("a request was not acknowledged in {GIVE_UP_AFTER:?}")
        };
        let jobs = jobs?;
        ensure!(jobs.len() == size(request), "an answer names {} jobs for {}", jobs.len(), size(request));
        let mut all = lock(&self.acknowledged);
        all.requests += 1;
        all.repeats += repeats;
        all.jobs.extend(jobs);
        match request {
            Request::Webhook(_) => all.webhooks += 1,
            Request::Single(probe) => all.effects.extend(effect_of(probe)),
            Request::Batch(probes) => all.effects.extend(probes.iter().filter_map(effect_of)),
        }
        self.count.send_replace(all.jobs.len());
        Ok(())
    }

    /// Sends once; a repetition carries the same idempotency key or the same webhook.
    async fn send(&self, request: &Request) -> Result<Vec<Uuid>, DeskError> {
        match request {
            Request::Single(probe) => {
                let job = self.desk.enqueue(&probe.body(), Some(&probe.name())).await?;
                Ok(vec![job.job_id])
            }
            Request::Batch(probes) => {
                let bodies: Vec<_> = probes.iter().map(Probe::body).collect();
                let key = format!("batch-from-{}", probes.first().map_or(0, |probe| probe.number));
                let jobs = self.desk.batch(&bodies, Some(&key)).await?;
                Ok(jobs.iter().map(|job: &Enqueued| job.job_id).collect())
            }
            Request::Webhook(ticket) => {
                let delivery = self.desk.webhook(&webhook_body(*ticket)).await?;
                Ok(delivery.job_id.into_iter().collect())
            }
        }
    }
}

async fn send_all(feed: Arc<Feed>, mut leave: watch::Receiver<Leave>) -> anyhow::Result<()> {
    loop {
        let now = *leave.borrow_and_update();
        if now.over {
            return Ok(());
        }
        match (!now.hold).then(|| feed.next(now.jobs)).flatten() {
            Some(request) => feed.send_until_acknowledged(&request).await?,
            None => leave.changed().await.context("nobody directs the feed any more")?,
        }
    }
}

fn size(request: &Request) -> usize {
    match request {
        Request::Batch(probes) => probes.len(),
        Request::Single(_) | Request::Webhook(_) => 1,
    }
}

fn effect_of(probe: &Probe) -> Option<String> {
    (probe.work == Work::Effect).then(|| probe.name())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
