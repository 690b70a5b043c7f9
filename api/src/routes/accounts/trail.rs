//! A tenant's own trail: who did what to what, and who looked at whose data.

use accounts::api_keys::Scope;
use accounts::audit::{self, Entry, Filter};
use axum::{Json, extract::State, http::Uri};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    state::AppState,
    web::{
        auth::Caller,
        page::{Page, PageRequest, place},
        problem::Problem,
        query::Params,
    },
};

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(search))
}

/// The tenant's trail, newest first.
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "people",
    params(
        ("actor" = Option<String>, Query, description = "who: agent:ID, key:ID or command"),
        ("action" = Option<String>, Query, description = "what was done, for example agent.change"),
        ("subject" = Option<String>, Query, description = "to what, for example ticket:ID"),
        ("from" = Option<String>, Query, description = "not before this time"),
        ("to" = Option<String>, Query, description = "before this time"),
        ("looks" = Option<bool>, Query, description = "false leaves out who looked at what; true by default"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 100, 50 by default"),
    ),
    responses((status = 200, description = "a page", body = serde_json::Value, example = json!({"items": [{
        "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "tenant": "0199c0de-0000-7000-8000-000000000001",
        "actor": "agent:0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a82", "action": "ticket.view",
        "subject": "ticket:0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a83", "detail": {},
        "correlation_id": "order-42", "at": "2026-01-31T12:00:00Z"
    }], "next_cursor": null}))),
)]
async fn search(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Page<Entry>>, Problem> {
    caller.require(Scope::AuditRead)?;
    let params = Params::of(&uri, &[FILTER, &["cursor", "limit"]].concat())?;
    let page = PageRequest::of(&params)?;
    let filter = filter(&params)?;
    let before = page.after_place()?;
    let limit = u32::try_from(page.limit_and_one()).expect("a page has at most 101 items");
    let mut tx = state.db.gateway_tx().await?;
    let items = audit::search(&mut tx, Some(caller.tenant), &filter, before, limit).await?;
    tx.commit().await?;
    Ok(Json(page.page(items, |entry| place(entry.at, entry.id))))
}

/// The parameters that [`filter`] reads.
pub(super) const FILTER: &[&str] = &["actor", "action", "subject", "from", "to", "looks"];

/// Which lines are asked for.
pub(super) fn filter(params: &Params) -> Result<Filter, Problem> {
    let text = |name| Ok::<_, Problem>(params.text(name)?.map(str::to_owned));
    Ok(Filter {
        actor: text("actor")?,
        action: text("action")?,
        subject: text("subject")?,
        from: params.time("from")?,
        to: params.time("to")?,
        without_looks: params.text("looks")? == Some("false"),
    })
}
