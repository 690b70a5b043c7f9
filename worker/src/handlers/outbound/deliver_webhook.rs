//! Delivers an event to an endpoint: looks, calls, writes down what came of it. A delivery that has to come again puts
//! its job off for exactly so long; no attempt of the job is spent by what the endpoint does. A run that ended its delivery
//! goes on for a while with what the endpoint has besides, because a job for each would cost more than the call.
//!
//! A crash between the answer and its note sends the event again, under the same `webhook-id`.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use outbound::deliveries::State;
use outbound::deliveries::end::{self, Exchange, Follows, Met, Next};
use outbound::deliveries::take::{self, Message, TakeError, Taken};
use outbound::kinds::DeliverWebhook;
use outbound::kinds::deliver_webhook::DeliverWebhookOutput;
use outbound::signature;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use upstreams::error::PauseReason;
use upstreams::webhook::Answered;
use upstreams::{CallContext, ClientError};
use uuid::Uuid;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done_then};

/// What one call may take, and all calls of a run: a little less than the kind's deadline, so that what came of it can be
/// written down.
const CALL_TIME: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(38);

/// How long a run begins with further deliveries of the same endpoint.
const GOES_ON_FOR: Duration = Duration::from_secs(8);

/// Characters of an answer's body that are kept.
const KEPT_CHARS: usize = 2_048;
/// Headers of an answer that are kept, and characters of each.
const KEPT_HEADERS: usize = 30;
const KEPT_HEADER_CHARS: usize = 300;
/// The wait for an endpoint that could not be called for a reason of ours.
const SOON: Duration = Duration::from_secs(5);
/// What an endpoint that asks for time gets at once at most.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: DeliverWebhook) -> Outcome<DeliverWebhookOutput> {
    let started = Instant::now();
    let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
    let now = ctx.now();
    let taken = take::take(&mut tx, &app.master_key, ctx.tenant, job.delivery_id, now).await;
    let mut message = match taken.map_err(stop_of)? {
        Taken::Send(message) => message,
        Taken::Gone => return Err(Stop::Cancel("the delivery is gone".to_owned())),
        Taken::Over(state, endpoint) => {
            // An earlier run may have died before it asked for the one that follows.
            let next = end::following(&mut tx, endpoint).await?;
            tx.commit().await?;
            return over(&ctx, state, next);
        }
        Taken::Held => {
            tx.commit().await?;
            return done_then(DeliverWebhookOutput { state: State::Waiting }, Vec::new());
        }
        Taken::NotYet(at) => {
            return Err(Stop::Snooze(
                (at - now).to_std().unwrap_or_default().max(Duration::from_millis(100)),
            ));
        }
    };
    tx.commit().await?;

    let mut own: Option<State> = None;
    loop {
        let (met, exchange) = send(&ctx, &app, &message, started + LONGEST).await;
        let now = ctx.now();
        let mut tx = app.db.tenant_tx(Role::Outbound, ctx.tenant).await?;
        let (state, follows) =
            match end::record(&mut tx, ctx.tenant, &message, &met, exchange.as_ref(), now).await? {
                Next::Over(state, follows) => (state, follows),
                Next::Again(after) => {
                    tx.commit().await?;
                    let Some(state) = own else { return Err(Stop::Snooze(after)) };
                    // What was put off has a job of its own; what came in order gets one.
                    return over(&ctx, state, message.ordered.then_some(message.delivery));
                }
            };
        let state = *own.get_or_insert(state);
        let goes_on = started.elapsed() < GOES_ON_FOR && !message.is_test && !ctx.is_halted();
        let further = match goes_on {
            true => {
                take::follow(&mut tx, &app.master_key, ctx.tenant, message.endpoint, follows, now).await?
            }
            false => None,
        };
        tx.commit().await?;
        match (further, follows) {
            (Some(further), _) => message = further,
            (None, Follows::InOrder(next)) => return over(&ctx, state, Some(next)),
            (None, Follows::PutOff | Follows::Nothing) => return over(&ctx, state, None),
        }
    }
}

fn over(ctx: &Ctx, state: State, next: Option<Uuid>) -> Outcome<DeliverWebhookOutput> {
    let then = next.map(|next| end::job_of(ctx.tenant, next)).transpose()?;
    done_then(DeliverWebhookOutput { state }, then.into_iter().collect())
}

async fn send(ctx: &Ctx, app: &App, message: &Message, until: Instant) -> (Met, Option<Exchange>) {
    let deadline = until.min(Instant::now() + CALL_TIME);
    let context = CallContext { deadline, traceparent: ctx.trace_parent.clone() };
    let (at, started) = (Utc::now(), Instant::now());
    let headers = message.headers(at);
    let endpoint = message.endpoint.to_string();
    let answer = app.webhooks.post(&context, &message.url, &endpoint, &headers, message.body.clone()).await;
    let exchange = |status, response_headers, response_body| Exchange {
        at,
        took: started.elapsed(),
        status,
        request_headers: json!({
            "content-type": "application/json",
            signature::ID_HEADER: headers[0].1,
            signature::TIMESTAMP_HEADER: headers[1].1,
            signature::SIGNATURE_HEADER: "(hidden)",
        }),
        response_headers,
        response_body,
    };
    match answer {
        Ok(answer) => {
            let met = met_by(&answer);
            (met, Some(exchange(Some(answer.status), kept(&answer.headers), Some(beginning(&answer.body)))))
        }
        // Nothing was sent, and nothing is listed.
        Err(ClientError::RetryAfter { after, reason, .. }) => {
            let after = after.max(Duration::from_secs(1));
            let met = if reason == PauseReason::CircuitOpen { Met::CircuitOpen } else { Met::NotTried };
            (met(after), None)
        }
        Err(ClientError::Deadline { .. }) => (Met::NotTried(SOON), None),
        Err(error) => (Met::Fault(words(&error)), Some(exchange(None, json!({}), None))),
    }
}

/// What an answer means.
fn met_by(answer: &Answered) -> Met {
    match (answer.status, answer.retry_after) {
        (200..=299, _) => Met::Success,
        (410, _) => Met::Gone,
        (429 | 502 | 504, Some(after)) => {
            Met::AskedToWait(after.clamp(Duration::from_secs(1), LONGEST_ASKED))
        }
        (status @ 300..=399, _) => Met::Fault(format!("it answered {status}: redirects are not followed")),
        (status, _) => Met::Fault(format!("it answered {status}")),
    }
}

/// Why no answer came, without the client's name in it.
fn words(error: &ClientError) -> String {
    match error {
        ClientError::Unavailable { cause, .. } => cause.to_string(),
        ClientError::ForbiddenAddress { problem, .. } => format!("it must not be called: {problem}"),
        other => other.to_string(),
    }
}

/// What of an answer's headers is kept: no cookies and no credentials.
fn kept(headers: &[(String, String)]) -> Value {
    let secret = |name: &str| {
        ["cookie", "auth", "token", "secret", "key", "signature"].iter().any(|word| name.contains(word))
    };
    let shown = headers.iter().take(KEPT_HEADERS).map(|(name, value)| {
        let value = if secret(name) {
            "(hidden)".to_owned()
        } else {
            value.chars().take(KEPT_HEADER_CHARS).collect()
        };
        (name.clone(), Value::String(value))
    });
    Value::Object(shown.collect::<Map<_, _>>())
}

/// The beginning of a body, as text that can be stored.
fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|c| *c != '\0').take(KEPT_CHARS).collect()
}

fn stop_of(error: TakeError) -> Stop {
    match error {
        TakeError::Db(error) => error.into(),
        error @ TakeError::Unseal { .. } => Stop::fail("unreadable_secret", &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<u64>) -> Met {
        let retry_after = retry_after.map(Duration::from_secs);
        met_by(&Answered { status, headers: Vec::new(), body: Default::default(), retry_after })
    }

    #[test]
    fn only_2xx_is_success_and_only_a_named_time_is_a_wait() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answered(status, Some(5)), Met::Success);
        }
        for status in [429, 502, 504] {
            assert_eq!(answered(status, Some(7)), Met::AskedToWait(Duration::from_secs(7)));
            assert!(matches!(answered(status, None), Met::Fault(_)), "{status} without a time");
        }
        assert_eq!(answered(429, Some(0)), Met::AskedToWait(Duration::from_secs(1)));
        for status in [101, 301, 302, 304, 307, 400, 404, 409, 500, 503] {
            assert!(matches!(answered(status, Some(7)), Met::Fault(_)), "{status}");
        }
        assert_eq!(answered(410, None), Met::Gone);
    }

    #[test]
    fn what_is_kept_of_an_answer_is_bounded_and_holds_no_secret() {
        let headers: Vec<(String, String)> = (0..40)
            .map(|n| (format!("x-{n}"), "v".repeat(1_000)))
            .chain([("set-cookie".to_owned(), "id=1".to_owned())])
            .rev()
            .collect();
        let kept = kept(&headers);
        assert_eq!(kept["set-cookie"], "(hidden)");
        assert_eq!(kept.as_object().map(Map::len), Some(KEPT_HEADERS));
        assert_eq!(kept["x-39"].as_str().map(str::len), Some(KEPT_HEADER_CHARS));
        assert_eq!(beginning(&[b'a', 0, 0xff, b'b']), "a\u{fffd}b");
        assert_eq!(beginning(&vec![b'x'; 5_000]).len(), KEPT_CHARS);
    }
}
