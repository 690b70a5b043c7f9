//! Which language a ticket's customer writes, as far as it was read or somebody said.

use database::ids::TicketId;
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use crate::customer_words::{self, ENGLISH, Words};

/// What is known of the language that a customer should be answered in (ISO 639-1).
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct Languages {
    /// The ticket's own: what somebody said, else what its first words were read to be in; else that of the customer's latest
    /// message of which it was read. One later message says less.
    pub of_ticket: Option<String>,
    /// That of the shop's help page.
    pub of_shop: Option<String>,
}

impl Languages {
    /// The words in the first of them that there are words in, else in English.
    pub fn words(&self) -> &'static Words {
        let mut told = [&self.of_ticket, &self.of_shop].into_iter().flatten();
        told.find_map(|code| customer_words::of(code)).unwrap_or(&ENGLISH)
    }
}

/// What is known for a ticket; nothing for one that there is not (support role).
///
/// # Errors
/// The database failed.
pub async fn languages(tx: &mut Tx, ticket: TicketId) -> Result<Languages, DbError> {
    let found = sqlx::query_as(
        "select coalesce(t.language,
                    (select a.language from support_app.message m
                     join support_app.message_analysis a on a.message_id = m.id
                     where m.ticket_id = t.id and a.language is not null
                     order by m.sent_at desc, m.id desc limit 1)) as of_ticket,
                (select p.language from support_app.help_page p where p.tenant_id = t.tenant_id) as of_shop
         from support_app.ticket t where t.id = $1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.unwrap_or_default())
}

/// In which languages the people around a ticket write (ISO 639-1): what may be assumed of one that tells none.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct Habits {
    /// That of the customer's latest other ticket that has one.
    pub of_customer: Option<String>,
    /// That of most of the shop's newest tickets that have one.
    pub of_shop: Option<String>,
}

/// The habits around a ticket; none for one that there is not (support role).
///
/// # Errors
/// The database failed.
pub async fn habits(tx: &mut Tx, ticket: TicketId) -> Result<Habits, DbError> {
    let found = sqlx::query_as(include_str!("habits.sql")).bind(ticket).fetch_optional(&mut **tx).await?;
    Ok(found.unwrap_or_default())
}

/// What is known for a person, by all of their tickets (support role): the latest ticket that has a language counts, else the
/// latest message of which it was read.
///
/// # Errors
/// The database failed.
pub async fn languages_of_person(tx: &mut Tx, tickets: &[Uuid]) -> Result<Languages, DbError> {
    Ok(sqlx::query_as(
        "select coalesce(
                    (select t.language from support_app.ticket t
                     where t.id = any($1) and t.language is not null
                     order by t.created_at desc, t.id desc limit 1),
                    (select a.language from support_app.message m
                     join support_app.message_analysis a on a.message_id = m.id
                     where m.ticket_id = any($1) and a.language is not null
                     order by m.sent_at desc, m.id desc limit 1)) as of_ticket,
                (select p.language from support_app.help_page p
                 where p.tenant_id = (select shared.current_tenant())) as of_shop",
    )
    .bind(tickets)
    .fetch_one(&mut **tx)
    .await?)
}
