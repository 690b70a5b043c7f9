//! Answers that were given under a caller's key, kept in the transaction that did the work, so that a request that is
//! sent again gets the same answer and makes nothing new.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{FromRow, PgConnection, types::Json};
use uuid::Uuid;

use crate::QueueError;

/// An answer that was given before.
#[derive(Debug, FromRow)]
pub struct Given<T: DeserializeOwned + Send + Unpin + 'static> {
    /// The hash of the request that it was given to.
    pub request_hash: Vec<u8>,
    /// Its HTTP status.
    pub status: i16,
    /// The rest of it.
    #[sqlx(json)]
    pub answer: T,
}

/// What was answered under the tenant's key before, if anything. Until this transaction is over, others with the same
/// key wait here.
///
/// # Errors
/// The ledger failed.
pub async fn find<T: DeserializeOwned + Send + Unpin + 'static>(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
) -> Result<Option<Given<T>>, QueueError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("idempotency {tenant} {key}"))
        .execute(&mut *conn)
        .await?;
    Ok(sqlx::query_as(
        "select request_hash, status, answer from jobs.idempotency where tenant_id = $1 and key = $2",
    )
    .bind(tenant)
    .bind(key)
    .fetch_optional(conn)
    .await?)
}

/// Keeps an answer under the tenant's key, in the transaction that did the work.
///
/// # Errors
/// The ledger failed.
pub async fn keep<T: Serialize + Sync>(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
    request_hash: &[u8],
    status: i16,
    answer: &T,
) -> Result<(), QueueError> {
    sqlx::query(
        "insert into jobs.idempotency (tenant_id, key, request_hash, status, answer) values ($1, $2, $3, $4, $5)",
    )
    .bind(tenant)
    .bind(key)
    .bind(request_hash)
    .bind(status)
    .bind(Json(answer))
    .execute(conn)
    .await?;
    Ok(())
}
