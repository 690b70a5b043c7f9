//! Jobs: one with an optional wait, many by filter, and the failed attempts of one.

use std::time::Duration;

use accounts::api_keys::Scope;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use database::Role;
use jobs::{
    State as JobState, read,
    read::{JobFilter, JobView},
};
use tokio::time::Instant;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    routes::jobs::{
        document::{FIELDS, JobDocument},
        look::{self, Came, Follower},
        names,
    },
    state::AppState,
    web::{
        auth::Caller,
        etag,
        fields::Fields,
        page::{Page, PageRequest},
        problem::Problem,
        query::{self, Params},
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(attempts))
}

/// A job: its state, progress, result or error.
///
/// Its result and payload are shown to keys that may read what the kind is about (`GET /api/kinds`); for others
/// `needs_scope` names what is missing. With `wait` the answer is held until the job ends, at most for that time; with `until=change` until
/// anything about it changes. Poll with `If-None-Match` to hear 304 when nothing is new.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}",
    tag = "jobs",
    params(
        ("id" = Uuid, Path, description = "the job"),
        ("wait" = Option<String>, Query, description = "seconds to wait, 0 to 60: `30s` or `30`"),
        ("until" = Option<String>, Query, description = "`finished` (default) or `change`"),
        ("fields" = Option<String>, Query, description = "only these fields, separated by commas; `payload` comes only so"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag that the caller has"),
    ),
    responses(
        (status = 200, description = "the job", body = JobDocument,
            headers(("ETag" = String, description = "names this state of the job"))),
        (status = 304, description = "the caller has this state"),
        (status = 404, description = "there is no such job", body = crate::web::problem::ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::JobsRead)?;
    let id = query::id("id", &id)?;
    let params = Params::of(&uri, &["wait", "until", "fields"])?;
    let fields = Fields::of(&params, FIELDS)?;
    let until_change = until_change(&params)?;
    let Some(wait) = wait(&params)?.filter(|wait| !wait.is_zero()) else {
        let view = look::at(&state, &caller, id).await?;
        return Ok(etag::answer(&headers, body(&state, &caller, &view, &fields).await?));
    };

    let deadline = Instant::now() + wait;
    let mut follower = Follower::start(&state, &caller, id).await?;
    if until_change && headers.contains_key("if-none-match") {
        let body = body(&state, &caller, &follower.view, &fields).await?;
        if !etag::is_known(&headers, &etag::of(&body)) {
            return Ok(etag::answer(&headers, body));
        }
    }
    while !follower.view.state.is_finished() {
        let came = follower.change(Some(deadline)).await?;
        if came == Came::TimeIsOver || until_change {
            break;
        }
    }
    Ok(etag::answer(&headers, body(&state, &caller, &follower.view, &fields).await?))
}

async fn body(
    state: &AppState,
    caller: &Caller,
    view: &JobView,
    fields: &Fields,
) -> Result<Vec<u8>, Problem> {
    let mut document = JobDocument::of(view, look::position(state, view).await, caller);
    if fields.names("payload") && document.needs_scope.is_none() {
        let mut tx = state.db.queue_tx().await?;
        let whole = read::job(&mut tx, Some(view.tenant_id), view.id).await?;
        tx.commit().await?;
        document.payload = whole.and_then(|whole| whole.payload).map(std::borrow::Cow::Owned);
    }
    Ok(fields.json(&document))
}

fn wait(params: &Params) -> Result<Option<Duration>, Problem> {
    const MAX_WAIT_SECS: f64 = 60.0;
    let Some(text) = params.text("wait")? else { return Ok(None) };
    let number = text.strip_suffix('s').unwrap_or(text);
    // What reads numbers takes signs and exponents as well.
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match number.parse::<f64>() {
        Ok(secs) if is_plain && secs <= MAX_WAIT_SECS => Ok(Some(Duration::from_secs_f64(secs))),
        _ => Err(Problem::bad_request("wait", "must be 0 to 60 seconds, such as 30s")),
    }
}

fn until_change(params: &Params) -> Result<bool, Problem> {
    match params.text("until")? {
        None | Some("finished") => Ok(false),
        Some("change") => Ok(true),
        Some(_) => Err(Problem::bad_request("until", "must be finished or change")),
    }
}

/// Results on a page have at most so many bytes together, unless the first alone has more.
const PAGE_RESULT_BYTES: usize = 8 * 1024 * 1024;

/// Jobs that match, newest first.
///
/// Their results come only when `fields` names `result`. Such a page may have fewer jobs than `limit`, because
/// the results on it have a bound; `next_cursor` says whether there are more.
#[utoipa::path(
    get,
    path = "/api/jobs",
    tag = "jobs",
    params(
        ("state" = Option<String>, Query, description = "in one of these states; repeatable, or separated by commas", example = "dead,retrying"),
        ("kind" = Option<String>, Query, description = "of this kind"),
        ("queue" = Option<String>, Query, description = "in this queue"),
        ("correlation_id" = Option<String>, Query, description = "caused by the same"),
        ("parent_id" = Option<Uuid>, Query, description = "made by this job"),
        ("created_from" = Option<String>, Query, description = "created at or after, RFC 3339"),
        ("created_to" = Option<String>, Query, description = "created before, RFC 3339"),
        ("tenant_id" = Option<String>, Query, description = "operators: a tenant, or `all`"),
        ("fields" = Option<String>, Query, description = "only these fields, separated by commas; `result` comes only so"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<JobDocument>)),
)]
async fn list(State(state): State<AppState>, caller: Caller, uri: Uri) -> Result<Response, Problem> {
    const KNOWN: &[&str] = &[
        "state",
        "kind",
        "queue",
        "correlation_id",
        "parent_id",
        "created_from",
        "created_to",
        "tenant_id",
        "fields",
        "cursor",
        "limit",
    ];
    caller.require(Scope::JobsRead)?;
    let params = Params::of(&uri, KNOWN)?;
    let page = PageRequest::of(&params)?;
    let fields = Fields::of(&params, FIELDS)?;
    let filter = JobFilter {
        tenant: tenant(&params, &caller)?,
        states: states(&params)?,
        kind: params.text("kind")?.map(str::to_owned),
        queue: params.text("queue")?.map(str::to_owned),
        correlation_id: params.text("correlation_id")?.map(str::to_owned),
        parent_id: params.id("parent_id")?,
        created_from: params.time("created_from")?,
        created_to: params.time("created_to")?,
    };
    let before = page.after_id()?;
    let mut tx = match filter.tenant {
        Some(tenant) => state.db.tenant_tx(Role::Support, database::ids::TenantId(tenant)).await?,
        None => state.db.queue_tx().await?,
    };
    let views = read::list(&mut tx, &filter, before, page.limit_and_one()).await?;
    if views.is_empty() && before.is_none() {
        names::check(filter.kind.as_deref(), filter.queue.as_deref())?;
    }
    let mut views = page.page(views, |view| view.id.to_string());
    if fields.names("result") {
        let with_result = read::add_results(&mut tx, &mut views.items, PAGE_RESULT_BYTES).await?;
        page.cut(&mut views, with_result, |view| view.id.to_string());
    }
    tx.commit().await?;
    let documents = views.items.iter().map(|view| document(view, &fields, &caller)).collect();
    Ok(etag::answer(&HeaderMap::new(), to_json(&Page { items: documents, next_cursor: views.next_cursor })))
}

/// A job on a page; its result is there or not, but not null when it was not read.
fn document(view: &JobView, fields: &Fields, caller: &Caller) -> serde_json::Value {
    let mut document = fields.value(&JobDocument::of(view, None, caller));
    if let Some(object) = document.as_object_mut().filter(|_| !fields.names("result")) {
        object.remove("result");
    }
    document
}

fn to_json(page: &Page<serde_json::Value>) -> Vec<u8> {
    serde_json::to_vec(page).expect("a page is plain data")
}

/// Whose jobs: the caller's own, unless an operator names another tenant or `all`.
pub(super) fn tenant(params: &Params, caller: &Caller) -> Result<Option<Uuid>, Problem> {
    match params.text("tenant_id")? {
        None => Ok(Some(caller.tenant.0)),
        Some(_) if !caller.is_operator() => {
            Err(Problem::forbidden("tenant_id needs a key with the scope operator"))
        }
        Some("all") => Ok(None),
        Some(text) => query::id("tenant_id", text).map(Some),
    }
}

fn states(params: &Params) -> Result<Vec<JobState>, Problem> {
    let parse = |name| {
        JobState::parse(name).ok_or_else(|| {
            let known = JobState::ALL.map(JobState::as_str).join(", ");
            Problem::bad_request("state", format!("the states are {known}"))
        })
    };
    params.list("state")?.into_iter().map(parse).collect()
}

/// The attempts of a job that did not end in success, oldest first.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/attempts",
    tag = "jobs",
    params(("id" = Uuid, Path, description = "the job")),
    responses(
        (status = 200, description = "at most 100 attempts", body = serde_json::Value, example = json!({"items": [{
            "attempt": 1, "outcome": "retry", "class": "upstream_unavailable", "message": "gorgias answered 503",
            "worker_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "finished_at": "2026-01-31T12:00:00Z"
        }], "next_cursor": null})),
    ),
)]
async fn attempts(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Page<read::AttemptView>>, Problem> {
    let view = look::at(&state, &caller, query::id("id", &id)?).await?;
    let mut tx = state.db.queue_tx().await?;
    let items = read::attempts(&mut tx, view.id).await?;
    tx.commit().await?;
    Ok(axum::Json(Page { items, next_cursor: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_bounded_and_may_carry_its_unit() {
        let wait = |text: &str| wait(&Params::parse(&format!("wait={text}"), &["wait"]).expect("known"));
        assert_eq!(wait("30s"), Ok(Some(Duration::from_secs(30))));
        assert_eq!(wait("0.5"), Ok(Some(Duration::from_millis(500))));
        for bad in ["61", "-1", "soon", "NaN", "1m"] {
            assert_eq!(wait(bad).expect_err(bad).field.as_deref(), Some("wait"));
        }
    }

    #[test]
    fn states_come_repeated_or_as_a_list() {
        let states = |query| states(&Params::parse(query, &["state"]).expect("known"));
        assert_eq!(
            states("state=done,dead&state=ready"),
            Ok(vec![JobState::Done, JobState::Dead, JobState::Ready])
        );
        assert_eq!(states("state=asleep").expect_err("unknown").field.as_deref(), Some("state"));
    }
}
