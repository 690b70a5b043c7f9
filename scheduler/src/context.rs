//! What the leader's duties share.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use jobs::{Dispatch, QueueError, Store};
use sqlx::{Postgres, pool::PoolConnection};

use crate::leader::Contact;

/// Handed to every duty.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) dispatch: Dispatch,
    pub(crate) contact: Arc<Contact>,
    pub(crate) redis: RedisHealth,
    /// The longest time between two looks for due jobs.
    pub(crate) look_every: Duration,
    pub(crate) clock: LedgerClock,
}

impl Context {
    /// A connection, for what waits in [`Store::answers`] or [`Store::answers_slowly`].
    pub(crate) async fn connection(&self) -> Result<PoolConnection<Postgres>, QueueError> {
        Ok(self.store.pool().acquire().await?)
    }
}

/// How far the ledger's clock is ahead of this machine's, in microseconds. What falls due, falls due by the
/// ledger's, so that a leader whose clock is wrong fires nothing early or late.
#[derive(Default)]
pub(crate) struct LedgerClock {
    ahead_micros: AtomicI64,
}

impl LedgerClock {
    /// Notes how far it is ahead.
    pub(crate) fn set(&self, ahead: TimeDelta) {
        self.ahead_micros.store(ahead.num_microseconds().unwrap_or(0), Ordering::Relaxed);
    }

    /// The time by the ledger's clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::microseconds(self.ahead_micros.load(Ordering::Relaxed))
    }
}

/// What the duties know of Redis, and what they want told to it.
#[derive(Default)]
pub(crate) struct RedisHealth {
    away: AtomicBool,
    refill_wanted: AtomicBool,
    last_refill: Mutex<Option<(Instant, Duration)>>,
}

impl RedisHealth {
    /// Redis did not answer: nothing is sent until it does, and then everything is told again. True
    /// when that is news.
    pub(crate) fn lose(&self) -> bool {
        self.refill_wanted.store(true, Ordering::SeqCst);
        !self.away.swap(true, Ordering::SeqCst)
    }

    /// Redis answers. True when that is news.
    pub(crate) fn find(&self) -> bool {
        self.away.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    /// Something that Redis should know was not told.
    pub(crate) fn want_refill(&self) {
        self.refill_wanted.store(true, Ordering::SeqCst);
    }

    /// Whether a refill is wanted; from now on it is no longer.
    pub(crate) fn take_refill_wanted(&self) -> bool {
        self.refill_wanted.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn note_refill(&self, took: Duration) {
        *self.last_refill.lock().expect("no holder of this lock panics") = Some((Instant::now(), took));
    }

    /// Whether a refill on mere suspicion is affordable: at most a tenth of the time goes into them.
    pub(crate) fn may_suspect(&self) -> bool {
        let last = *self.last_refill.lock().expect("no holder of this lock panics");
        last.is_none_or(|(ended, took)| ended.elapsed() >= took * 10)
    }
}
