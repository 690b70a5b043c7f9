//! Drafts as people work with them, and advice, over HTTP.

use accounts::verify::Mode;
use axum::body::Body;
use axum::http::StatusCode;
use database::ids::TicketId;
use serde_json::json;
use support::drafts::{self, NewDraft};
use uuid::Uuid;

use crate::shop::{Answer, Shop, request, shop};
use crate::ticket;

/// Stores a draft of the ticket as it is.
async fn draft(shop: &Shop, ticket: TicketId, tone: &str, reply: &str) -> Uuid {
    let mut tx = shop.tx().await;
    let known = support::tickets::get(&mut tx, ticket).await.expect("read").expect("there is one");
    let new = NewDraft {
        ticket,
        message_count: known.message_count,
        job: Uuid::now_v7(),
        tone,
        length: "short",
        style: "email",
        reply,
        recommendation: None,
        drafter: "template",
        model: None,
        usage: None,
    };
    let stored = drafts::store(&mut tx, shop.tenant, &new).await.expect("stored");
    tx.commit().await.expect("committed");
    stored.id.0
}

async fn call(shop: &Shop, method: &str, path: &str, version: Option<i64>, body: &str) -> Answer {
    let mut request =
        request(method, path).header("x-api-key", &shop.key).header("content-type", "application/json");
    if let Some(version) = version {
        request = request.header("if-match", format!("\"{version}\""));
    }
    shop.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

#[tokio::test]
async fn a_draft_is_edited_judged_and_sent_once_and_what_was_changed_is_measured() {
    let shop = shop(Mode::Token).await;
    let id = ticket(&shop, 1).await;
    let friendly = draft(&shop, id, "friendly", "It left us on Monday.").await;
    let sorry = draft(&shop, id, "apologetic", "We are sorry, it left us on Monday.").await;
    let base = format!("/api/ai/tickets/{id}/drafts");
    let list = shop.get(&base).await;
    assert_eq!(
        (list.status, list.json["items"].as_array().map(Vec::len)),
        (StatusCode::OK, Some(2)),
        "{}",
        list.text
    );

    let edit = |reply: &str| json!({ "reply": reply }).to_string();
    let path = format!("{base}/{friendly}");
    let edited = call(&shop, "PATCH", &path, Some(1), &edit("It left us on Tuesday.")).await;
    assert_eq!(
        (edited.status, edited.field("drafted_reply")),
        (StatusCode::OK, "It left us on Monday."),
        "{}",
        edited.text
    );
    assert_eq!(edited.headers["etag"], "\"2\"");
    let stale = call(&shop, "PATCH", &path, Some(1), &edit("Other")).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text);
    for bad in [edit(""), edit(&"x".repeat(20_001))] {
        assert_eq!(call(&shop, "PATCH", &path, None, &bad).await.status, StatusCode::BAD_REQUEST);
    }
    // A newer draft does not take its place.
    draft(&shop, id, "friendly", "Newer words.").await;
    assert_eq!(
        shop.get(&format!("/api/ai/tickets/{id}/draft")).await.field("reply"),
        "It left us on Tuesday."
    );

    // Somebody who has not seen the customer's message sends nothing.
    let unseen = call(&shop, "POST", &format!("{path}/send"), None, "{}").await;
    assert_eq!(
        (unseen.status, unseen.field("field")),
        (StatusCode::CONFLICT, "last_seen_message_id"),
        "{}",
        unseen.text
    );
    let last = unseen.json["last_message_id"].as_str().expect("it says which").to_owned();
    let seen = json!({ "last_seen_message_id": last }).to_string();
    let sent = call(&shop, "POST", &format!("{path}/send"), None, &seen).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    let distance = sent.json["edit_distance"].as_f64().expect("measured");
    // Mon became Tues.
    assert!((distance - 4.0 / 22.0).abs() < 1e-4, "{distance}");
    assert_eq!(sent.json["draft"]["sent_message_id"], sent.json["message_id"]);
    let again = call(&shop, "POST", &format!("{path}/send"), None, r#"{"force": true}"#).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);

    // The reply is newer than the other draft.
    let other = format!("{base}/{sorry}");
    let refused = call(&shop, "POST", &format!("{other}/accept"), None, "{}").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    let forced = call(&shop, "POST", &format!("{other}/accept"), None, r#"{"force": true}"#).await;
    assert_eq!(
        (forced.status, forced.json["chosen_at"].is_string()),
        (StatusCode::OK, true),
        "{}",
        forced.text
    );

    let thumb = r#"{"thumb": "down", "reason": "too long"}"#;
    let judged = call(&shop, "PUT", &format!("{path}/feedback"), None, thumb).await;
    assert_eq!((judged.status, &judged.json["thumb"]), (StatusCode::OK, &json!(-1)), "{}", judged.text);
    let nothing = call(&shop, "PUT", &format!("{base}/{}/feedback", Uuid::now_v7()), None, thumb).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);

    let did: Vec<String> = sqlx::query_scalar(
        "select distinct action from shared.audit where subject = $1 and action not like '%.view' order by 1",
    )
    .bind(format!("ticket:{id}"))
    .fetch_all(&mut shop.admin().await)
    .await
    .expect("the trail");
    assert_eq!(did, ["draft.accept", "draft.edit", "draft.judge", "ticket.reply"]);

    let report = shop.get("/api/reports/drafts").await;
    assert_eq!(report.status, StatusCode::OK, "{}", report.text);
    let group =
        report.json["groups"].as_array().expect("groups").iter().find(|group| group["tone"] == "friendly");
    let group = group.expect("the tone");
    assert_eq!(
        (&group["drafts"], &group["sent"], &group["acceptance_rate"], &group["thumbs_down"]),
        (&json!(2), &json!(1), &json!(0.5), &json!(1))
    );
}

#[tokio::test]
async fn variants_and_advice_are_asked_for_once() {
    let shop = shop(Mode::Token).await;
    let id = ticket(&shop, 1).await;
    let base = format!("/api/ai/tickets/{id}/drafts");
    let wish = r#"{"variants": [{"tone": "friendly", "length": "short"}, {"tone": "apologetic"}]}"#;
    let asked = shop.post(&base, wish).await;
    assert_eq!(
        (asked.status, asked.json["jobs"].as_array().map(Vec::len)),
        (StatusCode::ACCEPTED, Some(2)),
        "{}",
        asked.text
    );
    assert_eq!(shop.post(&base, wish).await.json["jobs"], asked.json["jobs"]);
    for bad in [r#"{"variants": []}"#, r#"{"variants": [{"tone": "rude"}]}"#] {
        assert_eq!(shop.post(&base, bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }

    let path = format!("/api/ai/tickets/{id}/recommend");
    let advice = shop.get(&path).await;
    assert_eq!(advice.status, StatusCode::ACCEPTED, "{}", advice.text);
    assert_eq!(shop.get(&path).await.field("job_id"), advice.field("job_id"));
    let by_service = shop.post("/api/ml/recommend/actions", r#"{"ticket_id": "1"}"#).await;
    assert_eq!(by_service.field("job_id"), advice.field("job_id"), "{}", by_service.text);
    assert_eq!(
        shop.post("/api/ml/recommend/actions", r#"{"ticket_id": "nothing"}"#).await.status,
        StatusCode::NOT_FOUND
    );

    let wanted = r#"{"ticket_id": "1", "tone": "empathetic"}"#;
    assert_eq!(shop.post("/api/ml/generate/draft", wanted).await.status, StatusCode::ACCEPTED);
    draft(&shop, id, "empathetic", "We see how that feels.").await;
    let written = shop.post("/api/ml/generate/draft", wanted).await;
    assert_eq!((written.status, written.field("tone")), (StatusCode::OK, "empathetic"), "{}", written.text);
}
