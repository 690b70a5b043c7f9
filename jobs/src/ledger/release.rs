//! Handing back what a claim took without its worker knowing: the connection broke between the commit
//! and its answer, so the ledger says that the jobs run and nobody runs them.

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{
    QueueError,
    enqueue::{Announcement, Offer},
};

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
    let rows = sqlx::query(include_str!("release.sql")).bind(leases).bind(worker).fetch_all(conn).await?;
    let ready = rows
        .iter()
        .map(|row| Offer { id: row.get(0), tenant: row.get(1), queue: row.get(2), priority: row.get(3) })
        .collect();
    Ok(Announcement { ready, next_due: None })
}
