//! Fields of tickets that a shop adds.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::tickets::fields::{self, Field};
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// What values a field takes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are the values on the wire")]
pub enum FieldKind {
    Text,
    Number,
    Boolean,
    Date,
    Choice,
}

impl From<FieldKind> for fields::Kind {
    fn from(kind: FieldKind) -> fields::Kind {
        match kind {
            FieldKind::Text => fields::Kind::Text,
            FieldKind::Number => fields::Kind::Number,
            FieldKind::Boolean => fields::Kind::Boolean,
            FieldKind::Date => fields::Kind::Date,
            FieldKind::Choice => fields::Kind::Choice,
        }
    }
}

impl From<fields::Kind> for FieldKind {
    fn from(kind: fields::Kind) -> FieldKind {
        match kind {
            fields::Kind::Text => FieldKind::Text,
            fields::Kind::Number => FieldKind::Number,
            fields::Kind::Boolean => FieldKind::Boolean,
            fields::Kind::Date => FieldKind::Date,
            fields::Kind::Choice => FieldKind::Choice,
        }
    }
}

/// A field.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomFieldView {
    /// Its name in `custom`.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// What values it takes.
    pub kind: FieldKind,
    /// Of a choice.
    pub choices: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// It takes no new values since then.
    pub archived_at: Option<DateTime<Utc>>,
}

impl From<Field> for CustomFieldView {
    fn from(field: Field) -> CustomFieldView {
        let Field { key, label, kind, choices, created_at, archived_at } = field;
        CustomFieldView { key, label, kind: kind.into(), choices, created_at, archived_at }
    }
}

/// A field to be made or changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Size", "kind": "choice", "choices": ["S", "M", "L"]}))]
pub struct FieldBody {
    /// Its name for people, 200 characters at most.
    pub label: String,
    /// What values it takes; it cannot be changed later.
    pub kind: FieldKind,
    /// Of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// The shop's fields.
#[utoipa::path(
    get,
    path = "/api/tickets/fields",
    tag = "tickets",
    responses((status = 200, description = "the fields by key", body = Vec<CustomFieldView>)),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Shown<Vec<CustomFieldView>>, Problem> {
    caller.require(Scope::TicketsRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let fields = fields::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Shown(fields.into_iter().map(CustomFieldView::from).collect()))
}

/// Make or change a field.
#[utoipa::path(
    put,
    path = "/api/tickets/fields/{key}",
    tag = "tickets",
    params(("key" = String, Path, description = "its name in `custom`: a-z, 0-9 and _, beginning with a letter")),
    request_body = FieldBody,
    responses(
        (status = 200, description = "the field", body = CustomFieldView),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "there are as many as may be", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(key): Path<String>,
    body: Json<FieldBody>,
) -> Result<Shown<CustomFieldView>, Problem> {
    let FieldBody { label, kind, choices } = body.value;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let field = fields::put(&mut tx, caller.tenant, &key, label.trim(), kind.into(), &choices).await?;
    trail::record(&mut tx, &caller, "ticket_field.put", &format!("ticket_field:{key}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(Shown(field.into()))
}

/// Archive a field: it takes no new values, and those that are there stay.
#[utoipa::path(
    delete,
    path = "/api/tickets/fields/{key}",
    tag = "tickets",
    params(("key" = String, Path, description = "its name in `custom`")),
    responses(
        (status = 204, description = "it takes no new values"),
        (status = 404, description = "there is no such field", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn archive(
    State(state): State<AppState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    if !fields::archive(&mut tx, &key).await? {
        return Err(Problem::not_found("the shop has no such field"));
    }
    trail::record(&mut tx, &caller, "ticket_field.archive", &format!("ticket_field:{key}"), json!({}))
        .await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
