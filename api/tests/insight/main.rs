//! The desk's insight over HTTP: why a ticket stands where it stands, alerts, readings, ratings and their links, the
//! report of satisfaction.

mod drafts;
#[path = "../it/shop/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod shop;

use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use chrono::{Duration, Utc};
use database::ids::{TenantId, TicketId};
use serde_json::json;
use shop::{Answer, Shop, open, request, shop};
use support::ratings::link::Link;
use support::settle;

/// A ticket that was settled, by the help desk's number.
async fn ticket(shop: &Shop, number: u32) -> TicketId {
    let body = json!({
        "ticket": {"id": number, "channel": "email", "customer": {"email": "ann@example.com"}},
        "message": {"id": number * 10, "body_text": "Where is my order?", "from_agent": false},
    });
    let delivered = shop.deliver(&body.to_string()).await;
    let id = TicketId(delivered.field("ticket_id").parse().unwrap_or_else(|_| panic!("{}", delivered.text)));
    let mut tx = shop.tx().await;
    settle::settle(&mut tx, shop.tenant, id, Utc::now()).await.expect("settled").expect("there is one");
    tx.commit().await.expect("committed");
    id
}

async fn send(shop: &Shop, method: &str, path: &str, kind: &str, body: &str) -> Answer {
    let request = request(method, path).header("content-type", kind);
    let request = if path.starts_with("/r/") { request } else { request.header("x-api-key", &shop.key) };
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

#[tokio::test]
async fn a_place_is_explained_and_an_alert_moves_it() {
    let shop = shop(Mode::Token).await;
    let id = ticket(&shop, 1).await;
    let score = shop.get(&format!("/api/tickets/{id}/score")).await;
    assert_eq!(score.status, StatusCode::OK, "{}", score.text);
    let points: f64 = score.json["terms"]
        .as_array()
        .expect("terms")
        .iter()
        .filter_map(|term| term["points"].as_f64())
        .sum();
    assert!((points - score.json["score"].as_f64().expect("a score")).abs() < 1e-6);
    assert_eq!(score.json["terms"].as_array().map(Vec::len), Some(10));

    let readings = shop.get("/api/tickets/1/analysis").await;
    assert_eq!(
        (readings.status, &readings.json["pending"]),
        (StatusCode::OK, &json!(1)),
        "{}",
        readings.text
    );

    let until = (Utc::now() + Duration::hours(1)).to_rfc3339();
    let set = send(
        &shop,
        "PUT",
        "/api/topic-alerts/recall",
        "application/json",
        &json!({"until": until}).to_string(),
    )
    .await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    assert_eq!(shop.get("/api/topic-alerts").await.json["items"][0]["topic"], "recall");
    for (topic, until) in
        [("Recall!", until.as_str()), ("recall", "2020-01-01T00:00:00Z"), ("recall", "2199-01-01T00:00:00Z")]
    {
        let path = format!("/api/topic-alerts/{topic}");
        let bad = send(&shop, "PUT", &path, "application/json", &json!({"until": until}).to_string()).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST, "{}", bad.text);
    }
    let lifted = send(&shop, "DELETE", "/api/topic-alerts/recall", "application/json", "").await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT, "{}", lifted.text);
    assert_eq!(
        send(&shop, "DELETE", "/api/topic-alerts/recall", "application/json", "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn ratings_are_one_a_resolution_and_whole_numbers_from_one_to_five() {
    let shop = shop(Mode::Token).await;
    let id = ticket(&shop, 1).await;
    let path = format!("/api/tickets/{id}/ratings");
    for bad in ["0", "6", "4.5", "-1", "\"five\"", "null", "9223372036854775807"] {
        let answer = shop.post(&path, &format!("{{\"score\": {bad}}}")).await;
        assert_eq!(
            (answer.status, answer.field("field")),
            (StatusCode::BAD_REQUEST, "score"),
            "{bad}: {}",
            answer.text
        );
    }
    let long = json!({"score": 3, "comment": "x".repeat(2_001)}).to_string();
    assert_eq!(shop.post(&path, &long).await.status, StatusCode::BAD_REQUEST);
    let first = shop.post(&path, r#"{"score": 2, "comment": " slow "}"#).await;
    assert_eq!((first.status, first.field("comment")), (StatusCode::OK, "slow"), "{}", first.text);
    // An older one told late does not count; the newest does.
    let older = shop.post(&path, r#"{"score": 5, "given_at": "2026-01-01T00:00:00Z"}"#).await;
    assert_eq!(older.json["score"], 2, "{}", older.text);
    assert_eq!(shop.post(&path, r#"{"score": 4}"#).await.json["score"], 4);

    let mut tx = shop.tx().await;
    sqlx::query("update support_app.ticket set status = 'resolved' where id = $1")
        .bind(id)
        .execute(&mut *tx)
        .await
        .expect("resolved");
    tx.commit().await.expect("committed");
    assert_eq!(shop.post(&path, r#"{"score": 5}"#).await.json["resolution"], 1);
    let list = shop.get(&path).await;
    let scores: Vec<i64> = list.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["score"].as_i64())
        .collect();
    assert_eq!(scores, [5, 4]);

    let report = shop.get("/api/reports/satisfaction?by=channel").await;
    assert_eq!(report.status, StatusCode::OK, "{}", report.text);
    let group = &report.json["groups"][0];
    assert_eq!(
        (&group["group"], &group["answers"], &group["csat"], &group["response_rate"]),
        (&json!("email"), &json!(1), &json!(1.0), &json!(1.0))
    );
    for by in ["agent", "team", "day", "all"] {
        let report = shop.get(&format!("/api/reports/satisfaction?by={by}")).await;
        assert_eq!(
            (report.status, &report.json["groups"][0]["resolved"]),
            (StatusCode::OK, &json!(1)),
            "{}",
            report.text
        );
    }
    for bad in ["by=mood", "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2020-01-01T00:00:00Z"] {
        assert_eq!(
            shop.get(&format!("/api/reports/satisfaction?{bad}")).await.status,
            StatusCode::BAD_REQUEST,
            "{bad}"
        );
    }

    // Another shop's key sees and rates nothing.
    let (_, stranger) = open(&shop.state, "other", Mode::Token).await;
    let request =
        request("POST", &path).header("x-api-key", stranger).header("content-type", "application/json");
    let refused = shop.send(request.body(Body::from(r#"{"score": 1}"#)).expect("a request")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_rates_its_ticket_alone_without_signing_in() {
    let shop = shop(Mode::Token).await;
    let id = ticket(&shop, 1).await;
    let link = shop.get(&format!("/api/tickets/{id}/rating-link?days=2")).await;
    assert_eq!(link.status, StatusCode::OK, "{}", link.text);
    let path = link.field("path").to_owned();
    assert!(link.field("url").ends_with(&path));

    // Looking, as programs that check mails do, changes nothing and shows nothing of the customer.
    let page = send(&shop, "GET", &format!("{path}?score=4"), "text/html", "").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("value=\"4\" required checked") && !page.text.contains("<script"));
    assert!(!page.text.contains("ann@example.com") && !page.text.contains(&id.to_string()));
    assert_eq!(shop.count("support_app.rating").await, 0);

    const FORM: &str = "application/x-www-form-urlencoded";
    for bad in [
        "",
        "score=0",
        "score=6",
        "score=4.5",
        "score=",
        "comment=x",
        "score=4%",
        &format!("score=4&comment={}", "x".repeat(2_001)),
        &"x".repeat(40_000),
    ] {
        let answer = send(&shop, "POST", &path, FORM, bad).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let thanks = send(&shop, "POST", &path, FORM, "score=5&comment=Sehr+sch%C3%B6n").await;
    assert_eq!(thanks.status, StatusCode::OK, "{}", thanks.text);
    let list = shop.get(&format!("/api/tickets/{id}/ratings")).await;
    let item = &list.json["items"][0];
    assert_eq!(
        (&item["score"], &item["comment"], &item["source"]),
        (&json!(5), &json!("Sehr schön"), &json!("link"))
    );

    let key = &shop.state.settings.master_key;
    let now = Utc::now();
    let old = Link { tenant: shop.tenant, ticket: id, until: now - Duration::seconds(5) }.token(key);
    assert_eq!(send(&shop, "POST", &format!("/r/{old}"), FORM, "score=1").await.status, StatusCode::GONE);
    let altered = format!("{}x", &path[..path.len() - 1]);
    let foreign = Link { tenant: TenantId::new(), ticket: id, until: now + Duration::hours(1) }.token(key);
    for bad in [altered.as_str(), "/r/x", &format!("/r/{foreign}")] {
        let answer = send(&shop, "POST", bad, FORM, "score=1").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{bad} {}", answer.text);
    }
    assert_eq!(shop.get(&format!("/api/tickets/{id}/ratings")).await.json["items"][0]["score"], 5);
}
