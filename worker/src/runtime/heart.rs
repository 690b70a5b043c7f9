//! The heart says once a second that this process lives. It beats on a thread and a connection of its
//! own, so that neither handlers nor load can starve it, and brings back what operators want:
//! cancellations, paused queues, other numbers of slots.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use database::{DbError, unless_silent};
use futures_util::StreamExt;
use jobs::{
    QueueError,
    ledger::release,
    workers::{self, Orders, SILENCE_SECS},
};
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};
use uuid::Uuid;

use super::Shared;

const EVERY: Duration = Duration::from_secs(1);

/// How long the ledger may take to connect, and for each answer: a server that is gone without a word
/// must not stop the heart, and one that needs two seconds for everything must be waited for. A second
/// and these five leave time for a beat on a new connection before the fence.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so long without a beat that reached the ledger this process stops its runs by itself: two
/// seconds later its jobs may be handed to others.
const FENCE: Duration = Duration::from_secs(SILENCE_SECS.unsigned_abs() as u64 - 2);

/// How long the last words to the ledger may take.
const GOODBYE: Duration = Duration::from_secs(3);

/// The beating heart.
pub(super) struct Heart {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Starts it.
///
/// # Errors
/// The database URL cannot be read.
pub(super) fn start(shared: Arc<Shared>, database_url: &str) -> Result<Heart, DbError> {
    // A beat is worth nothing a second later, so it does not wait for a standby: with none there, the
    // processes go on living. Everything else about jobs is written on other connections.
    let options = jobs::store::connect_options(database_url)?
        .options([("statement_timeout", "5s"), ("synchronous_commit", "local")]);
    let poked = Arc::new(Notify::new());
    tokio::spawn(listen(shared.clone(), poked.clone()));
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("heart".to_owned())
        .spawn(move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(beat(shared, options, poked, stopped)),
            Err(error) => {
                tracing::error!(%error, "the heart has no runtime; the process will be counted out")
            }
        })
        .map_err(|error| DbError::from(sqlx::Error::Io(error)))?;
    Ok(Heart { stop, thread })
}

impl Heart {
    /// Says goodbye and stops.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let thread = self.thread;
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

/// Passes on that somebody wants the workers to look at once.
async fn listen(shared: Arc<Shared>, poked: Arc<Notify>) {
    loop {
        if let Ok(mut subscription) = shared.dispatch.listen_control().await {
            let mut messages = subscription.on_message();
            while messages.next().await.is_some() {
                poked.notify_one();
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn beat(
    shared: Arc<Shared>,
    options: PgConnectOptions,
    poked: Arc<Notify>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut conn: Option<PgConnection> = None;
    let mut introduced: Option<Uuid> = None;
    let mut told = false;
    let mut strange: Vec<Uuid> = Vec::new();
    let mut fence = Fence { due: Instant::now() + FENCE, drawn: false };
    loop {
        let started = Instant::now();
        let beaten = fence.watch(&shared, beat_once(&shared, &options, &mut conn, &mut introduced)).await;
        match beaten {
            Ok(orders) => {
                told = false;
                shared.pulse.felt();
                let strange = &mut strange;
                fence.watch(&shared, hand_back_unheard(&shared, &mut conn, &orders, strange)).await;
                fence.lift(&shared, started);
                if orders.alive {
                    follow(&shared, orders);
                } else {
                    fence.watch(&shared, start_anew(&shared, &mut conn)).await;
                }
            }
            Err(error) => {
                conn = None;
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "the heartbeat did not reach the ledger; trying again every second");
                }
            }
        }
        let pause = async {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => false,
                () = poked.notified() => false,
                _ = &mut stopped => true,
            }
        };
        if fence.watch(&shared, pause).await {
            break;
        }
    }
    if let (Some(conn), Some(worker)) = (&mut conn, introduced) {
        let closed = shared.running.closed_leases();
        let goodbye = tokio::time::timeout(GOODBYE, workers::leave(conn, worker, &closed)).await;
        if !matches!(goodbye, Ok(Ok(()))) {
            tracing::warn!("the ledger did not hear the goodbye; it will count this process out");
        }
    }
}

/// Stops the runs when no beat has reached the ledger for [`FENCE`], whatever the heart is waiting for.
struct Fence {
    due: Instant,
    drawn: bool,
}

impl Fence {
    /// Waits for `work`; draws the fence meanwhile if its time comes.
    async fn watch<T>(&mut self, shared: &Shared, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        if !self.drawn {
            tokio::select! {
                biased;
                output = &mut work => return output,
                () = tokio::time::sleep_until(self.due) => {}
            }
            self.drawn = true;
            let runs = shared.running.fence();
            shared.slots.values().for_each(|slots| slots.fence(true));
            if runs > 0 {
                tracing::warn!(
                    runs,
                    "the ledger has not heard this worker for {} s: its runs stop, and are handed back when it does",
                    FENCE.as_secs()
                );
            }
        }
        work.await
    }

    /// A beat that began at `started` reached the ledger.
    fn lift(&mut self, shared: &Shared, started: Instant) {
        self.due = started + FENCE;
        if std::mem::take(&mut self.drawn) {
            shared.running.unfence();
            shared.slots.values().for_each(|slots| slots.fence(false));
        }
    }
}

async fn beat_once(
    shared: &Shared,
    options: &PgConnectOptions,
    conn: &mut Option<PgConnection>,
    introduced: &mut Option<Uuid>,
) -> Result<Orders, QueueError> {
    let conn = match conn {
        Some(conn) => conn,
        none => none.insert(unless_silent(PATIENCE, options.connect()).await?),
    };
    let worker = shared.running.worker();
    if *introduced != Some(worker) {
        let introduction = workers::Introduction { id: worker, ..shared.introduction.clone() };
        unless_silent(PATIENCE, workers::introduce(conn, &introduction)).await?;
        *introduced = Some(worker);
    }
    let closed = shared.running.closed_leases();
    let running = i32::try_from(shared.running.count()).unwrap_or(i32::MAX);
    let beat = workers::beat(conn, worker, shared.running.is_draining(), running, &closed);
    let beaten = unless_silent(PATIENCE, beat).await;
    if beaten.is_err() {
        shared.running.still_closed(closed);
    }
    beaten
}

/// Hands back what was claimed by a statement whose answer never came. A lease is strange when two beats
/// in a row show it and this process does not know it: between them a claim has time to be noted.
async fn hand_back_unheard(
    shared: &Shared,
    conn: &mut Option<PgConnection>,
    orders: &Orders,
    strange: &mut Vec<Uuid>,
) {
    let unknown = if orders.alive { shared.running.unknown(&orders.leases) } else { Vec::new() };
    let (unheard, news): (Vec<Uuid>, Vec<Uuid>) =
        unknown.into_iter().partition(|lease| strange.contains(lease));
    *strange = news;
    let Some(open) = conn.as_mut().filter(|_| !unheard.is_empty()) else { return };
    shared.running.give_up(&unheard);
    let released = release(open, shared.running.worker(), &unheard);
    match unless_silent(PATIENCE, released).await {
        Ok(returned) => {
            tracing::warn!(
                jobs = returned.announcement.ready.len() + returned.events.len(),
                "a claim's answer was lost; its jobs are handed back"
            );
            shared.dispatch.announce(returned.announcement);
            shared.dispatch.tell(&returned.events);
        }
        // The next beats show the leases again.
        Err(error) => {
            *conn = None;
            tracing::warn!(%error, "a claim's answer was lost; its jobs are handed back later");
        }
    }
}

/// The ledger gave this process up, which lives: it goes on under another name, and says that nobody died of what it ran.
async fn start_anew(shared: &Shared, conn: &mut Option<PgConnection>) {
    let gone = shared.running.counted_out();
    tracing::error!(worker = %gone.now, "this worker was silent for too long and was counted out; its runs stop and it starts anew");
    let Some(open) = conn.as_mut().filter(|_| !gone.jobs.is_empty()) else { return };
    let said = workers::came_back(open, gone.before, &gone.jobs);
    if let Err(error) = unless_silent(PATIENCE, said).await {
        *conn = None;
        tracing::warn!(%error, "the ledger did not hear that nobody died of this worker's jobs: one of them may have a crash too many");
    }
}

fn follow(shared: &Shared, orders: Orders) {
    shared.running.cancel(orders.cancel);
    for (queue, slots) in &shared.slots {
        let control = orders.controls.get(queue).copied().unwrap_or_default();
        slots.set(control.paused, control.concurrency.and_then(|slots| usize::try_from(slots).ok()));
    }
}
