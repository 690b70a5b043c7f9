//! Gives tickets their place in the order: reads what the score is made from, computes the terms, stores both.

use std::collections::HashMap;

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
use crate::tickets::derived::{self, Derived};
use crate::tickets::lock::hold;

/// A place, by the names of a ticket's columns.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    rank: f64,
    rank_terms: Terms,
}

/// The first step of [`crate::settle`]: takes one ticket until the transaction ends, with what its place is made from; none
/// when there is no such ticket.
///
/// # Errors
/// The database failed.
pub(crate) async fn take(
    tx: &mut Tx,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Option<Basis>, DbError> {
    Ok(read(tx, &[ticket.0], now).await?.pop())
}

/// The step of [`crate::settle`] that gives the ticket its place, after what was derived of it. Answers the job that looks its
/// customer up, when the contact details are others than those that were looked up last.
///
/// # Errors
/// The ticket's id is no key, which does not happen.
pub(crate) fn place(
    tenant: TenantId,
    basis: Basis,
    derived: &mut Derived,
) -> Result<Option<NewJob>, QueueError> {
    let basis = basis.with(derived);
    derived.place = Some(basis.place());
    let details = basis.contact();
    let is_over = matches!(basis.status.as_str(), "resolved" | "closed");
    if is_over || basis.looked_up_for.as_deref() == Some(&details) {
        return Ok(None);
    }
    let job = RefreshRank { ticket_id: Some(basis.id), ..RefreshRank::default() };
    Ok(Some(NewJob::of(tenant, &job)?.with_dedup_key(&format!("{}:{details}", basis.id))?))
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
    place_with(tx, tickets.iter().map(|ticket| (*ticket, Derived::default())).collect(), now).await
}

/// The same after what was derived of each, which is stored with its place.
pub(super) async fn place_with(
    tx: &mut Tx,
    mut tickets: Vec<(Uuid, Derived)>,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    let ids: Vec<Uuid> = tickets.iter().map(|(ticket, _)| *ticket).collect();
    // First, and not by the reading: that sees what was so before it waited.
    hold(tx, &ids).await?;
    let mut bases: HashMap<Uuid, Basis> =
        read(tx, &ids, now).await?.into_iter().map(|basis| (basis.id, basis)).collect();
    for (ticket, derived) in &mut tickets {
        derived.place = bases.remove(ticket).map(|basis| basis.with(derived).place());
    }
    let written = derived::write(tx, &tickets).await?;
    Ok(written.iter().filter(|written| written.has_moved).count() as u64)
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
pub(crate) struct Basis {
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
    customer_external_id: Option<String>,
    looked_up_for: Option<String>,
    customer_facts: Option<Json<Facts>>,
    customer_tier: Option<Tier>,
    churn_median: Option<f32>,
    /// Topics that the tenant alerts on.
    alerts: Vec<String>,
}

impl Basis {
    /// With what was derived and is not stored yet.
    fn with(mut self, derived: &Derived) -> Basis {
        if let Some(known) = &derived.known {
            self.looked_up_for = Some(known.looked_up_for.clone());
            self.customer_facts = Some(Json(known.customer_facts.clone()));
            self.customer_tier = known.customer_tier;
        }
        if let Some(spoken) = &derived.spoken {
            self.waiting_since = spoken.waiting_since;
        }
        if let Some(due) = &derived.due {
            self.sla_due_at = due.sla_due_at;
            self.sla_state = due.sla_state.map(str::to_owned);
        }
        if let Some(said) = &derived.said {
            self.sentiment = said.sentiment;
            self.topics.clone_from(&said.topics);
        }
        self
    }

    fn place(&self) -> Place {
        let rank_terms = self.terms();
        Place { rank: rank_terms.rank(), rank_terms }
    }

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
            alert: self.alerts.iter().find(|topic| self.topics.contains(topic)).cloned(),
            waiting_since: self.waiting_since,
            idle_since: self.idle_since,
            due: self.sla_due_at,
            clock: self.sla_state.clone(),
        })
    }

    fn contact(&self) -> String {
        contact(
            self.customer_id.as_deref(),
            self.customer_email.as_deref(),
            self.customer_external_id.as_deref(),
        )
    }
}

/// A name for contact details that does not tell them.
pub(crate) fn contact(customer_id: Option<&str>, email: Option<&str>, desk_id: Option<&str>) -> String {
    let mut told = Sha256::new()
        .chain_update(customer_id.unwrap_or_default())
        .chain_update([0])
        .chain_update(email.unwrap_or_default());
    // Without one it is what it was before such ids named anybody.
    if let Some(desk_id) = desk_id {
        told.update([0]);
        told.update(desk_id);
    }
    hex::encode(&told.finalize()[..12])
}

async fn read(tx: &mut Tx, tickets: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Basis>, DbError> {
    Ok(sqlx::query_as(include_str!("read.sql")).bind(tickets).bind(now).fetch_all(&mut **tx).await?)
}
