//! Dead letters: listing them, and finding the few causes behind many.

use accounts::api_keys::Scope;
use axum::{Json, extract::State, http::Uri};
use database::{Role, Tx, ids::TenantId};
use jobs::dead::{self, DeadFilter, DeadGroup, DeadView};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::names;
use crate::{
    state::AppState,
    web::{
        auth::Caller,
        page::{Page, PageRequest},
        problem::Problem,
        query::{self, Params},
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(groups))
}

/// Dead jobs that match, newest first: the tenant's own; of all tenants for an operator.
#[utoipa::path(
    get,
    path = "/api/admin/dead-letters",
    tag = "dead letters",
    params(
        ("kind" = Option<String>, Query, description = "of this kind"),
        ("queue" = Option<String>, Query, description = "of this queue"),
        ("fingerprint" = Option<String>, Query, description = "of this cause"),
        ("error_class" = Option<String>, Query, description = "of this class of failure"),
        ("died_from" = Option<String>, Query, description = "died at or after, RFC 3339"),
        ("died_to" = Option<String>, Query, description = "died before, RFC 3339"),
        ("tenant_id" = Option<String>, Query, description = "operators: a tenant, or `all` (default)"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "tenant_id": "0199c0de-0000-7000-8000-000000000001",
        "kind": "post_internal_note", "queue": "default", "attempt": 6, "error_class": "upstream_unavailable",
        "message": "gorgias answered 503", "fingerprint": "a1b2c3d4e5f60718", "correlation_id": "order-42",
        "created_at": "2026-01-31T12:00:00Z", "finished_at": "2026-01-31T13:00:00Z"
    }], "next_cursor": null}))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<DeadView>>, Problem> {
    caller.require(Scope::JobsRead)?;
    let params = Params::of(&uri, &[FILTER, &["cursor", "limit"]].concat())?;
    let page = PageRequest::of(&params)?;
    let filter = filter(&params, &caller)?;
    let before = page.after_id()?;
    let mut tx = begin(&state, &filter).await?;
    let items = dead::list(&mut tx, &filter, before, page.limit_and_one()).await?;
    tx.commit().await?;
    if items.is_empty() && before.is_none() {
        names::check(filter.kind.as_deref(), filter.queue.as_deref())?;
    }
    Ok(Json(page.page(items, |item| item.id.to_string())))
}

/// The causes behind the dead jobs that match, the most frequent first, each with what helps before its jobs are retried.
/// Answers of an upstream with different statuses are different causes.
#[utoipa::path(
    get,
    path = "/api/admin/dead-letters/groups",
    tag = "dead letters",
    params(
        ("kind" = Option<String>, Query, description = "of this kind"),
        ("queue" = Option<String>, Query, description = "of this queue"),
        ("fingerprint" = Option<String>, Query, description = "of this cause"),
        ("error_class" = Option<String>, Query, description = "of this class of failure"),
        ("died_from" = Option<String>, Query, description = "died at or after, RFC 3339"),
        ("died_to" = Option<String>, Query, description = "died before, RFC 3339"),
        ("tenant_id" = Option<String>, Query, description = "operators: a tenant, or `all` (default)"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "at most `limit` groups", body = serde_json::Value, example = json!({"items": [{
        "kind": "post_internal_note", "fingerprint": "a1b2c3d4e5f60718", "error_class": "upstream_unavailable",
        "jobs": 1204, "tenants": 3, "first_died_at": "2026-01-31T12:00:00Z", "last_died_at": "2026-01-31T13:00:00Z",
        "sample_message": "gorgias answered 503", "sample_job_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
        "advice": "Retry when the upstream is well again, with a canary first."
    }], "next_cursor": null}))),
)]
async fn groups(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<DeadGroup>>, Problem> {
    caller.require(Scope::JobsRead)?;
    let params = Params::of(&uri, &[FILTER, &["limit"]].concat())?;
    let page = PageRequest::of(&params)?;
    let filter = filter(&params, &caller)?;
    let mut tx = begin(&state, &filter).await?;
    let items = dead::groups(&mut tx, &filter, page.limit).await?;
    tx.commit().await?;
    if items.is_empty() {
        names::check(filter.kind.as_deref(), filter.queue.as_deref())?;
    }
    Ok(Json(Page { items, next_cursor: None }))
}

const FILTER: &[&str] = &["kind", "queue", "fingerprint", "error_class", "died_from", "died_to", "tenant_id"];

fn filter(params: &Params, caller: &Caller) -> Result<DeadFilter, Problem> {
    let text = |name| Ok::<_, Problem>(params.text(name)?.map(str::to_owned));
    let tenant = match params.text("tenant_id")? {
        None | Some("all") => None,
        Some(text) => Some(query::id("tenant_id", text)?),
    };
    Ok(DeadFilter {
        tenant_id: tenant_of(tenant, caller)?,
        ids: Vec::new(),
        kind: text("kind")?,
        kinds: None,
        queue: text("queue")?,
        fingerprint: text("fingerprint")?,
        error_class: text("error_class")?,
        died_from: params.time("died_from")?,
        died_to: params.time("died_to")?,
    })
}

/// Whose dead jobs: an operator's choice or all; for everybody else their own.
pub(super) fn tenant_of(asked: Option<Uuid>, caller: &Caller) -> Result<Option<Uuid>, Problem> {
    let own = caller.tenant.0;
    match asked {
        _ if caller.is_operator() => Ok(asked),
        None => Ok(Some(own)),
        Some(tenant) if tenant == own => Ok(Some(own)),
        Some(_) => Err(Problem::forbidden("tenant_id needs a key with the scope operator")),
    }
}

/// Row-level security guards a tenant's look; only an operator's over all tenants has the queue's role.
async fn begin(state: &AppState, filter: &DeadFilter) -> Result<Tx, Problem> {
    Ok(match filter.tenant_id {
        Some(tenant) => state.db.tenant_tx(Role::Support, TenantId(tenant)).await?,
        None => state.db.queue_tx().await?,
    })
}
