//! Signing in at another system: authorization code with PKCE, as the tenant configured it (`api connect-oidc`).
//!
//! The browser goes there with a `state` and a cookie of ours and comes back with a code; nonce and verifier never leave
//! the house. Whoever comes back is the person of the tenant with the verified address that the other system's signed token
//! names. Nobody is created unless the tenant named a role for them.

use accounts::people::logins::{self, Login};
use accounts::people::oidc::{self, Oidc, Remembered};
use accounts::people::permissions;
use accounts::tenants;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use database::act_as;
use database::ids::{AgentId, TenantId};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use serde_json::json;
use support::agents::{self, Attributes};
use upstreams::identity::{Identity, IdentityError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sign_in::{begin, record};
use super::signed_in::Into;
use crate::state::AppState;
use crate::web::auth::cookie;
use crate::web::limits::Refusal;
use crate::web::problem::{Problem, ProblemDocument};
use crate::web::query::Params;
use crate::web::sign_ins::Address;

/// The cookie of the browser that began. It comes back with a navigation from another site, so it cannot be Strict.
const COOKIE: &str = "__Secure-desk-oidc";

/// Where the other system sends the browser back to.
const CALLBACK: &str = "/api/auth/oidc/callback";

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(callback))
}

/// Go to the tenant's other system to sign in.
#[utoipa::path(
    get,
    path = "/api/auth/oidc/{tenant}/start",
    tag = "people",
    security(()),
    params(
        ("tenant" = String, Path, description = "slug of the tenant"),
        ("then" = Option<String>, Query, description = "the path of this host to go to afterwards; / when missing"),
    ),
    responses(
        (status = 303, description = "to the other system"),
        (status = 404, description = "the tenant has none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "the other system does not answer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn start(
    State(state): State<AppState>,
    address: Address,
    Path(slug): Path<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let params = Params::of(&uri, &["then"])?;
    let then = params.text("then")?.unwrap_or("/");
    if !is_path(then) {
        return Err(Problem::bad_request("then", "must be a path of this host such as /tickets").into());
    }
    state.people.sign_ins.count_address(address).map_err(Refusal::TooMany)?;
    let none = || Problem::not_found("this tenant has no other system to sign in at");
    let mut tx = state.db.gateway_tx().await?;
    let tenant = tenants::find_by_slug(&mut tx, &slug).await?.ok_or_else(none)?;
    let settings = oidc::get(&mut tx, &state.settings.master_key, tenant.id).await.map_err(unreadable)?;
    let settings = settings.ok_or_else(none)?;
    tx.commit().await?;

    let (redirect, metadata) = (redirect(&state)?, discover(&state, &settings).await?);
    let client = CoreClient::from_provider_metadata(metadata, ClientId::new(settings.client_id), None)
        .set_redirect_uri(redirect);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, csrf, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("email".to_owned()))
        .add_scope(Scope::new("profile".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let browser = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let remembered = Remembered {
        nonce: nonce.secret().clone(),
        verifier: verifier.secret().clone(),
        then: then.to_owned(),
    };
    let now = Utc::now();
    let mut tx = state.db.gateway_tx().await?;
    logins::sweep(&mut tx, now).await?;
    let both = (csrf.secret().as_str(), browser.as_str());
    oidc::begin(&mut tx, &state.settings.master_key, tenant.id, both, &remembered, now).await?;
    state.db.commit(tx).await?;
    let secs = oidc::LIFETIME.num_seconds();
    Ok(go(
        url.as_str(),
        &format!("{COOKIE}={browser}; Path=/api/auth/oidc; Max-Age={secs}; HttpOnly; Secure; SameSite=Lax"),
    ))
}

/// Come back from the tenant's other system.
#[utoipa::path(
    get,
    path = "/api/auth/oidc/callback",
    tag = "people",
    security(()),
    params(
        ("code" = Option<String>, Query, description = "what is exchanged for a token"),
        ("state" = Option<String>, Query, description = "which sign-in it is"),
        ("error" = Option<String>, Query, description = "why there is no code"),
        ("error_description" = Option<String>, Query, description = "the same for people"),
        ("iss" = Option<String>, Query, description = "who answers"),
        ("session_state" = Option<String>, Query, description = "not used"),
        ("scope" = Option<String>, Query, description = "not used"),
    ),
    responses(
        (status = 303, description = "signed in, by cookies, and on to where the person wanted to go"),
        (status = 401, description = "not signed in", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "the other system does not answer", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn callback(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let known = ["code", "state", "error", "error_description", "iss", "session_state", "scope"];
    let params = Params::of(&uri, &known)?;
    state.people.sign_ins.count_address(address).map_err(Refusal::TooMany)?;
    let over =
        || Problem::not_signed_in("this sign-in was not begun here, was used, or took too long; begin again");
    let csrf = params.text("state")?.ok_or_else(over)?;
    let browser = cookie(&headers, COOKIE).ok_or_else(over)?;
    let now = Utc::now();
    let key = &state.settings.master_key;
    let mut tx = state.db.gateway_tx().await?;
    let (tenant, remembered) = oidc::take(&mut tx, key, (csrf, browser), now).await?.ok_or_else(over)?;
    let settings = oidc::get(&mut tx, key, tenant).await.map_err(unreadable)?.ok_or_else(over)?;
    state.db.commit(tx).await?;
    let Some(code) = params.text("code")? else {
        return Err(Problem::not_signed_in("the other system did not sign the person in").into());
    };
    if params.text("iss")?.is_some_and(|issuer| issuer != settings.issuer) {
        return Err(over().into());
    }
    let person = identify(&state, &settings, code.to_owned(), &remembered).await?;
    let login = find_or_create(&state, tenant, &settings, &person).await?;
    let signed_in = begin(&state, &login, "oidc", Into::Cookies, now).await?;
    let mut response = go(
        &remembered.then,
        &format!("{COOKIE}=; Path=/api/auth/oidc; Max-Age=0; HttpOnly; Secure; SameSite=Lax"),
    );
    for cookie in signed_in.headers().get_all(header::SET_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    Ok(response)
}

/// Whom the other system names.
struct Named {
    email: String,
    name: String,
}

/// Exchanges the code and checks the token that comes for it: signature, issuer, audience, time, nonce, verified address.
async fn identify(
    state: &AppState,
    settings: &Oidc,
    code: String,
    remembered: &Remembered,
) -> Result<Named, Problem> {
    let refused = |what: &'static str| {
        tracing::warn!(what, "another system's sign-in was refused");
        Problem::not_signed_in("what the other system says signs nobody in")
    };
    let (redirect, metadata) = (redirect(state)?, discover(state, settings).await?);
    let secret = ClientSecret::new(settings.client_secret.clone());
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(settings.client_id.clone()), Some(secret))
            .set_redirect_uri(redirect);
    let identity = identity(state)?;
    let http = |request: HttpRequest| send(identity.clone(), request);
    let exchange = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|_| refused("it names no place for tokens"))?
        .set_pkce_verifier(PkceCodeVerifier::new(remembered.verifier.clone()));
    let tokens = exchange.request_async(&http).await.map_err(|error| match error {
        openidconnect::RequestTokenError::Request(error) => unanswered(&error),
        _ => refused("the code was not exchanged"),
    })?;
    let token = tokens.id_token().ok_or_else(|| refused("no identity token came"))?;
    let nonce = Nonce::new(remembered.nonce.clone());
    let claims = token
        .claims(&client.id_token_verifier(), &nonce)
        .map_err(|_| refused("the identity token is not valid"))?;
    if claims.email_verified() != Some(true) {
        return Err(refused("the address is not verified"));
    }
    let address = claims.email().ok_or_else(|| refused("no address came"))?;
    let email = database::address::normal(address.as_str()).map_err(|_| refused("the address is none"))?;
    let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().trim().to_owned());
    let fits = |name: &String| (1..=200).contains(&name.chars().count()) && !name.contains(char::is_control);
    Ok(Named { name: name.filter(fits).unwrap_or_else(|| email.chars().take(200).collect()), email })
}

async fn find_or_create(
    state: &AppState,
    tenant: TenantId,
    settings: &Oidc,
    person: &Named,
) -> Result<Login, Problem> {
    let stranger = || Problem::not_signed_in("nobody of this tenant who may sign in has this address");
    let mut tx = state.db.gateway_tx().await?;
    let slug = tenants::get(&mut tx, tenant).await?.ok_or_else(stranger)?.slug;
    if let Some(login) = logins::find(&mut tx, &slug, &person.email).await? {
        tx.commit().await?;
        return if login.disabled_at.is_none() { Ok(login) } else { Err(stranger()) };
    }
    let role = settings.creates.ok_or_else(stranger)?;
    let (agent, now) = (AgentId::new(), Utc::now());
    logins::create(&mut tx, tenant, agent, &person.name, &person.email, role)
        .await
        .map_err(|_| stranger())?;
    act_as(&mut tx, database::Role::Support, Some(tenant)).await?;
    let with = Attributes {
        name: Some(person.name.clone()),
        seniority: Some(role.seniority()),
        accepts_new: Some(role != permissions::Role::Viewer),
        ..Attributes::default()
    };
    agents::create(&mut tx, tenant, agent, &person.email, &with, now).await?;
    let (subject, detail) = (format!("agent:{agent}"), json!({ "role": role, "by": "oidc" }));
    record(&mut tx, tenant, agent, "agent.create", &subject, detail).await?;
    let login = logins::get(&mut tx, tenant, agent).await?.ok_or_else(stranger)?;
    state.db.commit(tx).await?;
    Ok(login)
}

async fn discover(state: &AppState, settings: &Oidc) -> Result<CoreProviderMetadata, Problem> {
    let identity = identity(state)?;
    let http = |request: HttpRequest| send(identity.clone(), request);
    let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|error| unanswered(&error))?;
    CoreProviderMetadata::discover_async(issuer, &http).await.map_err(|error| unanswered(&error))
}

/// The house's way out, as the library asks for it.
pub(crate) async fn send(identity: Identity, request: HttpRequest) -> Result<HttpResponse, IdentityError> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.to_string();
    let (status, headers, body) = identity.send(parts.method, &url, parts.headers, body).await?;
    let mut response = HttpResponse::new(body.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn identity(state: &AppState) -> Result<Identity, Problem> {
    state.people.identity().ok_or_else(Problem::internal)
}

fn redirect(state: &AppState) -> Result<RedirectUrl, Problem> {
    let base = state.settings.people.public_url.as_deref();
    let base = base.ok_or_else(|| {
        Problem::conflict("this installation does not know its address; set DESK_PUBLIC_URL")
    })?;
    RedirectUrl::new(format!("{base}{CALLBACK}")).map_err(|_| Problem::internal())
}

fn unanswered(error: &dyn std::error::Error) -> Problem {
    tracing::warn!(%error, "another system for signing in does not answer as it should");
    Problem {
        detail: "the other system does not answer as it should; try again, or sign in with a password".into(),
        ..Problem::unavailable()
    }
}

fn unreadable(error: accounts::integrations::IntegrationError) -> Problem {
    tracing::error!(%error, "a tenant's settings for signing in cannot be read");
    Problem::internal()
}

fn go(to: &str, cookie: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/")));
    headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie).expect("a cookie of plain ASCII"));
    response
}

/// A path of this host: no address of another one, however it is written.
fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for (text, fits) in [
            ("/", true),
            ("/tickets?x=1#a", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("", false),
            ("/a b", false),
            ("/a\nb", false),
        ] {
            assert_eq!(is_path(text), fits, "{text}");
        }
    }
}
