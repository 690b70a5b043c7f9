//! The connection to a help desk: where it is and how its webhooks are proven, never with what. Secrets come in and do not go out.

use accounts::api_keys::Scope;
use accounts::base_url::Loopback;
use accounts::integrations::{self, Gorgias, IntegrationError};
use accounts::verify::{Mode, Verification};
use axum::extract::State;
use chrono::{DateTime, Utc};
use database::{Role, act_as};
use serde::{Deserialize, Serialize};
use serde_json::json;
use support::inbox::{self, Filter};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::web::auth::{Allowed, Caller};
use crate::web::body::Json;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::trail;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show, save))
}

/// How the help desk is connected.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionView {
    /// Whether one is.
    pub is_connected: bool,
    /// The address of its API.
    pub base_url: Option<String>,
    /// The user that we are there.
    pub email: Option<String>,
    /// How its webhooks are proven: `token` or `hmac`; none when all of them are refused.
    #[schema(value_type = Option<String>)]
    pub verification: Option<Mode>,
    /// How many secrets are taken: two while one replaces the other.
    pub secrets: usize,
    /// Why the connection cannot be used.
    pub problem: Option<String>,
    /// When the last webhook came.
    pub last_delivery_at: Option<DateTime<Utc>>,
}

impl ConnectionView {
    fn none(problem: Option<String>, last_delivery_at: Option<DateTime<Utc>>) -> ConnectionView {
        ConnectionView {
            is_connected: problem.is_some(),
            base_url: None,
            email: None,
            verification: None,
            secrets: 0,
            problem,
            last_delivery_at,
        }
    }

    fn of(known: Gorgias, last_delivery_at: Option<DateTime<Utc>>) -> ConnectionView {
        let verification = known.verification.as_ref();
        ConnectionView {
            is_connected: true,
            base_url: Some(known.base_url),
            email: Some(known.email),
            verification: verification.map(|verification| verification.mode),
            secrets: verification.map_or(0, |verification| verification.secrets.len()),
            problem: None,
            last_delivery_at,
        }
    }
}

/// How the help desk is connected.
#[utoipa::path(
    get,
    path = "/api/gorgias/connection",
    tag = "webhooks",
    responses((status = 200, description = "how; no secret is told", body = ConnectionView)),
)]
async fn show(State(state): State<AppState>, caller: Caller) -> Result<axum::Json<ConnectionView>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let mut tx = state.db.tenant_tx(Role::Support, caller.tenant).await?;
    let known = integrations::gorgias_in(&mut tx, &state.settings.master_key, caller.tenant).await;
    let last = inbox::list(&mut tx, &Filter::default(), None, 1).await?;
    tx.commit().await?;
    let last_delivery_at = last.first().map(|delivery| delivery.received_at);
    Ok(axum::Json(match known {
        Ok(Some(known)) => ConnectionView::of(known, last_delivery_at),
        Ok(None) => ConnectionView::none(None, last_delivery_at),
        Err(IntegrationError::Db(error)) => return Err(error.into()),
        Err(error) => ConnectionView::none(Some(format!("{error}; save it again")), last_delivery_at),
    }))
}

/// Where the help desk is. What is left out stays as it is saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "base_url": "https://shop.gorgias.com/api", "email": "bot@shop.example", "api_key": "secret",
    "verification": {"mode": "hmac", "secret": "a long secret of your own", "keeps_before": true}
}))]
pub struct ConnectionForm {
    /// The address of its API, such as https://shop.gorgias.com/api.
    base_url: String,
    /// The user that we are there.
    email: String,
    /// Its API key.
    #[serde(default)]
    api_key: Option<String>,
    /// How webhooks are proven from now on.
    #[serde(default)]
    verification: Option<VerificationForm>,
}

/// How webhooks are proven.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationForm {
    /// `token`: the secret itself, in X-Webhook-Token. `hmac`: HMAC-SHA256 of the body, in X-Gorgias-Signature.
    #[schema(value_type = String)]
    mode: Mode,
    /// The secret: 16 to 1000 characters.
    secret: String,
    /// Whether the secret of before is taken besides, until this is saved again without.
    #[serde(default)]
    keeps_before: bool,
}

/// Connect the help desk, or change how.
///
/// Running processes know it within 30 seconds. Whether the help desk takes the key shows the next look through it.
#[utoipa::path(
    put,
    path = "/api/gorgias/connection",
    tag = "webhooks",
    request_body = ConnectionForm,
    responses(
        (status = 200, description = "how it is connected now", body = ConnectionView),
        (status = 422, description = "it cannot be saved like this", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn save(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<ConnectionForm>,
) -> Result<axum::Json<ConnectionView>, Problem> {
    let key = &state.settings.master_key;
    let mut tx = state.db.gateway_tx().await?;
    // What does not open any more is replaced as a whole.
    let before = match integrations::gorgias_in(&mut tx, key, caller.tenant).await {
        Ok(before) => before,
        Err(IntegrationError::Db(error)) => return Err(error.into()),
        Err(_) => None,
    };
    let wanted = wanted(body.value, before)?;
    let loopback = if state.settings.people.allow_loopback { Loopback::Allowed } else { Loopback::Refused };
    integrations::put_gorgias(&mut tx, key, caller.tenant, &wanted, loopback).await.map_err(refusal)?;
    act_as(&mut tx, Role::Support, Some(caller.tenant)).await?;
    let last = inbox::list(&mut tx, &Filter::default(), None, 1).await?;
    let view = ConnectionView::of(wanted, last.first().map(|delivery| delivery.received_at));
    let detail =
        json!({ "base_url": view.base_url, "verification": view.verification, "secrets": view.secrets });
    trail::record(&mut tx, &caller, "integration.put", "integration:gorgias", detail).await?;
    state.db.commit(tx).await?;
    Ok(axum::Json(view))
}

/// What is to be stored: what is given, and where nothing is, what was before.
fn wanted(form: ConnectionForm, before: Option<Gorgias>) -> Result<Gorgias, Problem> {
    let (key_before, verification_before) = match before {
        // The key of one account is not sent to another's address.
        Some(before) if before.base_url == form.base_url.trim_end_matches('/') => {
            (Some(before.api_key), before.verification)
        }
        Some(before) => (None, before.verification),
        None => (None, None),
    };
    let api_key = form.api_key.or(key_before).ok_or_else(|| {
        Problem::unprocessable("api_key", "is needed: none is saved for a help desk at this address")
    })?;
    let verification = match form.verification {
        None => verification_before,
        Some(VerificationForm { mode, secret, keeps_before }) => {
            let old = verification_before.filter(|before| keeps_before && before.mode == mode);
            let old = old.and_then(|before| before.secrets.into_iter().next()).filter(|old| *old != secret);
            Some(Verification { mode, secrets: [Some(secret), old].into_iter().flatten().collect() })
        }
    };
    Ok(Gorgias { base_url: form.base_url, email: form.email, api_key, verification })
}

fn refusal(error: IntegrationError) -> Problem {
    match error {
        IntegrationError::BaseUrl(problem) => Problem::unprocessable("base_url", problem.to_string()),
        IntegrationError::Field { field, problem } => Problem::unprocessable(field, problem),
        IntegrationError::Db(error) => error.into(),
        IntegrationError::Unseal(_) | IntegrationError::Unreadable => Problem::internal(),
    }
}
