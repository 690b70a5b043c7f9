//! Whose a ticket is.
//!
//! Work is counted in units by channel, and an agent's load is the sum over the open tickets that are theirs; triggers on
//! the ticket's row keep it, so it is exact whoever changes a ticket. Automatic assignment ([`drain`]) fills capacities
//! and never exceeds them; a person's decision ([`commands`]) may, when it says so, and so does a ticket that comes back
//! to who had it. What a change of a ticket means for its assignment is the step of [`crate::settle`] in `step.rs`.
//!
//! Tickets leave the waiting queue in smart order: whoever gives them out holds the tenant's row of `routing` until the
//! commit, reads the queue from its head, and keeps room free for a large ticket at the head instead of letting small
//! ones take it one after the other.

pub mod choose;
pub mod commands;
pub mod drain;
mod error;
pub mod offline;
pub mod policy;
pub mod read;
pub(crate) mod step;

pub use error::AssignError;

use database::ids::TenantId;
use database::{DbError, Tx};
use jobs::{NewJob, QueueError};

use crate::kinds::DrainWaiting;

/// Why a ticket is an agent's, as the history says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Reason {
    /// A person, or a help desk, said so.
    Manual,
    /// The waiting queue gave it out.
    AutoRouting,
    /// Handed on by who had it or leads them.
    Transfer,
    /// Handed to a senior.
    Escalation,
    /// Taken out of the queue.
    SelfClaimed,
    /// It was resolved, and its customer wrote again.
    Returning,
    /// Who had it went offline.
    OfferedAgain,
}

impl Reason {
    /// Its word, as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Manual => "manual",
            Reason::AutoRouting => "auto_routing",
            Reason::Transfer => "transfer",
            Reason::Escalation => "escalation",
            Reason::SelfClaimed => "self_claimed",
            Reason::Returning => "returning",
            Reason::OfferedAgain => "offered_again",
        }
    }
}

/// The job that gives out what waits, when the tenant gives work out automatically and has agents at all.
///
/// # Errors
/// The database failed.
pub async fn drain_if_automatic(tx: &mut Tx, tenant: TenantId) -> Result<Option<NewJob>, QueueError> {
    let wanted: bool = sqlx::query_scalar(
        "select coalesce((select r.automatic from support_app.routing r where r.tenant_id = $1), true)
            and exists (select from support_app.agent a where a.tenant_id = $1 and a.disabled_at is null)",
    )
    .bind(tenant)
    .fetch_one(&mut **tx)
    .await
    .map_err(DbError::from)?;
    wanted.then(|| DrainWaiting::soon(tenant)).transpose()
}
