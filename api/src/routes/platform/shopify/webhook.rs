//! Shopify's webhooks: proven by the body's signature, stored with the job that applies them, and answered, in milliseconds. Whose
//! they are follows from the shop that the signed delivery names, and from nothing else.
//!
//! A shop that leaves takes its tokens with it: that is done here, in the same transaction, because workers may not.

use std::sync::Arc;

use accounts::foreign::json;
use accounts::shopify;
use accounts::shopify::signature::shop_domain;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Role, act_as};
use platform::shops::events::{self, NewEvent};
use platform::shops::{SHOPIFY, privacy};
use serde_json::value::RawValue;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::install::note_disconnected;
use crate::state::AppState;
use crate::web::limiter::Standing;
use crate::web::limits::{Limits, Refusal};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{body, correlation};

/// The largest body, in bytes. An order of a thousand lines has about two million.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A clock that is further ahead than this is not believed: what it says would be newer than anything for as long.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// The route.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    // There from the start: an alert on its growth does not see a counter that is born at 1.
    for outcome in ["unauthenticated", "too-large", "not-found"] {
        metrics::counter!("deskwork_webhooks_total", "provider" => SHOPIFY, "outcome" => outcome)
            .increment(0);
    }
    OpenApiRouter::new().routes(routes!(receive))
}

/// Take in what a shop tells.
///
/// The delivery proves itself by `X-Shopify-Hmac-Sha256` over the body as it is sent. The same event of a topic is taken in
/// once, however often it comes.
#[utoipa::path(
    post,
    path = "/api/webhooks/shopify",
    tag = "webhooks",
    security(()),
    params(
        ("X-Shopify-Hmac-Sha256" = Option<String>, Header, description = "HMAC-SHA256 of the body in base64"),
        ("X-Shopify-Shop-Domain" = Option<String>, Header, description = "the shop's own domain"),
        ("X-Shopify-Topic" = Option<String>, Header, description = "what it is about, such as orders/updated"),
        ("X-Shopify-Event-Id" = Option<String>, Header, description = "what makes two deliveries the same"),
        ("X-Shopify-Webhook-Id" = Option<String>, Header, description = "the same, where there is no event id"),
        ("X-Shopify-Triggered-At" = Option<String>, Header, description = "when it happened"),
    ),
    request_body(content = serde_json::Value, example = json!({ "id": 820982911946154508u64 })),
    responses(
        (status = 200, description = "it is stored, or was before"),
        (status = 400, description = "a header is missing, or the body is not JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "it is not proven", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "the shop is not connected", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "more than 8 MiB", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "the rate limit is reached", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "the database is away", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn receive(State(state): State<AppState>, request: Request) -> Response {
    let mut standing = None;
    let outcome = take(&state, request, &mut standing).await;
    let name = match &outcome {
        Ok(name) => *name,
        Err(Refusal::Problem(problem)) => problem.kind,
        Err(Refusal::TooMany(_)) => "too-many-requests",
    };
    metrics::counter!("deskwork_webhooks_total", "provider" => SHOPIFY, "outcome" => name).increment(1);
    let mut response = match outcome {
        Ok(_) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.into_response(),
    };
    if let Some(standing) = standing {
        Standing::show(standing, response.headers_mut());
    }
    response
}

/// Takes a delivery in; what became of it in a word.
async fn take(
    state: &AppState,
    request: Request,
    standing: &mut Option<Standing>,
) -> Result<&'static str, Refusal> {
    let (parts, sent) = request.into_parts();
    let bytes = body::read(&parts.headers, sent, MAX_BODY_BYTES).await?;
    let signature = text(&parts.headers, "x-shopify-hmac-sha256").unwrap_or_default();
    if !state.shopify.secrets.prove_body(&bytes, signature) {
        return Err(not_proven().into());
    }
    let now = Utc::now();
    let named = Named::of(&parts.headers, now)?;
    let cleaned = json::clean(&bytes).map_err(|_| Problem::bad_request("body", "must be JSON"))?;
    let document =
        RawValue::from_string(cleaned.text).map_err(|_| Problem::bad_request("body", "must be JSON"))?;
    let mut tx = state.db.gateway_tx().await?;
    let Some((tenant, connected_at)) = shopify::tenant_of(&mut tx, &named.shop).await? else {
        // Of a shop that never was here there is nothing to tell and nothing to erase.
        if privacy::TOPICS.contains(&named.topic.as_str()) {
            return Ok("ignored");
        }
        return Err(Problem::not_found("this shop is not connected").into());
    };
    if let Some(limits) = parts.extensions.get::<Arc<Limits>>() {
        *standing = Some(limits.count_webhook(tenant.0).map_err(Refusal::TooMany)?);
    }
    // One that was sent before the shop came back is about the time before.
    let leaves = named.topic == "app/uninstalled" && named.triggered_at >= connected_at;
    if leaves {
        shopify::disconnect(&mut tx, tenant).await?;
    }
    act_as(&mut tx, Role::Platform, Some(tenant)).await?;
    if leaves {
        note_disconnected(&mut tx, tenant, "the shop removed the app", now).await?;
    }
    let (correlation_id, trace_parent) =
        (correlation::current(), boot::telemetry::trace_parent_of_current_span());
    let event = NewEvent {
        source: SHOPIFY,
        topic: &named.topic,
        event_id: &named.event_id,
        triggered_at: named.triggered_at,
        body: &document,
        correlation_id: correlation_id.as_str(),
        trace_parent: trace_parent.as_deref(),
    };
    let announcement = events::take_in(&mut tx, tenant, &event, now).await?;
    state.db.commit(tx).await?;
    match announcement {
        Some(announcement) => {
            state.dispatch.announce(announcement);
            Ok("queued")
        }
        None => Ok("repeated"),
    }
}

/// What the headers name.
struct Named {
    shop: String,
    topic: String,
    event_id: String,
    triggered_at: DateTime<Utc>,
}

impl Named {
    fn of(headers: &HeaderMap, now: DateTime<Utc>) -> Result<Named, Problem> {
        let missing =
            |name: &'static str| Problem::bad_request(name, "must be sent, with at most 200 characters");
        let short = |name: &'static str| {
            text(headers, name).filter(|text| (1..=200).contains(&text.len())).map(str::to_owned)
        };
        let shop = text(headers, "x-shopify-shop-domain").and_then(shop_domain);
        let triggered_at = match text(headers, "x-shopify-triggered-at") {
            None => now,
            Some(text) => DateTime::parse_from_rfc3339(text)
                .map_err(|_| Problem::bad_request("x-shopify-triggered-at", "must be a time (RFC 3339)"))?
                .to_utc(),
        };
        Ok(Named {
            shop: shop.ok_or_else(|| missing("x-shopify-shop-domain"))?,
            topic: short("x-shopify-topic").ok_or_else(|| missing("x-shopify-topic"))?.to_ascii_lowercase(),
            event_id: short("x-shopify-event-id")
                .or_else(|| short("x-shopify-webhook-id"))
                .ok_or_else(|| missing("x-shopify-event-id"))?,
            triggered_at: triggered_at.min(now + AHEAD),
        })
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn not_proven() -> Problem {
    Problem { detail: "the delivery's signature is missing or wrong".into(), ..Problem::unauthenticated() }
}
