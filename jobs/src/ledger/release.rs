//! Handing back what a claim took without its worker knowing: the connection broke between the commit
//! and its answer, so the ledger says that the jobs run and nobody runs them.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Announcement, Offer, QueueError};

/// Makes the jobs of these leases of the worker claimable again. They never started, so no attempt is
/// counted; should one run after all, its lease is lost and nothing of it is written.
///
/// # Errors
/// The ledger failed; nothing changed.
pub async fn release(
    conn: &mut PgConnection,
    worker: Uuid,
    leases: &[Uuid],
) -> Result<Announcement, QueueError> {
    let ready: Vec<Offer> =
        sqlx::query_as(include_str!("release.sql")).bind(leases).bind(worker).fetch_all(conn).await?;
    Ok(Announcement { ready, next_due: None })
}
