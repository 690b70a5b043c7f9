//! Webhooks on a real database: what is taken in, what is refused, what is repeated and what is replayed.

use crate::shop::{SECRET, open, redis_url, request, shop, shop_with};
use accounts::verify::{Mode, sign};
use axum::body::Body;
use axum::http::StatusCode;
use uuid::Uuid;

const QUESTION: &str = r#"{"ticket":{"id":4711,"subject":"Where is it?","channel":"email","status":"open"},
    "message":{"id":815,"from_agent":false,"body_text":"It has been a week."}}"#;

#[tokio::test]
async fn all_four_shapes_are_taken_in() {
    let shop = shop(Mode::Token).await;
    let shapes = [
        r#"{"id":1,"channel":"email","subject":"Hello","messages":[{"id":10,"from_agent":false,"body_text":"?"}]}"#,
        r#"{"ticket":{"id":2,"channel":"chat"},"message":{"id":20,"from_agent":false,"body_text":"?"}}"#,
        r#"{"id":"e3","type":"ticket-created","object_id":3,"object_type":"Ticket",
            "created_datetime":"2026-11-20T10:00:00Z","data":{"ticket":{"id":3,"channel":"sms"}}}"#,
        r#"{"event":{"type":"ticket-message-created"},"ticket":{"id":4,"channel":"email"},"message":{"id":40}}"#,
    ];
    for body in shapes {
        let answer = shop.deliver(body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{body}: {}", answer.text);
        assert_eq!(answer.field("decision"), "queued");
        let job = shop.get(&format!("/api/jobs/{}", answer.field("job_id"))).await;
        assert_eq!(job.status, StatusCode::OK, "{}", job.text);
        assert_eq!((job.field("kind"), job.field("state")), ("draft_reply", "ready"));
    }
    assert_eq!(shop.count("support_app.ticket").await, 4);
    assert_eq!(shop.count("support_app.inbox").await, 4);
}

#[tokio::test]
async fn a_repeated_delivery_gets_the_same_answer_and_makes_nothing_new() {
    let shop = shop(Mode::Token).await;
    let first = shop.deliver(QUESTION).await;
    let again = shop.deliver(QUESTION).await;
    assert_eq!((first.status, again.status), (StatusCode::ACCEPTED, StatusCode::OK));
    assert_eq!(first.json, again.json);
    let (left, right) = tokio::join!(
        shop.deliver(r#"{"ticket":{"id":5},"message":{"id":50}}"#),
        shop.deliver(r#"{"ticket":{"id":5},"message":{"id":50}}"#)
    );
    assert_eq!(left.json, right.json);
    assert_eq!(shop.count("support_app.inbox").await, 2);
    assert_eq!(shop.count("jobs.live where kind = 'draft_reply'").await, 2);
    // A second message may come while the first draft is being written, so it asks for one of its own;
    // whichever runs first answers both, and the other finds that there is nothing left to do.
    let more = shop
        .deliver(r#"{"ticket":{"id":4711,"channel":"email"},"message":{"id":816,"body_text":"Hello?"}}"#)
        .await;
    assert_eq!(more.status, StatusCode::ACCEPTED);
    assert_ne!(more.field("job_id"), first.field("job_id"));
    assert_eq!(shop.count("jobs.live where kind = 'draft_reply'").await, 3);
}

#[tokio::test]
async fn a_wrong_or_missing_proof_stores_nothing_but_a_counter() {
    let shop = shop(Mode::Hmac).await;
    assert_eq!(shop.deliver_signed(QUESTION, SECRET).await.status, StatusCode::ACCEPTED);
    let before = shop.count("support_app.inbox").await;
    let other = r#"{"ticket":{"id":9},"message":{"id":90}}"#;
    let wrong = shop.deliver_signed(other, "another secret of anybody").await;
    let token_instead = shop.deliver(other).await;
    let unsigned = request("POST", "/api/gorgias/webhook").header("x-webhook-tenant", "shop");
    let unsigned = shop.send(unsigned.body(Body::from(other)).expect("a request")).await;
    let stranger = request("POST", "/api/gorgias/webhook")
        .header("x-webhook-tenant", "nobody")
        .header("x-gorgias-signature", sign(SECRET, other.as_bytes()));
    let stranger = shop.send(stranger.body(Body::from(other)).expect("a request")).await;
    for answer in [&wrong, &token_instead, &unsigned, &stranger] {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
        // Nothing tells which of the reasons it was.
        assert_eq!(answer.json["detail"], wrong.json["detail"]);
    }
    assert_eq!(shop.count("support_app.inbox").await, before);
    assert_eq!(shop.count("support_app.ticket").await, 1);
    let metrics = shop.get("/metrics").await.text;
    let counted = r#"deskwork_webhooks_total{provider="gorgias",outcome="unauthenticated"} 4"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_key_names_the_tenant_and_the_secret_is_still_needed() {
    let shop = shop(Mode::Token).await;
    let with_key = |token: Option<&'static str>| {
        let request = request("POST", "/api/gorgias/webhook").header("x-api-key", &shop.key);
        let request =
            token.into_iter().fold(request, |request, token| request.header("x-webhook-token", token));
        shop.send(request.body(Body::from(QUESTION)).expect("a request"))
    };
    assert_eq!(with_key(None).await.status, StatusCode::UNAUTHORIZED);
    let taken = with_key(Some(SECRET)).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    assert!(taken.headers.contains_key("ratelimit-remaining"));
    // The other tenant sees neither the delivery nor the job.
    let (_, other) = open(&shop.state, "other", Mode::Token).await;
    let path = format!("/api/webhooks/deliveries/{}", taken.field("delivery_id"));
    let seen =
        shop.send(request("GET", &path).header("x-api-key", &other).body(Body::empty()).expect("a request"));
    assert_eq!(seen.await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn skip_rules_hold_and_a_forced_draft_outranks_a_forbidding_tag() {
    let shop = shop(Mode::Token).await;
    let note =
        r#"{"ticket":{"id":7},"message":{"id":70,"from_agent":true,"channel":"internal-note","via":"api"}}"#;
    let skipped = shop.deliver(note).await;
    assert_eq!(skipped.status, StatusCode::ACCEPTED);
    assert_eq!((skipped.field("decision"), skipped.field("skip_reason")), ("skipped", "internal_note"));
    assert!(skipped.json.get("job_id").is_none());
    let ignored = shop.deliver(r#"{"id":8,"tags":["no-ai"]}"#).await;
    assert_eq!(ignored.field("skip_reason"), "tagged_human_only");
    let forced = shop.deliver(r#"{"id":8,"tags":["no-ai","ai_force"]}"#).await;
    assert_eq!(forced.field("decision"), "queued");
    assert_eq!(shop.count("jobs.live where kind = 'draft_reply'").await, 1);
}

#[tokio::test]
async fn bad_bodies_are_refused_with_what_is_wrong() {
    let shop = shop(Mode::Token).await;
    for (body, status, field) in [
        ("{\"ticket\": {\n", 400, "body"),
        ("[]", 400, "(body)"),
        (r#"{"message":{"id":1}}"#, 400, "ticket"),
        (r#"{"ticket":{"subject":"x"}}"#, 400, "ticket.id"),
        (r#"{"ticket":{"id":1},"message":{"id":2,"body_text":true}}"#, 400, "message.body_text"),
    ] {
        let answer = shop.deliver(body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        assert_eq!(answer.field("field"), field, "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let large = format!(r#"{{"id":1,"subject":"{}"}}"#, "x".repeat(8 << 20));
    assert_eq!(shop.deliver(&large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(shop.count("support_app.inbox").await, 0);
    // JSON may have NUL characters, Postgres may not.
    let nul = shop.deliver("{\"id\":1,\"subject\":\"a\\u0000b\",\"custom\\u0000\":[\"\\u0000\"]}").await;
    assert_eq!(nul.status, StatusCode::ACCEPTED, "{}", nul.text);
}

#[tokio::test]
async fn a_webhook_is_taken_while_redis_is_gone_and_refused_with_a_time_while_postgres_is() {
    let many = std::num::NonZeroU32::new(1_000).expect("not zero");
    let rates = api::web::limits::Rates {
        general_per_minute: many,
        webhooks_per_minute: many,
        ai_per_minute: many,
        segments_per_minute: many,
    };
    let shop = shop_with(Mode::Token, rates, "redis://127.0.0.1:9").await;
    assert_eq!(shop.deliver(QUESTION).await.status, StatusCode::ACCEPTED);
    assert_eq!(shop.count("jobs.live where kind = 'draft_reply'").await, 1);
    let request = request("POST", "/api/gorgias/webhook")
        .header("x-webhook-tenant", "shop")
        .header("x-webhook-token", SECRET)
        .body(Body::from(QUESTION))
        .expect("a request");
    let refused = shop.send_without_database(request).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(!redis_url().is_empty());
}

#[tokio::test]
async fn deliveries_are_listed_shown_and_replayed() {
    let shop = shop(Mode::Token).await;
    let mut ids = Vec::new();
    for number in 1..=5 {
        let tags = if number % 2 == 0 { r#","tags":["no-ai"]"# } else { "" };
        let answer = shop.deliver(&format!(r#"{{"id":{number},"channel":"email"{tags}}}"#)).await;
        ids.push(answer.field("delivery_id").to_owned());
    }
    let mut seen = Vec::new();
    let mut path = "/api/webhooks/deliveries?limit=2&provider=gorgias".to_owned();
    loop {
        let page = shop.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        for item in page.json["items"].as_array().expect("items") {
            assert!(item.get("body").is_none());
            seen.push(item["id"].as_str().expect("an id").to_owned());
        }
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("/api/webhooks/deliveries?limit=2&provider=gorgias&cursor={cursor}");
    }
    seen.reverse();
    assert_eq!(seen, ids);
    let skipped = shop.get("/api/webhooks/deliveries?decision=skipped").await;
    assert_eq!(skipped.json["items"].as_array().map(Vec::len), Some(2));
    for (query, count) in
        [("from=2020-01-01T00:00:00Z", 5), ("to=2020-01-01T00:00:00Z", 0), ("from=2100-01-01T00:00:00Z", 0)]
    {
        let page = shop.get(&format!("/api/webhooks/deliveries?{query}")).await;
        assert_eq!(page.json["items"].as_array().map(Vec::len), Some(count), "{query}");
    }
    for (query, field) in [
        ("cursor=abc", "cursor"),
        ("decision=maybe", "decision"),
        ("provider=x", "provider"),
        ("from=x", "from"),
        ("colour=red", "colour"),
    ] {
        let answer = shop.get(&format!("/api/webhooks/deliveries?{query}")).await;
        assert_eq!(
            (answer.status, answer.field("field")),
            (StatusCode::BAD_REQUEST, field),
            "{}",
            answer.text
        );
    }

    let shown = shop.get(&format!("/api/webhooks/deliveries/{}", ids[0])).await;
    assert_eq!(shown.json["body"], serde_json::json!({ "id": 1, "channel": "email" }));
    let job: Uuid = shown.field("job_id").parse().expect("a job");
    shop.end_job(job).await;
    let replayed = shop.post(&format!("/api/webhooks/deliveries/{}/replay", ids[0]), "").await;
    assert_eq!(replayed.status, StatusCode::ACCEPTED, "{}", replayed.text);
    assert_ne!(replayed.field("job_id"), job.to_string());
    assert_eq!(replayed.field("ticket_id"), shown.field("ticket_id"));
    let copy = shop.get(&format!("/api/webhooks/deliveries/{}", replayed.field("delivery_id"))).await;
    assert_eq!(copy.field("replay_of"), ids[0]);
    assert_eq!(shop.count("shared.audit where action = 'delivery.replay'").await, 1);
    let unknown = shop.post(&format!("/api/webhooks/deliveries/{}/replay", Uuid::now_v7()), "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
