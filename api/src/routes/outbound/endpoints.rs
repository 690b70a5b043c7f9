//! Webhook endpoints: made, changed, tried, paused and removed by whoever runs the tenant's settings. A secret is shown
//! when it is made and never again.

use accounts::api_keys::Scope;
use accounts::base_url::BaseUrlError;
use axum::Json as Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::Utc;
use database::{Role, Tx};
use outbound::address;
use outbound::deliveries::replay;
use outbound::endpoints::{self, Endpoint, MAX_ENDPOINTS, Wanted};
use outbound::tell::tell;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{checked_events, loopback, may_read, may_write};
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{query, trail};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(disable))
        .routes(routes!(test))
}

/// An endpoint to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// An https address of the public internet.
    url: String,
    /// At most 500 characters.
    #[serde(default)]
    description: String,
    /// Kinds of events, areas such as `ticket.*`, or `*`.
    events: Vec<String>,
    /// One delivery at a time, in the order of the events; one that fails holds the others up.
    #[serde(default)]
    ordered: bool,
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointChange {
    /// An https address of the public internet.
    #[serde(default)]
    url: Option<String>,
    /// At most 500 characters.
    #[serde(default)]
    description: Option<String>,
    /// Kinds of events, areas, or `*`.
    #[serde(default)]
    events: Option<Vec<String>>,
    /// Whether the order counts.
    #[serde(default)]
    ordered: Option<bool>,
}

/// An endpoint as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointView {
    /// id, url, description, events, ordered; state (active, paused, disabled), state_reason, state_since;
    /// old_secret_until; failing_since, failures, last_success_at; waiting (deliveries); created_by, version,
    /// created_at, updated_at.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    endpoint: Endpoint,
}

/// An endpoint with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointWithSecret {
    /// What its signatures are verified with: `whsec_...`.
    secret: String,
    /// The endpoint.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    endpoint: Endpoint,
}

/// Endpoints of the tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Endpoints {
    /// Newest first.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Endpoint>,
}

/// The tenant's endpoints, newest first; there are 100 at most.
#[utoipa::path(
    get,
    path = "/api/outbound/endpoints",
    tag = "outbound",
    responses((status = 200, description = "all of them", body = Endpoints)),
)]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Body<Endpoints>, Problem> {
    may_read(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let items = endpoints::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Body(Endpoints { items }))
}

/// Make an endpoint. The answer has its secret, which is shown this once.
#[utoipa::path(
    post,
    path = "/api/outbound/endpoints",
    tag = "outbound",
    request_body(content = NewEndpoint, example = json!({
        "url": "https://hooks.example.com/desk", "events": ["ticket.*", "sla.breached"]
    })),
    responses(
        (status = 201, description = "it is made", body = EndpointWithSecret),
        (status = 400, description = "a bad address or event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "there are 100", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    request: Json<NewEndpoint>,
) -> Result<(StatusCode, Body<EndpointWithSecret>), Problem> {
    let new = request.value;
    let (url, events) = (checked_url(&state, &new.url)?, checked_events(new.events)?);
    let wanted = Wanted {
        url: &url,
        description: checked_description(&new.description)?,
        events: &events,
        ordered: new.ordered,
    };
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let made =
        endpoints::create(&mut tx, &state.settings.master_key, caller.tenant, &wanted, &caller.actor())
            .await?;
    let Some((id, secret)) = made else {
        return Err(Problem::conflict(format!(
            "a tenant has {MAX_ENDPOINTS} endpoints at most; remove one first"
        )));
    };
    let endpoint = of_id(&mut tx, id).await?;
    record(&mut tx, &caller, "endpoint.create", id, json!({ "events": events })).await?;
    state.db.commit(tx).await?;
    Ok((StatusCode::CREATED, Body(EndpointWithSecret { secret: secret.reveal(), endpoint })))
}

/// An endpoint.
#[utoipa::path(
    get,
    path = "/api/outbound/endpoints/{id}",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    responses(
        (status = 200, description = "the endpoint", body = EndpointView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Body<EndpointView>, Problem> {
    may_read(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let endpoint = find(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Body(EndpointView { endpoint }))
}

/// Change an endpoint.
#[utoipa::path(
    patch,
    path = "/api/outbound/endpoints/{id}",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    request_body(content = EndpointChange, example = json!({ "events": ["*"] })),
    responses(
        (status = 200, description = "it is changed", body = EndpointView),
        (status = 400, description = "a bad address or event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    Path(id): Path<String>,
    request: Json<EndpointChange>,
) -> Result<Body<EndpointView>, Problem> {
    let change = request.value;
    let url = change.url.as_deref().map(|url| checked_url(&state, url)).transpose()?;
    let events = change.events.map(checked_events).transpose()?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let known = find(&mut tx, &id).await?;
    let wanted = Wanted {
        url: url.as_deref().unwrap_or(&known.url),
        description: checked_description(change.description.as_deref().unwrap_or(&known.description))?,
        events: events.as_deref().unwrap_or(&known.events),
        ordered: change.ordered.unwrap_or(known.ordered),
    };
    endpoints::change(&mut tx, known.id, &wanted).await?;
    let endpoint = of_id(&mut tx, known.id).await?;
    record(&mut tx, &caller, "endpoint.change", known.id, json!({ "events": endpoint.events })).await?;
    state.db.commit(tx).await?;
    Ok(Body(EndpointView { endpoint }))
}

/// Remove an endpoint. What waits for it has failed; the list of its deliveries stays for 30 days.
#[utoipa::path(
    delete,
    path = "/api/outbound/endpoints/{id}",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    may_write(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let known = find(&mut tx, &id).await?;
    endpoints::remove(&mut tx, known.id).await?;
    record(&mut tx, &caller, "endpoint.remove", known.id, json!({})).await?;
    state.db.commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give an endpoint a new secret. The one before signs as well for a day.
#[utoipa::path(
    post,
    path = "/api/outbound/endpoints/{id}/rotate-secret",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    responses(
        (status = 200, description = "the new secret, shown this once", body = EndpointWithSecret),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Body<EndpointWithSecret>, Problem> {
    may_write(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let known = find(&mut tx, &id).await?;
    let key = &state.settings.master_key;
    let secret = endpoints::rotate(&mut tx, key, caller.tenant, known.id, Utc::now()).await?;
    let endpoint = of_id(&mut tx, known.id).await?;
    record(&mut tx, &caller, "endpoint.rotate-secret", known.id, json!({})).await?;
    state.db.commit(tx).await?;
    Ok(Body(EndpointWithSecret { secret: secret.reveal(), endpoint }))
}

/// Let deliveries to an endpoint wait.
#[utoipa::path(
    post,
    path = "/api/outbound/endpoints/{id}/pause",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    responses(
        (status = 200, description = "they wait", body = EndpointView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn pause(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Body<EndpointView>, Problem> {
    set_state(state, caller, &id, endpoints::State::Paused).await
}

/// Go on with deliveries to an endpoint that was paused or disabled: what waits is sent now.
#[utoipa::path(
    post,
    path = "/api/outbound/endpoints/{id}/resume",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    responses(
        (status = 200, description = "it is active", body = EndpointView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn resume(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Body<EndpointView>, Problem> {
    set_state(state, caller, &id, endpoints::State::Active).await
}

/// Deliver nothing to an endpoint any more. What waits for it has failed; resume lets it listen again.
#[utoipa::path(
    post,
    path = "/api/outbound/endpoints/{id}/disable",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    responses(
        (status = 200, description = "it gets nothing", body = EndpointView),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Body<EndpointView>, Problem> {
    set_state(state, caller, &id, endpoints::State::Disabled).await
}

/// That a test event is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestAsked {
    /// Where to look for what came of it.
    #[schema(
        example = "/api/outbound/deliveries?endpoint=0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81&type=webhook.test"
    )]
    look: String,
}

/// Send a test event (`webhook.test`) to an endpoint, whatever it listens to and also while it is paused. It is tried once.
#[utoipa::path(
    post,
    path = "/api/outbound/endpoints/{id}/test",
    tag = "outbound",
    params(("id" = Uuid, Path, description = "the endpoint")),
    responses(
        (status = 202, description = "it is on its way", body = TestAsked),
        (status = 404, description = "there is none", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn test(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Body<TestAsked>), Problem> {
    may_write(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let known = find(&mut tx, &id).await?;
    endpoints::test(&mut tx, caller.tenant, known.id).await?;
    record(&mut tx, &caller, "endpoint.test", known.id, json!({})).await?;
    state.db.commit(tx).await?;
    let look = format!("/api/outbound/deliveries?endpoint={}&type=webhook.test", known.id);
    Ok((StatusCode::ACCEPTED, Body(TestAsked { look })))
}

async fn set_state(
    state: AppState,
    caller: Caller,
    id: &str,
    to: endpoints::State,
) -> Result<Body<EndpointView>, Problem> {
    may_write(&caller)?;
    let mut tx = state.db.tenant_tx(Role::Outbound, caller.tenant).await?;
    let known = find(&mut tx, id).await?;
    let (action, reason) = match to {
        endpoints::State::Active => ("endpoint.resume", None),
        endpoints::State::Paused => ("endpoint.pause", Some("its owner paused it")),
        endpoints::State::Disabled => ("endpoint.disable", Some("its owner disabled it")),
    };
    let mut announcement = jobs::Announcement::default();
    if known.state != to {
        endpoints::set_state(&mut tx, known.id, to, reason).await?;
        match to {
            endpoints::State::Active => {
                announcement = replay::resume(&mut tx, caller.tenant, known.id).await?
            }
            endpoints::State::Disabled => {
                let data = json!({ "endpoint_id": known.id, "reason": "by_owner" });
                tell(&mut tx, "endpoint.disabled", &format!("endpoint:{}", known.id), &data).await?;
            }
            endpoints::State::Paused => {}
        }
    }
    let endpoint = of_id(&mut tx, known.id).await?;
    record(&mut tx, &caller, action, known.id, json!({})).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(Body(EndpointView { endpoint }))
}

async fn find(tx: &mut Tx, id: &str) -> Result<Endpoint, Problem> {
    let id = query::id("id", id)?;
    endpoints::get(tx, id).await?.ok_or_else(|| Problem::not_found("there is no such endpoint"))
}

async fn of_id(tx: &mut Tx, id: Uuid) -> Result<Endpoint, Problem> {
    endpoints::get(tx, id).await?.ok_or_else(Problem::internal)
}

async fn record(tx: &mut Tx, caller: &Caller, action: &str, id: Uuid, detail: Value) -> Result<(), Problem> {
    trail::record(tx, caller, action, &format!("endpoint:{id}"), detail).await
}

fn checked_url(state: &AppState, url: &str) -> Result<String, Problem> {
    address::check(url, loopback(state)).map_err(|error| {
        let detail = match error {
            BaseUrlError::Extras => "the address must not contain a user, password or fragment".to_owned(),
            error => error.to_string(),
        };
        Problem::bad_request("url", detail)
    })
}

fn checked_description(text: &str) -> Result<&str, Problem> {
    if text.chars().count() > 500 {
        return Err(Problem::bad_request("description", "must have at most 500 characters"));
    }
    Ok(text)
}
