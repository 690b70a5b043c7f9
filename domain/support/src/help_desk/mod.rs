//! Both sides of a ticket that lives in a help desk, kept the same. What both last agreed on is stored, so a change of one
//! side is told from one of the other: see the migration `help_desk_sync`. Webhooks bring what they tell
//! (`support_app.upsert_ticket` merges it); whose it is goes by addresses ([`assignee`]); [`step`] asks for what is to go there; [`cursor`] keeps how far the help desk
//! was looked through for what no webhook told.

pub mod assignee;
pub mod cursor;
pub mod sync;

use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{NewJob, QueueError};

use crate::gorgias::PROVIDER;
use crate::kinds::SyncHelpDesk;

/// Notes that go there at once.
pub const NOTES_AT_ONCE: i64 = 20;

/// The step of [`crate::settle`]: the job that tells the help desk what it has not heard of (support role).
///
/// # Errors
/// The database failed.
pub async fn step(tx: &mut Tx, tenant: TenantId, ticket: TicketId) -> Result<Option<NewJob>, QueueError> {
    let differs: Option<bool> = sqlx::query_scalar(
        "select b.status <> support_app.coarse_status(t.status, t.snoozed_until)
                or not (b.tags @> t.tags and t.tags @> b.tags)
                or b.assignee_id is distinct from t.assignee_id or b.assignee_told is not null
                or exists (select from support_app.message m where m.ticket_id = t.id and m.internal
                             and m.external_id = m.id::text and m.created_at > b.since)
         from support_app.ticket t join support_app.help_desk_base b on b.ticket_id = t.id
         where t.id = $1 and t.provider = $2 and t.merged_into is null",
    )
    .bind(ticket)
    .bind(PROVIDER)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    match differs {
        Some(true) => Ok(Some(job(tenant, ticket)?)),
        _ => Ok(None),
    }
}

/// The job for a ticket: one at a time, and one more for what changes while it runs.
///
/// # Errors
/// The payload cannot be written.
pub fn job(tenant: TenantId, ticket: TicketId) -> Result<NewJob, QueueError> {
    NewJob::of(tenant, &SyncHelpDesk { ticket_id: ticket.0 })?
        .with_dedup_key(&ticket.to_string())?
        .with_concurrency_key(&format!("help_desk:{ticket}"), 1)
}
