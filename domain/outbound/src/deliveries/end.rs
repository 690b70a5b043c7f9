//! What came of an attempt: it is listed, the delivery is over or comes again, and the endpoint is kept, paused or
//! disabled. An attempt is spent on the endpoint's own faults alone; who asks for time, and what fails here, only waits.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use database::ids::TenantId;
use database::{DbError, Tx};

use super::State;
use super::take::{self, Message};
use crate::schedule::{self, LONGEST_WAIT};
use crate::tell::tell;
use crate::{endpoints, kinds::DeliverWebhook};

/// How long and how often everything has to fail until an endpoint is paused, when no delivery has spent all its
/// attempts yet.
const PAUSED_AFTER: chrono::Duration = chrono::Duration::hours(24);
const PAUSED_AFTER_FAILURES: i32 = 20;

/// What an attempt met.
#[derive(Debug, Clone, PartialEq)]
pub enum Met {
    /// An answer with success.
    Success,
    /// 410: the endpoint is gone for good.
    Gone,
    /// The endpoint asks for time: 429, 502 or 504 with a time.
    AskedToWait(Duration),
    /// Nothing was sent: its circuit is open for so long.
    CircuitOpen(Duration),
    /// Nothing was sent: as much as may be is under way, or we are in a hurry.
    NotTried(Duration),
    /// Any other answer, or none: the endpoint's fault, in words of ours.
    Fault(String),
}

/// A request that was made, as it is listed.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// What was sent beside the body, without secrets.
    pub request_headers: Value,
    /// What came back, without secrets.
    pub response_headers: Value,
    /// The beginning of the answer's body, at most 2048 characters.
    pub response_body: Option<String>,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The delivery is over, as it says, and this follows.
    Over(State, Follows),
    /// It comes again after this time.
    Again(Duration),
}

/// What the endpoint has besides. Whoever ended a delivery may go on with it ([`super::take::follow`]): that costs no job,
/// and an endpoint with a backlog is served as fast as it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Nothing that would wait for the end of this one.
    Nothing,
    /// This delivery is the next in the endpoint's order, and nobody else looks after it.
    InOrder(Uuid),
    /// Deliveries that were put off because as many as may be were under way. Their jobs come back by themselves.
    PutOff,
}

/// Writes down what came of an attempt (outbound role).
///
/// # Errors
/// The database failed.
pub async fn record(
    tx: &mut Tx,
    tenant: TenantId,
    message: &Message,
    met: &Met,
    exchange: Option<&Exchange>,
    now: DateTime<Utc>,
) -> Result<Next, DbError> {
    if let (Met::Success, Some(exchange)) = (met, exchange) {
        let others_were_put_off = delivered(tx, tenant, message, exchange, now).await?;
        let follows = match (message.ordered, others_were_put_off) {
            (true, _) => in_order(tx, message).await?,
            (false, true) => Follows::PutOff,
            (false, false) => Follows::Nothing,
        };
        return Ok(Next::Over(State::Delivered, follows));
    }
    if message.ordered {
        lock(tx, message.endpoint).await?;
    }
    let met = patient(message, met, now);
    if let Some(exchange) = exchange {
        list(tx, tenant, message, &met, exchange).await?;
    }
    let status = exchange.and_then(|exchange| exchange.status);
    match &met {
        Met::Success => over(tx, message, State::Delivered, status, None).await?,
        Met::Gone => {
            over(tx, message, State::Failed, status, Some("the endpoint answered 410")).await?;
            if !message.is_test {
                endpoints::set_state(
                    tx,
                    message.endpoint,
                    endpoints::State::Disabled,
                    Some("it answered 410"),
                )
                .await?;
                told(tx, message, "endpoint.disabled", "gone").await?;
            }
        }
        Met::AskedToWait(after) => {
            wait(tx, message, &met, *after, status, now).await?;
            return Ok(Next::Again(*after));
        }
        Met::CircuitOpen(after) | Met::NotTried(after) => {
            let after = apart(*after, message.waits, rand::random());
            wait(tx, message, &met, after, status, now).await?;
            return Ok(Next::Again(after));
        }
        Met::Fault(why) => {
            let failed = message.attempts + 1;
            let next = schedule::next_delay(usize::try_from(failed).unwrap_or_default());
            // A test is for somebody who looks: it is not tried again.
            let next = next.filter(|_| !message.is_test);
            if let Some(delay) = next {
                again(tx, message, failed, delay, status, why, now).await?;
            } else {
                over(tx, message, State::Failed, status, Some(why)).await?;
            }
            if !message.is_test && failing(tx, message, next.is_none(), now).await? {
                endpoints::set_state(
                    tx,
                    message.endpoint,
                    endpoints::State::Paused,
                    Some("it keeps failing"),
                )
                .await?;
                told(tx, message, "endpoint.paused", "failing").await?;
            }
            if let Some(delay) = next {
                return Ok(Next::Again(delay));
            }
        }
    }
    let state = if met == Met::Success { State::Delivered } else { State::Failed };
    Ok(Next::Over(state, in_order(tx, message).await?))
}

/// What follows in order. While something waits that is not this one, whoever hands events out leaves the endpoint to us; that
/// nothing waits is true only under the lock, which both take before they say so (`outbound.hand_out`). It is taken for this
/// alone, because everybody who hands out waits for it.
async fn in_order(tx: &mut Tx, message: &Message) -> Result<Follows, DbError> {
    if !message.ordered {
        return Ok(Follows::Nothing);
    }
    let mut next = following(tx, message.endpoint).await?;
    if next.is_none() {
        lock(tx, message.endpoint).await?;
        next = following(tx, message.endpoint).await?;
    }
    Ok(next.map_or(Follows::Nothing, Follows::InOrder))
}

async fn lock(tx: &mut Tx, endpoint: Uuid) -> Result<(), DbError> {
    sqlx::query("select from outbound.endpoint where id = $1 for update")
        .bind(endpoint)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The usual end, in one statement; whether others of the endpoint were put off.
async fn delivered(
    tx: &mut Tx,
    tenant: TenantId,
    message: &Message,
    exchange: &Exchange,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(include_str!("delivered.sql"))
        .bind(tenant)
        .bind(message.delivery)
        .bind(message.endpoint)
        .bind(exchange.at)
        .bind(i32::try_from(exchange.took.as_millis()).unwrap_or(i32::MAX))
        .bind(exchange.status.map(|status| i16::try_from(status).unwrap_or(i16::MAX)))
        .bind(Json(&exchange.request_headers))
        .bind(Json(&exchange.response_headers))
        .bind(exchange.response_body.as_deref())
        .bind(now)
        .bind(now + take::NOT_BEFORE)
        .bind(now + take::NOT_AFTER)
        .fetch_one(&mut **tx)
        .await?)
}

/// Whoever has asked for time for a day is at fault.
fn patient(message: &Message, met: &Met, now: DateTime<Utc>) -> Met {
    match (met, message.waiting_since) {
        (Met::AskedToWait(_), Some(since)) if now - since > LONGEST_WAIT => {
            Met::Fault("it has asked for more time for a day".to_owned())
        }
        _ => met.clone(),
    }
}

/// A wait that grows with those before it, up to sixteen times, and half of it again by chance: many that wait for one
/// endpoint must neither ask all the time nor come back together.
fn apart(after: Duration, waits: i32, random: f64) -> Duration {
    let doublings = u32::try_from(waits).unwrap_or(0).min(4);
    after.saturating_mul(1 << doublings).mul_f64(1.0 + 0.5 * random)
}

async fn list(
    tx: &mut Tx,
    tenant: TenantId,
    message: &Message,
    met: &Met,
    exchange: &Exchange,
) -> Result<(), DbError> {
    let (outcome, error) = match met {
        Met::Success => ("delivered", None),
        Met::AskedToWait(_) | Met::CircuitOpen(_) | Met::NotTried(_) => ("waits", None),
        Met::Gone => ("failed", Some("the endpoint is gone")),
        Met::Fault(why) => ("failed", Some(why.as_str())),
    };
    sqlx::query(
        "insert into outbound.attempt
             (tenant_id, delivery_id, at, took_ms, outcome, status, error, request_headers, response_headers, response_body)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(tenant)
    .bind(message.delivery)
    .bind(exchange.at)
    .bind(i32::try_from(exchange.took.as_millis()).unwrap_or(i32::MAX))
    .bind(outcome)
    .bind(exchange.status.map(|status| i16::try_from(status).unwrap_or(i16::MAX)))
    .bind(error)
    .bind(Json(&exchange.request_headers))
    .bind(Json(&exchange.response_headers))
    .bind(exchange.response_body.as_deref())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn over(
    tx: &mut Tx,
    message: &Message,
    state: State,
    status: Option<u16>,
    error: Option<&str>,
) -> Result<(), DbError> {
    let failed = i16::from(state == State::Failed);
    sqlx::query(
        "update outbound.webhook_delivery set state = $2, attempts = attempts + $5, last_status = $3, last_error = $4,
             ended_at = clock_timestamp()
         where id = $1 and state = 'waiting'",
    )
    .bind(message.delivery)
    .bind(state)
    .bind(status.map(|status| i16::try_from(status).unwrap_or(i16::MAX)))
    .bind(error)
    .bind(failed)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn again(
    tx: &mut Tx,
    message: &Message,
    failed: i16,
    delay: Duration,
    status: Option<u16>,
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query(
        "update outbound.webhook_delivery set attempts = $2, next_at = $3, last_status = $4, last_error = $5,
             waiting_since = null, circuit_until = null
         where id = $1 and state = 'waiting'",
    )
    .bind(message.delivery)
    .bind(failed)
    .bind(now + delay)
    .bind(status.map(|status| i16::try_from(status).unwrap_or(i16::MAX)))
    .bind(why)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn wait(
    tx: &mut Tx,
    message: &Message,
    met: &Met,
    after: Duration,
    status: Option<u16>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let asked = matches!(met, Met::AskedToWait(_));
    let circuit_until = match met {
        Met::CircuitOpen(open_for) => Some(now + *open_for),
        _ => None,
    };
    sqlx::query(
        "update outbound.webhook_delivery set waits = waits + 1, next_at = $2, last_status = coalesce($3, last_status),
             waiting_since = case when $4 then coalesce(waiting_since, $5) else waiting_since end, circuit_until = $6
         where id = $1 and state = 'waiting'",
    )
    .bind(message.delivery)
    .bind(now + after)
    .bind(status.map(|status| i16::try_from(status).unwrap_or(i16::MAX)))
    .bind(asked)
    .bind(now)
    .bind(circuit_until)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes that an attempt failed; whether the endpoint is to be paused for it.
async fn failing(
    tx: &mut Tx,
    message: &Message,
    is_spent: bool,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let (failures, since, state): (i32, DateTime<Utc>, endpoints::State) = sqlx::query_as(
        "update outbound.endpoint set failing_since = coalesce(failing_since, $2), failures = failures + 1
         where id = $1 returning failures, failing_since, state",
    )
    .bind(message.endpoint)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    let keeps_failing = failures >= PAUSED_AFTER_FAILURES && now - since >= PAUSED_AFTER;
    // A delivery that spent everything although others arrived meanwhile is at fault itself.
    let none_arrives = is_spent && failures >= i32::try_from(schedule::DELAYS.len()).unwrap_or(i32::MAX);
    Ok(state == endpoints::State::Active && (keeps_failing || none_arrives))
}

/// Tells the owner what became of the endpoint: whoever listens gets an event, in chat or at another endpoint.
async fn told(tx: &mut Tx, message: &Message, event: &str, reason: &str) -> Result<(), DbError> {
    let data = json!({ "endpoint_id": message.endpoint, "reason": reason });
    tell(tx, event, &format!("endpoint:{}", message.endpoint), &data).await
}

/// What follows in the order of an active endpoint; none where the order does not count (outbound role).
///
/// # Errors
/// The database failed.
pub async fn following(tx: &mut Tx, endpoint: Uuid) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "select d.id from outbound.webhook_delivery d join outbound.endpoint e on e.id = d.endpoint_id
         where d.endpoint_id = $1 and d.state = 'waiting' and d.type <> 'webhook.test' and e.ordered
           and e.state = 'active' and e.removed_at is null
         order by d.seq, d.created_at limit 1",
    )
    .bind(endpoint)
    .fetch_optional(&mut **tx)
    .await?)
}

/// The job of a delivery, one at a time for each.
///
/// # Errors
/// Never in practice: the payload is two ids.
pub fn job_of(tenant: TenantId, delivery: Uuid) -> Result<jobs::NewJob, jobs::QueueError> {
    jobs::NewJob::of(tenant, &DeliverWebhook { delivery_id: delivery })?.with_dedup_key(&delivery.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(waiting_since: Option<DateTime<Utc>>) -> Message {
        Message {
            delivery: Uuid::nil(),
            endpoint: Uuid::nil(),
            ordered: false,
            is_test: false,
            url: String::new(),
            id: String::new(),
            body: Vec::new(),
            secrets: Vec::new(),
            attempts: 0,
            waits: 0,
            waiting_since,
        }
    }

    #[test]
    fn those_who_wait_for_one_endpoint_come_back_apart() {
        let second = Duration::from_secs(1);
        assert_eq!(apart(second, 0, 0.0), second);
        assert_eq!(apart(second, 0, 1.0), Duration::from_millis(1_500));
        assert_eq!(apart(second, 3, 0.0), 8 * second);
        assert_eq!(apart(second, 1_000, 0.0), 16 * second);
        assert_eq!(apart(second, -1, 0.0), second);
    }

    #[test]
    fn time_is_given_for_a_day() {
        let now = Utc::now();
        let asks = Met::AskedToWait(Duration::from_secs(60));
        assert_eq!(patient(&message(None), &asks, now), asks);
        assert_eq!(patient(&message(Some(now - LONGEST_WAIT)), &asks, now), asks);
        let late = now + chrono::Duration::seconds(1);
        assert!(matches!(patient(&message(Some(now - LONGEST_WAIT)), &asks, late), Met::Fault(_)));
        let not_tried = Met::NotTried(Duration::from_secs(1));
        assert_eq!(patient(&message(Some(now - LONGEST_WAIT)), &not_tried, late), not_tried);
    }
}
