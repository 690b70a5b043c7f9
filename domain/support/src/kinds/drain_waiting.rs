//! Gives out the tickets that wait for an agent, in smart order, as far as there is room. Asked for whenever room may
//! have come: a ticket was resolved, an agent arrived, a capacity grew, a ticket came.

use std::time::Duration;

use database::ids::TenantId;
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};
use jobs::{NewJob, QueueError};
use serde::{Deserialize, Serialize};

/// Drain the tenant's waiting queue.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainWaiting {}

/// What was given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainWaitingOutput {
    /// Tickets that have an agent now.
    pub assigned: u64,
    /// Whether tickets are left for which nobody has room or fits.
    pub some_wait: bool,
}

impl DrainWaiting {
    /// The dedup key of the run that is wanted now.
    pub const NOW: &'static str = "now";
    /// That of the run at a time when something relaxes: skills, or the pace of newcomers.
    pub const LATER: &'static str = "later";

    /// The job that is wanted now.
    ///
    /// # Errors
    /// None that happens: the payload is small.
    pub fn soon(tenant: TenantId) -> Result<NewJob, QueueError> {
        NewJob::of(tenant, &DrainWaiting {})?.with_dedup_key(DrainWaiting::NOW)
    }
}

impl JobKind for DrainWaiting {
    type Output = DrainWaitingOutput;
    const KIND: &'static str = "drain_waiting";
    const VERSION: i16 = 1;
    // A second one would only wait for the first one's lock, in a slot that others need.
    const KEY: Option<&'static str> = Some("queue");
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedOnceBegun,
    };
}
