//! Whether both sides of a help desk are the same: how far it was looked through, and what differed; and the connection itself.

mod connection;

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Utc};
use database::Role;
use jobs::NewJob;
use serde::Serialize;
use serde_json::{Value, json};
use support::help_desk::cursor::{self, Cursor, Difference};
use support::kinds::ReconcileGorgias;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::correlation;
use crate::web::page::{Page, PageRequest, bad_cursor};
use crate::web::problem::Problem;
use crate::web::query::Params;
use crate::web::trail;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(connection::routes()).routes(routes!(show, look)).routes(routes!(differences))
}

/// How far the help desk was looked through for what its webhooks did not tell.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncView {
    /// Everything that changed there before was seen.
    pub updated_through: Option<DateTime<Utc>>,
    /// Whether a round is under way.
    pub is_under_way: bool,
    /// Tickets that the last round looked at.
    pub looked_at: i32,
    /// Of those, with something that no webhook told.
    pub differed: i32,
    /// When a round last came to its end.
    pub last_round_at: Option<DateTime<Utc>>,
    /// What went wrong since.
    pub last_error: Option<String>,
    /// When.
    pub last_error_at: Option<DateTime<Utc>>,
}

impl From<Cursor> for SyncView {
    fn from(cursor: Cursor) -> SyncView {
        SyncView {
            updated_through: cursor.updated_through,
            is_under_way: cursor.page_cursor.is_some(),
            looked_at: cursor.looked_at,
            differed: cursor.differed,
            last_round_at: cursor.last_round_at,
            last_error: cursor.last_error,
            last_error_at: cursor.last_error_at,
        }
    }
}

/// How far the help desk was looked through.
#[utoipa::path(
    get,
    path = "/api/gorgias/sync",
    tag = "webhooks",
    responses((status = 200, description = "how far", body = SyncView)),
)]
async fn show(State(state): State<AppState>, caller: Caller) -> Result<axum::Json<SyncView>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let cursor = cursor::get(&mut tx).await?;
    tx.commit().await?;
    Ok(axum::Json(cursor.into()))
}

/// The job that looks.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncAsked {
    /// To be followed at /api/jobs/{id}.
    pub job_id: Uuid,
}

/// Look through the help desk now, and not only every ten minutes.
#[utoipa::path(
    post,
    path = "/api/gorgias/sync",
    tag = "webhooks",
    responses((status = 202, description = "the job", body = SyncAsked)),
)]
async fn look(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<(StatusCode, axum::Json<SyncAsked>), Problem> {
    caller.require(Scope::SettingsWrite)?;
    let job =
        NewJob::of(caller.tenant, &ReconcileGorgias::default())?.with_dedup_key(ReconcileGorgias::PLAIN)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let (enqueued, announcement) = jobs::enqueue_one(&mut tx, correlation::caused(job)).await?;
    trail::record(&mut tx, &caller, "gorgias.sync", "gorgias", json!({})).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok((StatusCode::ACCEPTED, axum::Json(SyncAsked { job_id: enqueued.id })))
}

/// Something that differed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceView {
    /// The ticket.
    pub ticket_id: Uuid,
    /// status, tags or messages.
    pub field: String,
    /// What it was here; of messages: none was missing.
    #[schema(value_type = Object)]
    pub ours: Option<Value>,
    /// What it was there; of messages: how many were missing here.
    #[schema(value_type = Object)]
    pub theirs: Option<Value>,
    /// What both are now.
    #[schema(value_type = Object)]
    pub merged: Option<Value>,
    /// When it was found.
    pub found_at: DateTime<Utc>,
}

/// What differed between both sides, the newest first.
#[utoipa::path(
    get,
    path = "/api/gorgias/differences",
    tag = "webhooks",
    params(
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 when missing"),
    ),
    responses((status = 200, description = "a page", body = Page<DifferenceView>)),
)]
async fn differences(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<axum::Json<Page<DifferenceView>>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let params = Params::of(&uri, &["cursor", "limit"])?;
    let page = PageRequest::of(&params)?;
    let before =
        page.after.as_deref().map(|text| text.parse::<i64>().map_err(|_| bad_cursor())).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let found = cursor::differences(&mut tx, before, page.limit_and_one()).await?;
    tx.commit().await?;
    let Page { items, next_cursor } = page.page(found, |difference| difference.id.to_string());
    let view = |difference: Difference| DifferenceView {
        ticket_id: difference.ticket_id.0,
        field: difference.field,
        ours: difference.ours.map(|value| value.0),
        theirs: difference.theirs.map(|value| value.0),
        merged: difference.merged.map(|value| value.0),
        found_at: difference.found_at,
    };
    Ok(axum::Json(Page { items: items.into_iter().map(view).collect(), next_cursor }))
}
