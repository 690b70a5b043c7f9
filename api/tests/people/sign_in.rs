//! Signing in and out: passwords, tokens that are good once, cookies, sessions that end everywhere.

use accounts::people::access_tokens::{Claims, LIFETIME};
use accounts::people::permissions::Role;
use accounts::people::sessions::{self, GRACE, IDLE, Refreshed};
use accounts::verify::Mode;
use axum::body::Body;
use chrono::{TimeDelta, Utc};
use serde_json::json;

use crate::seats::{PASSWORD, call, give_password, post, seat};
use crate::shop::{open, request, shop};

#[tokio::test]
async fn a_person_signs_in_and_is_a_caller_until_they_sign_out() {
    let shop = shop(Mode::Token).await;
    let ada = seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    give_password(&shop, ada.agent).await;
    let credentials = json!({"tenant": "shop", "email": " Ada@Example.com ", "password": PASSWORD});
    let answer = post(&shop, "/api/auth/login", &credentials).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let (access, refresh) =
        (answer.field("access_token").to_owned(), answer.field("refresh_token").to_owned());

    let session = call(&shop, &access, "GET", "/api/auth/session", "").await;
    assert_eq!(session.json["person"]["role"], "agent", "{}", session.text);
    assert_eq!(call(&shop, &access, "GET", "/api/agents/me", "").await.field("email"), "ada@example.com");
    assert_eq!(
        call(&shop, &access, "POST", "/api/agents", r#"{"name":"B","email":"b@example.com"}"#).await.status,
        403
    );

    let next = post(&shop, "/api/auth/refresh", &json!({"refresh_token": refresh})).await;
    assert_eq!(next.status, 200, "{}", next.text);
    let again = post(&shop, "/api/auth/refresh", &json!({"refresh_token": refresh})).await;
    assert_eq!(again.field("refresh_token"), next.field("refresh_token"), "a lost answer is given again");

    let access = next.field("access_token").to_owned();
    assert_eq!(call(&shop, &access, "POST", "/api/auth/logout", "").await.status, 204);
    assert_eq!(call(&shop, &access, "GET", "/api/auth/session", "").await.status, 401);
    let late = post(&shop, "/api/auth/refresh", &json!({"refresh_token": next.field("refresh_token")})).await;
    assert_eq!(late.status, 401);
}

#[tokio::test]
async fn nobody_learns_who_exists() {
    let shop = shop(Mode::Token).await;
    let ada = seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    give_password(&shop, ada.agent).await;
    let (gone, invited) = (
        seat(&shop, shop.tenant, Role::Agent, "gone@example.com").await,
        seat(&shop, shop.tenant, Role::Agent, "invited@example.com").await,
    );
    give_password(&shop, gone.agent).await;
    let admin = seat(&shop, shop.tenant, Role::Admin, "admin@example.com").await;
    let path = format!("/api/agents/{}", gone.agent);
    assert_eq!(call(&shop, &admin.access, "DELETE", &path, "").await.status, 204);
    assert_ne!(invited.agent, ada.agent);

    let mut answers = Vec::new();
    for (tenant, email, password) in [
        ("shop", "ada@example.com", "wrong horse battery staple"),
        ("shop", "ada@example.com", ""),
        ("shop", "nobody@example.com", PASSWORD),
        ("nowhere", "ada@example.com", PASSWORD),
        ("shop", "gone@example.com", PASSWORD),
        ("shop", "invited@example.com", PASSWORD),
    ] {
        let credentials = json!({"tenant": tenant, "email": email, "password": password});
        let answer = post(&shop, "/api/auth/login", &credentials).await;
        assert_eq!(answer.status, 401, "{tenant} {email}: {}", answer.text);
        answers.push(answer.field("detail").to_owned());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    for email in ["ada@example.com", "nobody@example.com"] {
        let answer =
            post(&shop, "/api/auth/password/forgot", &json!({"tenant": "shop", "email": email})).await;
        assert_eq!(answer.status, 202);
        answers.push(answer.text);
    }
    assert_eq!(answers[1], answers[2]);
}

#[tokio::test]
async fn what_is_no_credential_is_refused_by_name_before_any_work() {
    let shop = shop(Mode::Token).await;
    for (body, field) in [
        (json!({"tenant": "shop", "email": "ada@example.com", "password": "x".repeat(1_025)}), "password"),
        (json!({"tenant": "shop", "email": "Ada <ada@example.com>", "password": "x"}), "email"),
        (json!({"tenant": "shop", "email": "", "password": "x"}), "email"),
        (json!({"tenant": "x".repeat(64), "email": "ada@example.com", "password": "x"}), "tenant"),
        (json!({"tenant": "shop", "email": "ada@example.com"}), "password"),
        (json!({"tenant": "shop", "email": "ada@example.com", "password": "x", "role": "admin"}), "role"),
    ] {
        let answer = post(&shop, "/api/auth/login", &body).await;
        assert_eq!((answer.status.as_u16(), answer.field("field")), (400, field), "{}", answer.text);
    }
    let huge = json!({"tenant": "shop", "email": "ada@example.com", "password": "x".repeat(20_000)});
    assert_eq!(post(&shop, "/api/auth/login", &huge).await.status, 413);
}

#[tokio::test]
async fn one_account_is_tried_so_often_and_no_more_whether_it_exists() {
    let shop = shop(Mode::Token).await;
    for email in ["ada@example.com", "nobody@example.com"] {
        let credentials = json!({"tenant": "shop", "email": email, "password": "wrong horse battery"});
        let mut statuses = Vec::new();
        // Ten, and on a slow machine a few that come back meanwhile: one in six seconds.
        while statuses.len() < 40 && statuses.last() != Some(&429) {
            statuses.push(post(&shop, "/api/auth/login", &credentials).await.status.as_u16());
        }
        let (last, before) = statuses.split_last().expect("it was tried");
        assert_eq!(*last, 429, "{statuses:?}");
        assert!(before.len() >= 10 && before.iter().all(|status| *status == 401), "{statuses:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_copied_ends_the_session() {
    let shop = shop(Mode::Token).await;
    let ada = seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    let tokens = &shop.state.people.refresh;
    let now = Utc::now();
    let refresh = async |text: &str, at| {
        let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
        let refreshed = sessions::refresh(&mut tx, tokens, text, at).await.expect("answered");
        tx.commit().await.expect("committed");
        refreshed
    };
    let first = ada.session.refresh.reveal();
    let Refreshed::Done(second) = refresh(first, now).await else { panic!("the current token") };
    let Refreshed::Done(same) = refresh(first, now + GRACE - TimeDelta::seconds(1)).await else {
        panic!("an answer was lost")
    };
    assert_eq!(same.refresh.reveal(), second.refresh.reveal());
    assert!(matches!(refresh(first, now + GRACE).await, Refreshed::Reused { .. }));
    assert!(
        matches!(refresh(second.refresh.reveal(), now + GRACE).await, Refreshed::Refused),
        "its owner too"
    );
    assert_eq!(call(&shop, &ada.access, "GET", "/api/auth/session", "").await.status, 401);

    let bob = seat(&shop, shop.tenant, Role::Agent, "bob@example.com").await;
    let stale = refresh(bob.session.refresh.reveal(), now + IDLE + TimeDelta::minutes(1)).await;
    assert!(matches!(stale, Refreshed::Refused));
}

#[tokio::test]
async fn tokens_of_another_kind_are_nobodys() {
    let shop = shop(Mode::Token).await;
    let ada = seat(&shop, shop.tenant, Role::Admin, "ada@example.com").await;
    let access = &shop.state.people.access;
    let claims = Claims { agent: ada.agent, session: ada.session.id, tenant: shop.tenant };
    let (other, _) = open(&shop.state, "other", Mode::Token).await;
    let old = access.make(claims, Utc::now() - LIFETIME - TimeDelta::minutes(1));
    let of_other = access.make(Claims { tenant: other, ..claims }, Utc::now());
    let refresh = ada.session.refresh.reveal().to_owned();
    let flipped = ada.access.replacen("eyJ", "eyK", 1);
    for token in [&old, &of_other, &refresh, &flipped, &"a.b.c".to_owned(), &"x".repeat(5_000)] {
        let answer = call(&shop, token, "GET", "/api/agents", "").await;
        assert_eq!(answer.status, 401, "{token}: {}", answer.text);
    }
    assert_eq!(call(&shop, &ada.access, "GET", "/api/agents", "").await.status, 200);
}

#[tokio::test]
async fn a_cookie_writes_only_from_a_page_of_ours() {
    let shop = shop(Mode::Token).await;
    let ada = seat(&shop, shop.tenant, Role::Agent, "ada@example.com").await;
    give_password(&shop, ada.agent).await;
    let body = json!({"tenant": "shop", "email": "ada@example.com", "password": PASSWORD, "cookie": true});
    let from = |origin: Option<&str>, path: &str, cookie: &str, body: String| {
        let mut request =
            request("POST", path).header("host", "desk.example").header("content-type", "application/json");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.header("cookie", cookie).body(Body::from(body)).expect("a request")
    };
    let own = Some("https://desk.example");
    assert_eq!(shop.send(from(None, "/api/auth/login", "", body.to_string())).await.status, 403);
    let answer = shop.send(from(own, "/api/auth/login", "", body.to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json["access_token"].is_null() && answer.json["refresh_token"].is_null());
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    // The third ends an operator's session in the same browser: nobody is two at once. The last is for scripts, and tells
    // nothing but that there is a session.
    let [tokens @ .., mark] = cookies.as_slice() else { panic!("no cookies") };
    assert_eq!(tokens.len(), 3);
    assert!(tokens[2].contains("Max-Age=0"), "{}", tokens[2]);
    assert!(mark.starts_with("desk-here=1; Path=/; Max-Age=") && !mark.contains("HttpOnly"), "{mark}");
    for cookie in tokens {
        assert!(cookie.ends_with("HttpOnly; Secure; SameSite=Strict"), "{cookie}");
    }
    let sent: Vec<&str> = cookies.iter().map(|cookie| cookie.split(';').next().expect("a pair")).collect();
    let (access, refresh) = (sent[0], sent[1]);
    let read =
        request("GET", "/api/auth/session").header("cookie", access).body(Body::empty()).expect("a request");
    assert_eq!(shop.send(read).await.status, 200);
    for (origin, status) in [(None, 403), (Some("https://evil.example"), 403), (Some("null"), 403)] {
        assert_eq!(
            shop.send(from(origin, "/api/auth/logout-everywhere", access, String::new())).await.status,
            status
        );
        assert_eq!(shop.send(from(origin, "/api/auth/refresh", refresh, String::new())).await.status, status);
    }
    let handshake = request("GET", "/api/auth/session")
        .header("cookie", access)
        .header("upgrade", "websocket")
        .header("origin", "https://evil.example");
    assert_eq!(shop.send(handshake.body(Body::empty()).expect("a request")).await.status, 403);
    assert_eq!(shop.send(from(own, "/api/auth/refresh", refresh, String::new())).await.status, 200);
    let out = shop.send(from(own, "/api/auth/logout-everywhere", access, String::new())).await;
    assert_eq!(out.status, 204);
    let forgotten = out.headers.get_all("set-cookie").iter().any(|cookie| {
        cookie.to_str().is_ok_and(|cookie| cookie.starts_with("desk-here=; Path=/; Max-Age=0;"))
    });
    assert!(forgotten, "{:?}", out.headers);
    assert_eq!(shop.send(from(own, "/api/auth/logout-everywhere", access, String::new())).await.status, 401);
}

#[tokio::test]
async fn every_answer_is_safe_for_browsers() {
    let shop = shop(Mode::Token).await;
    for path in ["/api/agents", "/health/live", "/nothing", "/openapi.json", "/docs"] {
        let answer = shop.send(request("GET", path).body(Body::empty()).expect("a request")).await;
        for name in [
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "content-security-policy",
            "strict-transport-security",
            "cross-origin-resource-policy",
        ] {
            assert!(answer.headers.contains_key(name), "{path} has no {name}");
        }
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}
