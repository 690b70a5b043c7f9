//! The smart order as people see it: why a ticket stands where it stands, and topics that go first for a while.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use database::{Role, Tx};
use jobs::{Announcement, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::kinds::RefreshRank;
use support::order::alerts::{self, TopicAlert};
use support::order::explain::Explained;
use support::order::place;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::drafts::find;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::trail;

/// The routes of the order.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(score)).routes(routes!(list)).routes(routes!(set, lift))
}

/// A ticket's place.
#[derive(Debug, Serialize, ToSchema)]
struct ScoreView {
    /// Our ticket.
    ticket_id: Uuid,
    /// The key that the list is sorted by, the greatest first. It changes when something happens to the ticket, not
    /// while time goes by.
    rank: f64,
    /// The score as of now: the sum of the points below. Null until the ticket was settled once.
    score: Option<f64>,
    /// Now.
    as_of: DateTime<Utc>,
    /// Every term with its points and the reason in words, those with most points first.
    #[schema(value_type = Vec<serde_json::Value>)]
    terms: Vec<Explained>,
}

/// Why a ticket stands where it stands in the smart order.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/score",
    tag = "tickets",
    params(("id" = String, Path, description = "our ticket id, or the help desk's")),
    responses(
        (status = 200, description = "every point, in words", body = ScoreView,
            example = json!({"ticket_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "rank": -3921.2, "score": 9.25,
                "as_of": "2026-01-31T12:00:00Z",
                "terms": [{"term": "priority", "points": 4.5, "why": "The priority is high."}]})),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn score(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
) -> Result<axum::Json<ScoreView>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let now = Utc::now();
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    let placed = place::explain(&mut tx, ticket.id, now).await?;
    tx.commit().await?;
    let placed = placed.ok_or_else(|| Problem::not_found("there is no such ticket"))?;
    let (score, terms) = match placed.explanation {
        Some(explanation) => (Some(explanation.score), explanation.terms),
        None => (None, Vec::new()),
    };
    Ok(axum::Json(ScoreView { ticket_id: ticket.id.0, rank: placed.rank, score, as_of: now, terms }))
}

/// An alert on a topic.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AlertWish {
    /// Until when; 30 days ahead at most.
    until: DateTime<Utc>,
    /// Why, for those who see the tickets.
    #[serde(default)]
    reason: Option<String>,
}

/// The alerts that hold now.
#[derive(Debug, Serialize, ToSchema)]
struct AlertList {
    /// By topic.
    #[schema(value_type = Vec<serde_json::Value>)]
    items: Vec<TopicAlert>,
}

/// Topics that go first now.
#[utoipa::path(
    get,
    path = "/api/topic-alerts",
    tag = "tickets",
    responses((status = 200, description = "the alerts that hold", body = AlertList)),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<AlertList>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let items = alerts::list(&mut tx, Utc::now()).await?;
    tx.commit().await?;
    Ok(axum::Json(AlertList { items }))
}

/// Let tickets on a topic go first until a time: a recall, an outage.
#[utoipa::path(
    put,
    path = "/api/topic-alerts/{topic}",
    tag = "tickets",
    params(("topic" = String, Path, description = "the topic, as analysis names it, for example `damaged`")),
    request_body(content = AlertWish, example = json!({"until": "2026-02-01T00:00:00Z", "reason": "lamps of batch 7"})),
    responses(
        (status = 200, description = "it holds; unfinished tickets are placed anew", body = serde_json::Value),
        (status = 400, description = "a bad topic or time", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "too many alerts hold already", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn set(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(topic): Path<String>,
    wish: Json<AlertWish>,
) -> Result<axum::Json<TopicAlert>, Problem> {
    check_topic(&topic)?;
    let now = Utc::now();
    let AlertWish { until, reason } = wish.value;
    if until <= now || until > now + Duration::days(30) {
        return Err(Problem::bad_request("until", "must lie ahead, 30 days at most"));
    }
    if reason.as_ref().is_some_and(|reason| !(1..=500).contains(&reason.chars().count())) {
        return Err(Problem::bad_request("reason", "must have 1 to 500 characters"));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let held = alerts::list(&mut tx, now).await?;
    if held.len() as i64 >= alerts::MOST && !held.iter().any(|alert| alert.topic == topic) {
        return Err(Problem::conflict(format!("{} alerts hold already; lift one first", alerts::MOST)));
    }
    let alert = alerts::set(&mut tx, &topic, reason.as_deref(), &caller.actor(), until).await?;
    let mut announcement = place_anew(&mut tx, &caller, None).await?;
    announcement.merge(place_anew(&mut tx, &caller, Some(until)).await?);
    trail::record(&mut tx, &caller, "topic_alert.set", &topic, json!({"until": until})).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(axum::Json(alert))
}

/// Lift an alert.
#[utoipa::path(
    delete,
    path = "/api/topic-alerts/{topic}",
    tag = "tickets",
    params(("topic" = String, Path, description = "the topic")),
    responses(
        (status = 204, description = "it is lifted"),
        (status = 404, description = "there is no such alert", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn lift(
    State(state): State<AppState>,
    caller: Caller,
    Path(topic): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::SettingsWrite)?;
    check_topic(&topic)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if !alerts::lift(&mut tx, &topic).await? {
        return Err(Problem::not_found("there is no alert on this topic"));
    }
    let announcement = place_anew(&mut tx, &caller, None).await?;
    trail::record(&mut tx, &caller, "topic_alert.lifted", &topic, json!({})).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn check_topic(topic: &str) -> Result<(), Problem> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if (1..=60).contains(&topic.len()) && topic.chars().all(is_word) {
        return Ok(());
    }
    Err(Problem::bad_request("topic", "must have 1 to 60 of a-z, 0-9 and _"))
}

/// Asks for new places of all unfinished tickets, now or when an alert ends.
async fn place_anew(
    tx: &mut Tx,
    caller: &Caller,
    at: Option<DateTime<Utc>>,
) -> Result<Announcement, Problem> {
    let job = correlation::caused(NewJob::of(caller.tenant, &RefreshRank::default())?);
    let job = match at {
        None => job.with_dedup_key(RefreshRank::ALL)?,
        // A second after the end, which is not in it any more.
        Some(at) => job.with_run_at(at + Duration::seconds(1)).with_dedup_key(&format!(
            "{}:{}",
            RefreshRank::ALL,
            at.timestamp()
        ))?,
    };
    Ok(jobs::enqueue_one(tx, job).await?.1)
}
