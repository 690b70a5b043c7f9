//! What customers' messages say: mood, matter, language, topics, and whether they ask for something. A job reads them,
//! one at a time; what all of them say together stands on the ticket and moves it in the order.
//!
//! Messages of machines, of agents and notes are not read. A message that waits to be read stops nothing: its ticket
//! counts as neutral until then, and [`of_ticket`] says that it waits.

mod ask;
mod language;
mod ticket;
pub mod words;

pub use ask::ask;
pub use language::{Habits, Languages, habits, languages, languages_of_person};
pub use ticket::{Said, summarise};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use database::ids::{MessageId, TenantId, TicketId};
use database::nul::strip_text;
use database::{DbError, Tx};

/// What was read out of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// 0 angry, 1 happy; none when nothing can be said.
    pub sentiment: Option<f32>,
    /// One of [`words::INTENTS`].
    pub intent: Option<&'static str>,
    /// ISO 639-1; none when it cannot be told.
    pub language: Option<String>,
    /// Of [`words::TOPICS`].
    pub topics: Vec<&'static str>,
    /// Whether money, goods or a discount are asked for to make up for something.
    pub asks_compensation: bool,
    /// Whether prices are talked about.
    pub mentions_price: bool,
    /// Whether a discount is asked for.
    pub asks_discount: bool,
}

/// Who read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reader<'a> {
    /// `anthropic` or `lexicon`.
    pub name: &'static str,
    /// The model, if one did.
    pub model: Option<&'a str>,
    /// What is to be known of how it came about.
    pub remark: Option<&'a str>,
}

/// A message that is to be read.
#[derive(Clone, FromRow)]
pub struct Unread {
    /// Its ticket.
    pub ticket_id: TicketId,
    /// Its text.
    pub body_text: String,
    /// Its ticket's subject.
    pub subject: Option<String>,
    /// Whether somebody of the shop has written to the customer before it.
    pub is_answer: bool,
    /// Whether it is a customer's own words: no note, no agent's, no machine's.
    pub is_readable: bool,
    /// Whether somebody has read it.
    pub is_read: bool,
}

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unread").field("ticket", &self.ticket_id).finish_non_exhaustive()
    }
}

/// The message of this id (support role).
///
/// # Errors
/// The database failed.
pub async fn unread(tx: &mut Tx, message: MessageId) -> Result<Option<Unread>, DbError> {
    Ok(sqlx::query_as(
        "select m.ticket_id, coalesce(m.stripped_text, m.body_text) as body_text, t.subject,
                exists (select from support_app.message b
                        where b.ticket_id = m.ticket_id and b.sent_at < m.sent_at
                          and b.from_agent and not b.internal and not b.by_machine) as is_answer,
                not m.from_agent and not m.internal and not m.by_machine as is_readable,
                a.analysed_at is not null as is_read
         from support_app.message m
         join support_app.ticket t on t.id = m.ticket_id
         left join support_app.message_analysis a on a.message_id = m.id
         where m.id = $1",
    )
    .bind(message)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Stores what was read; the first reading counts (support role). The caller settles the ticket.
///
/// # Errors
/// The database failed.
pub async fn store(
    tx: &mut Tx,
    tenant: TenantId,
    message: MessageId,
    reading: &Reading,
    reader: &Reader<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.message_analysis as a
             (message_id, tenant_id, analysed_at, analysed_by, model, sentiment, intent, language, topics,
              asks_compensation, mentions_price, asks_discount, remark)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (message_id) do update set analysed_at = excluded.analysed_at, analysed_by = excluded.analysed_by,
             model = excluded.model, sentiment = excluded.sentiment, intent = excluded.intent,
             language = excluded.language, topics = excluded.topics, asks_compensation = excluded.asks_compensation,
             mentions_price = excluded.mentions_price, asks_discount = excluded.asks_discount, remark = excluded.remark
         where a.analysed_at is null",
    )
    .bind(message)
    .bind(tenant)
    .bind(now)
    .bind(reader.name)
    .bind(reader.model.map(strip_text))
    .bind(reading.sentiment)
    .bind(reading.intent)
    .bind(reading.language.as_deref())
    .bind(&reading.topics[..])
    .bind(reading.asks_compensation)
    .bind(reading.mentions_price)
    .bind(reading.asks_discount)
    .bind(reader.remark.map(strip_text))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a ticket's latest message of the customer was read to want, one of [`words::INTENTS`]; none while it waits to be read
/// (support role).
///
/// # Errors
/// The database failed.
pub async fn latest_intent(tx: &mut Tx, ticket: TicketId) -> Result<Option<String>, DbError> {
    let found: Option<Option<String>> = sqlx::query_scalar(
        "select a.intent
         from (select m.id from support_app.message m
               where m.ticket_id = $1 and not m.from_agent and not m.internal and not m.by_machine
               order by m.sent_at desc, m.id desc limit 1) latest
         join support_app.message_analysis a on a.message_id = latest.id
         where a.analysed_at is not null",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.flatten())
}

/// What was read out of one message of a ticket, or that it waits to be.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Analysed {
    /// The message.
    pub message_id: MessageId,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// When it was read; null while it waits.
    pub analysed_at: Option<DateTime<Utc>>,
    /// `anthropic` or `lexicon`.
    pub analysed_by: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// 0 angry, 1 happy.
    pub sentiment: Option<f32>,
    /// What the customer wants.
    pub intent: Option<String>,
    /// ISO 639-1.
    pub language: Option<String>,
    /// What it is about.
    pub topics: Vec<String>,
    /// Whether something is asked for to make up.
    pub asks_compensation: bool,
    /// Whether prices are talked about.
    pub mentions_price: bool,
    /// Whether a discount is asked for.
    pub asks_discount: bool,
    /// What is to be known of how it came about.
    pub remark: Option<String>,
}

/// The customer's messages of a ticket that were read or wait to be, the newest first, 100 at most (support role).
///
/// # Errors
/// The database failed.
pub async fn of_ticket(tx: &mut Tx, ticket: TicketId) -> Result<Vec<Analysed>, DbError> {
    Ok(sqlx::query_as(
        "select a.message_id, m.sent_at, a.analysed_at, a.analysed_by, a.model, a.sentiment, a.intent, a.language,
                a.topics, a.asks_compensation, a.mentions_price, a.asks_discount, a.remark
         from support_app.message m join support_app.message_analysis a on a.message_id = m.id
         where m.ticket_id = $1 order by m.sent_at desc, m.id desc limit 100",
    )
    .bind(ticket)
    .fetch_all(&mut **tx)
    .await?)
}
