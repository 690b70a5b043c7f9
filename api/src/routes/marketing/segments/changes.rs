//! Who came into a segment and who left it, evaluation by evaluation.

use accounts::api_keys::Scope;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::Role;
use marketing::segments::members::{self, Change};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::etag;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Somebody came or went.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberChangeView {
    /// The evaluation that found it.
    pub evaluation_job_id: Uuid,
    /// When that evaluation began.
    pub at: DateTime<Utc>,
    /// The shop's id.
    pub customer_id: String,
    /// entered or left.
    pub change: &'static str,
}

impl From<Change> for MemberChangeView {
    fn from(change: Change) -> MemberChangeView {
        MemberChangeView {
            evaluation_job_id: change.evaluation,
            at: change.at,
            customer_id: change.customer,
            change: if change.entered { "entered" } else { "left" },
        }
    }
}

/// Changes of the last 60 days, by evaluation from the latest.
///
/// The first evaluation of a segment leaves none: then everybody entered.
#[utoipa::path(
    get,
    path = "/api/segments/{id}/changes",
    tag = "segments",
    params(
        ("id" = Uuid, Path, description = "the segment"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<MemberChangeView>),
        (status = 304, description = "nothing changed"),
        (status = 404, description = "there is no such segment", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::SegmentsRead)?;
    let page = PageRequest::of(&Params::of(&uri, &["cursor", "limit"])?)?;
    let before = match page.after.as_deref() {
        None => None,
        Some(cursor) => {
            let (evaluation, customer) = cursor.split_once(' ').ok_or_else(bad_cursor)?;
            Some((evaluation.parse().map_err(|_| bad_cursor())?, customer))
        }
    };
    let mut tx = state.db.tenant_tx(Role::Marketing, caller.tenant).await?;
    let segment = find(&mut tx, &id).await?;
    let found = members::changes(&mut tx, segment.id, before, page.limit_and_one()).await?;
    tx.commit().await?;
    let views = found.into_iter().map(MemberChangeView::from).collect();
    let key = |view: &MemberChangeView| format!("{} {}", view.evaluation_job_id, view.customer_id);
    Ok(etag::answer(&headers, serde_json::to_vec(&page.page(views, key)).expect("an answer is plain data")))
}
