//! What a kind of job is: its payload, its output, and the policy by which it runs.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A kind of job. The type itself is the payload.
pub trait JobKind: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What a successful run leaves behind, at most [`crate::MAX_RESULT_BYTES`] of JSON.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// The name on the wire: imperative, and never reused for something else.
    const KIND: &'static str;

    /// The version of the payload that this code writes. Any other shape is another version, a new optional field too:
    /// workers of the release before put a payload of a newer version off, while one of their own version that does not
    /// fit is dead. A test compares each shape with the one that is recorded beside the contract.
    const VERSION: i16;

    /// The concurrency key of every job of the kind, for kinds of which a tenant may run no more than
    /// [`Policy::key_limit`] at once whoever enqueues them. Other jobs have the key that they are given, or none.
    const KEY: Option<&'static str> = None;

    /// How the kind runs.
    const POLICY: Policy;

    /// What the types of a payload do not say: words of a list, bounds, what goes together. `at` is when the job may begin.
    /// Every way into the queue asks ([`crate::NewJob`]), so the kind's own route, the job API and a schedule refuse alike.
    /// A payload that is in the ledger is not asked about again.
    ///
    /// # Errors
    /// The field, and what it must be.
    fn check(&self, _at: DateTime<Utc>) -> Result<(), Unfit> {
        Ok(())
    }

    /// Reads a payload of an older version, which waited in the queue during a deploy.
    ///
    /// # Errors
    /// Says that the version is unknown, or what does not fit; the job is then quarantined.
    fn upgrade(version: i16, _payload: Value) -> Result<Self, String> {
        Err(format!("version {version} of the payload is unknown, this code reads version {}", Self::VERSION))
    }
}

/// What does not fit in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The field; none where the reader does not know it, or it is the payload as a whole.
    pub field: Option<Cow<'static, str>>,
    /// What it must be, or what the reader says.
    pub reason: Cow<'static, str>,
}

impl Unfit {
    /// A field that does not fit.
    pub fn at(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Unfit {
        Unfit { field: Some(field.into()), reason: reason.into() }
    }

    /// A payload that does not fit as a whole.
    pub fn whole(reason: impl Into<Cow<'static, str>>) -> Unfit {
        Unfit { field: None, reason: reason.into() }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field} {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// How a kind of job is queued, limited and retried. Every kind states all of it.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The queue, to which workers give slots.
    pub queue: &'static str,
    /// The priority of a job that is enqueued without one, and the highest that a tenant may ask for.
    pub priority: Priority,
    /// Attempts, the first included; a crash of the worker counts as one.
    pub max_attempts: i16,
    /// The wait between attempts.
    pub backoff: Backoff,
    /// How long one attempt may take.
    pub deadline: Duration,
    /// How many jobs with the same concurrency key may run at once in the cluster.
    pub key_limit: i16,
    /// Who may enqueue the kind over HTTP, and see what came of it.
    pub access: Access,
    /// What becomes of a request whose dedup key an unfinished job has.
    pub rerun: Rerun,
}

/// What becomes of a request whose dedup key an unfinished job has.
///
/// A kind that runs again keeps the newest payload: a job that has not begun takes it over, and so does the
/// successor of one that has. What a later request must not overwrite belongs into the dedup key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rerun {
    /// The unfinished job stands in for it, also while it runs: its input does not change.
    Never,
    /// A job that runs has read its input already, so one more run follows it. Every attempt reads anew.
    WhenAskedWhileRunning,
    /// As before, and a job that began goes on from there when it is claimed again: also one that put itself
    /// off, or waits for its next attempt, has read its input.
    WhenAskedOnceBegun,
}

/// Who may enqueue, cancel and retry a kind over HTTP, and see its payloads and results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Credentials of a tenant that may write jobs and may do what the subject's own routes need; see [`Subject`].
    Tenant(Subject),
    /// Operators alone: the job concerns the cluster, and belongs to [`crate::SYSTEM_TENANT`].
    Operator,
}

/// What a tenant's kind of job is about. A job must not be a way around the scopes and the rate limits that the
/// routes of its subject have, so the api holds callers of both to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Drafts and notes: text for customers, and what a model may be asked for.
    Replies,
    /// Tickets: assignment, clocks, order, what is read out of messages.
    Tickets,
    /// Orders.
    Orders,
    /// Single customers: what is known of them, by name.
    Customers,
    /// What is known of all customers together: runs, models, forecasts.
    Intelligence,
    /// Segments and their members.
    Segments,
    /// What persons ask of the shop: to get what is known of them, to be forgotten; how long data are kept.
    Privacy,
    /// What other systems are told: webhooks, alerts in chat.
    Connections,
}

/// Exponential backoff with full jitter: the wait before attempt n+1 is uniform in
/// `[0, min(cap, base * 2^(n-1))]` (Brooker, "Exponential Backoff And Jitter", 2015), and never less
/// than a tenth of that bound, so that a retry is never immediate.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The bound after the first failure.
    pub base: Duration,
    /// The largest bound.
    pub cap: Duration,
}

impl Backoff {
    /// The wait after failed attempt number `attempt` (1 is the first); `random` is uniform in `[0, 1)`.
    pub fn delay(&self, attempt: i16, random: f64) -> Duration {
        let doublings = u32::try_from(attempt.max(1) - 1).unwrap_or(0).min(20);
        let bound = self.base.saturating_mul(2u32.saturating_pow(doublings)).min(self.cap);
        bound.mul_f64(0.1 + 0.9 * random.clamp(0.0, 1.0))
    }
}

/// Who goes first within a queue; within a priority, tenants take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything else.
    Urgent,
    /// Someone waits for the result.
    High,
    /// The usual.
    Normal,
    /// When nothing else is there.
    Low,
}

impl Priority {
    /// Every priority, the first to go first.
    pub const ALL: [Priority; 4] = [Priority::Urgent, Priority::High, Priority::Normal, Priority::Low];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Urgent => "urgent",
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        }
    }

    /// The rank in the ledger: 0 goes first.
    pub fn rank(self) -> i16 {
        match self {
            Priority::Urgent => 0,
            Priority::High => 1,
            Priority::Normal => 2,
            Priority::Low => 3,
        }
    }

    /// The priority of that rank; ranks beyond the last are the last.
    pub fn from_rank(rank: i16) -> Priority {
        match rank {
            i16::MIN..=0 => Priority::Urgent,
            1 => Priority::High,
            2 => Priority::Normal,
            _ => Priority::Low,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn backoff_stays_within_its_bounds(base_ms in 1u64..60_000, cap_ms in 1u64..86_400_000, attempt in -5i16..=100, random in 0.0f64..1.0) {
            let backoff = Backoff { base: Duration::from_millis(base_ms), cap: Duration::from_millis(cap_ms) };
            let delay = backoff.delay(attempt, random);
            prop_assert!(delay <= backoff.cap);
            let first_bound = backoff.base.min(backoff.cap);
            prop_assert!(delay >= first_bound.mul_f64(0.0999));
        }

        #[test]
        fn the_bound_never_shrinks(attempt in 1i16..50) {
            let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(600) };
            prop_assert!(backoff.delay(attempt, 0.5) <= backoff.delay(attempt + 1, 0.5));
        }
    }

    #[test]
    fn ranks_are_priorities() {
        for priority in Priority::ALL {
            assert_eq!(Priority::from_rank(priority.rank()), priority);
            assert_eq!(serde_json::to_value(priority).expect("a word"), priority.as_str());
        }
    }
}
