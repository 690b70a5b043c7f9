//! Redaction of one message or one file, in place: also in tickets that are closed. The row stays, its words go, and so does
//! what was made of them: drafts, advice, the words of the search, the mail as it came, what rules found, the help desk's deliveries of the ticket. What jobs keep of
//! it goes by a job of its own ([`crate::kinds::RedactTraces`]).

use chrono::{DateTime, Utc};
use database::ids::{MessageId, TicketId};
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use super::stores::found;
use crate::events;
use crate::tickets::lock::hold;

/// What was redacted.
#[derive(Debug, Clone, FromRow)]
pub struct Redacted {
    /// The ticket that it is in.
    pub ticket_id: Option<TicketId>,
    /// When it was redacted first.
    pub redacted_at: DateTime<Utc>,
    /// By whom.
    pub redacted_by: Option<String>,
}

/// Redacts a message or note (support role); none when there is no such message.
///
/// # Errors
/// The database failed.
pub async fn message(
    tx: &mut Tx,
    message: MessageId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<Redacted>, DbError> {
    events::acting(tx, by, None).await?;
    let ticket: Option<(TicketId, DateTime<Utc>)> =
        sqlx::query_as("select ticket_id, created_at from support_app.message where id = $1")
            .bind(message)
            .fetch_optional(&mut **tx)
            .await?;
    let Some((ticket, added_at)) = ticket else { return Ok(None) };
    // Whoever adds a message holds the ticket; a draft that is being stored is met before or after.
    hold(tx, &[ticket.0]).await?;
    let redacted = sqlx::query_as(
        "update support_app.message m set body_text = '[erased]', body_html = null, stripped_text = null, error = null,
             delivery = case when m.delivery in ('scheduled', 'queued') then 'withdrawn' else m.delivery end,
             redacted_at = coalesce(m.redacted_at, $2), redacted_by = coalesce(m.redacted_by, $3)
         where m.id = $1 returning m.ticket_id, m.redacted_at, m.redacted_by",
    )
    .bind(message)
    .bind(now)
    .bind(by)
    .fetch_optional(&mut **tx)
    .await?;
    for statement in [
        "update support_app.draft set reply = '[erased]', drafted_reply = null, recommendation = null, version = version + 1
         where ticket_id = $1 and created_at >= $2 and reply <> '[erased]'",
        "delete from support_app.recommendation where ticket_id = $1 and created_at >= $2",
        // One text of a ticket is told again with each of its deliveries.
        "update support_app.inbox set body = '{\"erased\": true}', remarks = null
         where ticket_id = $1 and received_at >= $2 - interval '1 hour' and body <> '{\"erased\": true}'",
        "update support_app.message_analysis set remark = null
         where message_id in (select id from support_app.message where ticket_id = $1) and asked_at >= $2",
        concat!("update support_app.rule_run t set results = ", found!(), " where t.ticket_id = $1 and t.at >= $2"),
        concat!("update support_app.rule_trial_hit t set results = ", found!(), " where t.ticket_id = $1 and t.at >= $2"),
    ] {
        sqlx::query(statement).bind(ticket).bind(added_at).execute(&mut **tx).await?;
    }
    sqlx::query(
        "update support_app.mail set raw = null, remarks = '{}'
         where id = (select mail_id from support_app.message where id = $1)",
    )
    .bind(message)
    .execute(&mut **tx)
    .await?;
    forget_words(tx, ticket).await?;
    Ok(redacted)
}

/// Redacts a file (support role); none when there is no such file. Its bytes are the caller's to remove, after the commit.
///
/// # Errors
/// The database failed.
pub async fn file(
    tx: &mut Tx,
    file: Uuid,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<Redacted>, DbError> {
    events::acting(tx, by, None).await?;
    // The mail as it came has the file in it.
    sqlx::query(
        "update support_app.mail set raw = null, remarks = '{}'
         where id = (select m.mail_id from support_app.attachment a join support_app.message m on m.id = a.message_id
                     where a.id = $1)",
    )
    .bind(file)
    .execute(&mut **tx)
    .await?;
    Ok(sqlx::query_as(
        "update support_app.attachment a set name = '[erased]', sha256 = '',
             redacted_at = coalesce(a.redacted_at, $2), redacted_by = coalesce(a.redacted_by, $3)
         where a.id = $1 returning a.ticket_id, a.redacted_at, a.redacted_by",
    )
    .bind(file)
    .bind(now)
    .bind(by)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes the words by which a ticket is found anew, and tells those who look at it that there is another version.
async fn forget_words(tx: &mut Tx, ticket: TicketId) -> Result<(), DbError> {
    for statement in [
        "delete from support_app.ticket_search where ticket_id = $1",
        "select support_app.refresh_search($1)",
        "select support_app.emit(tenant_id, 'ticket_update', id, assignee_id, jsonb_build_object(
             'version', version, 'changed', array['messages'], 'status', status, 'priority', priority,
             'assignee_id', assignee_id, 'message_count', message_count))
         from support_app.ticket where id = $1",
    ] {
        sqlx::query(statement).bind(ticket).execute(&mut **tx).await?;
    }
    Ok(())
}
