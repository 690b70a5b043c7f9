//! Signing in at another system, against a real issuer on this machine that signs RS256 tokens with a key made for this
//! test alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use accounts::base_url::Loopback;
use accounts::people::oidc::{self, Oidc};
use accounts::people::permissions::Role;
use accounts::verify::Mode;
use api::settings::People;
use api::state::AppState;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{TimeDelta, Utc};
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey,
};
use openidconnect::{
    Audience, EmptyAdditionalClaims, EndUserEmail, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey,
    StandardClaims, SubjectIdentifier,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::seats::seat;
use crate::shop::{Shop, shop};

/// What the issuer says of whoever signs in, and what is wrong with it.
#[derive(Clone)]
struct Says {
    email: &'static str,
    verified: bool,
    audience: &'static str,
    nonce: Option<&'static str>,
    age: TimeDelta,
    key: &'static str,
}

const HONEST: Says = Says {
    email: "Ada@Example.com",
    verified: true,
    audience: "desk",
    nonce: None,
    age: TimeDelta::zero(),
    key: "issuer",
};

#[derive(Clone)]
struct Issuer {
    url: String,
    says: Arc<Mutex<Says>>,
    /// Nonce and challenge of the sign-in under way, as the browser brought them.
    asked: Arc<Mutex<(String, String)>>,
}

async fn issuer() -> Issuer {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let issuer = Issuer { url, says: Arc::new(Mutex::new(HONEST)), asked: Arc::default() };
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(describe))
        .route("/keys", get(async || Json(CoreJsonWebKeySet::new(vec![key().as_verification_key()]))))
        .route("/token", post(exchange))
        .with_state(issuer.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    issuer
}

fn key() -> CoreRsaPrivateSigningKey {
    let id = JsonWebKeyId::new("issuer".to_owned());
    CoreRsaPrivateSigningKey::from_pem(include_str!("issuer_key.pem"), Some(id)).expect("a key")
}

async fn describe(State(issuer): State<Issuer>) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn exchange(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, StatusCode> {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let (nonce, challenge) = issuer.asked.lock().expect("not poisoned").clone();
    let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    let basic = format!("Basic {}", STANDARD.encode("desk:hush"));
    if form["code"] != "good"
        || proof != challenge
        || headers.get("authorization").is_none_or(|sent| *sent != basic)
    {
        return Err(StatusCode::BAD_REQUEST);
    }
    let says = issuer.says.lock().expect("not poisoned").clone();
    let now = Utc::now() - says.age;
    let claims = CoreIdTokenClaims::new(
        IssuerUrl::new(issuer.url.clone()).expect("a URL"),
        vec![Audience::new(says.audience.to_owned())],
        now + TimeDelta::minutes(5),
        now,
        StandardClaims::new(SubjectIdentifier::new("subject-1".to_owned()))
            .set_email(Some(EndUserEmail::new(says.email.to_owned())))
            .set_email_verified(Some(says.verified)),
        EmptyAdditionalClaims {},
    )
    .set_nonce(Some(Nonce::new(says.nonce.map_or(nonce, str::to_owned))));
    let token = CoreIdToken::new(claims, &key(), CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, None, None)
        .expect("signed")
        .to_string();
    let token = if says.key == "issuer" { token } else { signed_by_another(&token) };
    Ok(Json(json!({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": token})))
}

/// The token with a byte of its signature changed: not its last character, some bits of which say nothing.
fn signed_by_another(token: &str) -> String {
    let (claims, signature) = token.rsplit_once('.').expect("three parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    signature[0] ^= 1;
    format!("{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The shop's process, as it is with an address of its own and leave to call this machine.
async fn process(shop: &Shop, issuer: &Issuer, creates: Option<Role>) -> Router {
    boot::install_tls();
    let settings = Oidc {
        issuer: issuer.url.clone(),
        client_id: "desk".to_owned(),
        client_secret: "hush".to_owned(),
        creates,
    };
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let key = &shop.state.settings.master_key;
    oidc::put(&mut tx, key, shop.tenant, &settings, Loopback::Allowed).await.expect("stored");
    tx.commit().await.expect("committed");
    let people = People {
        public_url: Some("https://desk.example".to_owned()),
        allow_loopback: true,
        ..People::default()
    };
    let settings = api::settings::Settings { people, ..(*shop.state.settings).clone() };
    let telemetry = shop.state.telemetry.clone();
    api::router(AppState::connect(settings, telemetry, CancellationToken::new()).expect("the settings fit"))
}

async fn send(router: &Router, path: &str, cookie: &str) -> (u16, String, Vec<String>) {
    let request =
        Request::builder().uri(path).header("cookie", cookie).body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("the router cannot fail");
    let text = |value: &axum::http::HeaderValue| value.to_str().expect("text").to_owned();
    let location = answer.headers().get(header::LOCATION).map(text).unwrap_or_default();
    let cookies = answer.headers().get_all(header::SET_COOKIE).iter().map(text).collect();
    (answer.status().as_u16(), location, cookies)
}

/// A browser that begins: the state that it was given, and its cookie.
async fn begin(router: &Router, issuer: &Issuer) -> (String, String) {
    let (status, location, cookies) = send(router, "/api/auth/oidc/shop/start?then=/tickets", "").await;
    assert_eq!(status, 303);
    let url = url::Url::parse(&location).expect("a URL");
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["redirect_uri"], "https://desk.example/api/auth/oidc/callback");
    assert_eq!((query["code_challenge_method"].as_str(), query["response_type"].as_str()), ("S256", "code"));
    *issuer.asked.lock().expect("not poisoned") = (query["nonce"].clone(), query["code_challenge"].clone());
    (query["state"].clone(), cookies[0].split(';').next().expect("a pair").to_owned())
}

#[tokio::test]
async fn a_person_comes_back_signed_in() {
    let (shop, issuer) = (shop(Mode::Token).await, issuer().await);
    seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    let router = process(&shop, &issuer, None).await;
    let (state, cookie) = begin(&router, &issuer).await;
    let back = format!("/api/auth/oidc/callback?code=good&state={state}");
    assert_eq!(send(&router, &back, "").await.0, 401, "another browser");
    let (status, location, cookies) = send(&router, &back, &cookie).await;
    assert_eq!((status, location.as_str()), (303, "/tickets"));
    let access = cookies.iter().find(|cookie| cookie.starts_with("__Host-desk=")).expect("an access token");
    assert_eq!(send(&router, "/api/auth/session", access.split(';').next().expect("a pair")).await.0, 200);
    assert_eq!(send(&router, &back, &cookie).await.0, 401, "a state is good once");
    assert_eq!(send(&router, "/api/auth/oidc/nowhere/start", "").await.0, 404);
    assert_eq!(send(&router, "/api/auth/oidc/shop/start?then=//evil.example", "").await.0, 400);
}

#[tokio::test]
async fn what_the_issuer_does_not_vouch_for_signs_nobody_in() {
    let (shop, issuer) = (shop(Mode::Token).await, issuer().await);
    seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    let router = process(&shop, &issuer, None).await;
    for (says, why) in [
        (Says { verified: false, ..HONEST }, "an address that is not verified"),
        (Says { email: "stranger@example.com", ..HONEST }, "nobody of the tenant"),
        (Says { audience: "another", ..HONEST }, "for another"),
        (Says { nonce: Some("another"), ..HONEST }, "of another sign-in"),
        (Says { age: TimeDelta::hours(1), ..HONEST }, "expired"),
        (Says { key: "another", ..HONEST }, "not signed by the issuer"),
    ] {
        *issuer.says.lock().expect("not poisoned") = says;
        let (state, cookie) = begin(&router, &issuer).await;
        let (status, _, cookies) =
            send(&router, &format!("/api/auth/oidc/callback?code=good&state={state}"), &cookie).await;
        assert_eq!((status, cookies.len()), (401, 0), "{why}");
    }
    *issuer.says.lock().expect("not poisoned") = HONEST;
    let (state, cookie) = begin(&router, &issuer).await;
    let bad = send(&router, &format!("/api/auth/oidc/callback?code=bad&state={state}"), &cookie).await;
    assert_eq!(bad.0, 401);
}

#[tokio::test]
async fn a_stranger_joins_only_with_the_role_that_the_tenant_named() {
    let (shop, issuer) = (shop(Mode::Token).await, issuer().await);
    let router = process(&shop, &issuer, Some(Role::Viewer)).await;
    *issuer.says.lock().expect("not poisoned") = Says { email: "new@example.com", ..HONEST };
    let (state, cookie) = begin(&router, &issuer).await;
    let (status, _, _) =
        send(&router, &format!("/api/auth/oidc/callback?code=good&state={state}"), &cookie).await;
    assert_eq!(status, 303);
    let mut admin = shop.admin().await;
    let role: String = sqlx::query_scalar("select role from shared.login where email = 'new@example.com'")
        .fetch_one(&mut admin)
        .await
        .expect("a person");
    assert_eq!(role, "viewer");
}
