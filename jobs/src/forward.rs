//! Brings a job forward that waits for its time: it is due at once, and no attempt more or less for it.

use sqlx::PgConnection;

use crate::{Announcement, JobId, JobKind, QueueError};

/// Makes the job of the transaction's tenant with this dedup key due now, if it waits for a later time; what is to be
/// announced after the commit.
///
/// # Errors
/// The ledger failed, or the role may not do this.
pub async fn bring_forward<K: JobKind>(
    conn: &mut PgConnection,
    dedup_key: &str,
) -> Result<Announcement, QueueError> {
    let next_due = sqlx::query_scalar("select jobs.bring_forward($1, $2)")
        .bind(K::KIND)
        .bind(dedup_key)
        .fetch_one(conn)
        .await?;
    Ok(Announcement { ready: Vec::new(), next_due })
}

/// Makes the job that enqueued this one due now, if it waits for a later time and the transaction's tenant has both; what is
/// to be announced after the commit.
///
/// # Errors
/// The ledger failed, or the role may not do this.
pub async fn bring_parent_forward(conn: &mut PgConnection, child: JobId) -> Result<Announcement, QueueError> {
    let next_due =
        sqlx::query_scalar("select jobs.bring_parent_forward($1)").bind(child).fetch_one(conn).await?;
    Ok(Announcement { ready: Vec::new(), next_due })
}
