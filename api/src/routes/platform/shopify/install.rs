//! Connecting a shop. Somebody of the tenant begins and is sent to the shop, whose owner agrees; the browser comes back with a
//! code, which is exchanged for tokens. What comes back is believed when Shopify signed it, when its `state` is one that was begun
//! here a moment ago, for this shop, in this browser, and when it was not used.

use accounts::api_keys::Scope;
use accounts::audit;
use accounts::shopify::install::{self, Begun};
use accounts::shopify::signature::shop_domain;
use accounts::shopify::{self, ConnectError, Connection};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use database::{Role, act_as};
use platform::kinds::ApplyShopEvents;
use platform::shops::health::{self, Status};
use platform::shops::{SHOPIFY, sync};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use upstreams::{CallContext, ClientError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::intelligence::ask;
use super::ask_for_sync;
use crate::state::AppState;
use crate::web::auth::{Allowed, Caller, cookie};
use crate::web::body::Json;
use crate::web::correlation;
use crate::web::limits::Refusal;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::sign_ins::Address;

/// The cookie of the browser that began. It comes back with a navigation from another site, so it cannot be Strict.
const COOKIE: &str = "__Secure-desk-shopify";

/// Where the shop sends the browser back to.
const CALLBACK: &str = "/api/integrations/shopify/callback";

/// The page of the shop.
const PAGE: &str = "/manage/shopify";

/// A person waits in front of a browser.
const EXCHANGED_WITHIN: Duration = Duration::from_secs(15);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(callback)).routes(routes!(disconnect))
}

/// Which shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"shop": "corner-records.myshopify.com"}))]
pub struct InstallRequest {
    /// Its own domain, which ends with `.myshopify.com`.
    shop: String,
}

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstallView {
    /// The shop's page where its owner agrees; to be opened in the browser that has the cookie of this answer.
    pub authorize_url: String,
}

/// Begin to connect a shop.
#[utoipa::path(
    post,
    path = "/api/integrations/shopify/install",
    tag = "integrations",
    request_body = InstallRequest,
    responses(
        (status = 200, description = "where the shop's owner agrees", body = InstallView),
        (status = 409, description = "this installation is not set up for it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "it is no shop's domain", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn begin(
    State(state): State<AppState>,
    Allowed(caller): Allowed<{ Scope::SettingsWrite as u8 }>,
    body: Json<InstallRequest>,
) -> Result<Response, Problem> {
    let shop = shop_domain(&body.value.shop).ok_or_else(|| {
        Problem::unprocessable("shop", "must be the shop's own domain, such as corner-records.myshopify.com")
    })?;
    let (nonce, browser) = (random(), random());
    let url = state
        .shopify
        .client()?
        .authorize_url(&shop, &redirect(&state)?, &nonce)
        .map_err(|_| Problem::unprocessable("shop", "cannot be called"))?;
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let begun = Begun { tenant: caller.tenant, by: caller.actor() };
    install::begin(&mut tx, &begun, &shop, (&nonce, &browser), now).await?;
    state.db.commit(tx).await?;
    let mut response = axum::Json(InstallView { authorize_url: url.into() }).into_response();
    set_cookie(&mut response, &browser, install::LIFETIME.num_seconds());
    Ok(response)
}

/// Come back from the shop.
///
/// A browser that asks for a page is sent to the shop's page with the status of a refusal, so that a person can go on.
#[utoipa::path(
    get,
    path = "/api/integrations/shopify/callback",
    tag = "integrations",
    security(()),
    params(
        ("code" = Option<String>, Query, description = "what is exchanged for tokens"),
        ("shop" = Option<String>, Query, description = "the shop's own domain"),
        ("state" = Option<String>, Query, description = "which install it is"),
        ("hmac" = Option<String>, Query, description = "proves the others"),
    ),
    responses(
        (status = 303, description = "the shop is connected, and on to its page"),
        (status = 401, description = "it is not proven, or was not begun here", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "another shop or tenant is in the way", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "the shop does not answer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn callback(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    match come_back(&state, address, &headers, &uri).await {
        Err(Refusal::Problem(problem)) if wants_page(&headers) => {
            Ok(see_other(&format!("{PAGE}?refused={}", problem.status.as_u16())))
        }
        came => came,
    }
}

async fn come_back(
    state: &AppState,
    address: Address,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, Refusal> {
    state.people.sign_ins.count_address(address).map_err(Refusal::TooMany)?;
    let client = state.shopify.client()?;
    let over =
        || Problem::not_signed_in("this install was not begun here, was used, or took too long; begin again");
    let query = uri.query().unwrap_or_default();
    if !state.shopify.secrets.prove_query(query) {
        return Err(Problem::not_signed_in("what came back is not signed by Shopify").into());
    }
    let value = |wanted: &str| {
        let mut found = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name == wanted)
            .map(|(_, value)| value);
        let value = found.next()?;
        found.next().is_none().then(|| value.into_owned())
    };
    let shop = value("shop").and_then(|shop| shop_domain(&shop)).ok_or_else(over)?;
    let nonce = value("state").filter(|nonce| nonce.len() <= 200).ok_or_else(over)?;
    let browser = cookie(headers, COOKIE).ok_or_else(over)?;
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    let begun = install::take(&mut tx, &shop, (&nonce, browser), now).await?.ok_or_else(over)?;
    state.db.commit(tx).await?;
    let code = value("code").filter(|code| !code.is_empty() && code.len() <= 500);
    let code = code.ok_or_else(|| Problem::not_signed_in("the shop's owner did not agree"))?;
    let context = CallContext { deadline: Instant::now() + EXCHANGED_WITHIN, traceparent: None };
    let tokens = client.exchange(&context, &shop, &code).await.map_err(|error| not_exchanged(&error))?;
    let lifetime = tokens.lifetime().and_then(|lifetime| TimeDelta::from_std(lifetime).ok());
    let connection = Connection {
        shop,
        expires_at: lifetime.map(|lifetime| now + lifetime),
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        scopes: tokens.scope,
        written_at: now,
    };
    connect(state, &begun, &connection).await?;
    let mut response = see_other(PAGE);
    set_cookie(&mut response, "", 0);
    Ok(response)
}

/// Stores the connection, asks for a first reading, and lets go on what waited.
async fn connect(state: &AppState, begun: &Begun, connection: &Connection) -> Result<(), Problem> {
    let now = Utc::now();
    let tenant = begun.tenant;
    let mut tx = state.db.gateway_tx().await?;
    shopify::connect(&mut tx, &state.settings.master_key, tenant, connection, now).await?;
    act_as(&mut tx, Role::Platform, Some(tenant)).await?;
    let before = health::read(&mut tx, SHOPIFY).await?;
    let is_same = before
        .as_ref()
        .is_some_and(|before| before.account == connection.shop && before.status != Status::Disconnected);
    if !is_same {
        sync::drop_unfinished(&mut tx, SHOPIFY, now).await?;
        sync::forget(&mut tx, SHOPIFY).await?;
    }
    health::set(&mut tx, tenant, SHOPIFY, &connection.shop, (Status::Connected, None), now).await?;
    let (_, mut announcement) = ask_for_sync(&mut tx, tenant, false).await?;
    let waiting = jobs::NewJob::of(tenant, &ApplyShopEvents {})?;
    announcement.merge(ask(&mut tx, waiting, ApplyShopEvents::PLAIN).await?.1);
    act_as(&mut tx, Role::Gateway, None).await?;
    let correlation_id = correlation::current();
    let event = audit::Event {
        tenant: Some(tenant),
        actor: &begun.by,
        action: "shopify.connect",
        subject: SHOPIFY,
        detail: json!({ "shop": connection.shop, "scopes": connection.scopes }),
        correlation_id: Some(correlation_id.as_str()),
    };
    audit::record(&mut tx, &event).await?;
    state.db.commit(tx).await?;
    state.dispatch.announce(announcement);
    Ok(())
}

/// Disconnect the shop.
///
/// Its tokens are gone at once, and the shop is asked to forget them. Orders and customers that came from it stay.
#[utoipa::path(
    delete,
    path = "/api/integrations/shopify",
    tag = "integrations",
    responses(
        (status = 204, description = "no shop is connected"),
        (status = 404, description = "none was", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn disconnect(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, Problem> {
    caller.require(Scope::SettingsWrite)?;
    let now = Utc::now();
    let tenant = caller.tenant;
    let mut tx = state.db.gateway_tx().await?;
    // One whose secrets do not open any more is removed all the same.
    let connection = shopify::read(&mut tx, &state.settings.master_key, tenant).await.ok().flatten();
    if !shopify::disconnect(&mut tx, tenant).await? {
        return Err(Problem::not_found("no shop is connected"));
    }
    act_as(&mut tx, Role::Platform, Some(tenant)).await?;
    note_disconnected(&mut tx, tenant, "it was disconnected here", now).await?;
    crate::web::trail::record(&mut tx, &caller, "shopify.disconnect", SHOPIFY, json!({})).await?;
    state.db.commit(tx).await?;
    // The tokens are not here any more, whatever the shop answers; they end by themselves within an hour.
    if let (Some(connection), Ok(client)) = (connection, state.shopify.client()) {
        let context = CallContext { deadline: Instant::now() + EXCHANGED_WITHIN, traceparent: None };
        if let Ok(shop) = client.shop(&connection.shop, &connection.access_token)
            && let Err(error) = shop.revoke(&context).await
        {
            tracing::warn!(%error, "a shop was disconnected here and could not be told so");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Notes that the tenant's shop is not connected any more (platform role).
pub(super) async fn note_disconnected(
    tx: &mut database::Tx,
    tenant: database::ids::TenantId,
    reason: &str,
    now: chrono::DateTime<Utc>,
) -> Result<(), Problem> {
    sync::drop_unfinished(tx, SHOPIFY, now).await?;
    if let Some(known) = health::read(tx, SHOPIFY).await? {
        health::set(tx, tenant, SHOPIFY, &known.account, (Status::Disconnected, Some(reason)), now).await?;
    }
    Ok(())
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn see_other(path: &str) -> Response {
    let value = HeaderValue::from_str(path).expect("a path of plain ASCII");
    (StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response()
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn redirect(state: &AppState) -> Result<String, Problem> {
    let base = state.settings.people.public_url.as_deref();
    let base = base.ok_or_else(|| {
        Problem::conflict("this installation does not know its address; set DESK_PUBLIC_URL")
    })?;
    Ok(format!("{base}{CALLBACK}"))
}

fn set_cookie(response: &mut Response, value: &str, secs: i64) {
    let text = format!(
        "{COOKIE}={value}; Path=/api/integrations/shopify; Max-Age={secs}; HttpOnly; Secure; SameSite=Lax"
    );
    let value = HeaderValue::from_str(&text).expect("a cookie of plain ASCII");
    response.headers_mut().append(header::SET_COOKIE, value);
}

fn not_exchanged(error: &ClientError) -> Problem {
    tracing::warn!(%error, "the code of an install was not exchanged");
    match error {
        ClientError::Rejected { .. } | ClientError::Unauthorised { .. } => {
            Problem::not_signed_in("the shop does not take the code; begin again")
        }
        _ => Problem { detail: "the shop does not answer; begin again".into(), ..Problem::unavailable() },
    }
}

impl From<ConnectError> for Problem {
    fn from(error: ConnectError) -> Problem {
        match error {
            ConnectError::Db(error) => error.into(),
            error => Problem::conflict(error.to_string()),
        }
    }
}
