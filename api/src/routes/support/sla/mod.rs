//! Service levels: policies and calendars, what they would come to, how tickets stand, and how promises were kept.

mod calendars;
mod dashboard;
mod lists;
mod policies;
mod preview;
mod tickets;

use accounts::api_keys::Scope;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use database::Tx;
use jobs::{Announcement, NewJob};
use serde::Serialize;
use support::kinds::RecountSla;
use support::sla::hours::Fault;
use support::sla::policies::SaveError;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::correlation;
use crate::web::etag;
use crate::web::problem::Problem;

/// The routes of service levels.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(policies::routes())
        .merge(calendars::routes())
        .merge(preview::routes())
        .merge(tickets::routes())
        .merge(lists::routes())
        .merge(dashboard::routes())
}

/// Has the clocks of all open tickets derived anew, at once or when a version begins.
async fn recount(
    tx: &mut Tx,
    caller: &Caller,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(Uuid, Announcement), Problem> {
    let job = correlation::caused(NewJob::of(caller.tenant, &RecountSla::default())?);
    let job = if from > now {
        job.with_dedup_key(&format!("from:{}", from.timestamp_micros()))?.with_run_at(from)
    } else {
        job.with_dedup_key(RecountSla::PLAIN)?
    };
    let (enqueued, announcement) = jobs::enqueue_one(tx, job).await?;
    Ok((enqueued.id, announcement))
}

fn fault(fault: Fault) -> Problem {
    Problem::unprocessable(fault.field, fault.what)
}

fn refused(error: SaveError) -> Problem {
    let message = error.to_string();
    match error {
        SaveError::Fault(what) => fault(what),
        SaveError::Missing(_) => Problem::not_found(message),
        SaveError::Changed(_) => Problem {
            status: StatusCode::PRECONDITION_FAILED,
            kind: "precondition-failed",
            title: "It was changed meanwhile",
            ..Problem::conflict(message).at("If-Match")
        },
        SaveError::Conflict(_) => Problem::conflict(message),
        SaveError::Db(error) => error.into(),
    }
}

/// The version out of a read's entity tag.
fn expected_version(headers: &HeaderMap) -> Result<Option<i32>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"');
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('v').and_then(|version| version.parse().ok());
    version.map(Some).ok_or_else(|| {
        Problem::bad_request("If-Match", "must be the ETag of what is to be changed, such as \"v3\"")
    })
}

/// An answer with the entity tag of a version.
fn versioned<T: Serialize>(version: i32, body: &T, headers: &HeaderMap) -> Response {
    let tag = format!("\"v{version}\"");
    let mut response = if etag::is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        axum::Json(body).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// An answer with the entity tag of its content.
fn tagged<T: Serialize>(body: &T, headers: &HeaderMap) -> Result<Response, Problem> {
    Ok(etag::answer(headers, serde_json::to_vec(body).map_err(|_| Problem::internal())?))
}

/// Goes on when the caller may see service levels.
fn may_read(caller: &Caller) -> Result<(), Problem> {
    caller.require(Scope::SlaRead)
}

/// A time within what calendars know.
fn within_calendars(field: &'static str, at: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    if (0..7_258_118_400).contains(&at.timestamp()) {
        return Ok(at);
    }
    Err(Problem::bad_request(field, "must be a time from 1970 to 2199"))
}
