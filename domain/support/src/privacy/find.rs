//! A person's tickets, and the ids under which jobs and deliveries know of them.

use database::personal::Person;
use database::{DbError, Tx};
use sqlx::FromRow;
use uuid::Uuid;

/// The most tickets of a person; more belong to an address of many.
pub const MOST_TICKETS: i64 = 50_000;

/// What the tickets say of whoever is asked for.
#[derive(Debug, Default)]
pub struct Found {
    /// Addresses in tickets of theirs that were not known before: they may be somebody else's too.
    pub new_emails: Vec<String>,
    /// Tickets of others in which one of their addresses stands.
    pub mentions: Vec<Uuid>,
    /// There are more than [`MOST_TICKETS`].
    pub is_cut: bool,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    is_theirs: bool,
    is_report: bool,
    customer_email: Option<String>,
    customer_external_id: Option<String>,
    customer_name: Option<String>,
}

/// Adds to a person what tickets say (support role): those that name them by the shop's id or an address, and reports of mail
/// servers that a mail did not reach them. A ticket that names another customer is the other's.
///
/// # Errors
/// The database failed.
pub async fn tickets(tx: &mut Tx, person: &mut Person) -> Result<Found, DbError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("find.sql"))
        .bind(&person.customers)
        .bind(&person.emails)
        .bind(MOST_TICKETS)
        .fetch_all(&mut **tx)
        .await?;
    let mut found = Found { is_cut: rows.len() as u64 >= MOST_TICKETS.unsigned_abs(), ..Found::default() };
    for row in rows {
        if !row.is_theirs && !row.is_report {
            found.mentions.push(row.id);
            continue;
        }
        if !person.tickets.contains(&row.id) {
            person.tickets.push(row.id);
        }
        if !row.is_theirs {
            // Whoever reports is somebody else.
            continue;
        }
        if let Some(email) = row.customer_email.map(|email| email.trim().to_lowercase())
            && !email.is_empty()
            && !person.emails.contains(&email)
        {
            Person::learn(&mut found.new_emails, &email);
        }
        for (list, word) in
            [(&mut person.desk_ids, row.customer_external_id), (&mut person.names, row.customer_name)]
        {
            if let Some(word) = word {
                Person::learn(list, &word);
            }
        }
    }
    Ok(found)
}

/// Everything of these tickets that jobs may name (support role): the tickets, their messages, drafts, deliveries and files.
///
/// # Errors
/// The database failed.
pub async fn ids(tx: &mut Tx, tickets: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "select unnest($1::uuid[])
         union select id from support_app.message where ticket_id = any($1) or origin_ticket_id = any($1)
         union select id from support_app.draft where ticket_id = any($1)
         union select id from support_app.inbox where ticket_id = any($1)
         union select id from support_app.attachment where ticket_id = any($1)
         union select id from support_app.rating where ticket_id = any($1)
         union select mail_id from support_app.message
               where mail_id is not null and (ticket_id = any($1) or origin_ticket_id = any($1))
         union select c.id from support_app.mail c join support_app.message m on m.id = c.message_row
               where m.ticket_id = any($1) or m.origin_ticket_id = any($1)",
    )
    .bind(tickets)
    .fetch_all(&mut **tx)
    .await?)
}

/// A person's mails that are kept as they came (support role): those of these tickets, those that are in none, and those that
/// they wrote into tickets of others.
///
/// # Errors
/// The database failed.
pub async fn mails(tx: &mut Tx, person: &Person) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "select t.id from support_app.mail t join support_app.message m on m.mail_id = t.id
         where t.raw is not null and (m.origin_ticket_id = any($1) or m.origin_ticket_id is null and m.ticket_id = any($1))
         union
         select t.id from support_app.mail t
         where t.tenant_id = (select shared.current_tenant()) and t.raw is not null and t.ticket_id is null
           and t.state <> 'taken' and (t.sender = any($2) or lower(t.envelope_from) = any($2))
         union
         select t.id from support_app.mail t join support_app.message m on m.id = t.message_row
         where t.tenant_id = (select shared.current_tenant()) and t.raw is not null and t.ticket_id is not null
           and t.sender = any($2) and not m.from_agent",
    )
    .bind(&person.tickets)
    .bind(&person.emails)
    .fetch_all(&mut **tx)
    .await?)
}

/// What the help desk knows of a person: their ids and tickets there (support role). To be asked before they are erased.
///
/// # Errors
/// The database failed.
pub async fn in_help_desk(
    tx: &mut Tx,
    provider: &str,
    tickets: &[Uuid],
) -> Result<(Vec<String>, Vec<String>), DbError> {
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "select external_id, customer_external_id from support_app.ticket where id = any($1) and provider = $2",
    )
    .bind(tickets)
    .bind(provider)
    .fetch_all(&mut **tx)
    .await?;
    let mut customers: Vec<String> = rows.iter().filter_map(|(_, customer)| customer.clone()).collect();
    customers.sort_unstable();
    customers.dedup();
    Ok((rows.into_iter().map(|(ticket, _)| ticket).collect(), customers))
}
