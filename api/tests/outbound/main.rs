//! Webhook endpoints, the catalogue, and Slack, as callers see them.

#[allow(dead_code, reason = "each test program uses a part of it")]
#[path = "../it/shop/mod.rs"]
mod shop;

mod deliveries;
mod slack_places;

use std::sync::Arc;

use accounts::verify::Mode;
use api::settings::{People, SlackApp};
use api::state::AppState;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use boot::Secret;
use chrono::{TimeDelta, Utc};
use database::Role;
use outbound::slack::chart::Chart;
use outbound::slack::signature;
use outbound::slack::workspaces::{self, Installed};
use serde_json::{Value, json};
use tower::ServiceExt;

use shop::{Shop, request, shop};

const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

async fn made(shop: &Shop) -> Value {
    let answer = shop
        .post(
            "/api/outbound/endpoints",
            r#"{"url": "https://hooks.example.com/a?k=1", "events": ["ticket.*"]}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn an_endpoint_is_made_changed_and_removed_and_its_secret_is_shown_once() {
    let shop = shop(Mode::Token).await;
    let first = made(&shop).await;
    let secret = first["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"));
    let id = first["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/outbound/endpoints/{id}");
    let shown = shop.get(&path).await;
    assert_eq!((shown.status, &shown.json["events"]), (StatusCode::OK, &json!(["ticket.*"])));
    assert!(!shown.text.contains(&secret) && shown.json["secret"].is_null());

    let rotated = shop.post(&format!("{path}/rotate-secret"), "").await;
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.text);
    assert_ne!(rotated.json["secret"], secret);
    assert!(rotated.json["old_secret_until"].is_string());

    for (action, state) in
        [("pause", "paused"), ("resume", "active"), ("disable", "disabled"), ("resume", "active")]
    {
        let answer = shop.post(&format!("{path}/{action}"), "").await;
        assert_eq!((answer.status, answer.field("state")), (StatusCode::OK, state), "{}", answer.text);
    }
    let tried = shop.post(&format!("{path}/test"), "").await;
    assert_eq!(tried.status, StatusCode::ACCEPTED);
    assert_eq!(shop.count("outbound.outbox").await, 1);

    let request =
        request("DELETE", &path).header("x-api-key", &shop.key).body(Body::empty()).expect("a request");
    assert_eq!(shop.send(request).await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.get("/api/outbound/endpoints").await.json["items"], json!([]));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place() {
    let shop = shop(Mode::Token).await;
    for (body, field) in [
        (r#"{"url": "http://hooks.example.com/", "events": ["*"]}"#, "url"),
        (r#"{"url": "https://10.0.0.1/", "events": ["*"]}"#, "url"),
        (r#"{"url": "https://localhost/", "events": ["*"]}"#, "url"),
        (r#"{"url": "https://u:p@hooks.example.com/", "events": ["*"]}"#, "url"),
        (r#"{"url": "https://hooks.example.com/", "events": []}"#, "events"),
        (r#"{"url": "https://hooks.example.com/", "events": ["*", "ticket.eaten"]}"#, "events[1]"),
        (r#"{"url": "https://hooks.example.com/", "events": ["*"], "colour": 1}"#, "colour"),
    ] {
        let answer = shop.post("/api/outbound/endpoints", body).await;
        assert_eq!(
            (answer.status, answer.field("field")),
            (StatusCode::BAD_REQUEST, field),
            "{}",
            answer.text
        );
    }
    for (path, field) in [
        ("/api/outbound/deliveries?state=eaten", "state"),
        ("/api/outbound/deliveries?type=eaten", "type"),
        ("/api/outbound/deliveries?endpoint=x", "endpoint"),
    ] {
        assert_eq!(shop.get(path).await.field("field"), field, "{path}");
    }
    let waits = shop.post("/api/outbound/deliveries/replay", r#"{"state": "waiting"}"#).await;
    assert_eq!((waits.status, waits.field("field")), (StatusCode::BAD_REQUEST, "state"));
    let none = shop.post("/api/outbound/deliveries/replay", r#"{"dry_run": true}"#).await;
    assert_eq!((none.status, &none.json["deliveries"]), (StatusCode::OK, &json!(0)));
}

#[tokio::test]
async fn the_catalogue_has_a_schema_for_everything() {
    let shop = shop(Mode::Token).await;
    let answer = shop.get("/api/outbound/catalogue").await;
    let events = answer.json["events"].as_array().expect("events");
    assert!(events.len() > 15);
    for event in events {
        assert_eq!(event["schema"]["properties"]["type"]["const"], event["type"]);
        let required = event["schema"]["properties"]["data"]["required"].as_array().expect("fields");
        assert!(
            required.iter().all(|field| event["example"].get(field.as_str().unwrap_or_default()).is_some())
        );
    }
}

/// The shop's process with a Slack app, and a workspace that is connected.
async fn with_slack(shop: &Shop) -> Router {
    let mut settings = (*shop.state.settings).clone();
    settings.people = People { public_url: Some("https://desk.example.com".to_owned()), ..settings.people };
    settings.slack = Some(SlackApp {
        client_id: "1.2".to_owned(),
        client_secret: Secret::from("hush".to_owned()),
        signing_secret: Secret::from(SIGNING_SECRET.to_owned()),
        authorize_url: "https://slack.com/oauth/v2/authorize".to_owned(),
    });
    let mut tx = shop.state.db.tenant_tx(Role::Outbound, shop.tenant).await.expect("a transaction");
    let installed = Installed {
        token: "xoxb-1",
        team_id: "T1DC2JH3J",
        team_name: "Shop",
        app_id: "A1",
        bot_user_id: "U0",
        scopes: &[],
        by: "key:test",
    };
    let key = &shop.state.settings.master_key;
    workspaces::connect(&mut tx, key, shop.tenant, &installed).await.expect("connected");
    tx.commit().await.expect("committed");
    api::router(AppState { settings: Arc::new(settings), ..shop.state.clone() })
}

struct Said {
    status: StatusCode,
    cookie: Option<String>,
    json: Value,
    text: String,
}

async fn send(router: &Router, request: Request<Body>) -> Said {
    let response = router.clone().oneshot(request).await.expect("the router cannot fail");
    let status = response.status();
    let cookie =
        response.headers().get("set-cookie").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Said { status, cookie, json: serde_json::from_slice(&bytes).unwrap_or_default(), text }
}

/// A request as Slack makes it, signed so many seconds ago.
async fn slack(router: &Router, path: &str, body: &str, secret: &str, age_secs: i64) -> Said {
    let timestamp = (Utc::now().timestamp() - age_secs).to_string();
    let request = request("POST", path)
        .header("x-slack-request-timestamp", &timestamp)
        .header("x-slack-signature", signature::sign(secret, &timestamp, body.as_bytes()))
        .body(Body::from(body.to_owned()))
        .expect("a request");
    send(router, request).await
}

#[tokio::test]
async fn only_what_slack_signed_lately_is_heard() {
    let shop = shop(Mode::Token).await;
    let router = with_slack(&shop).await;
    let hello = r#"{"type": "url_verification", "challenge": "abc"}"#;
    let said = slack(&router, "/api/slack/events", hello, SIGNING_SECRET, 0).await;
    assert_eq!((said.status, &said.json["challenge"]), (StatusCode::OK, &json!("abc")), "{}", said.text);
    for (secret, age) in [("another secret", 0), (SIGNING_SECRET, 400), (SIGNING_SECRET, -400)] {
        let said = slack(&router, "/api/slack/events", hello, secret, age).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
        assert!(!said.text.contains("abc"));
    }
    let unsigned = request("POST", "/api/slack/events").body(Body::from(hello)).expect("a request");
    assert_eq!(send(&router, unsigned).await.status, StatusCode::UNAUTHORIZED);
    let plain = request("POST", "/api/slack/events").body(Body::from(hello)).expect("a request");
    assert_eq!(shop.send(plain).await.status, StatusCode::CONFLICT, "without an app nothing is set up");
}

#[tokio::test]
async fn an_event_is_one_job_however_often_it_comes() {
    let shop = shop(Mode::Token).await;
    let router = with_slack(&shop).await;
    let event = json!({ "type": "event_callback", "team_id": "T1DC2JH3J", "event_id": "Ev1", "event": {
        "type": "app_mention", "user": "U1", "text": "<@U0> forecast revenue", "channel": "C1", "ts": "1.2" } });
    for _ in 0..3 {
        let said = slack(&router, "/api/slack/events", &event.to_string(), SIGNING_SECRET, 0).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    }
    assert_eq!(shop.count("jobs.live").await, 1);
    let mut other = event.clone();
    other["event_id"] = "Ev2".into();
    slack(&router, "/api/slack/events", &other.to_string(), SIGNING_SECRET, 0).await;
    assert_eq!(shop.count("jobs.live").await, 2);
    other["team_id"] = "T9".into();
    let said = slack(&router, "/api/slack/events", &other.to_string(), SIGNING_SECRET, 0).await;
    assert_eq!((said.status, shop.count("jobs.live").await), (StatusCode::OK, 2), "nobody's team");
}

#[tokio::test]
async fn a_command_is_acknowledged_and_its_address_is_sealed() {
    let shop = shop(Mode::Token).await;
    let router = with_slack(&shop).await;
    let body = "team_id=T1DC2JH3J&channel_id=C1&user_id=U1&command=%2Fforecast&text=revenue+3&trigger_id=1.2\
                &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2F2%2Fsecret";
    for _ in 0..2 {
        let said = slack(&router, "/api/slack/commands", body, SIGNING_SECRET, 0).await;
        assert_eq!((said.status, &said.json["response_type"]), (StatusCode::OK, &json!("ephemeral")));
    }
    assert_eq!(shop.count("jobs.live").await, 1);
    let mut admin = shop.admin().await;
    let payload: Value =
        sqlx::query_scalar("select payload from jobs.live").fetch_one(&mut admin).await.expect("the job");
    assert!(!payload.to_string().contains("hooks.slack.com"), "{payload}");
    assert_eq!(payload["asked"]["command"]["name"], "forecast");

    let pressed = json!({ "team": {"id": "T1DC2JH3J"}, "user": {"id": "U1"}, "channel": {"id": "C1"},
        "message": {"ts": "1.2"}, "response_url": "https://hooks.slack.com/actions/1", "trigger_id": "9.9",
        "actions": [{"action_id": "claim", "value": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}] });
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &pressed.to_string())
        .finish();
    for _ in 0..2 {
        assert_eq!(
            slack(&router, "/api/slack/interactions", &form, SIGNING_SECRET, 0).await.status,
            StatusCode::OK
        );
    }
    assert_eq!(shop.count("jobs.live").await, 2);
}

#[tokio::test]
async fn an_installation_needs_the_browser_that_began_it() {
    let shop = shop(Mode::Token).await;
    let router = with_slack(&shop).await;
    let begin = request("POST", "/api/slack/install").header("x-api-key", &shop.key);
    let begun = send(&router, begin.body(Body::empty()).expect("a request")).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    let url = url::Url::parse(begun.json["url"].as_str().expect("a URL")).expect("a URL");
    let state = url.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let cookie = begun.cookie.expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("Secure") && cookie.contains("SameSite=Lax"));
    let path = format!("/api/slack/callback?error=access_denied&state={state}");
    let without = send(&router, request("GET", &path).body(Body::empty()).expect("a request")).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    assert!(without.text.contains("another browser"), "{}", without.text);
    assert!(without.text.contains(r#"<a href="/manage/slack">"#), "it leads back: {}", without.text);
    let pair = cookie.split(';').next().expect("a pair").to_owned();
    let with = async || {
        let request = request("GET", &path).header("cookie", &pair).body(Body::empty()).expect("a request");
        send(&router, request).await.text
    };
    assert!(with().await.contains("Nobody agreed"));
    assert!(with().await.contains("used already"), "a state is used once");
}

#[tokio::test]
async fn rules_are_checked_and_belong_to_a_connected_workspace() {
    let shop = shop(Mode::Token).await;
    let router = with_slack(&shop).await;
    drop(router);
    let workspace = shop.get("/api/slack/workspaces").await.json["items"][0]["id"].clone();
    let rule = |channel: &str, more: &str| {
        format!(r#"{{"workspace_id": {workspace}, "channel": "{channel}", "events": ["sla.*"]{more}}}"#)
    };
    let good = shop
        .post(
            "/api/slack/rules",
            &rule("C1", r#", "quiet_hours": ["22:00", "07:00"], "timezone": "Europe/Berlin""#),
        )
        .await;
    assert_eq!(good.status, StatusCode::CREATED, "{}", good.text);
    assert_eq!((&good.json["quiet_from"], &good.json["quiet_to"]), (&json!(1320), &json!(420)));
    for (body, field) in [
        (rule("#support", ""), "channel"),
        (rule("C1", r#", "timezone": "Moon/Crater""#), "timezone"),
        (rule("C1", r#", "quiet_hours": ["22:00"]"#), "quiet_hours"),
        (rule("C1", r#", "quiet_hours": ["25:00", "07:00"]"#), "quiet_hours"),
        (rule("C1", r#", "digest_minutes": 2000"#), "digest_minutes"),
    ] {
        let answer = shop.post("/api/slack/rules", &body).await;
        assert_eq!(
            (answer.status, answer.field("field")),
            (StatusCode::BAD_REQUEST, field),
            "{}",
            answer.text
        );
    }
    let nowhere = rule("C1", "").replace(&workspace.to_string(), "\"0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81\"");
    assert_eq!(shop.post("/api/slack/rules", &nowhere).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let path = format!("/api/slack/rules/{}", good.field("id"));
    assert_eq!(shop.post(&format!("{path}/test"), "").await.status, StatusCode::ACCEPTED);
    let waiting = shop.get("/api/slack/alerts").await;
    assert_eq!(
        (waiting.json["items"][0]["state"].as_str(), shop.count("jobs.live").await),
        (Some("waiting"), 1)
    );
    let change =
        request("PATCH", &path).header("x-api-key", &shop.key).header("content-type", "application/json");
    let changed = shop
        .send(change.body(Body::from(r#"{"quiet_hours": [], "is_on": false}"#)).expect("a request"))
        .await;
    assert_eq!(
        (changed.status, &changed.json["quiet_from"]),
        (StatusCode::OK, &Value::Null),
        "{}",
        changed.text
    );
}

#[tokio::test]
async fn a_chart_is_shown_to_whoever_has_its_address_until_that_expires() {
    let shop = shop(Mode::Token).await;
    let router = with_slack(&shop).await;
    let key = &shop.state.settings.master_key;
    // As long as it gets.
    let chart =
        Chart::of(&[1_234_567.25; 36], &[[2_345_678.5, 1_234_567.5, 3_456_789.5]; 12]).expect("a chart");
    let get = async |token: &str| {
        let path = format!("/api/slack/chart?figures={token}");
        let request = request("GET", &path).body(Body::empty()).expect("a request");
        router.clone().oneshot(request).await.expect("the router cannot fail")
    };
    let shown = get(&chart.token(key, Utc::now())).await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert_eq!(shown.headers()["content-type"], "image/png");
    let bytes = to_bytes(shown.into_body(), 1 << 20).await.expect("a body");
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let expired = chart.token(key, Utc::now() - TimeDelta::days(8));
    for token in [expired.as_str(), "", "x", &"A".repeat(5_000)] {
        assert_eq!(get(token).await.status(), StatusCode::NOT_FOUND);
    }
}
