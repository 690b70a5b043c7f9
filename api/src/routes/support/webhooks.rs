//! The help desk's webhook: checked, recorded with the job that it asks for, and answered, in milliseconds.
//!
//! Order: sender, the body piece by piece with its signature, reading, skip rules, one transaction. The tenant comes
//! from an API key with the scope `webhooks:write`, or, because a help desk may let its owner set headers only,
//! from the slug in `X-Webhook-Tenant`; in both cases the tenant's webhook secret has to be proven. An unknown
//! tenant and a wrong proof get the same answer, and leave nothing but a counter behind.
//!
//! What the transaction does, and how many round trips it takes, is told in [`support::intake`].

mod arrival;
mod pictures;
mod senders;

use std::sync::Arc;

use accounts::api_keys::Scope;
use accounts::integrations::IntegrationError;
use accounts::verify::{self, Mode, Proof, Verification};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use database::ids::TenantId;
use serde::Serialize;
use support::gorgias::delivery::{self, Body, Delivery, DeliveryError};
use support::gorgias::remarks::Remark;
use support::gorgias::{PROVIDER, dedup};
use support::inbox::Answer;
use support::intake::{Intake, Taken};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth;
use crate::web::correlation;
use crate::web::limiter::Standing;
use crate::web::limits::{Limits, Refusal};
use crate::web::problem::{Problem, ProblemDocument};
use arrival::{Arrival, Places};
use senders::Senders;

/// A body with more words than this is read on a thread of its own, so that other requests do not wait for it.
const READ_ASIDE_BYTES: usize = 128 * 1024;

/// The header that names the tenant when no API key does.
const TENANT_HEADER: &str = "x-webhook-tenant";

/// The webhook's route, with a cache of verification settings of its own.
pub fn routes() -> OpenApiRouter<AppState> {
    // There from the start: an alert on its growth does not see a counter that is born at 1.
    for outcome in ["unauthenticated", "too-large"] {
        metrics::counter!("deskwork_webhooks_total", "provider" => PROVIDER, "outcome" => outcome)
            .increment(0);
    }
    OpenApiRouter::new()
        .routes(routes!(receive))
        .layer(Extension(Arc::new(Senders::default())))
        .layer(Extension(Arc::new(Places::default())))
}

/// What the sender is told, now and whenever it sends the same again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "delivery_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
    "decision": "queued",
    "ticket_id": "0199c0de-7e1b-7bd2-9a4c-0c1d2e3f4a5b",
    "job_id": "0199c0de-7e1c-7f00-8123-456789abcdef"
}))]
pub struct DeliveryAnswer {
    /// The delivery, as in GET /api/webhooks/deliveries.
    pub delivery_id: Uuid,
    /// `queued` or `skipped`.
    pub decision: String,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<String>,
    /// Our ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<Uuid>,
    /// The job that writes the draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<Uuid>,
}

impl From<Answer> for DeliveryAnswer {
    fn from(answer: Answer) -> DeliveryAnswer {
        DeliveryAnswer {
            delivery_id: answer.id.0,
            decision: answer.decision,
            skip_reason: answer.skip_reason,
            ticket_id: answer.ticket.map(|ticket| ticket.0),
            job_id: answer.job,
        }
    }
}

/// Take in a delivery of the help desk.
///
/// The body is a bare ticket, `{ticket, message}`, an event envelope `{id, type, data: {ticket}}`, or
/// `{event: {type}, ...}` around any of these. The account's owner writes the template, so it is read field by field:
/// a ticket's `id` is needed, and where there is a message a text that can be read; unknown fields are ignored, and what
/// else does not fit is left out and told as `remarks` by GET /api/webhooks/deliveries. A text is read as `body_text`,
/// `stripped_text` or `body_html`, else under a name of other programs (`body`, `text`, `content`, `bodyText`, `message`), or in
/// the ticket where there is no message. Who spoke is told by `from_agent`, else by the sender's type, the direction, or the
/// addresses of sender, receiver and customer; else the customer did, which is told. In HTML what a mail quotes of the
/// conversation is left out; what is forwarded, and what somebody answered below, stays. Prove the tenant's webhook secret
/// as `X-Webhook-Token`, or as `X-Gorgias-Signature`: hexadecimal HMAC-SHA256 of the body, with or without `sha256=`.
/// The body may be packed (`Content-Encoding: gzip` or `deflate`), and signed before or after that. A delivery of the
/// same event that tells the same, or of the same bytes within ten minutes while nothing else was told of the ticket, is a
/// repetition. Messages of one id with other words are as many messages, unless they have the same time of their own; the
/// same words without an id are another message at another time of their own. A time without an offset is UTC; one that may
/// mean two days, or is more than a day ahead, is left out.
#[utoipa::path(
    post,
    path = "/api/gorgias/webhook",
    tag = "webhooks",
    params(
        ("X-Webhook-Tenant" = Option<String>, Header, description = "the tenant's slug, when no API key is sent"),
        ("X-Webhook-Token" = Option<String>, Header, description = "the webhook secret"),
        ("X-Gorgias-Signature" = Option<String>, Header, description = "the body's signature"),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` or `deflate`"),
    ),
    request_body(content = serde_json::Value, example = json!({
        "ticket": { "id": 4711, "subject": "Where is my order?", "channel": "email", "customer": { "external_id": "22" } },
        "message": { "id": 815, "from_agent": false, "body_text": "It has been a week." }
    })),
    responses(
        (status = 202, description = "recorded", body = DeliveryAnswer),
        (status = 200, description = "recorded before; the same answer again", body = DeliveryAnswer),
        (status = 400, description = "not a delivery", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "unknown tenant, or wrong token or signature", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "more than 8 MiB, unpacked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "a packing, a charset or a type that is not understood", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "the rate limit is reached", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "the database is away", body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("api_key" = []), ("bearer" = []), ()),
)]
async fn receive(
    State(state): State<AppState>,
    Extension(senders): Extension<Arc<Senders>>,
    Extension(places): Extension<Arc<Places>>,
    request: Request,
) -> Response {
    let mut standing = None;
    let outcome = take(&state, &senders, &places, request, &mut standing).await;
    let name = match &outcome {
        Ok(taken) if !taken.is_new => "repeated",
        Ok(taken) if taken.answer.decision == "queued" => "queued",
        Ok(_) => "skipped",
        Err(Refusal::Problem(problem)) => problem.kind,
        Err(Refusal::TooMany(_)) => "too-many-requests",
    };
    metrics::counter!("deskwork_webhooks_total", "provider" => PROVIDER, "outcome" => name).increment(1);
    let mut response = match outcome {
        Ok(taken) => accepted(taken),
        Err(refusal) => refusal.into_response(),
    };
    if let Some(standing) = standing {
        Standing::show(standing, response.headers_mut());
    }
    response
}

async fn take(
    state: &AppState,
    senders: &Senders,
    places: &Places,
    request: Request,
    standing: &mut Option<Standing>,
) -> Result<Taken, Refusal> {
    let (parts, body) = request.into_parts();
    let (tenant, has_key) = sender(state, senders, &parts).await?;
    let verification = match tenant {
        Some(tenant) => senders
            .verification(&state.db, &state.settings.master_key, tenant)
            .await
            .map_err(settings_failed)?,
        // Checking against something that nobody can prove keeps the time of the answer the same.
        None => Some(Verification { mode: Mode::Hmac, secrets: vec![Uuid::now_v7().to_string()] }),
    };
    let mut proof = Proof::of(verification.as_ref());
    let arrival = arrival::read(&parts.headers, body, &mut proof, places).await?;
    let header = |name| parts.headers.get(name).map(|value| value.as_bytes());
    let proven = proof.check(header(verify::TOKEN_HEADER), header(verify::SIGNATURE_HEADER));
    let (Some(tenant), Ok(())) = (tenant, proven) else { return Err(not_proven().into()) };
    if !has_key && let Some(limits) = parts.extensions.get::<Arc<Limits>>() {
        *standing = Some(limits.count_webhook(tenant.0).map_err(Refusal::TooMany)?);
    }
    let sha256 = arrival.sha256;
    let (body, delivery) = understand(arrival).await?;
    let correlation_id = correlation::current();
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    let intake = Intake {
        tenant,
        identity: &dedup::identity(&delivery, &sha256),
        body: &body.json,
        delivery: &delivery,
        correlation_id: correlation_id.as_str(),
        trace_parent: trace_parent.as_deref(),
        replay_of: None,
        now: Utc::now(),
    };
    let taken = state.intakes.take_in(intake).await?;
    if taken.is_new {
        for remark in &delivery.remarks {
            metrics::counter!("deskwork_webhook_remarks_total", "provider" => PROVIDER, "at" => remark.counted_as())
                .increment(1);
        }
    }
    Ok(taken)
}

/// Reads what came in; what was cut out of it on the way is a remark as well.
async fn understand(arrival: Arrival<'_>) -> Result<(Body, Delivery), Problem> {
    let (text, pictures) = (arrival.text, arrival.pictures);
    let is_large = text.len() > READ_ASIDE_BYTES;
    let read = move || {
        let body = Body::of(&text)?;
        let delivery = delivery::parse_body(&body)?;
        Ok((body, delivery))
    };
    let understood = if is_large {
        tokio::task::spawn_blocking(read).await.map_err(|_| Problem::internal())?
    } else {
        read()
    };
    let (body, mut delivery) = understood.map_err(|error| malformed(&error))?;
    if let Some((pictures, bytes)) = pictures {
        let problem = format!("{pictures} embedded pictures ({bytes} bytes) were left out");
        delivery.remarks.push(Remark { field: "(body)".into(), problem: problem.into() });
    }
    Ok((body, delivery))
}

/// The tenant that the credential names, and whether an API key did; a slug is not yet proven.
async fn sender(
    state: &AppState,
    senders: &Senders,
    parts: &Parts,
) -> Result<(Option<TenantId>, bool), Problem> {
    if let Some(caller) = auth::identity(&parts.extensions)? {
        caller.require(Scope::WebhooksWrite)?;
        return Ok((Some(caller.tenant), true));
    }
    let slug = parts.headers.get(TENANT_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok((senders.tenant(&state.db, slug).await?, false))
}

fn accepted(taken: Taken) -> Response {
    let status = if taken.is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, axum::Json(DeliveryAnswer::from(taken.answer))).into_response()
}

/// One answer for every reason, so that nobody learns which tenants there are.
fn not_proven() -> Problem {
    Problem {
        detail: "the tenant is unknown, or the webhook's token or signature is missing or wrong".into(),
        ..Problem::unauthenticated()
    }
}

/// 400 with the field at fault.
pub fn malformed(error: &DeliveryError) -> Problem {
    Problem::bad_request(error.field().unwrap_or("body").to_owned(), error.to_string())
}

fn settings_failed(error: IntegrationError) -> Problem {
    match error {
        IntegrationError::Db(error) => error.into(),
        error => {
            tracing::error!(%error, "a tenant's help desk settings cannot be read");
            Problem::internal()
        }
    }
}
