//! Advice for the agent who has a ticket: what to do, what to say, what to beware of, and what is at stake. Every one is
//! kept; the newest is the current one, and is stale as soon as anything that it was made from is different.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use database::ids::{TenantId, TicketId};
use database::{DbError, Tx};

/// What names everything that advice is made from, of `support_app.ticket t`.
const BASIS: &str = "md5(concat_ws('|', t.message_count, t.status, t.priority, t.sla_state, round(t.sentiment::numeric, 2), \
     t.intent, t.asks_compensation, t.known_customer, t.customer_facts, t.customer_tier))";

/// Advice to be stored.
#[derive(Debug, Clone)]
pub struct NewRecommendation<'a> {
    /// For which ticket.
    pub ticket: TicketId,
    /// The job that made it; a job makes one.
    pub job: Uuid,
    /// The basis that it was made from, see [`Case::basis`].
    pub basis: &'a str,
    /// urgent, high, normal or low.
    pub priority: &'a str,
    /// 2 to 4.
    pub actions: &'a [String],
    /// 3 to 5.
    pub talking_points: &'a [String],
    /// Any number.
    pub warnings: &'a [String],
    /// 0 to 1.
    pub retention_probability: Option<f32>,
    /// In `currency`, hundredths.
    pub revenue_at_risk_cents: Option<i64>,
    /// ISO 4217.
    pub currency: Option<&'a str>,
    /// `rules` or `anthropic`.
    pub made_by: &'a str,
    /// The model, if one chose the words.
    pub model: Option<&'a str>,
    /// What is to be known of how it came about.
    pub remarks: &'a [String],
}

/// Stored advice.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Recommendation {
    /// Identity.
    pub id: Uuid,
    /// For which ticket.
    pub ticket_id: TicketId,
    /// The job that made it.
    pub job_id: Uuid,
    /// Whether what it was made from is different now.
    pub stale: bool,
    /// urgent, high, normal or low.
    pub priority: String,
    /// What to do.
    pub actions: Vec<String>,
    /// What to know or to bring up.
    pub talking_points: Vec<String>,
    /// What to beware of.
    pub warnings: Vec<String>,
    /// Chance from 0 to 1 that the customer stays; null when nobody can say.
    pub retention_probability: Option<f32>,
    /// Expected spend times the probability of leaving, a decimal; null when nobody can say.
    pub revenue_at_risk: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// `rules`, or `anthropic` when a model chose the words.
    pub made_by: String,
    /// The model.
    pub model: Option<String>,
    /// What is to be known of how it came about.
    pub remarks: Vec<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A ticket as advice sees it.
#[derive(Debug, Clone, FromRow)]
pub struct Case {
    /// What names all of this.
    pub basis: String,
    /// open, pending, resolved or closed.
    pub status: String,
    /// urgent, high, normal or low.
    pub priority: String,
    /// 0 to 1.
    pub sentiment: Option<f32>,
    /// What the customer wants.
    pub intent: Option<String>,
    /// What it is about.
    pub topics: Vec<String>,
    /// Whether something is asked for to make up.
    pub asks_compensation: Option<bool>,
    /// within_sla, at_risk or breached.
    pub sla_state: Option<String>,
    /// When the next clock is due.
    pub sla_due_at: Option<DateTime<Utc>>,
    /// Since when the customer waits.
    pub waiting_since: Option<DateTime<Utc>>,
    /// How many times it was resolved in vain.
    pub reopened_count: i32,
    /// The customer's tier.
    pub customer_tier: Option<String>,
    /// The shop's id of the customer, if somebody was found.
    pub known_customer: Option<String>,
    /// Probability of leaving.
    pub churn: Option<f64>,
    /// Expected spend within the horizon.
    pub ltv: Option<f64>,
    /// Messages that nobody has read yet.
    pub unread: i64,
}

/// The ticket as it is (support role).
///
/// # Errors
/// The database failed.
pub async fn case(tx: &mut Tx, ticket: TicketId) -> Result<Option<Case>, DbError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {BASIS} as basis, t.status, t.priority, t.sentiment, t.intent, t.topics, t.asks_compensation, t.sla_state,
                t.sla_due_at, t.waiting_since, t.reopened_count, t.customer_tier, t.known_customer,
                (t.customer_facts ->> 'churn')::float8 as churn, (t.customer_facts ->> 'ltv')::float8 as ltv,
                (select count(*) from support_app.message m join support_app.message_analysis a on a.message_id = m.id
                 where m.ticket_id = t.id and a.analysed_at is null) as unread
         from support_app.ticket t where t.id = $1"
    ));
    Ok(sqlx::query_as(statement).bind(ticket).fetch_optional(&mut **tx).await?)
}

/// Stores advice, or leaves what the same job stored before (support role).
///
/// # Errors
/// The database failed.
pub async fn store(tx: &mut Tx, tenant: TenantId, new: &NewRecommendation<'_>) -> Result<(), DbError> {
    sqlx::query(
        "insert into support_app.recommendation
             (id, tenant_id, ticket_id, job_id, basis, priority, actions, talking_points, warnings,
              retention_probability, revenue_at_risk, currency, made_by, model, remarks)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::numeric / 100, $12, $13, $14, $15)
         on conflict (tenant_id, job_id) do nothing",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(new.ticket)
    .bind(new.job)
    .bind(new.basis)
    .bind(new.priority)
    .bind(new.actions)
    .bind(new.talking_points)
    .bind(new.warnings)
    .bind(new.retention_probability)
    .bind(new.revenue_at_risk_cents)
    .bind(new.currency)
    .bind(new.made_by)
    .bind(new.model)
    .bind(new.remarks)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The newest advice for a ticket, which may be stale (support role).
///
/// # Errors
/// The database failed.
pub async fn current(tx: &mut Tx, ticket: TicketId) -> Result<Option<Recommendation>, DbError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select r.id, r.ticket_id, r.job_id, r.basis <> {BASIS} as stale, r.priority, r.actions, r.talking_points,
                r.warnings, r.retention_probability, r.revenue_at_risk::text as revenue_at_risk, r.currency, r.made_by,
                r.model, r.remarks, r.created_at
         from support_app.recommendation r join support_app.ticket t on t.id = r.ticket_id
         where r.ticket_id = $1 order by r.created_at desc, r.id desc limit 1"
    ));
    Ok(sqlx::query_as(statement).bind(ticket).fetch_optional(&mut **tx).await?)
}
