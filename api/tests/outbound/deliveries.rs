//! Deliveries that wait for their next attempt, and are sent now by hand.

use accounts::verify::Mode;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use database::Role;
use jobs::NewJob;
use outbound::kinds::DeliverWebhook;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::made;
use super::shop::{Shop, shop};

/// A delivery that failed three times and is tried again at that time, with the job that will do it.
async fn waiting(shop: &Shop, endpoint: &str, seq: i64, next_at: DateTime<Utc>) -> Uuid {
    let mut admin = shop.admin().await;
    let event: Uuid = sqlx::query_scalar(
        "insert into outbound.event (seq, tenant_id, type, subject, data, at)
         values ($1, $2, 'ticket.created', 'ticket:1', '{}', now()) returning id",
    )
    .bind(seq)
    .bind(shop.tenant)
    .fetch_one(&mut admin)
    .await
    .expect("an event");
    let delivery: Uuid = sqlx::query_scalar(
        "insert into outbound.webhook_delivery (tenant_id, endpoint_id, event_id, seq, type, attempts, next_at)
         values ($1, $2, $3, $4, 'ticket.created', 3, $5) returning id",
    )
    .bind(shop.tenant)
    .bind(endpoint.parse::<Uuid>().expect("an id"))
    .bind(event)
    .bind(seq)
    .bind(next_at)
    .fetch_one(&mut admin)
    .await
    .expect("a delivery");
    let job = NewJob::of(shop.tenant, &DeliverWebhook { delivery_id: delivery })
        .and_then(|job| job.with_dedup_key(&delivery.to_string()))
        .expect("a job")
        .with_run_at(next_at);
    let mut tx = shop.state.db.tenant_tx(Role::Outbound, shop.tenant).await.expect("a transaction");
    let (enqueued, _) = jobs::enqueue_one(&mut tx, job).await.expect("enqueued");
    assert_eq!(enqueued.due_at.map(|at| at.timestamp_millis()), Some(next_at.timestamp_millis()));
    tx.commit().await.expect("committed");
    delivery
}

/// When the delivery's job is due, and the attempts behind the delivery.
async fn due(admin: &mut PgConnection, delivery: Uuid) -> (DateTime<Utc>, i16) {
    sqlx::query_as(
        "select j.due_at, d.attempts from jobs.live j join outbound.webhook_delivery d on d.id::text = j.dedup_key
         where d.id = $1 and j.kind = 'deliver_webhook' and j.state = 'scheduled'",
    )
    .bind(delivery)
    .fetch_one(admin)
    .await
    .expect("one job that waits")
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_is_sent_now_and_no_attempt_is_spent() {
    let shop = shop(Mode::Token).await;
    let endpoint = made(&shop).await["id"].as_str().expect("an id").to_owned();
    let delivery = waiting(&shop, &endpoint, 1, Utc::now() + TimeDelta::hours(5)).await;
    let path = format!("/api/outbound/deliveries/{delivery}");
    let sent = shop.post(&format!("{path}/send"), "").await;
    assert_eq!(
        (sent.status, &sent.json["brought_forward"]),
        (StatusCode::ACCEPTED, &json!(true)),
        "{}",
        sent.text
    );
    let mut admin = shop.admin().await;
    let (due_at, attempts) = due(&mut admin, delivery).await;
    assert!(due_at <= Utc::now() && attempts == 3, "{due_at}, {attempts} attempts");
    let shown = shop.get(&path).await;
    assert_eq!((shown.field("state"), shown.field("next_at")), ("waiting", sent.field("next_at")));
    assert_eq!(shop.count("jobs.live where kind = 'deliver_webhook'").await, 1, "the job that it had");
    assert_eq!(shop.count("shared.audit where action = 'delivery.send'").await, 1);
    assert_eq!(shop.post(&format!("{path}/send"), "").await.status, StatusCode::ACCEPTED, "asked again");
}

#[tokio::test]
async fn what_comes_in_a_moment_is_left_as_it_is_because_it_may_be_under_way() {
    let shop = shop(Mode::Token).await;
    let endpoint = made(&shop).await["id"].as_str().expect("an id").to_owned();
    let next_at = Utc::now() + TimeDelta::seconds(50);
    let delivery = waiting(&shop, &endpoint, 1, next_at).await;
    let sent = shop.post(&format!("/api/outbound/deliveries/{delivery}/send"), "").await;
    assert_eq!(
        (sent.status, &sent.json["brought_forward"]),
        (StatusCode::ACCEPTED, &json!(false)),
        "{}",
        sent.text
    );
    let (due_at, _) = due(&mut shop.admin().await, delivery).await;
    assert_eq!(due_at.timestamp_millis(), next_at.timestamp_millis());
    assert_eq!(shop.count("shared.audit where action = 'delivery.send'").await, 0);
}

#[tokio::test]
async fn what_waits_for_an_endpoint_that_failed_too_often_says_so_and_until_when() {
    let shop = shop(Mode::Token).await;
    let endpoint = made(&shop).await["id"].as_str().expect("an id").to_owned();
    let delivery = waiting(&shop, &endpoint, 1, Utc::now() + TimeDelta::hours(5)).await;
    let path = format!("/api/outbound/deliveries/{delivery}");
    let mut admin = shop.admin().await;
    let open_for = async |seconds: i32, admin: &mut PgConnection| {
        sqlx::query(
            "update outbound.webhook_delivery set circuit_until = now() + make_interval(secs => $2) where id = $1",
        )
        .bind(delivery)
        .bind(f64::from(seconds))
        .execute(admin)
        .await
        .expect("put off");
    };
    open_for(600, &mut admin).await;
    let sent = shop.post(&format!("{path}/send"), "").await;
    assert_eq!((sent.status, sent.field("waits_for")), (StatusCode::ACCEPTED, "circuit"), "{}", sent.text);
    assert_eq!(sent.json["brought_forward"], json!(true));
    let shown = shop.get(&path).await;
    assert_eq!(shown.field("circuit_until"), sent.field("next_at"), "it is tried when that is over");
    // Asked again, there is nothing to be brought forward.
    let again = shop.post(&format!("{path}/send"), "").await;
    assert_eq!((&again.json["brought_forward"], again.field("waits_for")), (&json!(false), "circuit"));
    // What is over holds nothing up.
    open_for(-1, &mut admin).await;
    let sent = shop.post(&format!("{path}/send"), "").await;
    assert_eq!(
        (&sent.json["brought_forward"], &sent.json["waits_for"]),
        (&json!(true), &serde_json::Value::Null)
    );
    let (due_at, attempts) = due(&mut admin, delivery).await;
    assert!(due_at <= Utc::now() && attempts == 3, "{due_at}, {attempts} attempts");
}

#[tokio::test]
async fn what_was_handed_out_at_once_is_listed_in_the_order_in_which_it_happened() {
    let shop = shop(Mode::Token).await;
    let endpoint = made(&shop).await["id"].as_str().expect("an id").to_owned();
    let mut made = Vec::new();
    for seq in 1..=6 {
        made.push(waiting(&shop, &endpoint, seq, Utc::now() + TimeDelta::hours(5)).await.to_string());
    }
    sqlx::query("update outbound.webhook_delivery set created_at = '2026-06-01T10:00:00Z'")
        .execute(&mut shop.admin().await)
        .await
        .expect("of one moment");
    made.reverse();
    let (mut listed, mut path) = (Vec::new(), "/api/outbound/deliveries?limit=2".to_owned());
    for _ in 0..3 {
        let page = shop.get(&path).await;
        let items = page.json["items"].as_array().expect("a page").clone();
        listed.extend(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)));
        path = format!("/api/outbound/deliveries?limit=2&cursor={}", page.field("next_cursor"));
    }
    assert_eq!(listed, made, "the newest first, over pages too");
}

#[tokio::test]
async fn only_the_first_of_an_endpoint_in_order_is_sent_and_nothing_of_one_that_rests() {
    let shop = shop(Mode::Token).await;
    let body = r#"{"url": "https://hooks.example.com/o", "events": ["ticket.*"], "ordered": true}"#;
    let endpoint = shop.post("/api/outbound/endpoints", body).await.field("id").to_owned();
    let later = Utc::now() + TimeDelta::hours(5);
    let first = waiting(&shop, &endpoint, 1, later).await;
    let second = waiting(&shop, &endpoint, 2, later).await;
    let send =
        async |delivery: Uuid| shop.post(&format!("/api/outbound/deliveries/{delivery}/send"), "").await;
    let refused = send(second).await;
    assert_eq!(
        (refused.status, refused.field("first")),
        (StatusCode::CONFLICT, first.to_string().as_str()),
        "{}",
        refused.text
    );
    let mut admin = shop.admin().await;
    assert!(due(&mut admin, second).await.0 > Utc::now() && due(&mut admin, first).await.0 > Utc::now());

    shop.post(&format!("/api/outbound/endpoints/{endpoint}/pause"), "").await;
    let rests = send(first).await;
    assert_eq!(rests.status, StatusCode::CONFLICT);
    assert!(rests.text.contains("resumed"), "{}", rests.text);
    shop.post(&format!("/api/outbound/endpoints/{endpoint}/resume"), "").await;
    assert_eq!(send(first).await.status, StatusCode::ACCEPTED);
    assert!(due(&mut admin, first).await.0 <= Utc::now());

    sqlx::query("update outbound.webhook_delivery set state = 'delivered', ended_at = now() where id = $1")
        .bind(first)
        .execute(&mut admin)
        .await
        .expect("over");
    let over = send(first).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    assert!(over.text.contains("/replay"), "{}", over.text);
    assert_eq!(send(Uuid::nil()).await.status, StatusCode::NOT_FOUND);
}
