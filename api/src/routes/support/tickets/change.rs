//! Changing and closing a ticket.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use database::Role;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use support::tickets::change::{self, Change};
use support::tickets::state;
use utoipa::ToSchema;

use super::create::{CustomerReference, Priority, customer};
use super::list::flag;
use super::{Cause, TicketView, erased, refusal, ticket_id, view};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::{etag, trail};

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The shop has to act.
    Open,
    /// The customer has to.
    Pending,
    /// The matter is settled.
    Resolved,
    /// Final.
    Closed,
}

impl From<Status> for state::Status {
    fn from(status: Status) -> state::Status {
        match status {
            Status::Open => state::Status::Open,
            Status::Pending => state::Status::Pending,
            Status::Resolved => state::Status::Resolved,
            Status::Closed => state::Status::Closed,
        }
    }
}

/// What is to be changed; what is left out stays, null takes a value away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "pending", "add_tags": ["shipping"], "reason": "asked for the order number"}))]
pub struct TicketChange {
    /// Where it is to stand.
    #[serde(default)]
    pub status: Option<Status>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// The subject.
    #[serde(default, deserialize_with = "given")]
    pub subject: Option<Option<String>>,
    /// Who it is about.
    #[serde(default)]
    pub customer: Option<CustomerReference>,
    /// All its tags.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// Tags that it gets as well.
    #[serde(default)]
    pub add_tags: Vec<String>,
    /// Tags that it loses.
    #[serde(default)]
    pub remove_tags: Vec<String>,
    /// Who looks after it.
    #[serde(default, deserialize_with = "given")]
    pub department: Option<Option<String>>,
    /// What one must be able to do to answer it.
    #[serde(default)]
    pub skills: Option<Vec<String>>,
    /// ISO 639-1.
    #[serde(default, deserialize_with = "given")]
    pub language: Option<Option<String>>,
    /// The shop's own fields by key; null takes a value away.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>)]
    pub custom: Option<Map<String, Value>>,
    /// It sleeps until then, or no more.
    #[serde(default, deserialize_with = "given")]
    pub snoozed_until: Option<Option<DateTime<Utc>>>,
    /// Marked as spam.
    #[serde(default)]
    pub is_spam: Option<bool>,
    /// Why it is set aside, or null.
    #[serde(default, deserialize_with = "given")]
    pub suspended_reason: Option<Option<String>>,
    /// Put away, or not.
    #[serde(default)]
    pub is_archived: Option<bool>,
    /// Why, for the history; 500 characters at most.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Tells null from nothing.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Change a ticket.
///
/// With `If-Match` only what was looked at is changed: 412 with the ticket as it is now when somebody was faster.
#[utoipa::path(
    patch,
    path = "/api/tickets/{id}",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    request_body = TicketChange,
    responses(
        (status = 200, description = "the ticket as it is now", body = TicketView),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "the state does not allow it; `allowed` names what it does", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "it was changed meanwhile; `current` is how it is", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn patch(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::TicketsWrite as u8 }>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Json<TicketChange>,
) -> Result<Response, Problem> {
    let id = ticket_id(&id)?;
    let version = etag::expected_version(&headers)?;
    let body = body.value;
    if body.tags.is_some() && !(body.add_tags.is_empty() && body.remove_tags.is_empty()) {
        return Err(Problem::bad_request("tags", "name all tags, or those to add and remove, not both"));
    }
    let reason = body.reason.map(|reason| trail::reason_or(Some(reason), "")).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let about = match body.customer {
        Some(named) => {
            erased::refuse(&state, &mut tx, caller.tenant, &named).await?;
            Some(customer(&mut tx, named).await?)
        }
        None => None,
    };
    let wanted = Change {
        status: body.status.map(Into::into),
        priority: body.priority.map(Into::into),
        subject: body.subject,
        customer: about,
        tags: body.tags,
        add_tags: body.add_tags,
        remove_tags: body.remove_tags,
        department: body.department,
        skills: body.skills,
        language: body.language,
        custom: body.custom,
        snoozed_until: body.snoozed_until,
        is_spam: body.is_spam,
        suspended_reason: body.suspended_reason,
        is_archived: body.is_archived,
        reason,
    };
    carry_out(&state, &caller, tx, id, version, &wanted, "ticket.change").await
}

/// Close a ticket, or put it away.
#[utoipa::path(
    delete,
    path = "/api/tickets/{id}",
    tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "the ticket"),
        ("archive" = Option<bool>, Query, description = "true: no list shows it any more"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the ticket that was looked at"),
    ),
    responses(
        (status = 200, description = "the ticket as it is now", body = TicketView),
        (status = 404, description = "there is no such ticket", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "it was changed meanwhile; `current` is how it is", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn close(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::TicketsWrite)?;
    let id = ticket_id(&id)?;
    let archive = flag(&Params::of(&uri, &["archive"])?, "archive")?.unwrap_or(false);
    let version = etag::expected_version(&headers)?;
    let tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let wanted = Change {
        status: Some(state::Status::Closed),
        is_archived: archive.then_some(true),
        ..Change::default()
    };
    carry_out(&state, &caller, tx, id, version, &wanted, "ticket.close").await
}

async fn carry_out(
    state: &AppState,
    caller: &Caller,
    mut tx: database::Tx,
    id: database::ids::TicketId,
    version: Option<i64>,
    wanted: &Change,
    action: &str,
) -> Result<Response, Problem> {
    let cause = Cause::of(caller);
    let (version, announcement) =
        match change::change(&mut tx, &cause.acting(caller), id, version, wanted).await {
            Ok(done) => done,
            Err(error) => return Err(refusal(&mut tx, id, error).await),
        };
    let ticket = view(&mut tx, id).await?;
    trail::record(&mut tx, caller, action, &format!("ticket:{id}"), json!({ "version": version })).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(etag::with_version(version, Shown(ticket)))
}
