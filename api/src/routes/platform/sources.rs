//! Where a tenant's orders lie elsewhere: a table of a Postgres database, or a file at an address, read every night and when
//! somebody asks. What a source would bring is shown before it is saved.

use std::sync::OnceLock;

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use database::Role;
use database::ids::TenantId;
use jobs::NewJob;
use platform::kinds::SyncSource;
use platform::orders::mapping::{self, Mapping};
use platform::orders::preview;
use platform::orders::reading::{Request, Source as Bytes};
use platform::sources::{self, Config, Place, Plan, SOURCES_LIMIT, Source};
use platform::zone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::time::{Duration, Instant};
use upstreams::breaker::BreakerSettings;
use upstreams::sources::{self as away, Database, SourceError, Sources, Wanted};
use upstreams::{Breakers, CallContext, Destinations};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::imports::preview::{PreviewView, refusal};
use super::intelligence::Asked;
use crate::state::AppState;
use crate::web::auth::Caller;
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{correlation, trail};

/// Rows that a preview looks at.
const ROWS_SHOWN: u32 = 2_000;
/// Orders that it shows.
const ORDERS_SHOWN: usize = 10;
/// How long a file may take to begin.
const FILE_WITHIN: Duration = Duration::from_secs(20);
/// What of a file is looked at.
const FILE_SHOWN_BYTES: usize = 8 * 1024 * 1024;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show_preview))
        .routes(routes!(save, delete))
        .routes(routes!(read_now))
}

/// The way to sources, made when it is first used.
#[derive(Debug)]
pub struct Way {
    destinations: Destinations,
    made: OnceLock<Option<Sources>>,
}

impl Way {
    /// To public addresses, and to this machine if that is allowed.
    pub fn new(allow_loopback: bool) -> Way {
        let destinations =
            if allow_loopback { Destinations::PublicOrLoopback } else { Destinations::PublicOnly };
        Way { destinations, made: OnceLock::new() }
    }

    fn open(&self) -> Result<Sources, Problem> {
        let make = || Sources::new(self.destinations, Breakers::new(BreakerSettings::default())).ok();
        self.made.get_or_init(make).clone().ok_or_else(Problem::internal)
    }
}

/// Where it is.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlaceForm {
    /// A table or view of a Postgres database.
    Postgres {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
        /// The database.
        database: String,
        /// Who reads; a role that may do nothing else is best.
        user: String,
        /// The table, with its schema if it has one.
        table: String,
        /// The column that grows with each change: a time of change, or a number. Without one everything is read each time.
        #[serde(default)]
        changes: Option<String>,
    },
    /// A file at an address, in any form that an import takes.
    File {
        /// The address, by https.
        url: String,
    },
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
    place: PlaceForm,
    /// The database's password; left out, the one that is saved stays.
    #[serde(default)]
    password: Option<String>,
    /// The name of a mapping, as in PUT /api/orders/import/mappings/{name}.
    mapping: String,
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
    tx.commit().await?;
    Ok(Shown(SourceList { items: all.into_iter().map(SourceView::from).collect() }))
}

/// Show what a source would bring, without saving it.
///
/// At most 2,000 rows of a table are looked at, or the first 8 MiB of a file.
#[utoipa::path(
    post,
    path = "/api/orders/sources/preview",
    tag = "orders",
    request_body = SourceForm,
    responses(
        (status = 200, description = "what was understood", body = PreviewView),
        (status = 422, description = "it cannot be read, or its columns are not those of the mapping", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show_preview(
    State(state): State<AppState>,
    caller: Caller,
    body: Json<SourceForm>,
) -> Result<Shown<PreviewView>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let form = body.value;
    let config = config(&form)?;
    let (mapping, request) = reading(&state, caller.tenant, &config).await?;
    let (_, bytes) = look(&state, &config, form.password.as_deref().unwrap_or_default(), &mapping).await?;
    let source = Bytes::Memory(bytes.into());
    let preview = tokio::task::spawn_blocking(move || preview::preview(&source, &request, ORDERS_SHOWN))
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
        (status = 409, description = "there are 20 sources already", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "it cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn save(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    body: Json<SourceForm>,
) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let name = source_name(&name)?;
    let form = body.value;
    let config = config(&form)?;
    let (mapping, _) = reading(&state, caller.tenant, &config).await?;
    let owner = format!("{}:source:{name}", caller.tenant);
    let password = match form.password {
        Some(password) => password,
        None => {
            let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
            let saved = sources::find(&mut tx, &name).await?;
            tx.commit().await?;
            let plain = saved.and_then(|saved| {
                // The password of one server is none of another's.
                let is_same = same_server(&saved.config.place, &config.place);
                is_same
                    .then(|| state.settings.master_key.unseal(&owner, &saved.sealed_secrets).ok())
                    .flatten()
            });
            String::from_utf8(plain.unwrap_or_default()).unwrap_or_default()
        }
    };
    let (columns, _) = look(&state, &config, &password, &mapping).await?;
    let sealed = state.settings.master_key.seal(&owner, password.as_bytes());
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
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

/// The mapping of a source, and how it is read.
async fn reading(state: &AppState, tenant: TenantId, config: &Config) -> Result<(Mapping, Request), Problem> {
    let mut tx = state.db.tenant_tx(Role::Platform, tenant).await?;
    let saved = mapping::find(&mut tx, &config.mapping).await?;
    let zone = zone::read(&mut tx).await?;
    tx.commit().await?;
    let saved = saved.ok_or_else(|| Problem::unprocessable("mapping", "there is no mapping of this name"))?;
    let stated = match config.place {
        Place::Postgres { .. } => sources::stated(),
        Place::File { .. } => Default::default(),
    };
    let mapping = saved.mapping.clone();
    let mut request =
        Request { stated, mapping: Some(saved.mapping), zone, ..Request::new(&config.currency, Utc::now()) };
    request.stated.table.is_beginning = matches!(config.place, Place::File { .. });
    Ok((mapping, request))
}

/// Looks at a source: the types of its columns, and its first rows as a file.
async fn look(
    state: &AppState,
    config: &Config,
    password: &str,
    mapping: &Mapping,
) -> Result<(BTreeMap<String, String>, Vec<u8>), Problem> {
    let way = state.sources.open()?;
    let mut bytes = Vec::new();
    match &config.place {
        Place::Postgres { host, port, database, user, table, changes } => {
            let database = Database {
                host: host.clone(),
                port: *port,
                database: database.clone(),
                user: user.clone(),
                password: password.to_owned(),
            };
            let mut connection = way.open(&database).await.map_err(not_read)?;
            let columns = away::columns(&mut connection, table).await.map_err(not_read)?;
            let Plan { columns: names, order_id } =
                sources::plan(mapping, &columns).map_err(|told| Problem::unprocessable("mapping", told))?;
            if let Some(changes) = changes.as_ref().filter(|name| !columns.contains_key(*name)) {
                let name: String = changes.chars().take(60).collect();
                return Err(Problem::unprocessable("place.changes", format!("there is no column `{name}`")));
            }
            let limit = Some(ROWS_SHOWN);
            let wanted =
                Wanted { table, columns: &names, kinds: &columns, order_id: &order_id, since: None, limit };
            away::copy(&mut connection, &wanted, &mut bytes).await.map_err(not_read)?;
            Ok((columns, bytes))
        }
        Place::File { url } => {
            let context = CallContext { deadline: Instant::now() + FILE_WITHIN, traceparent: None };
            let mut beginning = Beginning(bytes);
            match way.fetch(&context, url, None, &mut beginning).await {
                Ok(_) => {}
                // The beginning is enough.
                Err(SourceError::Io(_)) if beginning.0.len() >= FILE_SHOWN_BYTES => {}
                Err(error) => return Err(not_read(error)),
            }
            Ok((BTreeMap::new(), beginning.0))
        }
    }
}

/// Takes the beginning of what is written to it, and then no more.
struct Beginning(Vec<u8>);

impl std::io::Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = FILE_SHOWN_BYTES.saturating_sub(self.0.len()).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(std::io::Error::other("the beginning is there"));
        }
        self.0.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A place that does not answer is one to correct, as is any other that cannot be read: nothing of ours is away.
fn not_read(error: SourceError) -> Problem {
    Problem::unprocessable("place", error.to_string())
}

fn config(form: &SourceForm) -> Result<Config, Problem> {
    let fits = |field: &'static str, text: &str, limit: usize| {
        if (1..=limit).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            return Ok(text.to_owned());
        }
        Err(Problem::unprocessable(field, format!("must have 1 to {limit} characters")))
    };
    let place = match &form.place {
        PlaceForm::Postgres { host, port, database, user, table, changes } => Place::Postgres {
            host: fits("place.host", host, 253)?,
            port: *port,
            database: fits("place.database", database, 63)?,
            user: fits("place.user", user, 63)?,
            table: fits("place.table", table, 127)?,
            changes: changes.as_ref().map(|name| fits("place.changes", name, 63)).transpose()?,
        },
        PlaceForm::File { url } => Place::File { url: fits("place.url", url, 2_000)? },
    };
    if form.password.as_ref().is_some_and(|password| password.len() > 1_000) {
        return Err(Problem::unprocessable("password", "must have at most 1000 characters"));
    }
    let is_code = form.currency.len() == 3 && form.currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_code {
        return Err(Problem::unprocessable(
            "currency",
            "must be an ISO 4217 code of three capital letters, e.g. EUR",
        ));
    }
    Ok(Config { place, mapping: fits("mapping", &form.mapping, 64)?, currency: form.currency.clone() })
}

fn same_server(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (
            Place::Postgres { host: one, port: one_port, user: one_user, .. },
            Place::Postgres { host, port, user, .. },
        ) => (one, one_port, one_user) == (host, port, user),
        _ => false,
    }
}

fn source_name(name: &str) -> Result<String, Problem> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if fits {
        return Ok(name.to_owned());
    }
    Err(Problem::bad_request("name", "must have 1 to 64 letters, digits, dots, dashes and underscores"))
}

impl From<Source> for SourceView {
    fn from(source: Source) -> SourceView {
        let Config { place, mapping, currency } = source.config.0;
        SourceView {
            name: source.name,
            place: match place {
                Place::Postgres { host, port, database, user, table, changes } => {
                    PlaceForm::Postgres { host, port, database, user, table, changes }
                }
                Place::File { url } => PlaceForm::File { url },
            },
            mapping,
            currency,
            read_until: source.read_until,
            problem: source.problem,
            last_job: source.last_job,
            last_at: source.last_at,
        }
    }
}
