//! Segments: customers for whom a rule holds. Stored, changed and put away here; counted, evaluated and looked into
//! in the files of the folder.

mod changes;
mod evaluate;
mod fields;
mod members;
mod preview;
mod rule;
mod view;

use accounts::api_keys::Scope;
use accounts::audit;
use axum::Json as Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use database::ids::SegmentId;
use database::{Role, Tx};
use marketing::segments::store::{self, Draft, SaveError, Segment};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::etag;
use crate::web::idempotency::{self, Answer, IdempotencyKey};
use crate::web::page::{Page, PageRequest};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::{self, Params};
use rule::Written;
use view::{SavedSegment, SegmentView};

/// The routes of segments.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, archive))
        .merge(preview::routes())
        .merge(evaluate::routes())
        .merge(members::routes())
        .merge(changes::routes())
        .merge(fields::routes())
}

/// A segment to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSegment {
    /// 1 to 100 characters, unique.
    name: String,
    /// At most 1,000 characters.
    #[serde(default)]
    description: String,
    /// A text or a tree; GET /api/segments/fields says what it may ask.
    #[schema(value_type = Object)]
    rule: Value,
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentChange {
    /// 1 to 100 characters, unique.
    #[serde(default)]
    name: Option<String>,
    /// At most 1,000 characters.
    #[serde(default)]
    description: Option<String>,
    /// A text or a tree.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
}

/// The tenant's segments, newest first.
#[utoipa::path(
    get,
    path = "/api/segments",
    tag = "segments",
    params(
        ("archived" = Option<bool>, Query, description = "those that were put away instead of the others"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<SegmentView>), (status = 304, description = "nothing changed")),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::SegmentsRead)?;
    let params = Params::of(&uri, &["archived", "cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let before = page.after_id()?.map(SegmentId);
    let archived = match params.text("archived")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("archived", "must be true or false")),
    };
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let segments = store::list(&mut tx, caller.tenant, archived, before, page.limit_and_one()).await?;
    tx.commit().await?;
    let views = segments.into_iter().map(|segment| SegmentView::of(segment, Utc::now())).collect();
    let page = page.page(views, |segment: &SegmentView| segment.id.to_string());
    Ok(etag::answer(&headers, serde_json::to_vec(&page).expect("an answer is plain data")))
}

/// Make a segment.
///
/// It is evaluated at once when the tenant's customers are known.
#[utoipa::path(
    post,
    path = "/api/segments",
    tag = "segments",
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and request have the same answer")),
    request_body(content = NewSegment, example = json!({
        "name": "Valuable and leaving",
        "rule": "total_order_value >= 500 and churn_risk in (high, critical)"
    })),
    responses(
        (status = 201, description = "it is stored", body = SavedSegment),
        (status = 400, description = "a bad rule or name; the detail points at the place", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the name is taken", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "the rule names something unknown", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SegmentsWrite as u8 }>,
    key: IdempotencyKey,
    request: Json<NewSegment>,
) -> Result<Answer, Problem> {
    let new = request.value;
    let written = Written::read(new.rule)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    if let Some(answer) = idempotency::replay(&mut tx, caller.tenant, &key, &request.digest).await? {
        return Ok(answer);
    }
    let draft = Draft { name: &new.name, description: &new.description, rule: &written.rule };
    let saved = store::create(&mut tx, caller.tenant, &draft, Utc::now()).await;
    let segment = saved.map_err(|error| refused(error, Some(&written)))?;
    record(&mut tx, &caller, "segment.create", &segment, json!({ "rule": segment.rule })).await?;
    let (evaluation_job_id, announcement) =
        evaluate::when_facts_are_known(&mut tx, &caller, segment.id).await?;
    let id = segment.id;
    let answer = Answer {
        status: StatusCode::CREATED,
        location: Some(format!("/api/segments/{id}")),
        ..Answer::ok(&SavedSegment { segment: SegmentView::of(segment, Utc::now()), evaluation_job_id })
    };
    idempotency::keep(&mut tx, caller.tenant, &key, &request.digest, &answer).await?;
    tx.commit().await?;
    state.dispatch.announce(announcement);
    Ok(answer)
}

/// A segment with what is known of its members.
#[utoipa::path(
    get,
    path = "/api/segments/{id}",
    tag = "segments",
    params(
        ("id" = Uuid, Path, description = "the segment"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of what is known"),
    ),
    responses(
        (status = 200, description = "the segment", body = SegmentView),
        (status = 304, description = "it is as it was"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::SegmentsRead)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let segment = find(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(tagged(SegmentView::of(segment, Utc::now()), &headers))
}

/// Change a segment.
///
/// With `If-Match` (the ETag of a read) only if nobody changed it since. A changed rule is evaluated at once.
#[utoipa::path(
    patch,
    path = "/api/segments/{id}",
    tag = "segments",
    params(
        ("id" = Uuid, Path, description = "the segment"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the segment as it is known"),
    ),
    request_body(content = SegmentChange, example = json!({ "rule": "order_count >= 3" })),
    responses(
        (status = 200, description = "it is changed", body = SavedSegment),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the name is taken, others refer to it, or a circle", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "somebody else changed it", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SegmentsWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Json<SegmentChange>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let written = request.value.rule.map(Written::read).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let stored = find(&mut tx, &id).await?;
    let is_new_rule = written.is_some();
    let written = match written {
        Some(written) => written,
        None => Written::read(stored.rule.clone())?,
    };
    let draft = Draft {
        name: request.value.name.as_deref().unwrap_or(&stored.name),
        description: request.value.description.as_deref().unwrap_or(&stored.description),
        rule: &written.rule,
    };
    let saved = store::update(&mut tx, caller.tenant, stored.id, expected, &draft, Utc::now()).await;
    let segment = saved.map_err(|error| refused(error, Some(&written)))?;
    record(&mut tx, &caller, "segment.change", &segment, json!({ "rule": segment.rule })).await?;
    let (evaluation_job_id, announcement) = if is_new_rule {
        evaluate::when_facts_are_known(&mut tx, &caller, segment.id).await?
    } else {
        Default::default()
    };
    tx.commit().await?;
    state.dispatch.announce(announcement);
    let view = SegmentView::of(segment, Utc::now());
    let tag = HeaderValue::from_str(&view.etag()).map_err(|_| Problem::internal())?;
    Ok(([(header::ETAG, tag)], Body(SavedSegment { segment: view, evaluation_job_id })).into_response())
}

/// Put a segment away. Its history stays, its members go, its name is free.
#[utoipa::path(
    delete,
    path = "/api/segments/{id}",
    tag = "segments",
    params(
        ("id" = Uuid, Path, description = "the segment"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the segment as it is known"),
    ),
    responses(
        (status = 204, description = "it is put away"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "others refer to it", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn archive(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SegmentsWrite)?;
    let expected = expected_version(&headers)?;
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let segment = find(&mut tx, &id).await?;
    let archived = store::archive(&mut tx, caller.tenant, segment.id, expected).await;
    archived.map_err(|error| refused(error, None))?;
    record(&mut tx, &caller, "segment.archive", &segment, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(tx: &mut Tx, id: &str) -> Result<Segment, Problem> {
    let id = SegmentId(query::id("id", id)?);
    store::get(tx, id).await?.ok_or_else(|| Problem::not_found("there is no such segment"))
}

async fn record(
    tx: &mut Tx,
    caller: &Caller,
    action: &str,
    segment: &Segment,
    detail: Value,
) -> Result<(), Problem> {
    let correlation_id = correlation::current();
    let event = audit::Event {
        tenant: Some(caller.tenant),
        actor: &caller.actor(),
        action,
        subject: &format!("segment:{}", segment.id),
        detail,
        correlation_id: Some(correlation_id.as_str()),
    };
    Ok(audit::record(tx, &event).await?)
}

fn refused(error: SaveError, written: Option<&Written>) -> Problem {
    let message = error.to_string();
    match error {
        SaveError::NameTaken => Problem::conflict(message).at("name"),
        SaveError::BadName => Problem::bad_request("name", message),
        SaveError::BadDescription => Problem::bad_request("description", message),
        SaveError::TooMany => Problem::conflict(message),
        SaveError::Circle(_) => Problem::conflict(message).at("rule"),
        SaveError::ReferredTo(_) => Problem::conflict(message),
        SaveError::Changed(_) => Problem {
            status: StatusCode::PRECONDITION_FAILED,
            kind: "precondition-failed",
            title: "It was changed meanwhile",
            ..Problem::conflict(message).at("If-Match")
        },
        SaveError::Missing => Problem::not_found(message),
        SaveError::Name(error) => match written {
            Some(written) => written.unknown_name(&error),
            None => Problem::unprocessable("rule", message),
        },
        SaveError::Db(error) => error.into(),
    }
}

/// The version out of a read's ETag.
fn expected_version(headers: &HeaderMap) -> Result<Option<i32>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"');
    if text == "*" {
        return Ok(None);
    }
    let version = text.split('-').next().and_then(|version| version.strip_prefix('v')?.parse().ok());
    version.map(Some).ok_or_else(|| Problem::bad_request("If-Match", "must be the ETag of a segment"))
}

fn tagged(view: SegmentView, headers: &HeaderMap) -> Response {
    let tag = view.etag();
    let mut response = if etag::is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body(view).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_a_tag() {
        let of = |tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, tag.parse().expect("a header value"));
            expected_version(&headers).map_err(|problem| problem.field)
        };
        assert_eq!(of("\"v7-123-done\""), Ok(Some(7)));
        assert_eq!(of("W/\"v7-0-never\""), Ok(Some(7)));
        assert_eq!(of("*"), Ok(None));
        assert_eq!(of("\"7\""), Err(Some("If-Match".into())));
        assert_eq!(expected_version(&HeaderMap::new()).expect("nothing expected"), None);
    }
}
