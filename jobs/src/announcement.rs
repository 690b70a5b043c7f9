//! What Redis is to hear of jobs once the transaction that made them ready is committed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::JobId;

/// What Redis is to be told after the commit. Losing it delays a job by seconds, no more.
#[derive(Clone, Debug, Default)]
#[must_use = "announce it with Dispatch::announce after the commit"]
pub struct Announcement {
    /// Jobs that may be claimed.
    pub ready: Vec<Offer>,
    /// The earliest time at which one of the jobs falls due.
    pub next_due: Option<DateTime<Utc>>,
}

impl Announcement {
    /// Adds another one's content.
    pub fn merge(&mut self, other: Announcement) {
        self.ready.extend(other.ready);
        self.next_due = self.next_due.into_iter().chain(other.next_due).min();
    }
}

/// A claimable job, as the dispatcher needs to know it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Offer {
    /// The job.
    pub id: JobId,
    /// Whose turn it takes.
    pub tenant: Uuid,
    /// Where it waits.
    pub queue: String,
    /// The rank of its priority.
    pub priority: i16,
}
