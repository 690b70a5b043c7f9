//! What a handler gets beside its payload: who it works for, how to tell progress, how to hear that
//! it should stop.

use database::ids::TenantId;
use jobs::{JobId, ledger::Claimed, progress::Progress};
use tokio::sync::watch;
use uuid::Uuid;

use crate::runtime::{Halt, ProgressReporter};

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
    halt: watch::Receiver<Halt>,
    reporter: ProgressReporter,
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
            halt,
            reporter,
        }
    }

    /// Tells how far the job is; `total` when it is known. May be called as often as one likes.
    pub fn progress(&self, done: u64, total: Option<u64>, message: &str) {
        let progress = Progress { done, total, message: message.to_owned() };
        self.reporter.report(self.job_id, self.lease, progress);
    }

    /// The lease that the run holds: what it intends to do outside is recorded under it.
    pub fn lease(&self) -> Uuid {
        self.lease
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
