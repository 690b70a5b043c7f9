//! A scheduler's life: stand for election, do the leader's duties while leading, stop them the moment
//! the leadership ends, and give it up at the end.

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use jobs::{Dispatch, QueueError, Store, fit::Fit};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    books, compare,
    context::{Context, LedgerClock, RedisHealth},
    cron::{self, ticker::Ticker},
    due,
    leader::{Candidate, Contact, Lease},
    lost, pauses, refill,
};

/// The duties share these; the election has one of its own.
const CONNECTIONS: u32 = 8;

/// A scheduler. Make it, then [`Scheduler::run`] it.
pub struct Scheduler {
    database_url: String,
    store: Store,
    dispatch: Dispatch,
    contact: Arc<Contact>,
    fit: Fit,
    leading: watch::Sender<Option<i64>>,
    lease: Lease,
    look_every: Duration,
}

impl Scheduler {
    /// A scheduler over the ledger at this URL and a dispatcher. It is a candidate of its own.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn new(database_url: &str, dispatch: Dispatch) -> Result<Scheduler, QueueError> {
        let (leading, _) = watch::channel(None);
        Ok(Scheduler {
            database_url: database_url.to_owned(),
            store: Store::connect(database_url, CONNECTIONS)?,
            dispatch,
            contact: Arc::default(),
            fit: Fit::default(),
            leading,
            lease: Lease::default(),
            look_every: Duration::from_secs(1),
        })
    }

    /// Another longest time between two looks for due jobs than a second. In between the leader is
    /// told of jobs that fall due, so this bounds only what a lost message costs.
    #[must_use]
    pub fn with_look_every(mut self, look_every: Duration) -> Scheduler {
        self.look_every = look_every;
        self
    }

    /// Other times of the leadership than the usual ones. All schedulers of a ledger should have the same.
    #[must_use]
    pub fn with_lease(mut self, lease: Lease) -> Scheduler {
        self.lease = lease;
        self
    }

    /// What it knows of its contact with Postgres.
    pub fn contact(&self) -> Arc<Contact> {
        self.contact.clone()
    }

    /// What it knows of its settings.
    pub fn fit(&self) -> Fit {
        self.fit.clone()
    }

    /// The term in which it leads, while it does.
    pub fn leading(&self) -> watch::Receiver<Option<i64>> {
        self.leading.subscribe()
    }

    /// Runs until `end` is cancelled. Dropping the future stops everything without giving up the
    /// leadership, as a crash would.
    ///
    /// # Errors
    /// A duty ended by itself, which is a fault of the program.
    pub async fn run(self, end: CancellationToken) -> anyhow::Result<()> {
        let candidate = Candidate::new(&self.database_url, self.lease, self.contact.clone())?;
        let ticker = Arc::new(Mutex::new(Ticker::start().await?));
        let mut leading = self.leading.subscribe();
        let (mut election, resigns) = (JoinSet::new(), CancellationToken::new());
        election.spawn(candidate.clone().stand(self.leading.clone(), resigns.clone()));
        let mut beside = JoinSet::new();
        beside.spawn(jobs::clock::watch(self.store.clone()));
        // Without the queue's rights nobody even connects, which the election tells.
        beside.spawn(self.fit.clone().watch(self.store.clone(), self.dispatch.clone(), &[]));
        beside.spawn(due::stand_in(self.context(), self.leading.subscribe()));
        loop {
            metrics::gauge!("deskwork_leader").set(0.0);
            let term = tokio::select! {
                () = end.cancelled() => None,
                Some(_) = election.join_next() => bail!("the election ended by itself"),
                Ok(term) = leading.wait_for(Option::is_some) => *term,
            };
            if term.is_none() {
                self.resign(election, &resigns, &candidate).await;
                return Ok(());
            }
            tracing::info!(term, "this scheduler leads");
            metrics::gauge!("deskwork_leader").set(1.0);
            let mut duties = self.start_duties(&ticker);
            let ended = tokio::select! {
                () = end.cancelled() => Ended::Asked,
                Ok(_) = leading.wait_for(|current| *current != term) => Ended::Lost,
                Some(_) = duties.join_next() => Ended::Fault,
            };
            duties.shutdown().await;
            books::forget();
            tracing::info!(term, "this scheduler no longer leads");
            match ended {
                Ended::Lost => {}
                Ended::Asked => {
                    self.resign(election, &resigns, &candidate).await;
                    metrics::gauge!("deskwork_leader").set(0.0);
                    return Ok(());
                }
                Ended::Fault => {
                    self.resign(election, &resigns, &candidate).await;
                    bail!("a duty of the leader ended by itself");
                }
            }
        }
    }

    /// Ends the election, and then gives up what it holds.
    async fn resign(&self, mut election: JoinSet<()>, resigns: &CancellationToken, candidate: &Candidate) {
        resigns.cancel();
        while election.join_next().await.is_some() {}
        if self.leading.borrow().is_some() {
            candidate.abdicate().await;
        }
    }

    fn context(&self) -> Arc<Context> {
        Arc::new(Context {
            store: self.store.clone(),
            dispatch: self.dispatch.clone(),
            contact: self.contact.clone(),
            redis: RedisHealth::default(),
            look_every: self.look_every,
            clock: LedgerClock::default(),
        })
    }

    fn start_duties(&self, ticker: &Arc<Mutex<Ticker>>) -> JoinSet<()> {
        let context = self.context();
        // Whatever the last leader had in its hands when it ended, Redis is told again.
        context.redis.want_refill();
        let mut duties = JoinSet::new();
        duties.spawn(due::run(context.clone()));
        duties.spawn(lost::run(context.clone()));
        duties.spawn(refill::run(context.clone()));
        duties.spawn(books::run(context.clone()));
        duties.spawn(compare::run(context.clone()));
        duties.spawn(pauses::run(context.clone()));
        duties.spawn(cron::run(context, ticker.clone()));
        duties
    }
}

enum Ended {
    Asked,
    Lost,
    Fault,
}

#[cfg(test)]
mod tests {
    use jobs::dispatch::Server;
    use migrations::testing::fresh_database;
    use sqlx::{Connection, PgConnection, postgres::PgListener};
    use uuid::Uuid;

    use super::*;

    /// What a test waits for happens within this time or not at all.
    const WITHIN: Duration = Duration::from_secs(60);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_leads_while_every_connection_of_the_duties_is_taken() {
        let database = fresh_database().await;
        let redis = std::env::var("TEST_REDIS_URL")
            .expect("TEST_REDIS_URL names a private test server; `make test` sets it");
        let server = Server::new(&redis).expect("a good URL");
        let dispatch = Dispatch::new(server, &format!("test-{}", Uuid::now_v7()));
        // Nobody loses it because the machine stands still.
        let lease = Lease {
            holds: Duration::from_secs(3_600),
            renewed_every: Duration::from_millis(100),
            answered_within: Duration::from_secs(300),
        };
        let scheduler = Scheduler::new(&database.url_for("desk_scheduler"), dispatch).expect("a good URL");
        let scheduler = scheduler.with_lease(lease);
        let mut taken = Vec::new();
        for _ in 0..CONNECTIONS {
            taken.push(scheduler.store.pool().acquire().await.expect("the test server answers"));
        }
        let mut admin = PgConnection::connect(&database.admin_url).await.expect("the test server answers");
        for statement in [
            "create function public.tell() returns trigger language plpgsql as $$
             begin perform pg_notify('renewed', new.term::text); return null; end $$",
            "create trigger tell after update on jobs.leader for each row execute function public.tell()",
        ] {
            sqlx::query(statement).execute(&mut admin).await.expect("a trigger");
        }
        let mut renewals = PgListener::connect(&database.admin_url).await.expect("the test server answers");
        renewals.listen("renewed").await.expect("it listens");

        let (mut leading, end) = (scheduler.leading(), CancellationToken::new());
        let running = tokio::spawn(scheduler.run(end.clone()));
        let term = tokio::time::timeout(WITHIN, leading.wait_for(Option::is_some)).await.expect("it leads");
        let term = term.expect("it runs").expect("waited for").to_string();
        for _ in 0..3 {
            let renewed = tokio::time::timeout(WITHIN, renewals.recv()).await.expect("it is renewed");
            assert_eq!(renewed.expect("an answer").payload(), term);
        }
        end.cancel();
        running.await.expect("no panic").expect("it ends in order");
    }
}
