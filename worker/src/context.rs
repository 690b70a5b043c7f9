//! What a handler gets beside its payload: who it works for, how to tell progress, how to hear that
//! it should stop.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use jobs::{JobId, JobKind, ledger::Claimed, progress::Progress};
use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    outcome::Stop,
    runtime::{Halt, ProgressReporter},
};

/// The context of one run.
pub struct Ctx {
    /// The job.
    pub job_id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The number of this attempt; 1 is the first.
    pub attempt: i16,
    /// Correlates it with what caused it.
    pub correlation_id: String,
    /// The W3C trace context of what caused it.
    pub trace_parent: Option<String>,
    lease: Uuid,
    clock: LedgerClock,
    waiting_since: Option<DateTime<Utc>>,
    halt: watch::Receiver<Halt>,
    reporter: ProgressReporter,
}

/// The ledger's clock: when the job was claimed, and when that was by the clock of this process that only goes on.
struct LedgerClock {
    claimed_at: DateTime<Utc>,
    since: Instant,
}

impl LedgerClock {
    fn now(&self) -> DateTime<Utc> {
        self.claimed_at + self.since.elapsed()
    }
}

impl Ctx {
    pub(crate) fn new(job: &Claimed, halt: watch::Receiver<Halt>, reporter: ProgressReporter) -> Ctx {
        Ctx {
            job_id: job.id,
            tenant: TenantId(job.tenant),
            attempt: job.attempt,
            correlation_id: job.correlation_id.clone(),
            trace_parent: job.trace_parent.clone(),
            lease: job.lease,
            clock: LedgerClock { claimed_at: job.claimed_at, since: Instant::now() },
            waiting_since: job.waiting_since,
            halt,
            reporter,
        }
    }

    /// Tells how far the job is; `total` when it is known. May be called as often as one likes.
    pub fn progress(&self, done: u64, total: Option<u64>, message: &str) {
        let progress = Progress { done, total, message: message.to_owned() };
        self.reporter.report(self.job_id, self.lease, progress);
    }

    /// The time by the ledger's clock, by which jobs fall due and rows are stamped: this machine's may be minutes off. It
    /// lags by what passed between the claim and the start, some milliseconds.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// How long the job has been waiting for something that is not there; nothing when it did not have to wait.
    pub fn waited(&self) -> Duration {
        self.waiting_since.and_then(|since| (self.now() - since).to_std().ok()).unwrap_or_default()
    }

    /// The lease that the run holds: what it intends to do outside is recorded under it.
    pub fn lease(&self) -> Uuid {
        self.lease
    }

    /// Keeps a payload for the job's next run, in the transaction in which it did what it has to remember.
    pub async fn remember<K: JobKind>(&self, conn: &mut PgConnection, payload: &K) -> Result<(), Stop> {
        if jobs::progress::remember(conn, self.job_id, self.lease, payload).await? {
            return Ok(());
        }
        // Nothing of this answer is written either: whoever has the lease now does the work.
        Err(Stop::retry("lease_lost", "the job was handed to another worker"))
    }

    /// Whether the run should stop: for loops that do not wait for anything. A run that waits is
    /// stopped where it waits.
    pub fn is_halted(&self) -> bool {
        *self.halt.borrow() != Halt::No
    }

    /// Resolves when the run should stop.
    pub async fn halted(&self) {
        let mut halt = self.halt.clone();
        // An error means that the job is no longer held: that is a halt as well.
        let _ = halt.wait_for(|halt| *halt != Halt::No).await;
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_run_goes_by_the_ledgers_clock_and_not_by_this_machines() {
        let claimed_at = "2001-02-03T04:05:06Z".parse().expect("an RFC 3339 time");
        let clock = LedgerClock { claimed_at, since: Instant::now() };
        let passed = clock.now() - claimed_at;
        assert!(passed >= TimeDelta::zero() && passed < TimeDelta::days(1), "{passed}");
    }
}
