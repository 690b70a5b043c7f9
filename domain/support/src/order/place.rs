//! Gives tickets their place in the order: reads what the score is made from, computes the terms, stores both.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};
use jobs::{Announcement, NewJob, QueueError};

use super::explain::Explanation;
use super::facts::Facts;
use super::terms::{Inputs, Terms};
use super::tier::Tier;
use crate::kinds::RefreshRank;
use crate::tickets::lock::hold;

/// The step of [`crate::settle`]: one ticket's place. Answers the job that looks its customer up, when the contact
/// details are others than those that were looked up last.
///
/// # Errors
/// The database failed.
pub(crate) async fn place(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Option<NewJob>, QueueError> {
    let rows = read(tx, &[ticket.0], now).await?;
    write(tx, &rows).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let details = row.contact();
    if row.looked_up_for.as_deref() == Some(&details) || matches!(row.status.as_str(), "resolved" | "closed")
    {
        return Ok(None);
    }
    let job = RefreshRank { ticket_id: Some(ticket.0), ..RefreshRank::default() };
    Ok(Some(NewJob::of(tenant, &job)?.with_dedup_key(&format!("{ticket}:{details}"))?))
}

/// The job that looks at the customer behind a ticket which told something new of them. One that has not begun stands for
/// the ticket.
///
/// # Errors
/// The ticket's id is no key, which does not happen.
pub fn look_again(tenant: TenantId, ticket: TicketId) -> Result<NewJob, QueueError> {
    let job = RefreshRank { ticket_id: Some(ticket.0), ..RefreshRank::default() };
    NewJob::of(tenant, &job)?.with_dedup_key(&format!("{ticket}:told"))
}

/// What a ticket asks for that is worked on again, whoever opened it: how often that happens is part of what is known of its
/// customer (support role).
///
/// # Errors
/// The database failed.
pub(crate) async fn opened_again(
    tx: &mut Tx,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Announcement, QueueError> {
    Ok(jobs::enqueue_one(tx, look_again(tenant, ticket)?).await?.1)
}

/// Gives these tickets their places anew (support role), in two statements; answers how many moved.
///
/// # Errors
/// The database failed.
pub async fn place_all(tx: &mut Tx, tickets: &[Uuid], now: DateTime<Utc>) -> Result<u64, DbError> {
    hold(tx, tickets).await?;
    let rows = read(tx, tickets, now).await?;
    write(tx, &rows).await
}

/// A ticket's place as of `now`, in words; none when there is no such ticket (support role). It is computed from the
/// stored terms, so it agrees with the list.
///
/// # Errors
/// The database failed, or the stored terms cannot be read.
pub async fn explain(tx: &mut Tx, ticket: TicketId, now: DateTime<Utc>) -> Result<Option<Placed>, DbError> {
    let stored: Option<(f64, Json<Option<Terms>>)> = sqlx::query_as(
        "select rank, case when rank_terms = '{}' then 'null' else rank_terms end from support_app.ticket where id = $1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(stored.map(|(rank, Json(terms))| Placed { rank, explanation: terms.map(|terms| terms.explain(now)) }))
}

/// Where a ticket stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placed {
    /// The key of the order.
    pub rank: f64,
    /// Why; none until the ticket was settled once.
    pub explanation: Option<Explanation>,
}

/// What a place is made from, of one ticket.
#[derive(FromRow)]
struct Row {
    id: Uuid,
    status: String,
    priority: String,
    sentiment: Option<f32>,
    topics: Vec<String>,
    waiting_since: Option<DateTime<Utc>>,
    idle_since: DateTime<Utc>,
    sla_due_at: Option<DateTime<Utc>>,
    sla_state: Option<String>,
    customer_id: Option<String>,
    customer_email: Option<String>,
    looked_up_for: Option<String>,
    customer_facts: Option<Json<Facts>>,
    customer_tier: Option<Tier>,
    churn_median: Option<f32>,
    alert: Option<String>,
}

impl Row {
    fn terms(&self) -> Terms {
        let facts = self.customer_facts.as_ref().map(|Json(facts)| facts.clone()).unwrap_or_default();
        Terms::of(&Inputs {
            churn: facts.churn.map(f64::from),
            churn_median: self.churn_median.map(f64::from),
            value: facts.value,
            tier: self.customer_tier,
            priority: self.priority.clone(),
            sentiment: self.sentiment.map(f64::from),
            topics: self.topics.clone(),
            alert: self.alert.clone(),
            waiting_since: self.waiting_since,
            idle_since: self.idle_since,
            due: self.sla_due_at,
            clock: self.sla_state.clone(),
        })
    }

    fn contact(&self) -> String {
        contact(self.customer_id.as_deref(), self.customer_email.as_deref())
    }
}

/// A name for contact details that does not tell them.
pub(super) fn contact(customer_id: Option<&str>, email: Option<&str>) -> String {
    let digest = Sha256::new()
        .chain_update(customer_id.unwrap_or_default())
        .chain_update([0])
        .chain_update(email.unwrap_or_default())
        .finalize();
    hex::encode(&digest[..12])
}

async fn read(tx: &mut Tx, tickets: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Row>, DbError> {
    Ok(sqlx::query_as(include_str!("read.sql")).bind(tickets).bind(now).fetch_all(&mut **tx).await?)
}

/// Stores places that are new, of tickets that are locked.
async fn write(tx: &mut Tx, rows: &[Row]) -> Result<u64, DbError> {
    let mut ids = Vec::with_capacity(rows.len());
    let mut ranks = Vec::with_capacity(rows.len());
    let mut terms = Vec::with_capacity(rows.len());
    for row in rows {
        let of_row = row.terms();
        ids.push(row.id);
        ranks.push(of_row.rank());
        terms.push(Json(of_row));
    }
    // How many there are is hidden from the planner, which then plans this once a session.
    let done = sqlx::query(
        "update support_app.ticket t set rank = n.rank, rank_terms = n.terms
         from unnest((select $1::uuid[]), (select $2::float8[]), (select $3::jsonb[])) as n (id, rank, terms)
         where t.id = n.id and (t.rank <> n.rank or t.rank_terms <> n.terms)",
    )
    .bind(ids)
    .bind(ranks)
    .bind(terms)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
