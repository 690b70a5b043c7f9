//! An operator's session at the console: a key in, a cookie out, under the same door as people's.

use std::sync::Arc;

use accounts::api_keys::{self, Scope};
use accounts::people::permissions::Role;
use accounts::verify::Mode;
use api::state::AppState;
use axum::body::Body;
use database::ids::KeyId;
use serde_json::json;
use tower::ServiceExt;

use crate::seats::{PASSWORD, give_password, seat};
use crate::shop::{Answer, Shop, request, shop};

const HERE: &str = "https://desk.example";

async fn key(shop: &Shop, scopes: &[Scope]) -> (KeyId, String) {
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let key = api_keys::create(&mut tx, shop.tenant, "night shift", scopes, None).await.expect("a key");
    tx.commit().await.expect("committed");
    (key.id, key.text.reveal().to_owned())
}

async fn sign_in(shop: &Shop, key: &str, origin: &str) -> Answer {
    let request = request("POST", "/api/auth/console")
        .header("host", "desk.example")
        .header("origin", origin)
        .header("content-type", "application/json");
    shop.send(request.body(Body::from(json!({ "key": key }).to_string())).expect("a request")).await
}

async fn with_cookie(shop: &Shop, method: &str, path: &str, cookie: &str, origin: Option<&str>) -> Answer {
    let mut request = request(method, path).header("host", "desk.example").header("cookie", cookie);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    shop.send(request.body(Body::empty()).expect("a request")).await
}

/// The cookies that an answer sets, without those that it has forgotten.
fn cookies(answer: &Answer) -> Vec<String> {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text"));
    let lasting = set.filter(|cookie| !cookie.contains("Max-Age=0;"));
    lasting.map(|cookie| cookie.split(';').next().expect("a pair").to_owned()).collect()
}

#[tokio::test]
async fn an_operator_signs_in_with_a_key_and_is_out_when_it_is_revoked() {
    let shop = shop(Mode::Token).await;
    let (id, text) = key(&shop, &[Scope::Operator]).await;
    let answer = sign_in(&shop, &text, HERE).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["permissions"], json!(["operator"]));
    assert!(!answer.text.contains(&text), "the key is in no answer");
    let set: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    let is_hidden = |cookie: &&str| cookie.contains("HttpOnly; Secure; SameSite=Strict");
    assert!(set.iter().filter(|cookie| !cookie.starts_with("desk-here=")).all(is_hidden), "{set:?}");
    let [cookie, mark] = cookies(&answer).try_into().expect("the session, and that there is one");
    assert_eq!(mark, "desk-here=1");
    assert!(cookie.starts_with("__Host-desk-console=") && !cookie.contains(&text), "{cookie}");

    let who = with_cookie(&shop, "GET", "/api/auth/console", &cookie, None).await;
    assert_eq!((who.status.as_u16(), who.field("name")), (200, "night shift"), "{}", who.text);
    assert!(who.json["session_expires_at"].is_string(), "{}", who.text);
    assert_eq!(with_cookie(&shop, "GET", "/api/admin/queues", &cookie, None).await.status, 200);
    // A write has to come from a page of ours.
    let pause = "/api/admin/queues/imports/resume";
    for (origin, status) in [(None, 403), (Some("https://evil.example"), 403), (Some(HERE), 200)] {
        let answer = with_cookie(&shop, "POST", pause, &cookie, origin).await;
        assert_eq!(answer.status, status, "{origin:?}: {}", answer.text);
    }
    let trail = shop.count("shared.audit where action = 'console.begin'").await;
    assert_eq!(trail, 1);

    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    assert!(api_keys::revoke(&mut tx, shop.tenant, id).await.expect("revoked"));
    tx.commit().await.expect("committed");
    // Another process, which does not remember the key.
    let other = AppState { keys: Arc::default(), ..shop.state.clone() };
    let request = request("GET", "/api/admin/queues").header("cookie", &cookie);
    let request = request.body(Body::empty()).expect("a request");
    let answer = api::router(other).oneshot(request).await.expect("the router cannot fail");
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn nothing_but_an_operators_key_from_a_page_of_ours_begins_a_session() {
    let shop = shop(Mode::Token).await;
    let (_, plain) = key(&shop, &[Scope::JobsRead]).await;
    let (_, operator) = key(&shop, &[Scope::Operator]).await;
    for (key, origin, status) in [
        (plain.as_str(), HERE, 403),
        ("dsk_0123456789ab_nothing", HERE, 401),
        ("", HERE, 401),
        (operator.as_str(), "https://evil.example", 403),
    ] {
        let answer = sign_in(&shop, key, origin).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(cookies(&answer).is_empty());
    }
    for cookie in
        ["__Host-desk-console=", "__Host-desk-console=AAAA", "__Host-desk-console=a; __Host-desk-console=b"]
    {
        assert_eq!(
            with_cookie(&shop, "GET", "/api/auth/console", cookie, None).await.status,
            401,
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn who_signs_in_as_a_person_is_no_operator_any_more() {
    let shop = shop(Mode::Token).await;
    let ada = seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    give_password(&shop, ada.agent).await;
    let credentials =
        json!({"tenant": "shop", "email": "ada@example.com", "password": PASSWORD, "cookie": true});
    let request = request("POST", "/api/auth/login")
        .header("host", "desk.example")
        .header("origin", HERE)
        .header("content-type", "application/json");
    let answer = shop.send(request.body(Body::from(credentials.to_string())).expect("a request")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let forgotten = answer.headers.get_all("set-cookie").iter().any(|cookie| {
        cookie.to_str().is_ok_and(|cookie| cookie.starts_with("__Host-desk-console=; Path=/; Max-Age=0;"))
    });
    assert!(forgotten, "{:?}", answer.headers);
    let end = with_cookie(&shop, "DELETE", "/api/auth/console", "", Some(HERE)).await;
    assert_eq!(end.status, 204);
}
