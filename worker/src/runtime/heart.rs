//! The heart says once a second that this process lives. It beats on a thread and a connection of its
//! own, so that neither handlers nor load can starve it, and brings back what operators want:
//! cancellations, paused queues, other numbers of slots.

use std::{
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use database::DbError;
use futures_util::StreamExt;
use jobs::{
    QueueError,
    ledger::release,
    workers::{self, Orders},
};
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::Shared;

const EVERY: Duration = Duration::from_secs(1);

/// How long a beat may take: a server that is gone without a word must not stop the heart.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the last words to the ledger may take.
const GOODBYE: Duration = Duration::from_secs(3);

/// Whether the heart beats, for the readiness probe.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    last: Arc<Mutex<Option<Instant>>>,
}

impl Pulse {
    /// Fine when the last beat reached the ledger less than five seconds ago.
    ///
    /// # Errors
    /// Says since when it has not.
    pub fn check(&self) -> Result<(), String> {
        match *self.last.lock().expect("no holder of this lock panics") {
            None => Err("no heartbeat has reached the ledger yet".to_owned()),
            Some(last) if last.elapsed() > EVERY * 5 => {
                Err(format!("the last heartbeat reached the ledger {} s ago", last.elapsed().as_secs()))
            }
            Some(_) => Ok(()),
        }
    }

    fn felt(&self) {
        *self.last.lock().expect("no holder of this lock panics") = Some(Instant::now());
    }
}

/// The beating heart.
pub(super) struct Heart {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Starts it.
///
/// # Errors
/// The database URL cannot be read.
pub(super) fn start(shared: Arc<Shared>, database_url: &str, pulse: Pulse) -> Result<Heart, DbError> {
    let options = jobs::store::connect_options(database_url)?.options([("statement_timeout", "5s")]);
    let poked = Arc::new(Notify::new());
    tokio::spawn(listen(shared.clone(), poked.clone()));
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("heart".to_owned())
        .spawn(move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(beat(shared, options, poked, pulse, stopped)),
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
    pulse: Pulse,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut conn: Option<PgConnection> = None;
    let mut introduced: Option<Uuid> = None;
    let mut told = false;
    let mut strange: Vec<Uuid> = Vec::new();
    loop {
        let beaten =
            tokio::time::timeout(PATIENCE, beat_once(&shared, &options, &mut conn, &mut introduced)).await;
        match beaten.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into())) {
            Ok(orders) => {
                told = false;
                pulse.felt();
                hand_back_unheard(&shared, &mut conn, &orders, &mut strange).await;
                follow(&shared, orders);
            }
            Err(error) => {
                conn = None;
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "the heartbeat did not reach the ledger; trying again every second");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = poked.notified() => {}
            _ = &mut stopped => break,
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

async fn beat_once(
    shared: &Shared,
    options: &PgConnectOptions,
    conn: &mut Option<PgConnection>,
    introduced: &mut Option<Uuid>,
) -> Result<Orders, QueueError> {
    let conn = match conn {
        Some(conn) => conn,
        none => none.insert(options.connect().await?),
    };
    let worker = shared.running.worker();
    if *introduced != Some(worker) {
        workers::introduce(conn, &workers::Introduction { id: worker, ..shared.introduction.clone() })
            .await?;
        *introduced = Some(worker);
    }
    let closed = shared.running.closed_leases();
    let running = i32::try_from(shared.running.count()).unwrap_or(i32::MAX);
    let beaten = workers::beat(conn, worker, shared.running.is_draining(), running, &closed).await;
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
    let Some(conn) = conn.as_mut().filter(|_| !unheard.is_empty()) else { return };
    match release(conn, shared.running.worker(), &unheard).await {
        Ok(announcement) => {
            tracing::warn!(
                jobs = announcement.ready.len(),
                "a claim's answer was lost; its jobs are handed back"
            );
            shared.dispatch.announce(announcement);
        }
        // The next beats show the leases again.
        Err(error) => tracing::warn!(%error, "a claim's answer was lost; its jobs are handed back later"),
    }
}

fn follow(shared: &Shared, orders: Orders) {
    if !orders.alive {
        let worker = shared.running.counted_out();
        tracing::error!(%worker, "this worker was silent for too long and was counted out; its runs stop and it starts anew");
        return;
    }
    shared.running.cancel(orders.cancel);
    for (queue, slots) in &shared.slots {
        let control = orders.controls.get(queue).copied().unwrap_or_default();
        slots.set(control.paused, control.concurrency.and_then(|slots| usize::try_from(slots).ok()));
    }
}
