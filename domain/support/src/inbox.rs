//! The inbox: every accepted webhook delivery, once.
//!
//! A delivery is claimed first, which settles races between repeated deliveries: the second waits for the
//! first's commit and then finds its row. Ticket and job are made in the same transaction and attached.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use crate::gorgias::rules::Decision;
use database::ids::{DeliveryId, TenantId, TicketId};
use database::nul::strip_json;
use database::{DbError, Tx};

/// A delivery to be recorded.
#[derive(Clone)]
pub struct NewDelivery<'a> {
    /// The transaction's tenant.
    pub tenant: TenantId,
    /// For example `gorgias`.
    pub provider: &'a str,
    /// What makes two deliveries the same one.
    pub dedup_key: &'a str,
    /// The sender's name for the event.
    pub event_type: Option<&'a str>,
    /// The body as received.
    pub body: &'a Value,
    /// What the rules say.
    pub decision: Decision,
    /// The request's correlation id.
    pub correlation_id: Option<&'a str>,
    /// The delivery that this one repeats on an operator's request; a replay is never a duplicate.
    pub replay_of: Option<DeliveryId>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is new and now recorded.
    New(DeliveryId),
    /// It was recorded before; the sender gets the same answer again.
    Duplicate(Answer),
}

/// What a sender is told, now and whenever it sends the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Answer {
    /// The delivery.
    pub id: DeliveryId,
    /// `queued` or `skipped`.
    pub decision: String,
    /// Why it was skipped, as named by the rules.
    pub skip_reason: Option<String>,
    /// Our ticket.
    #[sqlx(rename = "ticket_id")]
    pub ticket: Option<TicketId>,
    /// The job that writes the draft.
    #[sqlx(rename = "job_id")]
    pub job: Option<Uuid>,
}

/// Records a delivery unless it was recorded before (support role).
pub async fn claim(tx: &mut Tx, delivery: &NewDelivery<'_>) -> Result<Recorded, DbError> {
    let id = DeliveryId::new();
    let (decision, skip_reason) = match delivery.decision {
        Decision::Draft { .. } => ("queued", None),
        Decision::Skip(reason) => ("skipped", Some(reason.name())),
    };
    let inserted = sqlx::query(
        "insert into support_app.inbox
             (id, tenant_id, provider, dedup_key, event_type, body, decision, skip_reason, correlation_id, replay_of)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (tenant_id, provider, dedup_key) where replay_of is null do nothing",
    )
    .bind(id)
    .bind(delivery.tenant)
    .bind(delivery.provider)
    .bind(delivery.dedup_key)
    .bind(delivery.event_type)
    .bind(strip_json(delivery.body).as_ref())
    .bind(decision)
    .bind(skip_reason)
    .bind(delivery.correlation_id)
    .bind(delivery.replay_of)
    .execute(&mut **tx)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Recorded::New(id));
    }
    let answer = sqlx::query_as(
        "select id, decision, skip_reason, ticket_id, job_id from support_app.inbox
         where tenant_id = $1 and provider = $2 and dedup_key = $3 and replay_of is null",
    )
    .bind(delivery.tenant)
    .bind(delivery.provider)
    .bind(delivery.dedup_key)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Recorded::Duplicate(answer))
}

/// Notes which ticket and job came of a delivery (support role, in the transaction that claimed it).
pub async fn attach(
    tx: &mut Tx,
    delivery: DeliveryId,
    ticket: TicketId,
    job: Option<Uuid>,
) -> Result<(), DbError> {
    sqlx::query("update support_app.inbox set ticket_id = $2, job_id = $3 where id = $1")
        .bind(delivery)
        .bind(ticket)
        .bind(job)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A recorded delivery. The body is the sender's and is personal data.
#[derive(Clone, PartialEq, Serialize, FromRow)]
pub struct StoredDelivery {
    /// Identity, and with `received_at` the position in the list.
    pub id: DeliveryId,
    /// Who sent it.
    pub provider: String,
    /// What makes two deliveries the same one.
    pub dedup_key: String,
    /// The sender's name for the event.
    pub event_type: Option<String>,
    /// When it was recorded.
    pub received_at: DateTime<Utc>,
    /// `queued` or `skipped`.
    pub decision: String,
    /// Why it was skipped.
    pub skip_reason: Option<String>,
    /// Our ticket.
    #[sqlx(rename = "ticket_id")]
    pub ticket: Option<TicketId>,
    /// The job that it made.
    #[sqlx(rename = "job_id")]
    pub job: Option<Uuid>,
    /// The request's correlation id.
    pub correlation_id: Option<String>,
    /// The delivery that this one repeats.
    pub replay_of: Option<DeliveryId>,
    /// The body as received; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl std::fmt::Debug for StoredDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredDelivery")
            .field("id", &self.id)
            .field("provider", &self.provider)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// `queued` or `skipped`.
    pub decision: Option<String>,
    /// Of one ticket.
    pub ticket: Option<TicketId>,
}

/// The tenant's deliveries without bodies, newest first, from before `(received_at, id)` of a former page's
/// last one, at most `limit` (support role).
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    before: Option<(DateTime<Utc>, DeliveryId)>,
    limit: u32,
) -> Result<Vec<StoredDelivery>, DbError> {
    let (before_at, before_id) = before.unzip();
    Ok(sqlx::query_as(
        "select id, provider, dedup_key, event_type, received_at, null::jsonb as body, decision, skip_reason,
                ticket_id, job_id, correlation_id, replay_of
         from support_app.inbox
         where tenant_id = shared.current_tenant()
           and ($1::text is null or decision = $1)
           and ($2::uuid is null or ticket_id = $2)
           and ($3::timestamptz is null or (received_at, id) < ($3, $4))
         order by received_at desc, id desc limit $5",
    )
    .bind(&filter.decision)
    .bind(filter.ticket)
    .bind(before_at)
    .bind(before_id)
    .bind(i64::from(limit))
    .fetch_all(&mut **tx)
    .await?)
}

/// One delivery with its body, if it is the tenant's (support role).
pub async fn get(tx: &mut Tx, delivery: DeliveryId) -> Result<Option<StoredDelivery>, DbError> {
    Ok(sqlx::query_as(
        "select id, provider, dedup_key, event_type, received_at, body, decision, skip_reason,
                ticket_id, job_id, correlation_id, replay_of
         from support_app.inbox where id = $1",
    )
    .bind(delivery)
    .fetch_optional(&mut **tx)
    .await?)
}
