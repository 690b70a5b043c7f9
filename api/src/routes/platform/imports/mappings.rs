//! Mappings: what a tenant says about files that no profile knows, saved under a name.

use std::collections::BTreeMap;

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use database::Role;
use platform::orders::mapping::{self, MAPPINGS_LIMIT, Mapping, Saved, Stated};
use platform::orders::reading::{TableOptions, names};
use platform::orders::{Meaning, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::stated::mapping_name;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::plain::plain;
use crate::web::problem::{Problem, ProblemDocument};

/// What columns of a file mean, and how it is written.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "columns": { "Beleg": "order_id", "Kunde": "customer_id", "Datum": "ordered_at", "Umsatz": "amount" },
    "statuses": { "bezahlt": "paid", "storniert": "cancelled" }, "decimal": "comma", "currency": "EUR",
}))]
pub struct MappingForm {
    /// Meanings by the columns' names: `order_id`, `customer_id`, `customer_email`, `ordered_at`, `quantity`, `amount`,
    /// `unit_price`, `status`, `cancelled_at` and so on.
    pub columns: BTreeMap<String, String>,
    /// What words of the status column say: `paid`, `pending`, `refunded`, `cancelled` and so on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, String>,
    /// ISO 4217 code of orders that name no currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// E.g. `windows-1252`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// `comma`, `semicolon`, `tab`, `pipe` or one character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Number of the line of column names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000)]
    pub header: Option<u64>,
    /// Of a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// `point` or `comma`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// `day_first`, `month_first` or `year_first`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<String>,
    /// Time zone of times without an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A mapping as it is saved.
#[derive(Debug, Serialize, ToSchema)]
pub struct MappingView {
    /// Its name.
    pub name: String,
    /// What it says.
    pub mapping: MappingForm,
    /// When it was saved last.
    pub updated_at: DateTime<Utc>,
}

/// All mappings of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct MappingList {
    /// By name.
    pub items: Vec<MappingView>,
}

/// The tenant's mappings, by name.
#[utoipa::path(
    get,
    path = "/api/orders/import/mappings",
    tag = "orders",
    responses((status = 200, description = "all of them, at most 100", body = MappingList)),
)]
pub async fn list(State(state): State<AppState>, caller: Caller) -> Result<Shown<MappingList>, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let saved = mapping::all(&mut tx).await?;
    tx.commit().await?;
    Ok(Shown(MappingList { items: saved.into_iter().map(MappingView::from).collect() }))
}

/// One mapping.
#[utoipa::path(
    get,
    path = "/api/orders/import/mappings/{name}",
    tag = "orders",
    params(("name" = String, Path, description = "letters, digits, dots, dashes and underscores")),
    responses(
        (status = 200, description = "the mapping", body = MappingView),
        (status = 404, description = "there is none of this name", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Shown<MappingView>, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let name = mapping_name(&name).map_err(|refused| refused.at("name"))?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let saved = mapping::find(&mut tx, &name).await?;
    tx.commit().await?;
    saved
        .map(MappingView::from)
        .map(Shown)
        .ok_or_else(|| Problem::not_found("there is no mapping of this name"))
}

/// Save a mapping under a name, in place of an older one.
#[utoipa::path(
    put,
    path = "/api/orders/import/mappings/{name}",
    tag = "orders",
    params(("name" = String, Path, description = "letters, digits, dots, dashes and underscores")),
    request_body = MappingForm,
    responses(
        (status = 204, description = "it is saved"),
        (status = 400, description = "what is wrong with it, by field", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "there are 100 mappings already", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn save(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::OrdersWrite as u8 }>,
    Path(name): Path<String>,
    Json { value: form, .. }: Json<MappingForm>,
) -> Result<StatusCode, Problem> {
    let name = mapping_name(&name).map_err(|refused| refused.at("name"))?;
    let mapping = mapping_of(form)?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let is_saved = mapping::save(&mut tx, caller.tenant, &name, &mapping).await?;
    tx.commit().await?;
    if is_saved {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::conflict(format!(
        "a tenant may have {MAPPINGS_LIMIT} mappings; delete one that is not used"
    )))
}

/// Delete a mapping. Imports that were made by it stay.
#[utoipa::path(
    delete,
    path = "/api/orders/import/mappings/{name}",
    tag = "orders",
    params(("name" = String, Path, description = "letters, digits, dots, dashes and underscores")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, description = "there is none of this name", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::OrdersWrite)?;
    let name = mapping_name(&name).map_err(|refused| refused.at("name"))?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let was_there = mapping::delete(&mut tx, &name).await?;
    tx.commit().await?;
    if was_there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("there is no mapping of this name"))
    }
}

/// A form as a mapping.
///
/// # Errors
/// 400 naming what is wrong.
pub(in super::super) fn mapping_of(form: MappingForm) -> Result<Mapping, Problem> {
    let wrong = |field: &'static str| move |detail: String| Problem::bad_request(field, detail);
    let mut columns = BTreeMap::new();
    for (name, meaning) in form.columns {
        let field = format!("columns.{}", name.chars().take(60).collect::<String>());
        columns.insert(name, word::<Meaning>(field, &meaning)?);
    }
    let mut statuses = BTreeMap::new();
    for (name, status) in form.statuses {
        let field = format!("statuses.{}", name.chars().take(60).collect::<String>());
        statuses.insert(name, word::<Status>(field, &status)?);
    }
    let table = TableOptions {
        encoding: form.encoding.as_deref().map(names::encoding).transpose().map_err(wrong("encoding"))?,
        separator: form.separator.as_deref().map(names::separator).transpose().map_err(wrong("separator"))?,
        header: form.header,
        sheet: form.sheet,
        ..TableOptions::default()
    };
    let stated = Stated {
        table,
        decimal: form.decimal.as_deref().map(names::decimal).transpose().map_err(wrong("decimal"))?,
        dates: form.dates.as_deref().map(names::dates).transpose().map_err(wrong("dates"))?,
        profile: None,
        zone: form.zone.as_deref().map(names::zone).transpose().map_err(wrong("zone"))?,
    };
    let mapping = Mapping { columns, statuses, currency: form.currency, stated };
    mapping.check().map_err(|error| Problem::bad_request(error.field, error.message))?;
    Ok(mapping)
}

/// One of the words that a meaning or a status has; the refusal lists them.
fn word<T: serde::de::DeserializeOwned>(field: String, word: &str) -> Result<T, Problem> {
    serde_json::from_value(serde_json::Value::from(word))
        .map_err(|error| Problem::bad_request(field, plain(&error.to_string(), None, None)))
}

/// A value's word, as it is written.
fn written<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

impl From<Saved> for MappingView {
    fn from(saved: Saved) -> MappingView {
        let Mapping { columns, statuses, currency, stated } = saved.mapping;
        MappingView {
            name: saved.name,
            mapping: MappingForm {
                columns: columns
                    .into_iter()
                    .map(|(name, meaning)| (name, meaning.name().to_owned()))
                    .collect(),
                statuses: statuses.into_iter().map(|(word, status)| (word, written(&status))).collect(),
                currency,
                encoding: stated.table.encoding,
                separator: stated.table.separator.map(String::from),
                header: stated.table.header,
                sheet: stated.table.sheet,
                decimal: stated.decimal.as_ref().map(written),
                dates: stated.dates.as_ref().map(written),
                zone: stated.zone.map(|zone| zone.name().to_owned()),
            },
            updated_at: saved.updated_at,
        }
    }
}
