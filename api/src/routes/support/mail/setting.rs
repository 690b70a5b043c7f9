//! How much mail of one sender a shop takes before it counts as a flood.

use accounts::api_keys::Scope;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::mail::setting;
use support::tickets::TicketError;
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{etag, trail};

/// How a shop's mail behaves.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"flood_limit": 100, "flood_window_secs": 600}))]
pub struct MailSettings {
    /// Mails of one sender to one mailbox within the window, 1 to 100000; what comes beyond is suspended.
    #[schema(minimum = 1, maximum = 100_000)]
    pub flood_limit: i32,
    /// The window, in seconds, 10 to 86400.
    #[schema(minimum = 10, maximum = 86_400)]
    pub flood_window_secs: i32,
}

impl From<setting::MailSetting> for MailSettings {
    fn from(setting: setting::MailSetting) -> MailSettings {
        MailSettings { flood_limit: setting.flood_limit, flood_window_secs: setting.flood_window_secs }
    }
}

/// How the shop's mail behaves.
#[utoipa::path(
    get,
    path = "/api/mail/settings",
    tag = "mail",
    responses((status = 200, description = "the settings", body = MailSettings)),
)]
pub async fn show(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let setting = setting::get(&mut tx).await?;
    tx.commit().await?;
    Ok(etag::with_version(setting.version, axum::Json(MailSettings::from(setting))))
}

/// Change how the shop's mail behaves.
#[utoipa::path(
    put,
    path = "/api/mail/settings",
    tag = "mail",
    params(("If-Match" = Option<String>, Header, description = "the ETag of the settings that were looked at")),
    request_body = MailSettings,
    responses(
        (status = 200, description = "the settings", body = MailSettings),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "they were changed meanwhile; `current` is how they are", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    headers: HeaderMap,
    body: Json<MailSettings>,
) -> Result<Response, Problem> {
    let version = etag::expected_version(&headers)?;
    let MailSettings { flood_limit, flood_window_secs } = body.value;
    let wanted = setting::MailSetting { flood_limit, flood_window_secs, version: 0 };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = match setting::put(&mut tx, caller.tenant, &wanted, version).await {
        Ok(stored) => stored,
        Err(TicketError::Stale(_)) => {
            let current = MailSettings::from(setting::get(&mut tx).await?);
            return Err(Problem::precondition_failed(json!(current)));
        }
        Err(error) => return Err(error.into()),
    };
    trail::record(&mut tx, &caller, "mail_setting.put", "mail_setting", json!({ "version": stored.version }))
        .await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(stored.version, axum::Json(MailSettings::from(stored))))
}
