//! Where a tenant's orders lie elsewhere: a table of a database, or a file, read every night and when somebody asks. What a
//! source would bring is shown before it is saved.

mod columns;
mod look;
mod place;

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::TenantId;
use jobs::NewJob;
use platform::kinds::SyncSource;
use platform::money::{NO_CURRENCY, is_currency};
use platform::orders::mapping::{self, MAPPINGS_LIMIT, Mapping, check_name};
use platform::orders::preview;
use platform::orders::reading::{Request, Source as Bytes};
use platform::orders::rule;
use platform::sources::{self, Config, Place, SOURCES_LIMIT, Source};
use platform::zone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub use self::look::Way;
use self::look::look;
use self::place::{PlaceForm, fits, place};
use super::imports::mappings::{MappingForm, mapping_of};
use super::imports::preview::{PreviewView, refusal};
use super::imports::stated::mapping_name;
use super::intelligence::Asked;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::{correlation, trail};

/// Orders that a preview shows.
const ORDERS_SHOWN: usize = 10;
/// The longest secret: a private key of RSA.
const SECRET_BYTES: usize = 16_000;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show_preview))
        .merge(columns::routes())
        .routes(routes!(save, delete))
        .routes(routes!(read_now))
}

/// A source.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "place": {"kind": "postgres", "host": "db.shop.example", "port": 5432, "database": "shop", "user": "reader",
              "table": "sales.order_lines", "changes": "updated_at"},
    "password": "secret", "mapping": "warehouse", "currency": "EUR"
}))]
pub struct SourceForm {
    /// Where.
    #[serde(deserialize_with = "place::known")]
    place: PlaceForm,
    /// The database's password, the secret part of the key for S3, or the password or private key for SFTP; left out, the one
    /// that is saved stays, for the same server and user alone.
    #[serde(default)]
    password: Option<String>,
    /// The name of a mapping, as in PUT /api/orders/import/mappings/{name}.
    mapping: String,
    /// What the mapping is to say: shown by a preview, and saved under the mapping's name with the source. Left out, the mapping
    /// that is saved is taken.
    #[serde(default)]
    draft: Option<MappingForm>,
    /// ISO 4217 code of orders that name no currency.
    currency: String,
}

/// A source as it stands; its password is not told.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceView {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: PlaceForm,
    /// Its mapping.
    pub mapping: String,
    /// Of orders that name none.
    pub currency: String,
    /// Up to where it was read.
    pub read_until: Option<String>,
    /// Why it is not read any more; none while it is.
    pub problem: Option<String>,
    /// The last reading; its report is GET /api/orders/imports/{job_id}.
    pub last_job: Option<Uuid>,
    /// When it ended.
    pub last_at: Option<DateTime<Utc>>,
}

/// All sources.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceList {
    /// By name.
    pub items: Vec<SourceView>,
    /// The shop's time zone, an IANA name, for who shows when something was.
    pub zone: String,
}

/// The tenant's sources, by name.
#[utoipa::path(
    get,
    path = "/api/orders/sources",
    tag = "orders",
    responses((status = 200, description = "all of them, at most 20", body = SourceList)),
)]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Shown<SourceList>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let all = sources::all(&mut tx).await?;
    let zone = zone::read(&mut tx).await?.name().to_owned();
    tx.commit().await?;
    Ok(Shown(SourceList { items: all.into_iter().map(SourceView::from).collect(), zone }))
}

/// Show what a source would bring, without saving it.
///
/// At most 2,000 rows of a table are looked at, or the first 8 MiB of a file. Where no password is given, the one of the source
/// that is saved under `saved_as` is used, for the same server alone.
#[utoipa::path(
    post,
    path = "/api/orders/sources/preview",
    tag = "orders",
    params(("saved_as" = Option<String>, Query, description = "the name of a source that is changed")),
    request_body = SourceForm,
    responses(
        (status = 200, description = "what was understood", body = PreviewView),
        (status = 422, description = "it cannot be read, or its columns are not those of the mapping", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show_preview(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    uri: Uri,
    body: Json<SourceForm>,
) -> Result<Shown<PreviewView>, Problem> {
    let params = Params::of(&uri, &["saved_as"])?;
    let form = body.value;
    let config = config(&form)?;
    let draft = draft(&caller, &form)?;
    let (mapping, request) = reading(&state, caller.tenant, &config, draft).await?;
    let secret =
        password(&state, caller.tenant, params.text("saved_as")?, &config.place, form.password).await?;
    let (_, bytes) = look(&state, &config.place, &secret, Some(&mapping)).await?;
    let source = Bytes::Memory(bytes.into());
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let rule = rule::read(&mut tx).await?.rule;
    tx.commit().await?;
    let preview =
        tokio::task::spawn_blocking(move || preview::preview(&source, &request, rule, ORDERS_SHOWN))
            .await
            .map_err(|_| Problem::internal())?
            .map_err(refusal)?;
    Ok(Shown(PreviewView::from(preview)))
}

/// Save a source under a name, in place of an older one.
///
/// It is looked at first: one that cannot be read is not saved. It is read from its beginning by the next reading.
#[utoipa::path(
    put,
    path = "/api/orders/sources/{name}",
    tag = "orders",
    params(("name" = String, Path, description = "letters, digits, dots, dashes and underscores")),
    request_body = SourceForm,
    responses(
        (status = 204, description = "it is saved"),
        (status = 409, description = "there are 20 sources already, or 100 mappings", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "it cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn save(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(name): Path<String>,
    body: Json<SourceForm>,
) -> Result<StatusCode, Problem> {
    let name = source_name(&name)?;
    let form = body.value;
    let config = config(&form)?;
    let draft = draft(&caller, &form)?;
    let is_draft = draft.is_some();
    let (mapping, _) = reading(&state, caller.tenant, &config, draft).await?;
    let secret = password(&state, caller.tenant, Some(&name), &config.place, form.password).await?;
    let (columns, _) = look(&state, &config.place, &secret, Some(&mapping)).await?;
    let sealed = state.settings.master_key.seal(&owner(caller.tenant, &name), secret.as_bytes());
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if is_draft && !mapping::save(&mut tx, caller.tenant, &config.mapping, &mapping).await? {
        let detail = format!("a tenant may have {MAPPINGS_LIMIT} mappings; delete one that is not used");
        return Err(Problem::conflict(detail));
    }
    if !sources::save(&mut tx, caller.tenant, &name, (&config, &sealed), &columns).await? {
        let detail = format!("a tenant may have {SOURCES_LIMIT} sources; delete one that is not used");
        return Err(Problem::conflict(detail));
    }
    trail::record(&mut tx, &caller, "orders.source", &format!("source:{name}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a source. Orders that came from it stay.
#[utoipa::path(
    delete,
    path = "/api/orders/sources/{name}",
    tag = "orders",
    params(("name" = String, Path, description = "letters, digits, dots, dashes and underscores")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, description = "there is none of this name", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let name = source_name(&name)?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    if !sources::delete(&mut tx, &name).await? {
        return Err(Problem::not_found("there is no source of this name"));
    }
    trail::record(&mut tx, &caller, "orders.source_deleted", &format!("source:{name}"), json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read a source now.
#[utoipa::path(
    post,
    path = "/api/orders/sources/{name}/sync",
    tag = "orders",
    params(("name" = String, Path, description = "letters, digits, dots, dashes and underscores")),
    responses(
        (status = 202, description = "the job that reads it", body = Asked),
        (status = 404, description = "there is none of this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "it is not read any more, and why", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn read_now(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<(StatusCode, Shown<Asked>), Problem> {
    caller.require(Scope::SettingsWrite)?;
    let name = source_name(&name)?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let source = sources::find(&mut tx, &name).await?;
    let source = source.ok_or_else(|| Problem::not_found("there is no source of this name"))?;
    if let Some(problem) = source.problem {
        return Err(Problem::conflict(problem));
    }
    let key = SyncSource::key(&name);
    let job = NewJob::of(caller.tenant, &SyncSource { source: Some(name.clone()) })?;
    let job = correlation::caused(job).with_dedup_key(&key)?.with_concurrency_key(&key, 1)?;
    let (enqueued, announcement) = jobs::enqueue_one(&mut tx, job).await?;
    let asked = Asked { job_id: enqueued.id, state: enqueued.state.to_string(), created: enqueued.created };
    let detail = json!({ "job": asked.job_id });
    trail::record(&mut tx, &caller, "orders.source_sync", &format!("source:{name}"), detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok((StatusCode::ACCEPTED, Shown(asked)))
}

/// The mapping that comes with a source, for those who may save one.
fn draft(caller: &Caller, form: &SourceForm) -> Result<Option<Mapping>, Problem> {
    let Some(draft) = &form.draft else { return Ok(None) };
    caller.require(Scope::OrdersWrite)?;
    mapping_name(&form.mapping)?;
    mapping_of(draft.clone()).map(Some)
}

/// The mapping of a source, and how it is read.
async fn reading(
    state: &AppState,
    tenant: TenantId,
    config: &Config,
    draft: Option<Mapping>,
) -> Result<(Mapping, Request), Problem> {
    let mut tx = state.db.tenant_tx(Role::Platform, tenant).await?;
    let saved = mapping::find(&mut tx, &config.mapping).await?;
    let zone = zone::read(&mut tx).await?;
    tx.commit().await?;
    let mapping = draft
        .or(saved.map(|saved| saved.mapping))
        .ok_or_else(|| Problem::unprocessable("mapping", "there is no mapping of this name"))?;
    let is_table = config.place.table().is_some();
    let stated = if is_table { sources::stated() } else { Default::default() };
    let mut request = Request {
        stated,
        mapping: Some(mapping.clone()),
        zone,
        ..Request::new(&config.currency, Utc::now())
    };
    request.stated.table.is_beginning = !is_table;
    Ok((mapping, request))
}

/// The password that is given, or else the one that is saved with a source of this name for the same server; empty for none.
async fn password(
    state: &AppState,
    tenant: TenantId,
    saved_as: Option<&str>,
    place: &Place,
    given: Option<String>,
) -> Result<String, Problem> {
    if let Some(given) = given {
        if given.len() > SECRET_BYTES {
            let told = format!("must have at most {SECRET_BYTES} characters");
            return Err(Problem::unprocessable("password", told));
        }
        return Ok(given);
    }
    let Some(name) = saved_as else { return Ok(String::new()) };
    let name = source_name(name)?;
    let mut tx = state.db.tenant_tx(Role::Platform, tenant).await?;
    let saved = sources::find(&mut tx, &name).await?;
    tx.commit().await?;
    // The password of one server is none of another's.
    let saved = saved.filter(|saved| place.has_secret_of(&saved.config.place));
    let plain = saved.and_then(|saved| {
        state.settings.master_key.unseal(&owner(tenant, &name), &saved.sealed_secrets).ok()
    });
    Ok(String::from_utf8(plain.unwrap_or_default()).unwrap_or_default())
}

/// What a source's password is bound to; the worker opens it for the same.
fn owner(tenant: TenantId, name: &str) -> String {
    format!("{tenant}:source:{name}")
}

fn config(form: &SourceForm) -> Result<Config, Problem> {
    let place = place(&form.place)?;
    let mapping = fits("mapping", &form.mapping, 64)?;
    if !is_currency(&form.currency) {
        return Err(Problem::unprocessable("currency", NO_CURRENCY));
    }
    Ok(Config { place, mapping, currency: form.currency.clone() })
}

fn source_name(name: &str) -> Result<String, Problem> {
    check_name(name).map_err(|rule| Problem::bad_request("name", rule))?;
    Ok(name.to_owned())
}

impl From<Source> for SourceView {
    fn from(source: Source) -> SourceView {
        let Config { place, mapping, currency } = source.config.0;
        SourceView {
            name: source.name,
            place: place.into(),
            mapping,
            currency,
            read_until: source.read_until,
            problem: source.problem,
            last_job: source.last_job,
            last_at: source.last_at,
        }
    }
}
