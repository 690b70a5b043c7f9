//! The inbox: every accepted webhook delivery, once. [`crate::intake`] writes it; here it is read.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use database::ids::{DeliveryId, TicketId};
use database::{DbError, Tx};

use crate::gorgias::remarks::Remark;

/// What a sender is told, now and whenever it sends the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Answer {
    /// The delivery.
    #[sqlx(rename = "delivery_id")]
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

/// A recorded delivery. The body is the sender's and is personal data.
#[derive(Clone, FromRow)]
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
    /// What did not fit in it, and what became of that; none when all was understood.
    pub remarks: Option<Json<Vec<Remark>>>,
    /// The body as received, with the digits that were sent; left out of lists.
    pub body: Option<Json<Box<RawValue>>>,
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
    /// With remarks, or without any.
    pub has_remarks: Option<bool>,
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
                ticket_id, job_id, correlation_id, replay_of, remarks
         from support_app.inbox
         where tenant_id = shared.current_tenant()
           and ($1::text is null or decision = $1)
           and ($2::uuid is null or ticket_id = $2)
           and ($3::timestamptz is null or (received_at, id) < ($3, $4))
           and ($6::boolean is null or (remarks is not null) = $6)
         order by received_at desc, id desc limit $5",
    )
    .bind(&filter.decision)
    .bind(filter.ticket)
    .bind(before_at)
    .bind(before_id)
    .bind(i64::from(limit))
    .bind(filter.has_remarks)
    .fetch_all(&mut **tx)
    .await?)
}

/// One delivery with its body, if it is the tenant's (support role).
pub async fn get(tx: &mut Tx, delivery: DeliveryId) -> Result<Option<StoredDelivery>, DbError> {
    Ok(sqlx::query_as(
        "select id, provider, dedup_key, event_type, received_at, body, decision, skip_reason,
                ticket_id, job_id, correlation_id, replay_of, remarks
         from support_app.inbox where id = $1",
    )
    .bind(delivery)
    .fetch_optional(&mut **tx)
    .await?)
}
