//! Shopify at the door: installs that are proven and used once, and webhooks that are proven, taken once, and answered at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accounts::shopify::signature::{sign_body, sign_query};
use accounts::verify::Mode;
use api::settings::{People, Settings};
use api::state::AppState;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::{delete, post};
use axum::{Json, Router};
use boot::Secret;
use serde_json::{Value, json};
use sqlx::Connection;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use upstreams::shopify;

use crate::shop::{Shop, open, shop};

const DOMAIN: &str = "corner-records.myshopify.com";
const APP_SECRET: &str = "new-secret";

struct Door {
    shop: Shop,
    router: Router,
    state: AppState,
    revoked: Arc<AtomicUsize>,
}

/// A process that is known to Shopify, which is played on this machine: it exchanges one code.
async fn door() -> Door {
    boot::install_tls();
    let shop = shop(Mode::Hmac).await;
    let revoked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&revoked);
    let exchange = async |body: String| {
        assert!(body.contains("expiring=1") && body.contains("client_secret=new-secret"), "{body}");
        if !body.contains("code=good") {
            return Err(axum::http::StatusCode::BAD_REQUEST);
        }
        Ok(Json(
            json!({"access_token": "shpat_1", "expires_in": 3600, "refresh_token": "shprt_1", "scope": "read_orders"}),
        ))
    };
    let played = Router::new().route("/{shop}/admin/oauth/access_token", post(exchange)).route(
        "/{shop}/admin/api_permissions/current.json",
        delete(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async {}
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, played).await });
    let settings = Settings {
        people: People {
            public_url: Some("https://desk.example".to_owned()),
            allow_loopback: true,
            ..People::default()
        },
        shopify: Some(shopify::Settings {
            client_id: "app".to_owned(),
            client_secret: APP_SECRET.to_owned(),
            version: "2026-07".to_owned(),
            scopes: "read_orders".to_owned(),
            base: Some(base),
        }),
        shopify_secret_before: Some(Secret::from("old-secret".to_owned())),
        ..(*shop.state.settings).clone()
    };
    let telemetry = shop.state.telemetry.clone();
    let state = AppState::connect(settings, telemetry, CancellationToken::new()).expect("the settings fit");
    Door { router: api::router(state.clone()), state, shop, revoked }
}

struct Seen {
    status: u16,
    json: Value,
    cookie: String,
}

impl Door {
    async fn send(&self, request: Request<Body>) -> Seen {
        let response = self.router.clone().oneshot(request).await.expect("the router cannot fail");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.expect("a body");
        let cookie =
            parts.headers.get("set-cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Seen {
            status: parts.status.as_u16(),
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
            cookie: cookie.split(';').next().unwrap_or_default().to_owned(),
        }
    }

    /// Begins an install; its state and the browser's cookie.
    async fn begin(&self, key: &str, domain: &str) -> (String, String) {
        let request = Request::post("/api/integrations/shopify/install")
            .header("x-api-key", key)
            .header("content-type", "application/json")
            .body(Body::from(json!({ "shop": domain }).to_string()))
            .expect("a request");
        let begun = self.send(request).await;
        assert_eq!(begun.status, 200, "{}", begun.json);
        let url: url::Url = begun.json["authorize_url"].as_str().expect("an address").parse().expect("a URL");
        let state = url.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
        (state, begun.cookie)
    }

    async fn come_back(&self, query: &str, secret: &str, cookie: &str) -> u16 {
        let hmac = sign_query(secret, query);
        let path = format!("/api/integrations/shopify/callback?{query}&hmac={hmac}");
        let request = Request::get(path).header("cookie", cookie).body(Body::empty()).expect("a request");
        self.send(request).await.status
    }

    async fn connect(&self) {
        let (state, cookie) = self.begin(&self.shop.key, DOMAIN).await;
        let query = format!("code=good&host=YWJj%3D&shop={DOMAIN}&state={state}&timestamp=1");
        assert_eq!(self.come_back(&query, APP_SECRET, &cookie).await, 303);
    }

    async fn deliver(&self, topic: &str, id: &str, at: &str, body: &str, secret: &str) -> u16 {
        let request = Request::post("/api/webhooks/shopify")
            .header("x-shopify-shop-domain", DOMAIN)
            .header("x-shopify-topic", topic)
            .header("x-shopify-event-id", id)
            .header("x-shopify-triggered-at", at)
            .header("x-shopify-hmac-sha256", sign_body(secret, body.as_bytes()))
            .body(Body::from(body.to_owned()))
            .expect("a request");
        self.send(request).await.status
    }

    async fn show(&self) -> Value {
        let request = Request::get("/api/integrations/shopify").header("x-api-key", &self.shop.key);
        self.send(request.body(Body::empty()).expect("a request")).await.json
    }

    async fn text(&self, select: &'static str) -> String {
        let mut admin = sqlx::PgConnection::connect(self.shop.admin_url()).await.expect("the server answers");
        let text: Option<String> = sqlx::query_scalar(select).fetch_one(&mut admin).await.expect("a text");
        text.unwrap_or_default()
    }
}

#[tokio::test]
async fn an_install_is_proven_bound_to_its_browser_and_used_once() {
    let door = door().await;
    let (state, cookie) = door.begin(&door.shop.key, DOMAIN).await;
    let query = |state: &str, shop: &str| format!("code=good&shop={shop}&state={state}&timestamp=1");
    let good = query(&state, DOMAIN);
    assert_eq!(door.come_back(&good, "forged", &cookie).await, 401, "not signed by Shopify");
    assert_eq!(door.come_back(&good, APP_SECRET, "").await, 401, "another browser");
    let stolen = cookie.replace('=', "=x");
    assert_eq!(door.come_back(&good, APP_SECRET, &stolen).await, 401, "another browser");
    let other = query(&state, "other.myshopify.com");
    assert_eq!(door.come_back(&other, APP_SECRET, &cookie).await, 401, "another shop");
    let host = query(&state, "evil.example");
    assert_eq!(door.come_back(&host, APP_SECRET, &cookie).await, 401, "no shop");
    assert_eq!(door.come_back(&query("made-up", DOMAIN), APP_SECRET, &cookie).await, 401, "not begun here");
    assert_eq!(door.show().await["status"], "disconnected");
    assert_eq!(door.come_back(&good, APP_SECRET, &cookie).await, 303);
    assert_eq!(door.come_back(&good, APP_SECRET, &cookie).await, 401, "used");
    // A browser is sent to a page where a person can begin again.
    let path = format!("/api/integrations/shopify/callback?{good}&hmac={}", sign_query(APP_SECRET, &good));
    let request = Request::get(path).header("accept", "text/html,*/*;q=0.8").header("cookie", &cookie);
    let answer = door.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await;
    let answer = answer.expect("the router cannot fail");
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/manage/shopify?refused=401");
    let shown = door.show().await;
    assert_eq!((&shown["status"], &shown["shop"]), (&"connected".into(), &DOMAIN.into()));
    let jobs = "select string_agg(kind, ' ' order by kind) from jobs.live where kind like '%sho%'";
    assert_eq!(door.text(jobs).await, "apply_shop_events sync_shopify");
    let stored = "select config::text || encode(sealed_secrets, 'escape') from shared.integration where provider = 'shopify'";
    assert!(!door.text(stored).await.contains("shpat_1"), "tokens are sealed");
    // A shop belongs to one tenant.
    let (_, key) = open(&door.state, "second", Mode::Hmac).await;
    let (state, cookie) = door.begin(&key, DOMAIN).await;
    assert_eq!(door.come_back(&query(&state, DOMAIN), APP_SECRET, &cookie).await, 409);
}

#[tokio::test]
async fn disconnecting_removes_the_tokens_and_tells_the_shop() {
    let door = door().await;
    door.connect().await;
    let request = || {
        let request = Request::delete("/api/integrations/shopify").header("x-api-key", &door.shop.key);
        request.body(Body::empty()).expect("a request")
    };
    assert_eq!(door.send(request()).await.status, 204);
    assert_eq!(door.revoked.load(Ordering::SeqCst), 1);
    let left = "select count(*)::text from shared.integration where provider = 'shopify'";
    assert_eq!(door.text(left).await, "0");
    assert_eq!(door.show().await["status"], "disconnected");
    assert_eq!(door.send(request()).await.status, 404);
    door.connect().await;
    assert_eq!(door.show().await["status"], "connected");
}

#[tokio::test]
async fn a_webhook_is_proven_by_either_secret_and_taken_once() {
    let door = door().await;
    let (at, body) = ("2026-10-03T10:00:00.123456789Z", "{\"id\":1,\"note\":\"half \\ud83d\"}");
    assert_eq!(door.deliver("orders/updated", "e-1", at, body, APP_SECRET).await, 404, "not connected");
    assert_eq!(
        door.deliver("shop/redact", "e-2", at, body, APP_SECRET).await,
        200,
        "nothing is here to erase"
    );
    door.connect().await;
    assert_eq!(door.deliver("orders/updated", "e-1", at, body, "forged").await, 401);
    assert_eq!(door.deliver("orders/updated", "e-1", at, body, APP_SECRET).await, 200);
    assert_eq!(
        door.deliver("orders/updated", "e-1", at, body, "old-secret").await,
        200,
        "while it is replaced"
    );
    assert_eq!(door.deliver("orders/updated", "e-3", "yesterday", body, APP_SECRET).await, 400);
    assert_eq!(door.deliver("orders/updated", "e-4", at, "not JSON {", APP_SECRET).await, 400);
    let stored = "select string_agg(concat_ws(' ', topic, event_id, state, triggered_at at time zone 'UTC'), '; ') from platform.shop_event";
    assert_eq!(door.text(stored).await, "orders/updated e-1 waiting 2026-10-03 10:00:00.123456");
    let shown = door.show().await;
    assert_eq!(shown["webhooks_waiting"], 1);
    assert!(shown["webhook_lag_ms"].as_i64().is_some_and(|lag| lag > 0));
}

#[tokio::test]
async fn a_shop_that_leaves_takes_its_tokens_with_it_unless_it_came_back_since() {
    let door = door().await;
    door.connect().await;
    let late = "2020-01-01T00:00:00Z";
    assert_eq!(door.deliver("app/uninstalled", "u-1", late, "{\"id\":1}", APP_SECRET).await, 200);
    assert_eq!(door.show().await["status"], "connected", "it was sent before the shop came back");
    let now = chrono::Utc::now().to_rfc3339();
    assert_eq!(door.deliver("app/uninstalled", "u-2", &now, "{\"id\":1}", APP_SECRET).await, 200);
    let shown = door.show().await;
    assert_eq!(
        (&shown["status"], &shown["reason"]),
        (&"disconnected".into(), &"the shop removed the app".into())
    );
    let left = "select count(*)::text from shared.integration where provider = 'shopify'";
    assert_eq!(door.text(left).await, "0");
    assert_eq!(
        door.deliver("shop/redact", "r-1", &now, "{\"shop_id\":1}", APP_SECRET).await,
        200,
        "it is still known whose it was"
    );
    let kept = "select string_agg(topic, ' ') from platform.shop_event where topic = 'shop/redact'";
    assert_eq!(door.text(kept).await, "shop/redact");
}
