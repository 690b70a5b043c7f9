//! What a delivery's job needs to know before it calls the endpoint, and what it may go on with.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use accounts::seal::{MasterKey, UnsealError};
use database::ids::TenantId;
use database::{DbError, Tx};

use super::State;
use super::end::Follows;
use crate::signature::{self, Secret};
use crate::{catalogue, endpoints};

/// A clock that differs by less from the database's is no reason to wait.
const EARLY: TimeDelta = TimeDelta::milliseconds(200);

/// Between these a delivery that was put off comes back by itself, when it may be taken over.
pub(super) const NOT_BEFORE: TimeDelta = TimeDelta::milliseconds(500);
pub(super) const NOT_AFTER: TimeDelta = TimeDelta::seconds(15);

/// How long a delivery is another job's that goes on with it: longer than an endpoint's answer may take, and by more than
/// [`NOT_AFTER`], so that nobody takes it over a second time meanwhile. When that worker dies it is sent after this time.
pub(super) const TAKEN_FOR: TimeDelta = TimeDelta::seconds(60);

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
    let Some(row) = look(tx, delivery).await? else { return Ok(Taken::Gone) };
    if row.is_over() {
        return Ok(Taken::Over(row.state, row.endpoint_id));
    }
    if row.is_held() {
        return Ok(Taken::Held);
    }
    if row.next_at > now + EARLY {
        return Ok(Taken::NotYet(row.next_at));
    }
    Ok(Taken::Send(Box::new(row.message(key, tenant, delivery, now)?)))
}

/// Takes what follows, for whoever ended a delivery of the endpoint and has time (outbound role): the transaction is the one
/// in which that was written down. None when there is nothing to do now.
///
/// # Errors
/// The database failed.
pub async fn follow(
    tx: &mut Tx,
    key: &MasterKey,
    tenant: TenantId,
    endpoint: Uuid,
    follows: Follows,
    now: DateTime<Utc>,
) -> Result<Option<Box<Message>>, DbError> {
    let until = now + TAKEN_FOR;
    let next: Option<Uuid> = match follows {
        Follows::Nothing => None,
        Follows::InOrder(next) => {
            // Whoever asks for its job meanwhile, because it waits, finds it taken. One that waits for its time keeps that.
            sqlx::query_scalar(
                "update outbound.webhook_delivery set next_at = $2
                 where id = $1 and state = 'waiting' and next_at <= $3 returning id",
            )
            .bind(next)
            .bind(until)
            .bind(now + EARLY)
            .fetch_optional(&mut **tx)
            .await?
        }
        Follows::PutOff => {
            sqlx::query_scalar(include_str!("take_over.sql"))
                .bind(endpoint)
                .bind(now + NOT_BEFORE)
                .bind(now + NOT_AFTER)
                .bind(until)
                .fetch_optional(&mut **tx)
                .await?
        }
    };
    let Some(next) = next else { return Ok(None) };
    match look(tx, next).await? {
        // A secret that does not open is told by the delivery's own job; here the end of another is to be kept.
        Some(row) if !row.is_over() && !row.is_held() => {
            Ok(row.message(key, tenant, next, now).ok().map(Box::new))
        }
        _ => Ok(None),
    }
}

async fn look(tx: &mut Tx, delivery: Uuid) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as(include_str!("take.sql")).bind(delivery).fetch_optional(&mut **tx).await
}

impl Row {
    fn is_test(&self) -> bool {
        self.kind == catalogue::TEST
    }

    fn is_over(&self) -> bool {
        self.state != State::Waiting || self.is_removed
    }

    fn is_held(&self) -> bool {
        !self.is_test()
            && (self.endpoint_state != endpoints::State::Active || (self.ordered && self.others_first))
    }

    fn message(
        self,
        key: &MasterKey,
        tenant: TenantId,
        delivery: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Message, TakeError> {
        let open = |sealed: &[u8]| {
            endpoints::open(key, tenant, self.endpoint_id, sealed)
                .map_err(|source| TakeError::Unseal { endpoint: self.endpoint_id, source })
        };
        let mut secrets = vec![open(&self.sealed_secret)?];
        if let (Some(sealed), Some(until)) = (&self.sealed_old_secret, self.old_secret_until)
            && until > now
        {
            secrets.push(open(sealed)?);
        }
        Ok(Message {
            delivery,
            endpoint: self.endpoint_id,
            ordered: self.ordered,
            is_test: self.is_test(),
            id: format!("msg_{}", self.event_id.simple()),
            body: catalogue::body(&self.kind, self.at, &self.data),
            url: self.url,
            secrets,
            attempts: self.attempts,
            waits: self.waits,
            waiting_since: self.waiting_since,
        })
    }
}

impl Message {
    /// The headers that sign it at this time.
    pub fn headers(&self, now: DateTime<Utc>) -> [(&'static str, String); 3] {
        signature::headers(&self.secrets, &self.id, now.timestamp(), &self.body)
    }
}
