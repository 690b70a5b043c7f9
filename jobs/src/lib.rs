//! The queue. Postgres says what there is to do and whether it was done; Redis says that there is
//! work and to whom it goes next. Losing all of Redis costs latency, never a job.
//!
//! Reading order: [`contract`] (what a kind of job is), [`kinds`] (the kinds there are), [`mod@enqueue`],
//! [`dispatch`], [`ledger`] (claim and complete), [`sweep`] (what the leader repairs), and then what
//! people use: [`read`], [`dead`], [`queues`], [`schedules`], and what keeps it in
//! order: [`days`], [`retention`], [`audit`].

mod announcement;
pub mod audit;
pub mod by_name;
pub mod clock;
pub mod contract;
pub mod days;
pub mod dead;
pub mod dispatch;
mod document;
pub mod effects;
pub mod enqueue;
pub mod error;
pub mod events;
pub mod fit;
mod forward;
pub mod idempotency;
pub mod kinds;
pub mod ledger;
pub mod looks;
mod new_job;
mod parked;
pub mod personal;
pub mod progress;
pub mod queues;
pub mod read;
pub mod retention;
pub mod schedules;
pub mod shape;
pub mod state;
pub mod store;
pub mod successors;
pub mod sweep;
pub mod workers;

pub use announcement::{Announcement, Offer};
pub use contract::{JobKind, Policy, Priority, Rerun};
pub use dispatch::Dispatch;
pub use document::JobDocument;
pub use enqueue::{Enqueued, enqueue, enqueue_one};
pub use error::QueueError;
pub use forward::{bring_forward, bring_parent_forward};
pub use new_job::NewJob;
pub use state::State;
pub use store::Store;

/// A job's id: a version 7 UUID, so ids sort by the time of their creation.
pub type JobId = uuid::Uuid;

/// The largest payload that a job may carry, in bytes of JSON.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// The largest result that a job may leave, in bytes of JSON.
pub const MAX_RESULT_BYTES: usize = 1024 * 1024;

/// The tenant of the cluster's own jobs (retention, audit): no customer's credential carries it.
pub const SYSTEM_TENANT: uuid::Uuid = uuid::Uuid::nil();
