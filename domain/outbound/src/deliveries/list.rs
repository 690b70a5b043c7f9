//! Deliveries for people: a list by filter, and one with every request that was made for it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use database::{DbError, Tx};

use super::State;
use crate::catalogue;

/// Which deliveries are meant; what is missing restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// To which endpoint.
    pub endpoint: Option<Uuid>,
    /// How they stand.
    pub state: Option<State>,
    /// Of which kind of event.
    pub kind: Option<String>,
    /// Made at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub to: Option<DateTime<Utc>>,
}

impl Filter {
    pub(super) fn push(&self, query: &mut QueryBuilder<Postgres>) {
        if let Some(endpoint) = self.endpoint {
            query.push(" and d.endpoint_id = ").push_bind(endpoint);
        }
        if let Some(state) = self.state {
            query.push(" and d.state = ").push_bind(state);
        }
        if let Some(kind) = &self.kind {
            query.push(" and d.type = ").push_bind(kind.clone());
        }
        if let Some(from) = self.from {
            query.push(" and d.created_at >= ").push_bind(from);
        }
        if let Some(to) = self.to {
            query.push(" and d.created_at < ").push_bind(to);
        }
    }
}

/// A delivery in a list.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Listed {
    /// Identity.
    pub id: Uuid,
    /// To which endpoint.
    pub endpoint_id: Uuid,
    /// Which event; `webhook-id` is `msg_` and its digits.
    pub event_id: Uuid,
    /// The event's kind.
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// How it stands.
    pub state: State,
    /// Attempts that failed by the endpoint's fault.
    pub attempts: i16,
    /// How often it was put off because the endpoint asked for time, or could not be called.
    pub waits: i32,
    /// When it is tried next; null when it is over.
    pub next_at: Option<DateTime<Utc>>,
    /// Until when nothing is sent to its endpoint, which failed too often; null when that is over.
    pub circuit_until: Option<DateTime<Utc>>,
    /// The status of the last answer.
    pub last_status: Option<i16>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// The delivery that it repeats.
    pub replay_of: Option<Uuid>,
}

/// A request that was made.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Attempt {
    /// When.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took_ms: i32,
    /// delivered, failed or waits.
    pub outcome: String,
    /// The answer's status; null when none came.
    pub status: Option<i16>,
    /// What was wrong.
    pub error: Option<String>,
    /// What was sent beside the body, without secrets.
    pub request_headers: Value,
    /// What came back, without secrets.
    pub response_headers: Value,
    /// The beginning of the answer's body.
    pub response_body: Option<String>,
}

/// A delivery with all that was done for it.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Listed,
    /// What is sent.
    pub request_body: Value,
    /// The requests, the first one first; at most 100.
    pub requests: Vec<Attempt>,
}

const COLUMNS: &str = "d.id, d.endpoint_id, d.event_id, d.type, d.state, d.attempts, d.waits, \
     case when d.state = 'waiting' then d.next_at end as next_at, \
     case when d.state = 'waiting' and d.circuit_until > now() then d.circuit_until end as circuit_until, d.last_status, d.last_error, d.created_at, d.ended_at, \
     d.replay_of";

/// The newest first, from before a place in the list, at most `limit` (outbound role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Listed>, DbError> {
    let mut query = QueryBuilder::new(format!(
        "select {COLUMNS} from outbound.webhook_delivery d where d.tenant_id = (select shared.current_tenant())"
    ));
    filter.push(&mut query);
    if let Some((at, id)) = before {
        query.push(" and (d.created_at, d.seq, d.id) < (").push_bind(at);
        query.push(", (select l.seq from outbound.webhook_delivery l where l.id = ").push_bind(id);
        query.push("), ").push_bind(id).push(")");
    }
    // What was handed out at once has one time, and stands in the order in which it happened.
    query.push(" order by d.created_at desc, d.seq desc, d.id desc limit ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

/// One of them (outbound role).
///
/// # Errors
/// The database failed.
pub async fn show(tx: &mut Tx, id: Uuid) -> Result<Option<Shown>, DbError> {
    let statement = format!("select {COLUMNS} from outbound.webhook_delivery d where d.id = $1");
    let delivery: Option<Listed> =
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await?;
    let Some(delivery) = delivery else { return Ok(None) };
    let (data, at): (Value, DateTime<Utc>) =
        sqlx::query_as("select data, at from outbound.event where id = $1")
            .bind(delivery.event_id)
            .fetch_one(&mut **tx)
            .await?;
    let requests = sqlx::query_as(
        "select at, took_ms, outcome, status, error, request_headers, response_headers, response_body
         from outbound.attempt where delivery_id = $1 order by at, id limit 100",
    )
    .bind(id)
    .fetch_all(&mut **tx)
    .await?;
    let body = catalogue::body(&delivery.kind, at, &data);
    let request_body = serde_json::from_slice(&body).expect("it was made as JSON");
    Ok(Some(Shown { delivery, request_body, requests }))
}
