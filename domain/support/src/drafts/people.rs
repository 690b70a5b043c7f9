//! What people make of drafts. A draft that a person chose or changed stays as they left it; a newer one is another row.

use database::ids::{DraftId, MessageId, TicketId};
use database::nul::strip_text;
use database::{DbError, Tx};

use super::{Draft, distance};
use crate::tickets::lock::hold;

/// Who does it, and the version they saw; none takes any.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// `agent:ID` or `key:ID`.
    pub by: &'a str,
    /// The draft's version as they saw it.
    pub version: Option<i64>,
}

/// Why nothing was done to a draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The ticket has no such draft.
    #[error("there is no such draft")]
    Unknown,
    /// Somebody changed it meanwhile; its version now.
    #[error("the draft's version is {0} now")]
    Changed(i64),
    /// The ticket has messages that the drafter did not see.
    #[error(
        "the ticket has newer messages than the draft answers; ask for a new draft, or use it with force"
    )]
    Stale,
    /// It was sent before.
    #[error("the draft was sent already")]
    Sent,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for DraftError {
    fn from(error: sqlx::Error) -> DraftError {
        DraftError::Db(error.into())
    }
}

/// What is thought of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thumb {
    /// Good.
    Up,
    /// Bad.
    Down,
}

/// The drafts of a ticket: those that answer most messages first, among them those that a person touched, then the newest
/// (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, ticket: TicketId, limit: i64) -> Result<Vec<Draft>, DbError> {
    Ok(sqlx::query_as(
        "select d.*, d.message_count < t.message_count as stale
         from support_app.draft d join support_app.ticket t on t.id = d.ticket_id
         where d.ticket_id = $1
         order by d.message_count desc, (d.chosen_at is not null or d.edited_at is not null) desc,
                  d.created_at desc, d.id desc
         limit $2",
    )
    .bind(ticket)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Locks the ticket and the draft, in this order, and checks that the draft may be changed (support role).
///
/// # Errors
/// There is no such draft, or it was changed or sent.
pub async fn take(
    tx: &mut Tx,
    ticket: TicketId,
    draft: DraftId,
    hand: Hand<'_>,
) -> Result<Draft, DraftError> {
    hold(tx, &[ticket.0]).await?;
    let found: Option<Draft> = sqlx::query_as(
        "select d.*, d.message_count < t.message_count as stale
         from support_app.draft d join support_app.ticket t on t.id = d.ticket_id
         where d.id = $1 and d.ticket_id = $2 for update of d",
    )
    .bind(draft)
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    let found = found.ok_or(DraftError::Unknown)?;
    if hand.version.is_some_and(|version| version != found.version) {
        return Err(DraftError::Changed(found.version));
    }
    if found.sent_at.is_some() {
        return Err(DraftError::Sent);
    }
    Ok(found)
}

/// Chooses a draft as it is.
///
/// # Errors
/// As [`take`]; and it is stale, unless `force`.
pub async fn accept(
    tx: &mut Tx,
    ticket: TicketId,
    draft: DraftId,
    hand: Hand<'_>,
    force: bool,
) -> Result<Draft, DraftError> {
    let taken = take(tx, ticket, draft, hand).await?;
    if taken.stale && !force {
        return Err(DraftError::Stale);
    }
    sqlx::query(
        "update support_app.draft set chosen_at = coalesce(chosen_at, now()), chosen_by = coalesce(chosen_by, $2),
             version = version + 1
         where id = $1 and chosen_at is null",
    )
    .bind(draft)
    .bind(hand.by)
    .execute(&mut **tx)
    .await?;
    super::get(tx, draft).await?.ok_or(DraftError::Unknown)
}

/// Writes a person's text in the place of the draft's; what the drafter wrote is kept beside it.
///
/// # Errors
/// As [`take`].
pub async fn edit(
    tx: &mut Tx,
    ticket: TicketId,
    draft: DraftId,
    hand: Hand<'_>,
    reply: &str,
) -> Result<Draft, DraftError> {
    take(tx, ticket, draft, hand).await?;
    sqlx::query(
        "update support_app.draft set drafted_reply = coalesce(drafted_reply, reply), reply = $2, edited_at = now(),
             edited_by = $3, version = version + 1
         where id = $1",
    )
    .bind(draft)
    .bind(strip_text(reply))
    .bind(hand.by)
    .execute(&mut **tx)
    .await?;
    super::get(tx, draft).await?.ok_or(DraftError::Unknown)
}

/// Notes that the draft, as [`take`] gave it, went out as this message.
///
/// # Errors
/// The database failed.
pub async fn mark_sent(tx: &mut Tx, draft: &Draft, message: MessageId, by: &str) -> Result<f32, DbError> {
    let distance = distance::between(draft.drafted_reply.as_deref().unwrap_or(&draft.reply), &draft.reply);
    sqlx::query(
        "update support_app.draft set sent_at = now(), sent_message_id = $2, edit_distance = $3,
             chosen_at = coalesce(chosen_at, now()), chosen_by = coalesce(chosen_by, $4), version = version + 1
         where id = $1",
    )
    .bind(draft.id)
    .bind(message)
    .bind(distance)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(distance)
}

/// Keeps what is thought of a draft; false when the ticket has no such draft. It may be said again and after sending.
///
/// # Errors
/// The database failed.
pub async fn judge(
    tx: &mut Tx,
    ticket: TicketId,
    draft: DraftId,
    thumb: Thumb,
    reason: Option<&str>,
    by: &str,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "update support_app.draft set thumb = $3, thumb_reason = $4, thumb_by = $5, version = version + 1
         where id = $1 and ticket_id = $2",
    )
    .bind(draft)
    .bind(ticket)
    .bind(match thumb {
        Thumb::Up => 1_i16,
        Thumb::Down => -1,
    })
    .bind(reason.map(strip_text))
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
