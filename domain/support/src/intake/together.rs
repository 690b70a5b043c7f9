//! Deliveries that arrive while others are being stored are stored together: one statement, one commit, one wait for
//! the disk, and of new tickets one insert into each table (`support_app.take_in_all`). A quiet desk notices nothing of
//! it, for a delivery that is alone is sent at once; a busy one stores more with each commit the longer commits take,
//! where otherwise each delivery would wait for its own turn at the disk.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use database::{Db, DbError, REQUEST_WITHIN};
use jobs::{Dispatch, QueueError};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::{Call, Intake, SENT_AGAIN_WITHIN, Taken, send, send_all};

/// So many statements are under way at once as long as each is answered in time: one works while the other waits for the
/// disk. With more, each would carry fewer deliveries, and what a statement costs before its first row is most of it.
pub(super) const AT_ONCE: usize = 2;

/// A statement that takes longer waits for something that the others need not wait for, such as a ticket that somebody
/// holds. Another one takes its place then.
const IN_TIME: Duration = Duration::from_millis(50);

/// So many are under way at most, late ones and all.
const WRITERS: usize = 4;

/// The most deliveries of one statement, and bytes of bodies: a statement must not keep many waiting for long.
const MOST_TOGETHER: usize = 32;
const MOST_BYTES: usize = 1024 * 1024;

/// How often a statement is sent that gave way to others' transactions. It left nothing behind, and whoever went before it
/// is through, so it succeeds the next time as a rule; what meets others again is sent one by one, which holds less.
const TRIES_TOGETHER: u32 = 2;

/// So many wait for a writer; whoever comes then waits for a place here.
const MOST_WAITING: usize = 1024;

/// Takes deliveries in, many at once where many come.
#[derive(Clone, Debug)]
pub struct Intakes {
    waiting: mpsc::Sender<Waiting>,
}

/// A delivery and whom to tell what became of it. Whoever has gone away in the meantime has his delivery all the same.
pub(super) struct Waiting {
    pub(super) call: Call,
    pub(super) tell: oneshot::Sender<Result<Taken, QueueError>>,
}

impl Intakes {
    /// Starts the writers. `support` is connected as the support role ([`Db::connect_as`]) with at least
    /// [`Intakes::CONNECTIONS`]. The writers end when the last clone of this is gone. Must be called within a runtime.
    pub fn start(support: &Db, dispatch: &Dispatch) -> Intakes {
        let (waiting, waits) = mpsc::channel(MOST_WAITING);
        let (waits, places) = (Arc::new(Mutex::new(waits)), Arc::new(Semaphore::new(AT_ONCE)));
        for _ in 0..WRITERS {
            let (waits, places) = (Arc::clone(&waits), Arc::clone(&places));
            tokio::spawn(write(support.clone(), dispatch.clone(), waits, places));
        }
        Intakes { waiting }
    }

    /// How many connections the writers use.
    pub const CONNECTIONS: u32 = WRITERS as u32;

    /// Takes a delivery in and announces its job.
    ///
    /// # Errors
    /// The database failed. When the connection broke at the very end nobody knows whether the delivery is stored;
    /// sending it again finds out.
    pub async fn take_in(&self, intake: Intake<'_>) -> Result<Taken, QueueError> {
        self.send(Call::of(intake)?).await
    }

    pub(super) async fn send(&self, call: Call) -> Result<Taken, QueueError> {
        let (tell, told) = oneshot::channel();
        let gone = || QueueError::from(DbError::Unanswered(sqlx::Error::WorkerCrashed));
        self.waiting.send(Waiting { call, tell }).await.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }
}

/// One writer: takes what waits, as much as fits, and stores it.
async fn write(
    support: Db,
    dispatch: Dispatch,
    waits: Arc<Mutex<mpsc::Receiver<Waiting>>>,
    places: Arc<Semaphore>,
) {
    let mut taken = Vec::with_capacity(MOST_TOGETHER);
    // The semaphore is never closed.
    while let Ok(place) = places.acquire().await {
        // Only one writer listens at a time; the others store or stand in line for this.
        if waits.lock().await.recv_many(&mut taken, MOST_TOGETHER).await == 0 {
            return;
        }
        let mut place = Some(place);
        while !taken.is_empty() {
            let together = taken.drain(..fitting(&taken)).collect();
            let mut storing = pin!(store(&support, &dispatch, together));
            if timeout(IN_TIME, &mut storing).await.is_err() {
                place = None;
                storing.await;
            }
        }
        drop(place);
    }
}

/// How many of these fit into one statement, at least one.
fn fitting(waiting: &[Waiting]) -> usize {
    let mut bytes = 0;
    let fits = waiting.iter().take_while(|one| {
        bytes += one.call.body.get().len();
        bytes <= MOST_BYTES
    });
    fits.count().max(1)
}

/// Stores what waits, together, and tells everybody what became of theirs.
pub(super) async fn store(support: &Db, dispatch: &Dispatch, mut together: Vec<Waiting>) {
    if together.len() == 1 {
        for one in together {
            one.send(support, dispatch).await;
        }
        return;
    }
    // All statements lock tickets in the same order, so that two of them cannot wait for each other in a circle. It is not
    // the order of everybody else, because tickets that are not there yet have no id; so one may meet a job's crosswise.
    together
        .sort_by(|a, b| (a.call.tenant.0, &a.call.ticket_key).cmp(&(b.call.tenant.0, &b.call.ticket_key)));
    let calls: Vec<&Call> = together.iter().map(|one| &one.call).collect();
    let mut tries = 0;
    let (outcome, took) = loop {
        let started = Instant::now();
        let outcome = support.unless_silent(REQUEST_WITHIN, send_all(support.pool(), &calls)).await;
        tries += 1;
        let gave_way = outcome.as_ref().is_err_and(DbError::is_collision);
        if !gave_way || tries == TRIES_TOGETHER {
            break (outcome, started.elapsed());
        }
    };
    match outcome {
        Ok(answers) => {
            for (one, taken) in together.into_iter().zip(answers) {
                dispatch.announce(one.call.announcement(&taken));
                let _ = one.tell.send(Ok(taken));
            }
        }
        // Nobody waits twice for a database that says nothing.
        Err(error) if took >= SENT_AGAIN_WITHIN && !error.is_collision() => {
            for one in together {
                let silent = sqlx::Error::Io(io::ErrorKind::TimedOut.into());
                let _ = one.tell.send(Err(DbError::Unanswered(silent).into()));
            }
        }
        // Each for itself: what one of them is refused for must not cost the others, and a call whose answer was lost
        // finds what it did itself.
        Err(error) => {
            tracing::debug!(%error, "deliveries are stored one by one");
            for one in together {
                let (support, dispatch) = (support.clone(), dispatch.clone());
                tokio::spawn(async move { one.send(&support, &dispatch).await });
            }
        }
    }
}

impl Waiting {
    async fn send(self, support: &Db, dispatch: &Dispatch) {
        let outcome = send(support, dispatch, &self.call).await;
        let _ = self.tell.send(outcome);
    }
}
