//! Webhook deliveries for people who ask what became of them: listed, shown with their bodies, and repeated.

use accounts::api_keys::Scope;
use accounts::audit;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::DeliveryId;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::types::Json as Stored;
use support::gorgias::dedup::Identity;
use support::gorgias::delivery::Body;
use support::gorgias::{PROVIDER, delivery};
use support::inbox::{self, Filter, StoredDelivery};
use support::intake::{self, Intake};
use support::privacy::sealing;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::webhooks::{DeliveryAnswer, malformed};
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::correlation;
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};

/// The routes of deliveries.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(replay))
}

/// A recorded delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// The delivery.
    pub id: Uuid,
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
    pub ticket_id: Option<Uuid>,
    /// The job that it made.
    pub job_id: Option<Uuid>,
    /// The request's correlation id.
    pub correlation_id: Option<String>,
    /// The delivery that this one repeats.
    pub replay_of: Option<Uuid>,
    /// What did not fit in the body, and what became of it; empty when all of it was understood.
    pub remarks: Vec<RemarkView>,
    /// The body as received, without embedded pictures; only for a single delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Box<RawValue>>,
}

/// Something in a delivery that was mended, or left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"field": "ticket.subject", "problem": "is not a text; it was left out"}))]
pub struct RemarkView {
    /// Where it stood.
    pub field: String,
    /// What was wrong, and what became of it.
    pub problem: String,
}

impl From<StoredDelivery> for DeliveryView {
    fn from(delivery: StoredDelivery) -> DeliveryView {
        DeliveryView {
            id: delivery.id.0,
            provider: delivery.provider,
            dedup_key: delivery.dedup_key,
            event_type: delivery.event_type,
            received_at: delivery.received_at,
            decision: delivery.decision,
            skip_reason: delivery.skip_reason,
            ticket_id: delivery.ticket.map(|ticket| ticket.0),
            job_id: delivery.job,
            correlation_id: delivery.correlation_id,
            replay_of: delivery.replay_of.map(|delivery| delivery.0),
            remarks: delivery
                .remarks
                .map(|Stored(remarks)| remarks)
                .unwrap_or_default()
                .into_iter()
                .map(|remark| RemarkView {
                    field: remark.field.into_owned(),
                    problem: remark.problem.into_owned(),
                })
                .collect(),
            body: delivery.body.map(|Stored(body)| body),
        }
    }
}

/// The tenant's deliveries, newest first, without bodies.
#[utoipa::path(
    get,
    path = "/api/webhooks/deliveries",
    tag = "webhooks",
    params(
        ("provider" = Option<String>, Query, description = "`gorgias`"),
        ("decision" = Option<String>, Query, description = "`queued` or `skipped`"),
        ("ticket_id" = Option<Uuid>, Query, description = "of one ticket, by our id"),
        ("has_remarks" = Option<bool>, Query, description = "`true`: understood with remarks; `false`: without any"),
        ("from" = Option<String>, Query, description = "received at or after, RFC 3339"),
        ("to" = Option<String>, Query, description = "received before, RFC 3339"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<DeliveryView>),
        (status = 400, description = "a bad filter or cursor", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let known = ["provider", "decision", "ticket_id", "has_remarks", "from", "to", "cursor", "limit"];
    let params = Params::of(&uri, &known)?;
    let page = PageRequest::of(&params)?;
    // There is one provider so far, so that this filter either holds for all or names nobody.
    one_of(&params, "provider", &[PROVIDER])?;
    let filter = Filter {
        decision: one_of(&params, "decision", &["queued", "skipped"])?,
        ticket: params.id("ticket_id")?.map(database::ids::TicketId),
        has_remarks: one_of(&params, "has_remarks", &["true", "false"])?.map(|value| value == "true"),
    };
    let from = params.time("from")?;
    let to = params.time("to")?.map(|to| (to, DeliveryId(Uuid::nil())));
    let before = page.after_place()?.map(|(at, id)| (at, DeliveryId(id))).or(to);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let limit = u32::try_from(page.limit_and_one()).unwrap_or(u32::MAX);
    let deliveries = inbox::list(&mut tx, &filter, before, limit).await?;
    tx.commit().await?;
    // Newest first: what is older than `from`, and whatever follows it, is not asked for.
    let items =
        deliveries.into_iter().take_while(|delivery| from.is_none_or(|from| delivery.received_at >= from));
    let items = items.map(DeliveryView::from).collect();
    Ok(Json(page.page(items, |item: &DeliveryView| place(item.received_at, item.id))))
}

/// One delivery with its body.
#[utoipa::path(
    get,
    path = "/api/webhooks/deliveries/{id}",
    tag = "webhooks",
    params(("id" = Uuid, Path, description = "the delivery")),
    responses(
        (status = 200, description = "the delivery", body = DeliveryView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeliveryView>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    Ok(Json(find(&state, &caller, &id).await?.into()))
}

/// Take the stored body in once more, by the rules of today.
///
/// The repetition is a delivery of its own that names the original. An unfinished draft of the ticket stands in
/// for a new job. It makes jobs, so it needs `webhooks:write`, as delivering does.
#[utoipa::path(
    post,
    path = "/api/webhooks/deliveries/{id}/replay",
    tag = "webhooks",
    params(("id" = Uuid, Path, description = "the delivery")),
    responses(
        (status = 202, description = "taken in", body = DeliveryAnswer),
        (status = 403, description = "the key has not the scope webhooks:write", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "the body is no delivery by the rules of today", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn replay(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<DeliveryAnswer>), Problem> {
    caller.require(Scope::WebhooksWrite)?;
    let stored = find(&state, &caller, &id).await?;
    let Stored(json) = stored.body.ok_or_else(Problem::internal)?;
    let body = Body::stored(json);
    let delivery = delivery::parse_body(&body).map_err(|error| {
        let problem = malformed(&error);
        Problem::unprocessable(problem.field.unwrap_or_default(), problem.detail)
    })?;
    let correlation_id = correlation::current();
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    let intake = Intake {
        tenant: caller.tenant,
        // A replay is never a repetition, so its name is no more than where it comes from.
        identity: &Identity { key: stored.dedup_key, is_lasting: true },
        body: &body.json,
        delivery: &delivery,
        correlation_id: correlation_id.as_str(),
        trace_parent: trace_parent.as_deref(),
        replay_of: Some(stored.id),
        now: Utc::now(),
    };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let (taken, announcement) = intake::take_in_within(&mut tx, intake).await?;
    let subject = format!("delivery:{}", stored.id);
    let event = audit::Event {
        tenant: Some(caller.tenant),
        actor: &caller.actor(),
        action: "delivery.replay",
        subject: &subject,
        detail: serde_json::json!({ "delivery": taken.answer.id, "job": taken.answer.job }),
        correlation_id: Some(correlation_id.as_str()),
    };
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    metrics::counter!("deskwork_webhooks_total", "provider" => PROVIDER, "outcome" => "replayed")
        .increment(1);
    Ok((StatusCode::ACCEPTED, Json(taken.answer.into())))
}

async fn find(state: &AppState, caller: &Caller, id: &str) -> Result<StoredDelivery, Problem> {
    let id = DeliveryId(query::id("id", id)?);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let mut found =
        inbox::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("there is no such delivery"))?;
    if let Some(Stored(body)) = found.body.take() {
        let body = sealing::open(&mut tx, &state.settings.master_key, caller.tenant, id.0, body).await?;
        found.body = Some(Stored(body));
    }
    tx.commit().await?;
    Ok(found)
}

fn one_of(params: &Params, name: &'static str, known: &[&str]) -> Result<Option<String>, Problem> {
    match params.text(name)? {
        None => Ok(None),
        Some(value) if known.contains(&value) => Ok(Some(value.to_owned())),
        Some(_) => Err(Problem::bad_request(name, format!("must be {}", known.join(" or ")))),
    }
}
