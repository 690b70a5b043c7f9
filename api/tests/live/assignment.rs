//! The routes of assignment: what they do, and what they refuse.

use accounts::api_keys::Scope;
use axum::body::Body;
use axum::http::StatusCode;
use database::ids::AgentId;
use serde_json::json;
use uuid::Uuid;

use crate::shop::request;
use crate::work::{agent, agent_of, key_of, open, post_with, ticket, ticket_of};

#[tokio::test]
async fn a_ticket_is_given_handed_on_and_put_back_with_its_history() {
    let shop = open().await;
    let (ann, bob) = (agent(&shop, "ann", 1).await, agent(&shop, "bob", 5).await);
    let (one, two) = (ticket(&shop).await, ticket(&shop).await);
    let path = |ticket, what: &str| format!("/api/tickets/{ticket}/{what}");

    let body = json!({ "agent_id": ann }).to_string();
    let answer = post_with(&shop, &path(one, "assign"), &body, &[("idempotency-key", "k")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.field("agent_id"), ann.to_string());
    let tag = answer.headers["etag"].to_str().expect("a tag").to_owned();
    let again = post_with(&shop, &path(one, "assign"), &body, &[("idempotency-key", "k")]).await;
    assert_eq!((again.status, again.json), (StatusCode::OK, answer.json));

    let full = shop.post(&path(two, "assign"), &body).await;
    assert_eq!(full.status, StatusCode::CONFLICT);
    assert_eq!((&full.json["load"], &full.json["capacity"]), (&json!(1), &json!(1)));
    let forced =
        shop.post(&path(two, "assign"), &json!({ "agent_id": ann, "force": true }).to_string()).await;
    assert_eq!((forced.status, &forced.json["exceeded"]), (StatusCode::OK, &json!(true)));

    let handed = json!({ "agent_id": bob, "reason": "she is ill" }).to_string();
    let stale = post_with(&shop, &path(one, "transfer"), &handed, &[("if-match", "\"999\"")]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let moved = post_with(&shop, &path(one, "transfer"), &handed, &[("if-match", &tag)]).await;
    assert_eq!((moved.status, moved.field("agent_id")), (StatusCode::OK, &*bob.to_string()));
    let back = shop.post(&path(one, "unassign"), "{}").await;
    assert_eq!((back.status, &back.json["agent_id"]), (StatusCode::OK, &json!(null)));

    let history = shop.get(&path(one, "assignments")).await;
    let items = history.json["items"].as_array().expect("items").clone();
    let told: Vec<_> = items.iter().map(|item| (&item["reason"], &item["state"])).collect();
    assert_eq!(told, [(&json!("transfer"), &json!("unassigned")), (&json!("manual"), &json!("transferred"))]);
    assert_eq!(items[0]["why"], "she is ill");

    let waiting = shop.get("/api/tickets/unassigned").await;
    assert_eq!(waiting.json["items"][0]["id"], one.to_string(), "{}", waiting.text);
    let queue = shop.get(&format!("/api/agents/{ann}/queue")).await;
    assert_eq!(queue.json["items"][0]["id"], two.to_string(), "{}", queue.text);
    let available = shop.get("/api/agents/available").await;
    let ids: Vec<_> =
        available.json["items"].as_array().expect("items").iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [&json!(bob), &json!(ann)], "who has the most room first");
    let audit = shop.count("shared.audit where action like 'ticket.%'").await;
    assert_eq!(audit, 4, "what was refused or repeated is no act");
}

#[tokio::test]
async fn a_job_looks_for_an_agent_once() {
    let shop = open().await;
    let ann = agent(&shop, "ann", 5).await;
    let one = ticket(&shop).await;
    let path = format!("/api/tickets/{one}/auto-assign");
    let first = shop.post(&path, "{}").await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    assert_eq!(first.headers["location"], format!("/api/jobs/{}", first.field("job_id")));
    assert_eq!(shop.post(&path, "").await.field("job_id"), first.field("job_id"));
    shop.post(&format!("/api/tickets/{one}/assign"), &json!({ "agent_id": ann }).to_string()).await;
    let done = shop.post(&path, "{}").await;
    assert_eq!((done.status, done.field("agent_id")), (StatusCode::OK, &*ann.to_string()));
}

#[tokio::test]
async fn bad_input_is_named() {
    let shop = open().await;
    let (ann, one) = (agent(&shop, "ann", 5).await, ticket(&shop).await);
    let (other, _) = crate::shop::open(&shop.state, "other", accounts::verify::Mode::Token).await;
    let (stranger, strange) = (agent_of(&shop, other, "x", 5).await, ticket_of(&shop, other).await);
    let assign = |ticket: String, body: serde_json::Value| {
        let (shop, path) = (&shop, format!("/api/tickets/{ticket}/assign"));
        async move { shop.post(&path, &body.to_string()).await }
    };
    for (answer, status, field) in [
        (assign(one.to_string(), json!({ "agent_id": AgentId::new() })).await, 422, "agent_id"),
        (assign(one.to_string(), json!({ "agent_id": stranger })).await, 422, "agent_id"),
        (assign(one.to_string(), json!({ "agent_id": "x" })).await, 400, "agent_id"),
        (assign(one.to_string(), json!({})).await, 400, "agent_id"),
        (assign("x".to_owned(), json!({ "agent_id": ann })).await, 400, "id"),
        (assign(strange.to_string(), json!({ "agent_id": ann })).await, 404, ""),
        (assign(Uuid::now_v7().to_string(), json!({ "agent_id": ann })).await, 404, ""),
        (shop.post(&format!("/api/tickets/{one}/transfer"), r#"{"reason": "x"}"#).await, 400, "agent_id"),
        (
            shop.post(&format!("/api/tickets/{one}/transfer"), r#"{"department": "x", "reason": " "}"#).await,
            400,
            "reason",
        ),
        (
            shop.post(&format!("/api/tickets/{one}/transfer"), r#"{"department": "moon", "reason": "x"}"#)
                .await,
            422,
            "department",
        ),
        (shop.post(&format!("/api/tickets/{one}/escalate"), r#"{"reason": "x"}"#).await, 409, ""),
        (shop.post(&format!("/api/tickets/{one}/unassign"), "{}").await, 409, ""),
        (shop.post(&format!("/api/tickets/{one}/claim"), "{}").await, 403, ""),
        (shop.get("/api/agents/me/queue").await, 403, ""),
        (shop.get(&format!("/api/agents/{stranger}/queue")).await, 404, ""),
        (shop.get("/api/tickets/unassigned?cursor=x").await, 400, "cursor"),
        (shop.get("/api/tickets/unassigned?limit=1000").await, 400, "limit"),
        (shop.post(&format!("/api/agents/{stranger}/login"), "{}").await, 404, ""),
    ] {
        assert_eq!((answer.status.as_u16(), answer.field("field")), (status, field), "{}", answer.text);
    }
    let reader = key_of(&shop, shop.tenant, &[Scope::TicketsRead]).await.1;
    let denied = request("POST", &format!("/api/tickets/{one}/assign")).header("x-api-key", reader);
    let denied =
        shop.send(denied.body(Body::from(json!({ "agent_id": ann }).to_string())).expect("a request")).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn shifts_change_what_the_person_says_and_nothing_else() {
    let shop = open().await;
    let ann = agent(&shop, "ann", 5).await;
    let shift = async |what: &str| {
        let answer = shop.post(&format!("/api/agents/{ann}/{what}"), "{}").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.field("availability").to_owned()
    };
    assert_eq!(shift("logout").await, "offline");
    assert_eq!(shop.get("/api/agents/available").await.json["items"], json!([]));
    assert_eq!(shift("login").await, "online");
    let policy = shop.get("/api/settings/assignment").await;
    assert_eq!(policy.json["offline"], "waiting");
    let put = request("PUT", "/api/settings/assignment").header("x-api-key", &shop.key);
    let put = shop.send(put.body(Body::from(r#"{"newcomer_units": 0}"#)).expect("a request")).await;
    assert_eq!((put.status.as_u16(), put.field("field")), (400, "newcomer_units"));
}
