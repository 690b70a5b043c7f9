//! Whether the help page helped: suggestions that were shown before a question was sent, which of them were opened, and
//! whether the question was sent all the same.

use chrono::{DateTime, Utc};
use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

/// Notes what somebody was suggested (support role).
///
/// # Errors
/// The database failed.
pub async fn shown(tx: &mut Tx, tenant: TenantId, id: Uuid, suggested: &[Uuid]) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.deflection (id, tenant_id, suggested) values ($1, $2, $3) on conflict (id) do nothing",
    )
    .bind(id)
    .bind(tenant)
    .bind(suggested)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes that a suggestion was opened (support role): the first counts.
///
/// # Errors
/// The database failed.
pub async fn opened(tx: &mut Tx, id: Uuid, article: Uuid) -> Result<(), DbError> {
    sqlx::query(
        "update support_app.deflection set opened_at = now(), opened = $2
         where id = $1 and opened_at is null and $2 = any(suggested)",
    )
    .bind(id)
    .bind(article)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes a form's turn to become a ticket (support role): false when it did before.
///
/// # Errors
/// The database failed.
pub async fn claim(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<bool, DbError> {
    shown(tx, tenant, id, &[]).await?;
    let done =
        sqlx::query("update support_app.deflection set sent_at = now() where id = $1 and sent_at is null")
            .bind(id)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes which ticket a form became (support role).
///
/// # Errors
/// The database failed.
pub async fn sent(tx: &mut Tx, id: Uuid, ticket: TicketId) -> Result<(), DbError> {
    sqlx::query("update support_app.deflection set ticket_id = $2 where id = $1")
        .bind(id)
        .bind(ticket)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How often it helped, over a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromRow)]
pub struct Deflected {
    /// Questions that were begun and met suggestions.
    pub shown: i64,
    /// Of these, one was opened.
    pub opened: i64,
    /// Of these, the question was sent all the same.
    pub sent: i64,
    /// Opened, and not sent within an hour: what the page answered.
    pub deflected: i64,
    /// Shown less than an hour ago and not sent: nobody can say yet.
    pub open: i64,
}

/// How often it helped from `from` on and before `until` (support role).
///
/// # Errors
/// The database failed.
pub async fn report(tx: &mut Tx, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Deflected, DbError> {
    Ok(sqlx::query_as(
        "select count(*) as shown, count(*) filter (where opened_at is not null) as opened,
                count(*) filter (where sent_at is not null) as sent,
                count(*) filter (where opened_at is not null and sent_at is null
                                 and shown_at <= now() - interval '1 hour') as deflected,
                count(*) filter (where sent_at is null and shown_at > now() - interval '1 hour') as open
         from support_app.deflection
         where tenant_id = shared.current_tenant() and cardinality(suggested) > 0 and shown_at >= $1 and shown_at < $2",
    )
    .bind(from)
    .bind(until)
    .fetch_one(&mut **tx)
    .await?)
}
