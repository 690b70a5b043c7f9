//! Agents: who may add and change whom, invitations, and the trail of it.

use accounts::people::permissions::Role;
use accounts::verify::Mode;
use axum::body::Body;
use serde_json::json;

use crate::seats::{PASSWORD, call, post, seat};
use crate::shop::{request, shop};

#[tokio::test]
async fn an_invitation_is_good_once_and_ends_in_a_sign_in() {
    let shop = shop(Mode::Token).await;
    let manager = seat(&shop, shop.tenant, Role::Manager, "manager@example.com").await;
    let new =
        r#"{"name":"Bo","email":"Bo@Example.com","role":"senior_agent","languages":["de"],"capacity":5}"#;
    let invite = || {
        request("POST", "/api/agents")
            .header("authorization", format!("Bearer {}", manager.access))
            .header("idempotency-key", "bo")
            .body(Body::from(new))
            .expect("a request")
    };
    let answer = shop.send(invite()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let again = shop.send(invite()).await;
    assert_eq!(again.json, answer.json, "a lost answer is given again, with the link");
    assert_eq!(answer.json["agent"]["email"], "bo@example.com");
    let token = answer.json["invitation"]["token"].as_str().expect("a token").to_owned();

    let accept = async |token: &str, password: &str| {
        post(&shop, "/api/auth/invitations/accept", &json!({"token": token, "password": password}))
            .await
            .status
    };
    assert_eq!(accept(&token, "short").await, 400);
    assert_eq!(accept("dsl_x", PASSWORD).await, 401);
    let as_reset = json!({"token": token, "password": PASSWORD});
    assert_eq!(post(&shop, "/api/auth/password/reset", &as_reset).await.status, 401, "it is no reset");
    assert_eq!(accept(&token, PASSWORD).await, 204);
    assert_eq!(accept(&token, PASSWORD).await, 401);
    let credentials = json!({"tenant": "shop", "email": "bo@example.com", "password": PASSWORD});
    assert_eq!(post(&shop, "/api/auth/login", &credentials).await.status, 200);

    let id = answer.json["agent"]["id"].as_str().expect("an id");
    let link =
        call(&shop, &manager.access, "POST", "/api/auth/invitations", &json!({"agent_id": id}).to_string())
            .await;
    assert_eq!(link.field("purpose"), "reset", "{}", link.text);
    let reset = json!({"token": link.field("token"), "password": "purple monkey dishwasher"});
    assert_eq!(post(&shop, "/api/auth/password/reset", &reset).await.status, 204);
    assert_eq!(post(&shop, "/api/auth/login", &credentials).await.status, 401);
    let same = call(&shop, &manager.access, "POST", "/api/agents", new).await;
    assert_eq!((same.status.as_u16(), same.field("field")), (409, "email"), "{}", same.text);
}

#[tokio::test]
async fn nobody_reaches_above_themselves_and_the_last_admin_stays() {
    let shop = shop(Mode::Token).await;
    let admin = seat(&shop, shop.tenant, Role::Admin, "admin@example.com").await;
    let manager = seat(&shop, shop.tenant, Role::Manager, "manager@example.com").await;
    let agent = seat(&shop, shop.tenant, Role::Agent, "agent@example.com").await;
    let path = |who: &crate::seats::Seat| format!("/api/agents/{}", who.agent);
    let patch = async |by: &str, path: &str, body: &str| call(&shop, by, "PATCH", path, body).await;

    let new = r#"{"name":"B","email":"b@example.com","role":"admin"}"#;
    assert_eq!(call(&shop, &manager.access, "POST", "/api/agents", new).await.status, 403);
    assert_eq!(patch(&manager.access, &path(&agent), r#"{"role":"admin"}"#).await.status, 403);
    assert_eq!(patch(&manager.access, &path(&admin), r#"{"name":"x"}"#).await.status, 403);
    assert_eq!(call(&shop, &manager.access, "DELETE", &path(&admin), "").await.status, 403);
    assert_eq!(patch(&agent.access, &path(&agent), r#"{"role":"manager"}"#).await.status, 403);
    assert_eq!(patch(&agent.access, "/api/agents/me", r#"{"role":"manager"}"#).await.status, 400);
    for (field, body) in [
        ("capacity", r#"{"capacity":0}"#),
        ("capacity", r#"{"capacity":51}"#),
        ("languages", r#"{"languages":["german"]}"#),
        ("name", r#"{"name":" "}"#),
        ("role", r#"{"role":"king"}"#),
    ] {
        let answer = patch(&admin.access, &path(&agent), body).await;
        assert_eq!((answer.status.as_u16(), answer.field("field")), (400, field), "{}", answer.text);
    }

    assert_eq!(call(&shop, &admin.access, "DELETE", &path(&admin), "").await.status, 409);
    assert_eq!(patch(&admin.access, &path(&admin), r#"{"role":"manager"}"#).await.status, 409);
    assert_eq!(patch(&admin.access, &path(&admin), r#"{"disabled":true}"#).await.status, 409);
    // Who may less than before signs in anew, so that nothing that is open goes on by what they might.
    let lead = seat(&shop, shop.tenant, Role::TeamLead, "lead@example.com").await;
    let valid = async |who: &crate::seats::Seat| {
        let asked = [who.session.id];
        let valid = accounts::sessions::still_valid(&shop.state.db, &asked).await.expect("answered");
        valid.len() == 1
    };
    assert_eq!(patch(&admin.access, &path(&lead), r#"{"role":"manager"}"#).await.status, 200);
    assert!(valid(&lead).await, "who may more goes on");
    assert_eq!(patch(&admin.access, &path(&lead), r#"{"role":"agent"}"#).await.status, 200);
    assert!(!valid(&lead).await);
    assert_eq!(call(&shop, &lead.access, "GET", "/api/agents/me", "").await.status, 401);
    let promoted = patch(&admin.access, &path(&manager), r#"{"role":"admin"}"#).await;
    assert_eq!(promoted.field("role"), "admin", "{}", promoted.text);
    // Both at once: one of them stays.
    let (of_manager, of_admin) = (path(&manager), path(&admin));
    let (first, second) = tokio::join!(
        call(&shop, &admin.access, "DELETE", &of_manager, ""),
        call(&shop, &manager.access, "DELETE", &of_admin, ""),
    );
    let gone =
        [first.status.as_u16(), second.status.as_u16()].into_iter().filter(|status| *status == 204).count();
    assert_eq!(gone, 1, "{} {}", first.text, second.text);
}

#[tokio::test]
async fn a_person_is_changed_as_they_were_seen() {
    let shop = shop(Mode::Token).await;
    let admin = seat(&shop, shop.tenant, Role::Admin, "admin@example.com").await;
    let agent = seat(&shop, shop.tenant, Role::Agent, "agent@example.com").await;
    let path = format!("/api/agents/{}", agent.agent);
    let change = async |seen: &str, capacity: i32| {
        let request = request("PATCH", &path)
            .header("authorization", format!("Bearer {}", admin.access))
            .header("content-type", "application/json")
            .header("if-match", seen)
            .body(Body::from(json!({"capacity": capacity}).to_string()))
            .expect("a request");
        shop.send(request).await
    };
    let seen = call(&shop, &admin.access, "GET", &path, "").await;
    let tag = seen.headers["etag"].to_str().expect("a tag").to_owned();
    let version = seen.json["version"].as_i64().expect("a version");
    let first = change(&tag, 7).await;
    assert_eq!((first.status.as_u16(), &first.json["capacity"]), (200, &json!(7)), "{}", first.text);
    for stale in [tag.clone(), format!("\"{version}\""), "\"x\"".to_owned()] {
        let late = change(&stale, 9).await;
        assert_eq!(
            (late.status.as_u16(), late.field("field"), &late.json["current"]["capacity"]),
            (412, "If-Match", &json!(7)),
            "{stale}: {}",
            late.text
        );
    }
    let now = first.headers["etag"].to_str().expect("a tag");
    for (fresh, capacity) in [(now, 8), (&*format!("\"{}\"", version + 2), 9), ("*", 10)] {
        let changed = change(fresh, capacity).await;
        assert_eq!((changed.status.as_u16(), &changed.json["capacity"]), (200, &json!(capacity)), "{fresh}");
    }
}

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once_and_it_is_written() {
    let shop = shop(Mode::Token).await;
    let admin = seat(&shop, shop.tenant, Role::Admin, "admin@example.com").await;
    let agent = seat(&shop, shop.tenant, Role::Agent, "agent@example.com").await;
    assert_eq!(call(&shop, &agent.access, "GET", "/api/agents/me", "").await.status, 200);
    let away = call(&shop, &agent.access, "PATCH", "/api/agents/me", r#"{"availability":"away"}"#).await;
    assert_eq!(away.field("availability"), "away", "{}", away.text);
    let path = format!("/api/agents/{}", agent.agent);
    assert_eq!(call(&shop, &admin.access, "DELETE", &path, "").await.status, 204);
    assert_eq!(call(&shop, &agent.access, "GET", "/api/agents/me", "").await.status, 401);
    let valid = accounts::sessions::still_valid(&shop.state.db, &[agent.session.id, admin.session.id]).await;
    assert_eq!(valid.expect("answered").into_iter().collect::<Vec<_>>(), [admin.session.id]);

    let listed = call(&shop, &admin.access, "GET", "/api/agents", "").await;
    assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(1), "{}", listed.text);
    let trail =
        call(&shop, &admin.access, "GET", &format!("/api/audit?subject=agent:{}", agent.agent), "").await;
    let actions: Vec<&str> = trail.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|line| line["action"].as_str().expect("an action"))
        .collect();
    assert_eq!(actions, ["agent.change", "agent.change"], "{}", trail.text);
    let by = format!("/api/audit?actor=agent:{}&action=agent.change&limit=1", admin.agent);
    assert_eq!(call(&shop, &admin.access, "GET", &by, "").await.json["items"][0]["detail"]["disabled"], true);
    assert_eq!(
        call(&shop, &admin.access, "GET", "/api/audit?from=yesterday", "").await.field("field"),
        "from"
    );
}
