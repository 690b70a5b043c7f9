//! Deliveries to endpoints: what was sent, what came back, and once more.

use accounts::api_keys::Scope;
use axum::Json as Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Utc};
use database::Role;
use outbound::catalogue;
use outbound::deliveries::list::{self, Filter, Listed, Shown};
use outbound::deliveries::now::{self, Next, Sent};
use outbound::deliveries::{self, replay};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{may_read, may_write};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::page::{Page, PageRequest, place};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use crate::web::trail;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(show))
        .routes(routes!(send))
        .routes(routes!(again))
        .routes(routes!(again_many))
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboundDelivery {
    /// id, endpoint_id, event_id, type; state (waiting, delivered, failed); attempts, waits, next_at, circuit_until; last_status,
    /// last_error; created_at, ended_at; replay_of.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    delivery: Listed,
}

/// A delivery with every request that was made for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboundDeliveryShown {
    /// As in the list, and: request_body; requests, each with at, took_ms, outcome (delivered, failed, waits), status,
    /// error, request_headers, response_headers, response_body (its beginning).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    shown: Shown,
}

/// Deliveries, newest first; they are kept for 30 days.
#[utoipa::path(
    get,
    path = "/api/outbound/deliveries",
    tag = "outbound",
    params(
        ("endpoint" = Option<Uuid>, Query, description = "to this endpoint"),
        ("state" = Option<String>, Query, description = "waiting, delivered or failed"),
        ("type" = Option<String>, Query, description = "of this kind of event"),
        ("from" = Option<String>, Query, description = "made at this time or later"),
        ("to" = Option<String>, Query, description = "made before"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<OutboundDelivery>),
        (status = 400, description = "a bad filter", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn all(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Body<Page<OutboundDelivery>>, Problem> {
    may_read(&caller)?;
    let params = Params::of(&uri, &["endpoint", "state", "type", "from", "to", "cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let filter = Filter {
        endpoint: params.id("endpoint")?,
        state: params.text("state")?.map(state_of).transpose()?,
        kind: params.text("type")?.map(kind_of).transpose()?,
        from: params.time("from")?,
        to: params.time("to")?,
    };
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let found = list::list(&mut tx, &filter, page.after_place()?, page.limit_and_one()).await?;
    tx.commit().await?;
    let items = found.into_iter().map(|delivery| OutboundDelivery { delivery }).collect();
    Ok(Body(page.page(items, |item: &OutboundDelivery| place(item.delivery.created_at, item.delivery.id))))
}

/// A delivery: what was sent, and every answer.
#[utoipa::path(
    get,
    path = "/api/outbound/deliveries/{id}",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the delivery")),
    responses(
        (status = 200, description = "the delivery", body = OutboundDeliveryShown),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Body<OutboundDeliveryShown>, Problem> {
    may_read(&caller)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let shown = list::show(&mut tx, id).await?;
    tx.commit().await?;
    let shown = shown.ok_or_else(|| Problem::not_found("there is no such delivery"))?;
    Ok(Body(OutboundDeliveryShown { shown }))
}

/// A delivery that waited for its next attempt.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentNow {
    /// When it is tried.
    next_at: DateTime<Utc>,
    /// Whether that was brought forward; what is tried within a minute anyway is left as it is.
    brought_forward: bool,
    /// What it waits for until then: `circuit`, when its endpoint failed so often that nothing is sent to it before; null when
    /// it waits for nothing.
    waits_for: Option<&'static str>,
}

impl SentNow {
    fn of(next: Next, brought_forward: bool) -> SentNow {
        SentNow { next_at: next.at, brought_forward, waits_for: next.waits_for_circuit.then_some("circuit") }
    }
}

/// Send a delivery now that waits for its next attempt: that attempt is brought forward, none is added. Where nothing is sent to
/// the endpoint for a moment, because it failed too often, it is brought forward to the end of that.
#[utoipa::path(
    post,
    path = "/api/outbound/deliveries/{id}/send",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the delivery")),
    responses(
        (status = 202, description = "it is on its way", body = SentNow),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is over, its endpoint gets nothing now, or an earlier one goes first (`first`)", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn send(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Body<SentNow>), Problem> {
    may_write(&caller)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let (next, announcement) = match now::send(&mut tx, caller.tenant, id, Utc::now()).await? {
        Sent::Now(next, announcement) => (next, announcement),
        Sent::Soon(next) => return Ok((StatusCode::ACCEPTED, Body(SentNow::of(next, false)))),
        Sent::Unknown => return Err(Problem::not_found("there is no such delivery")),
        Sent::Over(_) => {
            return Err(Problem::conflict("it is over: /replay sends it once more, as a new delivery"));
        }
        Sent::NotActive => {
            return Err(Problem::conflict(
                "its endpoint gets nothing now: what waits is sent when it is resumed",
            ));
        }
        Sent::Behind(first) => {
            let why = "its endpoint gets one at a time, in order: an earlier delivery goes first";
            return Err(Problem::conflict(why).with("first", json!(first)));
        }
    };
    trail::record(&mut tx, &caller, "delivery.send", &format!("outbound-delivery:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok((StatusCode::ACCEPTED, Body(SentNow::of(next, true))))
}

/// What a replay did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// Deliveries that are repeated.
    deliveries: i64,
    /// Whether they were only counted.
    dry_run: bool,
    /// Whether there are more than one request repeats: ask again.
    has_more: bool,
}

/// Send a delivery once more, under the same `webhook-id`.
#[utoipa::path(
    post,
    path = "/api/outbound/deliveries/{id}/replay",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the delivery")),
    responses(
        (status = 202, description = "it is on its way", body = Replayed),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it waits (see /send), is being repeated, or its endpoint gets nothing", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn again(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Body<Replayed>), Problem> {
    may_write(&caller)?;
    let id = query::id("id", &id)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    if list::show(&mut tx, id).await?.is_none() {
        return Err(Problem::not_found("there is no such delivery"));
    }
    let (deliveries, announcement) = replay::one(&mut tx, caller.tenant, id).await?;
    if deliveries == 0 {
        return Err(Problem::conflict(
            "only a delivery that is over is repeated, to an endpoint that gets events, and once at a time",
        ));
    }
    trail::record(&mut tx, &caller, "delivery.replay", &format!("outbound-delivery:{id}"), json!({})).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok((StatusCode::ACCEPTED, Body(Replayed { deliveries: 1, dry_run: false, has_more: false })))
}

/// Which deliveries are to be repeated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayFilter {
    /// To this endpoint.
    #[serde(default)]
    endpoint_id: Option<Uuid>,
    /// delivered or failed; failed when left out.
    #[serde(default)]
    state: Option<String>,
    /// Of this kind of event.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    /// Made at this time or later.
    #[serde(default)]
    from: Option<DateTime<Utc>>,
    /// Made before.
    #[serde(default)]
    to: Option<DateTime<Utc>>,
    /// Only count them.
    #[serde(default)]
    dry_run: bool,
}

/// Send all deliveries once more that a filter meets, the oldest events first, 1,000 at once.
#[utoipa::path(
    post,
    path = "/api/outbound/deliveries/replay",
    tag = "outbound",
    request_body(content = ReplayFilter, example = json!({ "state": "failed", "dry_run": true })),
    responses(
        (status = 200, description = "so many", body = Replayed),
        (status = 400, description = "a bad filter", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn again_many(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    request: Json<ReplayFilter>,
) -> Result<Body<Replayed>, Problem> {
    let asked = request.value;
    let wanted = match asked.state.as_deref().map(state_of).transpose()? {
        Some(deliveries::State::Waiting) => {
            return Err(Problem::bad_request(
                "state",
                "must be delivered or failed: what waits will come, or is sent by /send one by one",
            ));
        }
        state => state.unwrap_or(deliveries::State::Failed),
    };
    let filter = Filter {
        endpoint: asked.endpoint_id,
        state: Some(wanted),
        kind: asked.kind.as_deref().map(kind_of).transpose()?,
        from: asked.from,
        to: asked.to,
    };
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let found = replay::count(&mut tx, &filter).await?;
    let replayed = |deliveries: i64| Replayed {
        deliveries,
        dry_run: asked.dry_run,
        has_more: found > replay::MAX_AT_ONCE,
    };
    if asked.dry_run {
        tx.commit().await?;
        return Ok(Body(replayed(found.min(replay::MAX_AT_ONCE))));
    }
    let (count, announcement) = replay::by_filter(&mut tx, caller.tenant, &filter).await?;
    let detail =
        json!({ "deliveries": count, "state": wanted, "type": filter.kind, "endpoint_id": filter.endpoint });
    trail::record(&mut tx, &caller, "delivery.replay", "outbound-deliveries", detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(Body(replayed(i64::try_from(count).unwrap_or(i64::MAX))))
}

fn state_of(text: &str) -> Result<deliveries::State, Problem> {
    match text {
        "waiting" => Ok(deliveries::State::Waiting),
        "delivered" => Ok(deliveries::State::Delivered),
        "failed" => Ok(deliveries::State::Failed),
        _ => Err(Problem::bad_request("state", "must be waiting, delivered or failed")),
    }
}

fn kind_of(text: &str) -> Result<String, Problem> {
    if catalogue::find(text).is_none() {
        let names: Vec<&str> = catalogue::EVENTS.iter().map(|kind| kind.name).collect();
        return Err(Problem::bad_request("type", format!("must be one of {}", names.join(", "))));
    }
    Ok(text.to_owned())
}
