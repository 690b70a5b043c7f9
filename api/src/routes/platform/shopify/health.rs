//! How the shop stands: connected or not, when it was read last, how late its webhooks are, what could not be stored; and a
//! reading that is asked for.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use chrono::{DateTime, Utc};
use database::Role;
use platform::shops::SHOPIFY;
use platform::shops::health::{self, Health, Status};
use platform::shops::sync::{self, Part};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::super::intelligence::Asked;
use super::ask_for_sync;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(read_now))
}

/// A shop.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopView {
    /// Its own domain; none when none was ever connected.
    pub shop: Option<String>,
    /// `connected`, `revoked` (it does not take our credentials any more; connect it again) or `disconnected`.
    #[schema(value_type = String)]
    pub status: Status,
    /// Why it is not connected.
    pub reason: Option<String>,
    /// Since when it stands so.
    pub since: Option<DateTime<Utc>>,
    /// When a reading last came to its end.
    pub synced_at: Option<DateTime<Utc>>,
    /// When the last webhook came.
    pub last_webhook_at: Option<DateTime<Utc>>,
    /// How long after it happened, in milliseconds.
    pub webhook_lag_ms: Option<i64>,
    /// Webhooks that are not applied yet.
    pub webhooks_waiting: i64,
    /// Orders that could not be stored.
    pub refused: i64,
    /// Requests about customers' privacy that are not done.
    pub privacy_requests_open: i64,
    /// The last reading.
    pub reading: Vec<PartView>,
}

/// A part of a reading.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartView {
    /// The reading.
    pub run_id: Uuid,
    /// `products`, `customers` or `orders`.
    pub resource: String,
    /// `waiting`, `running`, `done` or `dropped`.
    pub state: String,
    /// Objects read so far.
    pub read: i64,
    /// Of the file of a first reading: bytes read.
    pub file_bytes_read: Option<i64>,
    /// And bytes in all.
    pub file_bytes: Option<i64>,
    /// Orders that are new.
    pub inserted: i64,
    /// Orders that were replaced.
    pub replaced: i64,
    /// Orders that are stored as they are.
    pub unchanged: i64,
    /// Orders of which something newer is stored.
    pub older: i64,
    /// What could not be stored.
    pub refused: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How the tenant's shop stands.
#[utoipa::path(
    get,
    path = "/api/integrations/shopify",
    tag = "integrations",
    responses((status = 200, description = "how it stands", body = ShopView)),
)]
async fn show(State(state): State<AppState>, caller: Caller) -> Result<Shown<ShopView>, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let health = health::read(&mut tx, SHOPIFY).await?;
    let parts = sync::last(&mut tx, SHOPIFY).await?;
    tx.commit().await?;
    Ok(Shown(view(health, parts)))
}

fn view(health: Option<Health>, parts: Vec<Part>) -> ShopView {
    let reading = parts.into_iter().map(PartView::from).collect();
    match health {
        None => ShopView {
            shop: None,
            status: Status::Disconnected,
            reason: None,
            since: None,
            synced_at: None,
            last_webhook_at: None,
            webhook_lag_ms: None,
            webhooks_waiting: 0,
            refused: 0,
            privacy_requests_open: 0,
            reading,
        },
        Some(health) => ShopView {
            shop: Some(health.account),
            status: health.status,
            reason: health.reason,
            since: Some(health.status_at),
            synced_at: health.synced_at,
            last_webhook_at: health.told_at,
            webhook_lag_ms: health.told_lag_ms,
            webhooks_waiting: health.events_waiting,
            refused: health.refused,
            privacy_requests_open: health.privacy_requests,
            reading,
        },
    }
}

impl From<Part> for PartView {
    fn from(part: Part) -> PartView {
        let resource = match part.resource {
            sync::Resource::Products => "products",
            sync::Resource::Customers => "customers",
            sync::Resource::Orders => "orders",
        };
        PartView {
            run_id: part.run_id,
            resource: resource.to_owned(),
            state: part.state,
            read: part.read,
            file_bytes_read: part.bulk_bytes.map(|_| part.bulk_byte),
            file_bytes: part.bulk_bytes,
            inserted: part.inserted,
            replaced: part.replaced,
            unchanged: part.unchanged,
            older: part.older,
            refused: part.refused,
            started_at: part.started_at,
            finished_at: part.finished_at,
        }
    }
}

/// How to read.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct SyncRequest {
    /// Whether a first reading asks for pages, although one file is less work; otherwise it makes no difference.
    #[serde(default)]
    paged: bool,
}

/// Read the shop now.
///
/// What changed since the last reading, or everything if there was none. A reading that is under way goes on.
#[utoipa::path(
    post,
    path = "/api/integrations/shopify/sync",
    tag = "integrations",
    request_body = SyncRequest,
    responses(
        (status = 202, description = "the job that begins", body = Asked),
        (status = 409, description = "no shop is connected", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn read_now(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<SyncRequest>,
) -> Result<(axum::http::StatusCode, Shown<Asked>), Problem> {
    let mut tx = state.db.tenant_tx(Role::Platform, caller.tenant).await?;
    let status = health::status(&mut tx, SHOPIFY).await?;
    if status != Some(Status::Connected) {
        return Err(Problem::conflict("no shop is connected, or it has to be connected again"));
    }
    let (asked, announcement) = ask_for_sync(&mut tx, caller.tenant, body.value.paged).await?;
    let detail = json!({ "job": asked.job_id });
    trail::record(&mut tx, &caller, "shopify.sync", SHOPIFY, detail).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok((axum::http::StatusCode::ACCEPTED, Shown(asked)))
}
