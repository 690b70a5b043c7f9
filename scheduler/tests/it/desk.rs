//! A desk for one test: database, dispatcher, schedulers, and the ways to look at them.

use std::{collections::HashSet, time::Duration};

use database::ids::TenantId;
use jobs::{Dispatch, JobId, NewJob, SYSTEM_TENANT, Store, dispatch::Server, enqueue, kinds::Probe};
use migrations::testing::{TestDatabase, fresh_database, insist};
use scheduler::{Scheduler, leader::Lease};
use sqlx::PgPool;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A leadership that nobody loses because the machine stands still; who is to lose it has it taken away.
const FIRM: Lease = Lease {
    holds: Duration::from_secs(3600),
    renewed_every: Duration::from_millis(500),
    answered_within: Duration::from_secs(300),
};

pub struct Desk {
    // Dropping it drops the database.
    database: TestDatabase,
    database_url: String,
    redis_url: String,
    prefix: String,
    pub store: Store,
    pub dispatch: Dispatch,
}

impl Desk {
    pub async fn new() -> Desk {
        let database = fresh_database().await;
        let database_url = database.url_for("desk_scheduler");
        let redis_url = std::env::var("TEST_REDIS_URL")
            .expect("TEST_REDIS_URL names a private test server; `make test` sets it");
        let prefix = format!("test-{}", Uuid::now_v7());
        let store = Store::connect(&database_url, 4).expect("a good URL");
        let dispatch = dispatch(&redis_url, &prefix);
        Desk { database, database_url, redis_url, prefix, store, dispatch }
    }

    /// The database as its owner.
    pub fn admin_url(&self) -> &str {
        &self.database.admin_url
    }

    /// Starts a scheduler with connections of its own, as another process would have.
    pub fn start(&self) -> Running {
        self.start_with(|scheduler| scheduler)
    }

    pub fn start_with(&self, refine: impl FnOnce(Scheduler) -> Scheduler) -> Running {
        let dispatch = dispatch(&self.redis_url, &self.prefix);
        let scheduler = Scheduler::new(&self.database_url, dispatch).expect("a good URL");
        let scheduler = refine(scheduler.with_lease(FIRM));
        let leading = scheduler.leading();
        let end = CancellationToken::new();
        let task = tokio::spawn(scheduler.run(end.clone()));
        Running { leading, end, task }
    }

    /// Puts probes into the ledger, due after `delay`, and says nothing of them to Redis.
    pub async fn enqueue_silently(
        &self,
        n: usize,
        delay: Option<Duration>,
    ) -> (Vec<JobId>, jobs::Announcement) {
        let run_at = delay.map(|delay| chrono::Utc::now() + delay);
        let probes: Vec<NewJob> = (0..n)
            .map(|_| {
                let job = NewJob::of(TenantId(SYSTEM_TENANT), &Probe::default()).expect("a probe fits");
                match run_at {
                    Some(at) => job.with_run_at(at),
                    None => job,
                }
            })
            .collect();
        let mut conn = self.store.pool().acquire().await.expect("the test server answers");
        let (enqueued, announcement) = enqueue(&mut conn, &probes).await.expect("the ledger takes probes");
        (enqueued.into_iter().map(|job| job.id).collect(), announcement)
    }

    /// Takes jobs of the default queue from Redis, as a worker does, until one comes that is not in
    /// `seen`. Those that were taken and not claimed are rightly offered again.
    pub async fn next_job(&self, seen: &mut HashSet<JobId>) -> JobId {
        loop {
            for id in self.next_jobs(1).await {
                if seen.insert(id) {
                    return id;
                }
            }
        }
    }

    /// Takes what there is, at most `max`, waiting for the first.
    pub async fn next_jobs(&self, max: usize) -> Vec<JobId> {
        let open = async || self.dispatch.open_lane("default").await;
        let mut lane = insist(&open).await;
        loop {
            // What was taken and not heard of is offered again, as what a worker loses.
            let Ok(mut ids) = lane.pop(max).await else {
                lane = insist(&open).await;
                continue;
            };
            // The shipped schedules run here as well, one of them every minute.
            let others: Vec<JobId> =
                sqlx::query_scalar("select id from jobs.live where id = any($1) and kind <> 'probe'")
                    .bind(&ids)
                    .fetch_all(self.store.pool())
                    .await
                    .expect("the ledger answers");
            ids.retain(|id| !others.contains(id));
            if !ids.is_empty() {
                return ids;
            }
        }
    }

    /// Deletes all that Redis knows of this desk.
    pub async fn wipe_redis(&self) {
        let client = redis::Client::open(self.redis_url.as_str()).expect("a good URL");
        let mut conn = client.get_multiplexed_async_connection().await.expect("redis answers");
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{}:*", self.prefix))
            .query_async(&mut conn)
            .await
            .expect("redis lists its keys");
        assert!(!keys.is_empty(), "there is something to lose");
        redis::cmd("DEL").arg(keys).query_async::<()>(&mut conn).await.expect("redis deletes keys");
    }
}

fn dispatch(redis_url: &str, prefix: &str) -> Dispatch {
    Dispatch::new(Server::new(redis_url).expect("a good URL"), prefix)
}

/// A scheduler that runs.
pub struct Running {
    leading: watch::Receiver<Option<i64>>,
    end: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Waits until it leads; gives the term.
    pub async fn leads(&mut self) -> i64 {
        let term = self.leading.wait_for(Option::is_some).await.expect("the scheduler runs");
        term.expect("waited for")
    }

    pub fn is_leading(&self) -> bool {
        self.leading.borrow().is_some()
    }

    /// Whether it has led without a break since it was last asked for its term.
    pub fn has_led_on(&self) -> bool {
        self.is_leading() && !self.leading.has_changed().expect("the scheduler runs")
    }

    /// Ends it as `kill -9` would: nothing is finished, nothing given up. Its leadership ends a second later, under
    /// another name, so that a renewal which is still on its way comes to nothing.
    pub async fn kill(self, ledger: &PgPool) {
        self.task.abort();
        assert!(self.task.await.expect_err("it was killed").is_cancelled());
        sqlx::query("update jobs.leader set holder = $1, expires_at = now() + interval '1 second'")
            .bind(Uuid::now_v7())
            .execute(ledger)
            .await
            .expect("the ledger answers");
    }

    /// Ends it as SIGTERM does.
    pub async fn stop(self) {
        self.end.cancel();
        self.task.await.expect("it does not panic").expect("it ends in order");
    }
}
