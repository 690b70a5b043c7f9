//! What is known of the customers behind tickets, as far as the order uses it. The platform finds it out; a job brings
//! it here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use database::ids::TicketId;
use database::{DbError, Tx};

use super::place;
use super::tier::{DEFAULT_BOUNDS, Tier};
use crate::tickets::derived::Derived;

/// What the order uses of one customer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Probability of leaving, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub churn: Option<f32>,
    /// Share of the tenant's customers that are worth less, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Expected spend within the horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ltv: Option<f32>,
    /// Orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders: Option<i32>,
}

/// What a tenant's customers are like as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Base {
    /// The run it comes from.
    pub run: Option<Uuid>,
    /// Median of the probability of leaving.
    pub churn_median: Option<f32>,
    /// Expected spend at 0, 1, ... 100 % of the customers; empty or 101 numbers.
    pub value_bounds: Vec<f32>,
    /// From which share on a tier begins.
    pub tier_bounds: [f64; 3],
}

impl Base {
    /// The share of customers that are worth less than `ltv`, 0 to 1: the middle of the percentiles that it lies
    /// between. None without a model.
    pub fn share(&self, ltv: f32) -> Option<f64> {
        if self.value_bounds.len() < 2 || !ltv.is_finite() {
            return None;
        }
        let below = self.value_bounds.partition_point(|bound| *bound < ltv);
        let up_to = self.value_bounds.partition_point(|bound| *bound <= ltv);
        let last = (self.value_bounds.len() - 1) as f64;
        Some(((below as f64 + up_to as f64 - 1.0).max(0.0) / 2.0 / last).min(1.0))
    }

    /// The facts of a customer with this risk and expected spend.
    pub fn facts(&self, churn: Option<f32>, ltv: Option<f32>, orders: Option<i32>) -> Facts {
        let known = |number: Option<f32>| number.filter(|number| number.is_finite());
        let (churn, ltv) = (known(churn), known(ltv));
        Facts { churn, ltv, value: ltv.and_then(|ltv| self.share(ltv)), orders }
    }

    /// The tier of these facts; none when nothing says what the customer is worth.
    pub fn tier(&self, facts: &Facts) -> Option<Tier> {
        Some(Tier::of(facts.value?, self.tier_bounds))
    }
}

/// What is stored of the tenant's customers (support role); an empty one before the first run.
///
/// # Errors
/// The database failed.
pub async fn base(tx: &mut Tx) -> Result<Base, DbError> {
    let stored: Option<StoredBase> = sqlx::query_as(
        "select run_id, churn_median, value_bounds, tier_bounds from support_app.order_base
         where tenant_id = shared.current_tenant()",
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(stored.map_or_else(
        || Base { tier_bounds: DEFAULT_BOUNDS, ..Base::default() },
        |stored| Base {
            run: stored.run_id,
            churn_median: stored.churn_median,
            value_bounds: stored.value_bounds,
            tier_bounds: <[f32; 3]>::try_from(stored.tier_bounds)
                .map_or(DEFAULT_BOUNDS, |bounds| bounds.map(f64::from)),
        },
    ))
}

#[derive(FromRow)]
struct StoredBase {
    run_id: Option<Uuid>,
    churn_median: Option<f32>,
    value_bounds: Vec<f32>,
    tier_bounds: Vec<f32>,
}

/// Stores what a run says of all customers (support role). The tiers' bounds are the tenant's and stay.
///
/// # Errors
/// The database failed.
pub async fn put_base(
    tx: &mut Tx,
    run: Uuid,
    churn_median: Option<f32>,
    value_bounds: &[f32],
) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.order_base (tenant_id, run_id, churn_median, value_bounds)
         values (shared.current_tenant(), $1, $2, $3)
         on conflict (tenant_id) do update set run_id = excluded.run_id, churn_median = excluded.churn_median,
             value_bounds = excluded.value_bounds, computed_at = now()",
    )
    .bind(run)
    .bind(churn_median)
    .bind(value_bounds)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An unfinished ticket and who is behind it.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Behind {
    /// The ticket.
    pub id: TicketId,
    /// The shop's id of the customer, as the ticket tells it.
    pub customer_id: Option<String>,
    /// The customer's address.
    pub customer_email: Option<String>,
    /// The help desk's id of the customer.
    pub customer_external_id: Option<String>,
    /// Whom a look found, if the contact details are still those that were looked up.
    pub known_customer: Option<String>,
    /// What the look was for.
    pub looked_up_for: Option<String>,
}

impl Behind {
    /// Whether somebody was found with the very contact details that the ticket has.
    pub fn is_known(&self) -> bool {
        self.known_customer.is_some() && self.looked_up_for.as_deref() == Some(&self.contact())
    }

    fn contact(&self) -> String {
        place::contact(
            self.customer_id.as_deref(),
            self.customer_email.as_deref(),
            self.customer_external_id.as_deref(),
        )
    }
}

/// One ticket, open or not (support role).
///
/// # Errors
/// The database failed.
pub async fn of_ticket(tx: &mut Tx, ticket: TicketId) -> Result<Option<Behind>, DbError> {
    Ok(sqlx::query_as(
        "select id, customer_id, customer_email, customer_external_id, known_customer, looked_up_for
         from support_app.ticket where id = $1",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The ticket, when it is unfinished and its contact details are others than those that were looked up last (support role).
///
/// # Errors
/// The database failed.
pub async fn to_look_up(tx: &mut Tx, ticket: TicketId) -> Result<Option<Behind>, DbError> {
    let found: Option<Behind> = sqlx::query_as(
        "select id, customer_id, customer_email, customer_external_id, known_customer, looked_up_for
         from support_app.ticket
         where id = $1 and status not in ('resolved', 'closed')",
    )
    .bind(ticket)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.filter(|ticket| ticket.looked_up_for.as_deref() != Some(&ticket.contact())))
}

/// Unfinished tickets behind which this customer was found (support role), `limit` at most.
///
/// # Errors
/// The database failed.
pub async fn of_customer(tx: &mut Tx, customer: &str, limit: i64) -> Result<Vec<Behind>, DbError> {
    Ok(sqlx::query_as(
        "select id, customer_id, customer_email, customer_external_id, known_customer, looked_up_for
         from support_app.ticket
         where tenant_id = shared.current_tenant() and known_customer = $1 and status in ('open', 'pending')
         order by id limit $2",
    )
    .bind(customer)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// Those of these customers who have an unfinished ticket (support role).
///
/// # Errors
/// The database failed.
pub async fn with_tickets(tx: &mut Tx, customers: &[String]) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select c.id from unnest($1::text[]) as c (id) where exists (
             select from support_app.ticket t where t.tenant_id = shared.current_tenant()
               and t.known_customer = c.id and t.status in ('open', 'pending'))",
    )
    .bind(customers)
    .fetch_all(&mut **tx)
    .await?)
}

/// Unfinished tickets in the order of their ids, beginning behind one (support role).
///
/// # Errors
/// The database failed.
pub async fn page(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<Behind>, DbError> {
    Ok(sqlx::query_as(
        "select id, customer_id, customer_email, customer_external_id, known_customer, looked_up_for
         from support_app.ticket
         where tenant_id = shared.current_tenant() and status in ('open', 'pending') and ($1::uuid is null or id > $1)
         order by id limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

/// What a look found behind a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The ticket as it was read.
    pub ticket: Behind,
    /// The customer.
    pub customer: Option<String>,
    /// What is known of them.
    pub facts: Facts,
}

/// What a ticket's row says of the customer behind it, by the names of its columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Known {
    known_customer: Option<String>,
    pub(super) looked_up_for: String,
    pub(super) customer_facts: Facts,
    pub(crate) customer_tier: Option<Tier>,
}

impl Known {
    /// What a look found.
    pub fn of(base: &Base, look: &Look) -> Known {
        Known {
            known_customer: look.customer.clone(),
            looked_up_for: look.ticket.contact(),
            customer_facts: look.facts.clone(),
            customer_tier: base.tier(&look.facts),
        }
    }
}

/// Stores what was found behind tickets, and gives them their places anew (support role); answers how many moved. A ticket
/// whose contact details changed meanwhile gets what belongs to those it had, and its next look is under way.
///
/// # Errors
/// The database failed.
pub async fn put(tx: &mut Tx, base: &Base, looks: &[Look], now: DateTime<Utc>) -> Result<u64, DbError> {
    let derived = |look| Derived { known: Some(Known::of(base, look)), ..Derived::default() };
    let found = looks.iter().map(|look| (look.ticket.id.0, derived(look))).collect();
    place::place_with(tx, found, now).await
}
