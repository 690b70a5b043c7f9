//! Tells other systems of what no trigger sees: an event goes into the outbox, when anybody of the tenant listens to it.

use serde::Serialize;
use sqlx::types::Json;

use database::{DbError, Tx};

/// Leaves an event in the outbox, in the transaction that makes it (any application's role, in its tenant). Its type is
/// one of [`crate::catalogue::EVENTS`]; `subject` is what it is about, such as `ticket:ID`: what has the same stays in
/// order. `data` holds ids, numbers, times and words of fixed lists, and no text of people.
///
/// # Errors
/// The database failed.
pub async fn tell<D: Serialize>(
    tx: &mut Tx,
    event_type: &str,
    subject: &str,
    data: &D,
) -> Result<(), DbError> {
    sqlx::query("select outbound.tell($1, $2, $3)")
        .bind(event_type)
        .bind(subject)
        .bind(Json(data))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
