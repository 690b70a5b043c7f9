//! What a delivery's job needs to know before it calls the endpoint.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use accounts::seal::{MasterKey, UnsealError};
use database::ids::TenantId;
use database::{DbError, Tx};

use super::State;
use crate::signature::{self, Secret};
use crate::{catalogue, endpoints};

/// What there is to do.
#[derive(Debug)]
pub enum Taken {
    /// There is no such delivery any more.
    Gone,
    /// It is over, as it says; of an ordered endpoint the next one may be to do.
    Over(State, Uuid),
    /// The endpoint is paused, or an earlier delivery goes first: whoever changes that asks for a new job.
    Held,
    /// It is not time yet.
    NotYet(DateTime<Utc>),
    /// It can be sent.
    Send(Box<Message>),
}

/// A message to an endpoint.
#[derive(Debug)]
pub struct Message {
    /// The delivery.
    pub delivery: Uuid,
    /// The endpoint.
    pub endpoint: Uuid,
    /// Whether others wait for this one.
    pub ordered: bool,
    /// Whether it tries the endpoint: that changes nothing of the endpoint.
    pub is_test: bool,
    /// Where it goes.
    pub url: String,
    /// Its name: the same for every attempt and replay.
    pub id: String,
    /// What is sent.
    pub body: Vec<u8>,
    /// What it is signed with.
    pub secrets: Vec<Secret>,
    /// Attempts that failed so far.
    pub attempts: i16,
    /// How often it was put off.
    pub waits: i32,
    /// Since when the endpoint has asked for time.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// A failure to take a delivery.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The endpoint's secret does not open.
    #[error("the secret of endpoint {endpoint}: {source}")]
    Unseal {
        /// The endpoint.
        endpoint: Uuid,
        /// Why.
        source: UnsealError,
    },
}

impl From<sqlx::Error> for TakeError {
    fn from(error: sqlx::Error) -> TakeError {
        TakeError::Db(error.into())
    }
}

#[derive(FromRow)]
struct Row {
    endpoint_id: Uuid,
    event_id: Uuid,
    #[sqlx(rename = "type")]
    kind: String,
    state: State,
    attempts: i16,
    waits: i32,
    waiting_since: Option<DateTime<Utc>>,
    next_at: DateTime<Utc>,
    data: Value,
    at: DateTime<Utc>,
    url: String,
    ordered: bool,
    endpoint_state: endpoints::State,
    is_removed: bool,
    sealed_secret: Vec<u8>,
    sealed_old_secret: Option<Vec<u8>>,
    old_secret_until: Option<DateTime<Utc>>,
    others_first: bool,
}

/// Looks a delivery up (outbound role).
///
/// # Errors
/// The database failed, or a secret does not open.
pub async fn take(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    delivery: Uuid,
    now: DateTime<Utc>,
) -> Result<Taken, TakeError> {
    let row: Option<Row> =
        sqlx::query_as(include_str!("take.sql")).bind(delivery).fetch_optional(&mut **tx).await?;
    let Some(row) = row else { return Ok(Taken::Gone) };
    let is_test = row.kind == catalogue::TEST;
    if row.state != State::Waiting || row.is_removed {
        return Ok(Taken::Over(row.state, row.endpoint_id));
    }
    if !is_test && (row.endpoint_state != endpoints::State::Active || (row.ordered && row.others_first)) {
        return Ok(Taken::Held);
    }
    // A clock that differs by less than a second from the database's is no reason to wait.
    if row.next_at > now + chrono::Duration::seconds(1) {
        return Ok(Taken::NotYet(row.next_at));
    }
    let open = |sealed: &[u8]| {
        endpoints::open(key, tenant, row.endpoint_id, sealed)
            .map_err(|source| TakeError::Unseal { endpoint: row.endpoint_id, source })
    };
    let mut secrets = vec![open(&row.sealed_secret)?];
    if let (Some(sealed), Some(until)) = (&row.sealed_old_secret, row.old_secret_until)
        && until > now
    {
        secrets.push(open(sealed)?);
    }
    Ok(Taken::Send(Box::new(Message {
        delivery,
        endpoint: row.endpoint_id,
        ordered: row.ordered,
        is_test,
        url: row.url,
        id: format!("msg_{}", row.event_id.simple()),
        body: catalogue::body(&row.kind, row.at, &row.data),
        secrets,
        attempts: row.attempts,
        waits: row.waits,
        waiting_since: row.waiting_since,
    })))
}

impl Message {
    /// The headers that sign it at this time.
    pub fn headers(&self, now: DateTime<Utc>) -> [(&'static str, String); 3] {
        signature::headers(&self.secrets, &self.id, now.timestamp(), &self.body)
    }
}
