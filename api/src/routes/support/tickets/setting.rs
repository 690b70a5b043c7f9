//! How a shop's tickets behave.

use accounts::api_keys::Scope;
use axum::Json as Shown;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use database::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::tickets::TicketError;
use support::tickets::setting::{self, Setting};
use utoipa::ToSchema;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::{etag, trail};

/// How a shop's tickets behave.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"final_after_days": 7, "undo_secs": 10, "search_languages": ["english", "german"]}))]
pub struct TicketSetting {
    /// A ticket that was resolved or closed for so many days is final, 0 to 365.
    #[schema(minimum = 0, maximum = 365)]
    pub final_after_days: i32,
    /// How long a reply can be taken back, in seconds, 0 to 600.
    #[schema(minimum = 0, maximum = 600)]
    pub undo_secs: i32,
    /// Languages that search knows the forms of words of, four at most, as Postgres names them.
    pub search_languages: Vec<String>,
}

impl From<Setting> for TicketSetting {
    fn from(setting: Setting) -> TicketSetting {
        TicketSetting {
            final_after_days: setting.final_after_days,
            undo_secs: setting.undo_secs,
            search_languages: setting.search_languages,
        }
    }
}

/// How the shop's tickets behave.
#[utoipa::path(
    get,
    path = "/api/tickets/settings",
    tag = "tickets",
    responses((status = 200, description = "the settings", body = TicketSetting)),
)]
pub async fn show(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::TicketsRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let setting = setting::get(&mut tx).await?;
    tx.commit().await?;
    Ok(etag::with_version(setting.version, Shown(TicketSetting::from(setting))))
}

/// Change how the shop's tickets behave.
#[utoipa::path(
    put,
    path = "/api/tickets/settings",
    tag = "tickets",
    params(("If-Match" = Option<String>, Header, description = "the ETag of the settings that were looked at")),
    request_body = TicketSetting,
    responses(
        (status = 200, description = "the settings", body = TicketSetting),
        (status = 400, description = "a value does not fit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "they were changed meanwhile; `current` is how they are", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    headers: HeaderMap,
    body: Json<TicketSetting>,
) -> Result<Response, Problem> {
    let version = etag::expected_version(&headers)?;
    let TicketSetting { final_after_days, undo_secs, search_languages } = body.value;
    let wanted = Setting { final_after_days, undo_secs, search_languages, ..Setting::default() };
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let stored = match setting::put(&mut tx, caller.tenant, &wanted, version).await {
        Ok(stored) => stored,
        Err(TicketError::Stale(_)) => {
            let current = TicketSetting::from(setting::get(&mut tx).await?);
            return Err(Problem::precondition_failed(json!(current)));
        }
        Err(error) => return Err(error.into()),
    };
    let detail = json!({ "version": stored.version });
    trail::record(&mut tx, &caller, "ticket_setting.put", "ticket_setting", detail).await?;
    state.db.commit(tx).await?;
    Ok(etag::with_version(stored.version, Shown(TicketSetting::from(stored))))
}
