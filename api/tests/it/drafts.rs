//! A ticket's draft as an agent's program asks for it: being written, fresh, stale, asked for anew.

use crate::shop::{Shop, request, shop};
use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;
use support::drafts::{self, NewDraft};
use uuid::Uuid;

async fn write_draft(shop: &Shop, reference: &str, job: Uuid) {
    let mut tx = shop.tx().await;
    let ticket =
        support::tickets::find(&mut tx, "gorgias", reference).await.expect("found").expect("a ticket");
    let draft = NewDraft {
        ticket: ticket.id,
        message_count: ticket.message_count,
        job,
        tone: "friendly",
        length: "short",
        style: "email",
        reply: "It is on its way.",
        recommendation: None,
        drafter: "template",
        model: None,
        usage: None,
    };
    drafts::store(&mut tx, shop.tenant, &draft).await.expect("stored");
    tx.commit().await.expect("committed");
    shop.end_job(job).await;
}

#[tokio::test]
async fn a_draft_is_written_once_answered_while_fresh_and_written_anew_after_a_message() {
    let shop = shop(Mode::Token).await;
    let delivered =
        shop.deliver(r#"{"ticket":{"id":1,"channel":"email"},"message":{"id":10,"body_text":"?"}}"#).await;
    let by_ours = format!("/api/ai/tickets/{}/draft", delivered.field("ticket_id"));
    let waiting = shop.get("/api/ai/tickets/1/draft").await;
    assert_eq!(waiting.status, StatusCode::ACCEPTED, "{}", waiting.text);
    // The webhook asked for it already.
    assert_eq!(waiting.field("job_id"), delivered.field("job_id"));
    assert_eq!(waiting.field("state"), "ready");
    assert_eq!(waiting.headers["location"], format!("/api/jobs/{}", delivered.field("job_id")));
    assert_eq!(shop.get(&by_ours).await.field("job_id"), delivered.field("job_id"));

    write_draft(&shop, "1", delivered.field("job_id").parse().expect("a job")).await;
    let fresh = shop.get(&by_ours).await;
    assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.text);
    assert_eq!((fresh.field("reply"), fresh.field("drafter")), ("It is on its way.", "template"));
    let known = request("GET", &by_ours)
        .header("x-api-key", &shop.key)
        .header("if-none-match", &fresh.headers["etag"]);
    let known = shop.send(known.body(Body::empty()).expect("a request")).await;
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));

    let more = shop
        .deliver(r#"{"ticket":{"id":1,"channel":"email"},"message":{"id":11,"body_text":"Hello?"}}"#)
        .await;
    let stale = shop.get(&by_ours).await;
    assert_eq!(stale.status, StatusCode::ACCEPTED);
    assert_eq!(stale.field("job_id"), more.field("job_id"));
    assert_ne!(stale.field("job_id"), delivered.field("job_id"));
    assert_eq!(stale.json["stale_draft"]["reply"], "It is on its way.");
    assert_eq!(stale.json["stale_draft"]["stale"], true);
}

#[tokio::test]
async fn none_is_asked_for_where_none_is_wanted_and_the_answer_says_why() {
    let shop = shop(Mode::Token).await;
    let later = "2026-11-20T11:00:00Z";
    for (id, ticket, message, why) in [
        (1, json!({"status": "closed"}), None, "the ticket is closed"),
        (2, json!({"tags": ["No-AI"]}), None, "a tag reserves the ticket for people"),
        (3, json!({"spam": true}), None, "the ticket is spam"),
        (4, json!({"trashed_datetime": later}), None, "the ticket was deleted"),
        (
            5,
            json!({}),
            Some(json!({"id": 51, "from_agent": true, "body_text": "On its way."})),
            "an agent has spoken last",
        ),
    ] {
        let first = json!({
            "ticket": {"id": id, "channel": "email", "updated_datetime": "2026-11-20T10:00:00Z"},
            "message": {"id": 50, "from_agent": false, "body_text": "Where is it?", "created_datetime": "2026-11-20T10:00:00Z"},
        });
        let path = format!("/api/ai/tickets/{id}/draft");
        assert_eq!(shop.deliver(&first.to_string()).await.field("decision"), "queued", "{why}");
        assert_eq!(shop.get(&path).await.status, StatusCode::ACCEPTED, "{why}");
        let mut news = json!({"ticket": {"id": id, "channel": "email", "updated_datetime": later}});
        for (name, value) in ticket.as_object().expect("an object") {
            news["ticket"][name] = value.clone();
        }
        if let Some(mut message) = message {
            message["created_datetime"] = json!(later);
            news["message"] = message;
        }
        assert_eq!(shop.deliver(&news.to_string()).await.field("decision"), "skipped", "{why}");
        let refused = shop.get(&path).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{why}: {}", refused.text);
        assert!(refused.field("detail").ends_with(why), "{}", refused.text);
        // Whoever asks by hand has seen the ticket.
        assert_eq!(shop.post(&path, "{}").await.status, StatusCode::ACCEPTED, "{why}");
    }
    // What was spam by mistake is answered once its customer writes again.
    let again = json!({
        "ticket": {"id": 3, "channel": "email", "spam": false, "updated_datetime": "2026-11-20T12:00:00Z"},
        "message": {"id": 52, "from_agent": false, "body_text": "Hello?", "created_datetime": "2026-11-20T12:00:00Z"},
    });
    assert_eq!(shop.deliver(&again.to_string()).await.field("decision"), "queued");
    assert_eq!(shop.get("/api/ai/tickets/3/draft").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_ticket_of_ours_without_a_word_of_its_customer_gets_no_draft() {
    let shop = shop(Mode::Token).await;
    let made = shop.post("/api/tickets", r#"{"subject": "Lamp", "channel": "email"}"#).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/ai/tickets/{}/draft", made.field("id"));
    for refused in [shop.get(&path).await, shop.post(&path, "{}").await] {
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
        assert!(refused.field("detail").contains("no word of the customer"), "{}", refused.text);
    }
}

#[tokio::test]
async fn a_new_draft_may_be_asked_for_in_a_tone_and_length() {
    let shop = shop(Mode::Token).await;
    shop.deliver(r#"{"ticket":{"id":1,"channel":"email"},"message":{"id":10,"body_text":"?"}}"#).await;
    let path = "/api/ai/tickets/1/draft";
    let asked = shop.post(path, r#"{"tone":"apologetic","length":"short"}"#).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let payload = shop.payload(asked.field("job_id")).await;
    assert_eq!((payload["tone"].as_str(), payload["again"].as_bool()), (Some("apologetic"), Some(true)));
    let same = shop.post(path, r#"{"tone":"apologetic","length":"short"}"#).await;
    assert_eq!(same.field("job_id"), asked.field("job_id"));
    let other = shop.post(path, r#"{"tone":"friendly"}"#).await;
    assert_ne!(other.field("job_id"), asked.field("job_id"));
    for (body, field) in [
        (r#"{"tone":"rude"}"#, "tone"),
        (r#"{"length":"huge"}"#, "length"),
        (r#"{"colour":"red"}"#, "colour"),
    ] {
        let refused = shop.post(path, body).await;
        assert_eq!(
            (refused.status, refused.field("field")),
            (StatusCode::BAD_REQUEST, field),
            "{}",
            refused.text
        );
    }
    assert_eq!(shop.post("/api/ai/tickets/2/draft", "{}").await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.get("/api/ai/tickets/2/draft").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_idempotency_key_brings_the_same_answer_back() {
    let shop = shop(Mode::Token).await;
    shop.deliver(r#"{"id":1,"channel":"email"}"#).await;
    let ask = |body: &'static str| {
        let request = request("POST", "/api/ai/tickets/1/draft").header("x-api-key", &shop.key);
        shop.send(request.header("idempotency-key", "k1").body(Body::from(body)).expect("a request"))
    };
    let first = ask(r#"{"tone":"friendly"}"#).await;
    shop.end_job(first.field("job_id").parse().expect("a job")).await;
    let again = ask(r#"{"tone":"friendly"}"#).await;
    assert_eq!((again.status, &again.json), (first.status, &first.json));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(ask(r#"{"tone":"professional"}"#).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
