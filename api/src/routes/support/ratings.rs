//! Ratings of tickets, as programs and agents give and see them, and the link by which a customer gives one.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use chrono::{DateTime, Duration, DurationRound, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::order::place;
use support::ratings::link::Link;
use support::ratings::{self, COMMENT_CHARS, NewRating, Rating, Score, Source};
use support::rules::causes;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::drafts::find;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::trail;

/// The routes of ratings.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(give, list)).routes(routes!(link))
}

/// A rating that is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RatingWish {
    /// 1 to 5.
    score: i64,
    /// In the customer's words.
    #[serde(default)]
    comment: Option<String>,
    /// When the customer gave it; now when missing.
    #[serde(default)]
    given_at: Option<DateTime<Utc>>,
}

/// The ratings of a ticket.
#[derive(Debug, Serialize, ToSchema)]
struct RatingList {
    /// That of the latest resolution first; one a resolution.
    #[schema(value_type = Vec<serde_json::Value>)]
    items: Vec<Rating>,
}

/// Give a rating on behalf of the customer. The newest of a resolution counts.
#[utoipa::path(
    post,
    path = "/api/tickets/{id}/ratings",
    tag = "ratings",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer"),
    ),
    request_body(content = RatingWish, example = json!({"score": 5, "comment": "Quick and kind."})),
    responses(
        (status = 200, description = "the rating that counts for the resolution: this one, or a newer one", body = serde_json::Value),
        (status = 400, description = "no score from 1 to 5", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn give(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(reference): Path<String>,
    key: IdempotencyKey,
    wish: Json<RatingWish>,
) -> Result<Answer, Problem> {
    let now = Utc::now();
    let RatingWish { score, comment, given_at } = &wish.value;
    let score = score_of(*score)?;
    check_comment(comment.as_deref())?;
    let given_at = given_at.unwrap_or(now);
    if given_at > now + Duration::minutes(5) || given_at < now - Duration::days(3_660) {
        return Err(Problem::bad_request("given_at", "must lie in the last ten years and not ahead"));
    }
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &wish.digest).await? {
        return Ok(answer);
    }
    let ticket = find(&mut tx, &reference).await?;
    let rating = NewRating {
        ticket: ticket.id,
        score,
        comment: comment.as_deref(),
        source: if caller.agent().is_some() { Source::Agent } else { Source::Api },
        by: &caller.actor(),
        external_id: None,
        given_at: given_at.min(now),
    };
    let stored = ratings::give(&mut tx, caller.tenant, &rating).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("there is no such ticket"))?;
    let mut announcement = causes::enqueue(&mut tx, caller.tenant, ticket.id).await?;
    announcement.merge(jobs::enqueue_one(&mut tx, place::look_again(caller.tenant, ticket.id)?).await?.1);
    let answer = Answer::ok(&stored);
    idempotency::keep(&mut tx, caller.tenant, &key, &wish.digest, &answer).await?;
    // Whoever rates in a customer's name is named.
    let detail = json!({ "score": wish.value.score, "given_at": given_at });
    trail::record(&mut tx, &caller, "ticket.rating", &format!("ticket:{}", ticket.id), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// The ratings of a ticket.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/ratings",
    tag = "ratings",
    params(("id" = String, Path, description = "our ticket id, or the help desk's")),
    responses(
        (status = 200, description = "one a resolution", body = RatingList),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
) -> Result<axum::Json<RatingList>, Problem> {
    caller.require(Scope::TicketsRead)?;
    Params::of(&uri, &[])?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    let items = ratings::of_ticket(&mut tx, ticket.id).await?;
    tx.commit().await?;
    Ok(axum::Json(RatingList { items }))
}

/// A link for the customer.
#[derive(Debug, Serialize, ToSchema)]
struct RatingLinkView {
    /// The address to put into a mail. Its host is the one that this request was sent to.
    url: String,
    /// The same without the host, for desks behind another name.
    path: String,
    /// Until when it works.
    until: DateTime<Utc>,
}

/// A link by which the customer rates the ticket without signing in.
#[utoipa::path(
    get,
    path = "/api/tickets/{id}/rating-link",
    tag = "ratings",
    params(
        ("id" = String, Path, description = "our ticket id, or the help desk's"),
        ("days" = Option<i64>, Query, description = "how long it works, 1 to 90; 30 when missing"),
    ),
    responses(
        (status = 200, description = "the link; whoever has it may rate this ticket and see nothing", body = RatingLinkView),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn link(
    State(state): State<AppState>,
    caller: Caller,
    Path(reference): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<axum::Json<RatingLinkView>, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let days = Params::of(&uri, &["days"])?.number("days")?.unwrap_or(30);
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let ticket = find(&mut tx, &reference).await?;
    tx.commit().await?;
    let until = Utc::now() + Duration::days(days);
    // Whole seconds, as in the token.
    let until = until.duration_trunc(Duration::seconds(1)).unwrap_or(until);
    let token = Link { tenant: caller.tenant, ticket: ticket.id, until }.token(&state.settings.master_key);
    let path = format!("/r/{token}");
    Ok(axum::Json(RatingLinkView { url: format!("{}{path}", origin(&headers)), path, until }))
}

/// Scheme and host that the request was sent to.
pub(super) fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_host = |host: &&str| {
        host.len() <= 255
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    };
    let host = text(header::HOST.as_str()).filter(is_host).unwrap_or("localhost");
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}

pub(super) fn score_of(number: i64) -> Result<Score, Problem> {
    Score::try_from(number).map_err(|error| Problem::bad_request("score", error.to_string()))
}

pub(super) fn check_comment(comment: Option<&str>) -> Result<(), Problem> {
    if comment.is_none_or(|comment| comment.chars().count() <= COMMENT_CHARS) {
        return Ok(());
    }
    Err(Problem::bad_request("comment", format!("must have at most {COMMENT_CHARS} characters")))
}
