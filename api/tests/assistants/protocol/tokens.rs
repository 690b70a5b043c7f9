//! Tokens of the tenant's own issuer, against a real issuer on this machine that signs with a key made for tests alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accounts::base_url::Loopback;
use accounts::people::oidc::{self, Oidc};
use accounts::verify::Mode;
use api::settings::People;
use api::state::AppState;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use database::ids::TenantId;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::super::{Shop, open, request, with_customers};

const RESOURCE: &str = "https://desk.example/mcp";

#[derive(Clone)]
struct Issuer {
    url: String,
    /// How often its keys were fetched.
    fetched: Arc<AtomicUsize>,
}

async fn issuer() -> Issuer {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let issuer = Issuer { url, fetched: Arc::default() };
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(describe))
        .route("/keys", get(keys))
        .with_state(issuer.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    issuer
}

async fn describe(State(issuer): State<Issuer>) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys(State(issuer): State<Issuer>) -> Json<CoreJsonWebKeySet> {
    issuer.fetched.fetch_add(1, Ordering::Relaxed);
    Json(CoreJsonWebKeySet::new(vec![key().as_verification_key()]))
}

fn key() -> CoreRsaPrivateSigningKey {
    let id = JsonWebKeyId::new("issuer".to_owned());
    CoreRsaPrivateSigningKey::from_pem(include_str!("../../people/issuer_key.pem"), Some(id)).expect("a key")
}

impl Issuer {
    /// What an honest token for the tools says.
    fn claims(&self) -> Value {
        let now = Utc::now().timestamp();
        json!({
            "iss": self.url, "aud": RESOURCE, "sub": "subject-1", "client_id": "assistant", "iat": now, "exp": now + 300,
            "scope": "openid intelligence:read",
        })
    }

    /// The honest token with these claims instead.
    fn token(&self, changes: &Value) -> String {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        signed(&json!({"alg": "RS256", "kid": "issuer", "typ": "at+jwt"}), &claims)
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn signed(header: &Value, claims: &Value) -> String {
    let said = unsigned(header, claims);
    let signature =
        key().sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, said.as_bytes()).expect("signed");
    format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The shop's process, as it is with an address of its own and leave to call this machine.
async fn process(shop: &Shop) -> Router {
    let people = People {
        public_url: Some("https://desk.example".to_owned()),
        allow_loopback: true,
        ..People::default()
    };
    let settings = api::settings::Settings { people, ..(*shop.state.settings).clone() };
    let telemetry = shop.state.telemetry.clone();
    api::router(AppState::connect(settings, telemetry, CancellationToken::new()).expect("the settings fit"))
}

async fn trust(shop: &Shop, tenant: TenantId, issuer: &Issuer) {
    let settings = Oidc {
        issuer: issuer.url.clone(),
        client_id: "desk".to_owned(),
        client_secret: "hush".to_owned(),
        creates: None,
    };
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let key = &shop.state.settings.master_key;
    oidc::put(&mut tx, key, tenant, &settings, Loopback::Allowed).await.expect("stored");
    tx.commit().await.expect("committed");
}

async fn call(router: &Router, token: &str, tool: &str, arguments: Value) -> (StatusCode, HeaderMap, Value) {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments},
    });
    let sent = request("POST", "/mcp")
        .header("host", "desk.example")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2025-11-25")
        .header("authorization", format!("Bearer {token}"));
    let answer = router.clone().oneshot(sent.body(Body::from(message.to_string())).expect("a request")).await;
    let answer = answer.expect("the router cannot fail");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = to_bytes(answer.into_body(), 1_000_000).await.expect("a body");
    (status, headers, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn analyze(router: &Router, token: &str) -> (StatusCode, HeaderMap, Value) {
    call(router, token, "analyze_customers", json!({"analysis_type": "high_value"})).await
}

#[tokio::test]
async fn a_token_for_the_tools_may_do_what_its_scopes_say_and_no_more() {
    let (shop, issuer) = (with_customers(&["7041"]).await, issuer().await);
    trust(&shop, shop.tenant, &issuer).await;
    let router = process(&shop).await;
    for changes in [
        json!({}),
        json!({"aud": ["account", RESOURCE]}),
        json!({"scope": null, "scp": ["intelligence.read"]}),
    ] {
        let (status, _, answer) = analyze(&router, &issuer.token(&changes)).await;
        assert_eq!(status, StatusCode::OK, "{changes}: {answer}");
        assert_eq!(answer["result"]["structuredContent"]["tool"], "analyze_customers", "{changes}: {answer}");
    }
    let plain = signed(&json!({"alg": "RS256", "kid": "issuer", "typ": "JWT"}), &issuer.claims());
    assert_eq!(analyze(&router, &plain).await.0, StatusCode::OK);
    let profile = json!({"info_type": "profile", "customer_id": "7041"});
    let (_, _, narrow) = call(&router, &issuer.token(&json!({})), "lookup_customer", profile.clone()).await;
    assert_eq!(narrow["result"]["isError"], true, "{narrow}");
    let wide = issuer.token(&json!({"scope": "customers:read operator settings:write"}));
    let (_, _, found) = call(&router, &wide, "lookup_customer", profile).await;
    assert_eq!(found["result"]["structuredContent"]["available"], true, "{found}");
    assert_eq!(analyze(&router, &wide).await.2["result"]["isError"], true, "operator is nobody's by a token");
    assert_eq!(issuer.fetched.load(Ordering::Relaxed), 1, "keys are kept");
    // It is a way to the tools and to nothing else.
    for path in ["/api/mcp/tools", "/api/customers/7041", "/api/auth/session"] {
        let sent = request("GET", path).header("authorization", format!("Bearer {wide}"));
        let answer = router.clone().oneshot(sent.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.expect("the router cannot fail").status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn what_the_issuer_did_not_give_for_this_resource_lets_nobody_in() {
    let (shop, issuer, stranger) = (with_customers(&[]).await, issuer().await, issuer().await);
    trust(&shop, shop.tenant, &issuer).await;
    let router = process(&shop).await;
    let now = Utc::now().timestamp();
    let header = json!({"alg": "RS256", "kid": "issuer", "typ": "at+jwt"});
    let honest = issuer.token(&json!({}));
    assert_eq!(analyze(&router, &honest).await.0, StatusCode::OK);
    let (said, signature) = honest.rsplit_once('.').expect("three parts");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    bytes[0] ^= 1;
    let with = |header: Value| {
        let said = unsigned(&header, &issuer.claims());
        format!("{said}.{signature}")
    };
    for (token, why) in [
        (issuer.token(&json!({"aud": "https://desk.example"})), "for another resource"),
        (issuer.token(&json!({"aud": "desk"})), "for signing people in"),
        (issuer.token(&json!({"aud": []})), "for nobody"),
        (issuer.token(&json!({"exp": now - 1})), "over"),
        (issuer.token(&json!({"nbf": now + 3_600})), "not yet"),
        (issuer.token(&json!({"exp": null})), "for ever"),
        (stranger.token(&json!({})), "of nobody's issuer"),
        (stranger.token(&json!({"iss": "https://issuer.invalid"})), "of an issuer that is none"),
        (format!("{said}.{}", URL_SAFE_NO_PAD.encode(bytes)), "signed by another"),
        (format!("{said}."), "not signed"),
        (with(json!({"alg": "none"})), "said to need no signature"),
        (with(json!({"alg": "HS256", "kid": "issuer"})), "said to be signed by a secret"),
        (
            signed(&json!({"alg": "RS256", "kid": "another", "typ": "at+jwt"}), &issuer.claims()),
            "by a key that is none",
        ),
        (
            signed(&json!({"alg": "RS256", "kid": "issuer", "typ": "logout+jwt"}), &issuer.claims()),
            "for logging out",
        ),
        (
            format!("{}.{}", unsigned(&header, &json!({"iss": issuer.url, "x": "y".repeat(9_000)})), "x"),
            "too long",
        ),
        ("a.b.c".to_owned(), "no token"),
    ] {
        let (status, headers, _) = analyze(&router, &token).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{why}");
        let challenge = headers["www-authenticate"].to_str().expect("a text");
        assert!(
            challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""),
            "{why}: {challenge}"
        );
        let place = "resource_metadata=\"https://desk.example/.well-known/oauth-protected-resource/mcp\"";
        assert!(challenge.contains(place), "{why}: {challenge}");
    }
    let (status, headers, _) = analyze(&router, &issuer.token(&json!({"scope": "openid profile"}))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let challenge = headers["www-authenticate"].to_str().expect("a text");
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("intelligence:read"),
        "{challenge}"
    );
    assert_eq!(stranger.fetched.load(Ordering::Relaxed), 0, "nobody is called whom no tenant named");
}

#[tokio::test]
async fn an_issuer_of_two_tenants_is_nobodys_and_clients_learn_of_issuers() {
    let (shop, issuer) = (with_customers(&[]).await, issuer().await);
    let router = process(&shop).await;
    let metadata = async || {
        let sent = request("GET", "/.well-known/oauth-protected-resource/mcp").header("host", "desk.example");
        let answer = router.clone().oneshot(sent.body(Body::empty()).expect("a request")).await;
        let bytes = to_bytes(answer.expect("an answer").into_body(), 100_000).await.expect("a body");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")
    };
    assert!(metadata().await.get("authorization_servers").is_none());
    let (other, _) = open(&shop.state, "other", Mode::Token).await;
    trust(&shop, shop.tenant, &issuer).await;
    trust(&shop, other, &issuer).await;
    let told = metadata().await;
    assert_eq!((&told["resource"], &told["authorization_servers"]), (&json!(RESOURCE), &json!([issuer.url])));
    assert_eq!(analyze(&router, &issuer.token(&json!({}))).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(issuer.fetched.load(Ordering::Relaxed), 0);
}
