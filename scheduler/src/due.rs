//! Makes due jobs ready at the millisecond at which they fall due: it sleeps until the next one the
//! ledger knows of, and is told of new ones that come earlier. That is the leader's. A scheduler that does not
//! lead looks twice a second for jobs that lie there all the same: a leader that died is followed only
//! when its lease has ended, and what falls due until then is not to wait for that.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use jobs::{
    Announcement, QueueError,
    looks::{self, NextDue},
    sweep,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{context::Context, courier::Courier, trouble::Trouble};

/// How many jobs one statement makes ready: 1,000 took 80 ms at the 99th percentile on a busy machine, and
/// no statement is to take more than 50.
const BATCH: i64 = 500;

/// How soon it is tried again when the ledger failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How many announced times may wait to be looked at; beyond that the regular look finds the jobs.
const ANNOUNCED: usize = 1024;

/// How often a scheduler that does not lead looks.
const STAND_IN_EVERY: Duration = Duration::from_millis(500);

/// How long a job must be due before it does what is the leader's: a living leader needs milliseconds.
const LEFT_LYING: TimeDelta = TimeDelta::milliseconds(300);

/// Promotes what falls due until it is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    let (announce, mut announced) = mpsc::channel(ANNOUNCED);
    tokio::join!(listen(&context, announce), promote(&context, &mut announced));
}

/// Promotes what was left lying, whenever this scheduler does not lead, until it is dropped. That the leader does the
/// same at the moment is harmless: each job is taken by one of the two.
pub(crate) async fn stand_in(context: Arc<Context>, leading: watch::Receiver<Option<i64>>) {
    let mut trouble = Trouble::new("looking for due jobs that no leader makes ready");
    let mut ticks = interval(STAND_IN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if leading.borrow().is_none() {
            trouble.note(promote_left_lying(&context).await);
        }
    }
}

async fn promote_left_lying(context: &Context) -> Result<(), QueueError> {
    let Look { next_due, now, .. } = context.store.answers(look(context)).await?;
    if next_due.is_none_or(|at| now - at < LEFT_LYING) {
        return Ok(());
    }
    let mut promoted = BATCH;
    while promoted == BATCH {
        let promote = async { sweep::promote_due(&mut *context.connection().await?, BATCH).await };
        let ready = context.store.answers(promote).await?;
        promoted = i64::try_from(ready.len()).unwrap_or(BATCH);
        if promoted > 0 {
            tracing::info!(promoted, "due jobs were made ready although this scheduler does not lead");
        }
        // What Redis does not hear of it now, the next leader tells it.
        context.dispatch.announce(Announcement { ready, next_due: None });
    }
    Ok(())
}

async fn promote(context: &Arc<Context>, announced: &mut mpsc::Receiver<DateTime<Utc>>) {
    let mut courier = Courier::new(context.clone());
    let mut trouble = Trouble::new("making due jobs ready");
    loop {
        let mut wake = Instant::now() + context.look_every;
        let mut database_ahead = TimeDelta::zero();
        match trouble.note(promote_until_none_is_due(context, &mut courier).await) {
            Some(look) => {
                database_ahead = look.database_ahead;
                context.clock.set(database_ahead);
                if let Some(at) = look.next_due {
                    wake = wake.min(instant_of(at, database_ahead));
                }
            }
            None => {
                // What was made ready by a statement whose answer was lost is told by a refill.
                context.redis.want_refill();
                wake = wake.min(Instant::now() + RETRY_AFTER);
            }
        }
        // Jobs announced from here on may fall due before those that the look found.
        while Instant::now() < wake {
            tokio::select! {
                () = sleep_until(wake) => {}
                Some(at) = announced.recv() => wake = wake.min(instant_of(at, database_ahead)),
            }
        }
    }
}

async fn promote_until_none_is_due(context: &Context, courier: &mut Courier) -> Result<Look, QueueError> {
    loop {
        let look = context.store.answers(look(context)).await?;
        if !look.is_due() {
            return Ok(look);
        }
        let mut promoted = BATCH;
        while promoted == BATCH {
            let promote = async { sweep::promote_due(&mut *context.connection().await?, BATCH).await };
            let offers = context.store.answers(promote).await?;
            promoted = i64::try_from(offers.len()).unwrap_or(BATCH);
            courier.deliver(&offers).await;
        }
    }
}

/// What the ledger says about the next due job.
struct Look {
    next_due: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    /// How far the database's clock is ahead of this machine's.
    database_ahead: TimeDelta,
}

impl Look {
    fn is_due(&self) -> bool {
        self.next_due.is_some_and(|at| at <= self.now)
    }
}

/// The monotonic time at which the database's clock shows `at`, at least a millisecond from now, so
/// that a clock that jumps makes nobody spin.
fn instant_of(at: DateTime<Utc>, database_ahead: TimeDelta) -> Instant {
    let left = at - (Utc::now() + database_ahead);
    Instant::now() + left.to_std().unwrap_or_default().max(Duration::from_millis(1))
}

async fn look(context: &Context) -> Result<Look, QueueError> {
    let mut conn = context.connection().await?;
    let asked = Utc::now();
    let NextDue { now, due_at } = looks::next_due(&mut conn).await?;
    let answered = Utc::now();
    Ok(Look { next_due: due_at, now, database_ahead: now - (asked + (answered - asked) / 2) })
}

/// Passes on the times that enqueuers announce, in milliseconds since 1970. Reconnects by itself.
async fn listen(context: &Context, announce: mpsc::Sender<DateTime<Utc>>) {
    loop {
        if let Ok(mut subscription) = context.dispatch.listen_due().await {
            // What was announced while nobody listened is looked for now.
            let _ = announce.try_send(DateTime::UNIX_EPOCH);
            let mut messages = subscription.on_message();
            while let Some(message) = messages.next().await {
                if let Some(at) = read(message.get_payload_bytes()) {
                    let _ = announce.try_send(at);
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The ledger keeps microseconds and the message only milliseconds, so the job is due up to one later.
fn read(payload: &[u8]) -> Option<DateTime<Utc>> {
    let millis: i64 = std::str::from_utf8(payload).ok()?.parse().ok()?;
    DateTime::from_timestamp_millis(millis.checked_add(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_time_is_never_too_early() {
        let at: DateTime<Utc> = "2026-03-01T10:00:00.123456Z".parse().expect("an RFC 3339 time");
        let announced = read(at.timestamp_millis().to_string().as_bytes()).expect("readable");
        assert!(announced >= at && announced - at <= TimeDelta::milliseconds(1));
        for bad in [&b""[..], b"soon", b"\xff", b"9223372036854775807"] {
            assert_eq!(read(bad), None);
        }
    }
}
