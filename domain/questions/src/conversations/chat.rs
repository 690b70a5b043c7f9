//! Conversations in a chat: one for each thread and person, which begins with the first question there and goes on until its time
//! is over. What one person asked lends nothing to another in the same thread, who may see other things.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use uuid::Uuid;

use super::{Exchange, KEPT, add, get, is_full, let_go};

/// A question in a thread of a chat.
#[derive(Debug, Clone, Copy)]
pub struct NewInThread<'a> {
    /// Its id, which is the same when it is kept again.
    pub id: Uuid,
    /// Where in the chat, at most 200 characters.
    pub thread: &'a str,
    /// Who asks; the conversation is nobody else's.
    pub asked_by: &'a str,
    /// The question, 1 to 2,000 characters.
    pub question: &'a str,
    /// What whoever asks may see.
    pub scopes: &'a [String],
}

/// Keeps a question of a thread, once however often it is kept, and lets conversations go whose time is over (marketing role).
///
/// # Errors
/// The database failed.
pub async fn ask_in_thread(
    tx: &mut Tx,
    tenant: TenantId,
    new: &NewInThread<'_>,
    now: DateTime<Utc>,
) -> Result<Exchange, DbError> {
    if let Some(known) = get(tx, new.id).await? {
        return Ok(known);
    }
    let_go(tx, now).await?;
    let mut conversation = of_thread(tx, tenant, new, now).await?;
    // One that is as long as it may get stays as it is, and another one begins here.
    if is_full(tx, conversation).await? {
        sqlx::query("update questions_app.conversation set thread = null where id = $1")
            .bind(conversation)
            .execute(&mut **tx)
            .await?;
        conversation = of_thread(tx, tenant, new, now).await?;
    }
    add(tx, tenant, new.id, conversation, (new.question, new.scopes), now).await
}

/// Whether somebody has asked in a thread, and the conversation's time is not over (marketing role).
///
/// # Errors
/// The database failed.
pub async fn is_going_on(
    tx: &mut Tx,
    asked_by: &str,
    thread: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (select from questions_app.conversation where asked_by = $1 and thread = $2 and expires_at > $3)",
    )
    .bind(asked_by)
    .bind(thread)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?)
}

/// The conversation of a thread and person, kept for another while. Its lock makes two questions at once wait for each other.
async fn of_thread(
    tx: &mut Tx,
    tenant: TenantId,
    new: &NewInThread<'_>,
    now: DateTime<Utc>,
) -> Result<Uuid, DbError> {
    // What is over lends nothing, even when it was not among those that were let go.
    sqlx::query(
        "delete from questions_app.conversation
         where tenant_id = $1 and asked_by = $2 and thread = $3 and expires_at <= $4",
    )
    .bind(tenant)
    .bind(new.asked_by)
    .bind(new.thread)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(sqlx::query_scalar(
        "insert into questions_app.conversation (id, tenant_id, asked_by, thread, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, asked_by, thread) where thread is not null do update set expires_at = excluded.expires_at
         returning id",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(new.asked_by)
    .bind(new.thread)
    .bind(now)
    .bind(now + KEPT)
    .fetch_one(&mut **tx)
    .await?)
}
