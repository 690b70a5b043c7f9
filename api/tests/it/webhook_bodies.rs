//! Bodies as help desks really send them: cut emojis, times in any dress, packed, with pictures, with fields of types
//! that nobody expected. None of that costs a customer their answer.

use std::io::Write;

use accounts::verify::{Mode, sign};
use axum::body::Body;
use axum::http::StatusCode;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::Value;

use crate::shop::{Answer, SECRET, Shop, request, shop};

/// The delivery as the tenant sees it.
async fn shown(shop: &Shop, answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    shop.get(&format!("/api/webhooks/deliveries/{}", answer.field("delivery_id"))).await.json
}

/// The places of its remarks.
fn remarked(delivery: &Value) -> Vec<&str> {
    let remarks = delivery["remarks"].as_array().expect("remarks");
    remarks.iter().map(|remark| remark["field"].as_str().expect("a field")).collect()
}

async fn text_of_message(shop: &Shop, ticket: &str) -> String {
    let mut admin = shop.admin().await;
    sqlx::query_scalar(
        "select m.body_text from support_app.message m join support_app.ticket t on t.id = m.ticket_id
         where t.external_id = $1 order by m.sent_at desc, m.id desc limit 1",
    )
    .bind(ticket)
    .fetch_one(&mut admin)
    .await
    .expect("a message")
}

async fn status_of(shop: &Shop, ticket: &str) -> String {
    let mut admin = shop.admin().await;
    let status =
        sqlx::query_scalar("select status from support_app.ticket where external_id = $1").bind(ticket);
    status.fetch_one(&mut admin).await.expect("a ticket")
}

#[tokio::test]
async fn a_ticket_is_opened_by_the_help_desks_id_too() {
    let shop = shop(Mode::Hmac).await;
    let body = r#"{"ticket":{"id":5001},"message":{"id":1,"body_text":"Where is it?"}}"#;
    let answer = shop.deliver_signed(body, SECRET).await;
    let opened = shop.get("/api/tickets/5001").await;
    assert_eq!(
        (opened.status, &opened.json["id"]),
        (StatusCode::OK, &answer.json["ticket_id"]),
        "{}",
        opened.text
    );
    let unknown = shop.get("/api/tickets/5002").await;
    assert_eq!((unknown.status, unknown.field("field")), (StatusCode::BAD_REQUEST, "id"), "{}", unknown.text);
}

#[tokio::test]
async fn half_an_emoji_costs_half_a_character() {
    let shop = shop(Mode::Hmac).await;
    for (body, place) in [
        (
            r#"{"ticket":{"id":90018,"channel":"chat"},"message":{"id":1,"from_agent":false,"body_text":"It broke \ud83d"}}"#,
            "message.body_text",
        ),
        (
            r#"{"ticket":{"id":90019,"custom_fields":[{"v":"\ude00"}]},"message":{"id":1,"from_agent":false,"body_text":"x"}}"#,
            "ticket.custom_fields[0].v",
        ),
        (
            r#"{"ticket":{"id":90020,"n\ud83d":1},"message":{"id":1,"from_agent":false,"body_text":"x"}}"#,
            "ticket",
        ),
    ] {
        let answer = shop.deliver_signed(body, SECRET).await;
        let delivery = shown(&shop, &answer).await;
        assert_eq!(remarked(&delivery), [place], "{body}");
        assert_eq!(answer.field("decision"), "queued");
    }
    assert_eq!(text_of_message(&shop, "90018").await, "It broke \u{FFFD}");
}

#[tokio::test]
async fn fields_of_an_odd_type_are_left_out_and_told() {
    let shop = shop(Mode::Token).await;
    let body = r#"{"ticket":{"id":7,"subject":4711,"tags":[5],"customer":{"id":false},"messages":"","messages_count":-1,
        "created_datetime":{}},"message":{"id":1,"from_agent":false,"body_text":"Hello?","sent_datetime":false}}"#;
    let delivery = shown(&shop, &shop.deliver(body).await).await;
    let places = remarked(&delivery);
    for place in [
        "ticket.subject",
        "ticket.tags[0]",
        "ticket.customer.id",
        "ticket.messages_count",
        "message.sent_datetime",
    ] {
        assert!(places.contains(&place), "{place} in {places:?}");
    }
    assert!(!places.contains(&"ticket.messages"), "an empty text is how templates render nothing");
    assert_eq!(delivery["body"]["ticket"]["customer"]["id"], false, "kept as it came");
    assert_eq!(text_of_message(&shop, "7").await, "Hello?");
    // Who asks for what was not understood finds it.
    shop.deliver(r#"{"id":8,"channel":"email"}"#).await;
    for (query, count) in [("has_remarks=true", 1), ("has_remarks=false", 1)] {
        let page = shop.get(&format!("/api/webhooks/deliveries?{query}")).await;
        assert_eq!(page.json["items"].as_array().map(Vec::len), Some(count), "{query}: {}", page.text);
    }
    let metrics = shop.get("/metrics").await.text;
    assert!(
        metrics.contains(r#"deskwork_webhook_remarks_total{provider="gorgias",at="customer"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_later_event_about_a_message_is_news() {
    let shop = shop(Mode::Token).await;
    let created = r#"{"event":{"type":"ticket-message-created"},"ticket":{"id":90020,"status":"open"},
        "message":{"id":77,"from_agent":false,"body_text":"Hello?"}}"#;
    let closed = r#"{"event":{"type":"ticket-updated"},"ticket":{"id":90020,"status":"closed",
        "updated_datetime":"2026-11-28T10:00:00"},"message":{"id":77,"from_agent":false,"body_text":"Hello?"}}"#;
    assert_eq!(shop.deliver(created).await.status, StatusCode::ACCEPTED);
    assert_eq!(shop.deliver(closed).await.status, StatusCode::ACCEPTED);
    assert_eq!(status_of(&shop, "90020").await, "closed");
    let (open, closed) = (r#"{"id":90021,"status":"open"}"#, r#"{"id":90021,"status":"closed"}"#);
    for (body, status) in [(open, 202), (open, 200), (closed, 202), (open, 202), (open, 200)] {
        assert_eq!(shop.deliver(body).await.status.as_u16(), status, "{body}");
    }
    assert_eq!(status_of(&shop, "90021").await, "open");
}

#[tokio::test]
async fn what_came_under_a_constant_id_of_events_is_not_lost() {
    let shop = shop(Mode::Token).await;
    for event in ["90022", "\"updated\""] {
        for (message, text, status) in [(1, "One", 202), (2, "Two", 202), (2, "Two", 200)] {
            let body = format!(
                r#"{{"id":{event},"type":"ticket-updated","data":{{"ticket":{{"id":90022,"messages":[
                    {{"id":{message},"from_agent":false,"body_text":"{text} of {message}"}}]}}}}}}"#
            );
            let answer = shop.deliver(&body).await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        }
        assert_eq!(text_of_message(&shop, "90022").await, "Two of 2");
    }
    assert_eq!(shop.count("support_app.message").await, 2);
}

#[tokio::test]
async fn one_message_id_in_two_tickets_is_two_messages() {
    let shop = shop(Mode::Token).await;
    for ticket in [1, 2] {
        let body = format!(
            r#"{{"ticket":{{"id":{ticket}}},"message":{{"id":77,"body_text":"Of ticket {ticket}"}}}}"#
        );
        assert_eq!(shop.deliver(&body).await.status, StatusCode::ACCEPTED);
        assert_eq!(text_of_message(&shop, &ticket.to_string()).await, format!("Of ticket {ticket}"));
    }
    assert_eq!(shop.count("jobs.live where kind = 'draft_reply'").await, 2);
}

#[tokio::test]
async fn numbers_at_the_edge_stay_what_they_are() {
    let shop = shop(Mode::Token).await;
    for id in ["9007199254740992", "9007199254740993", "12345678901234567890123"] {
        let body = format!(
            r#"{{"ticket":{{"id":{id},"channel":"email"}},"message":{{"id":{id},"body_text":"x"}}}}"#
        );
        let answer = shop.deliver(&body).await;
        let delivery = shop.get(&format!("/api/webhooks/deliveries/{}", answer.field("delivery_id"))).await;
        let written: String = delivery.text.split_whitespace().collect();
        assert!(written.contains(&format!(r#""id":{id}"#)), "{written}");
        assert_eq!(text_of_message(&shop, id).await, "x");
    }
    assert_eq!(shop.count("support_app.ticket").await, 3);
    let whole = shop.deliver(r#"{"ticket":{"id":4711.0},"message":{"id":815.0,"body_text":"x"}}"#).await;
    let text = shop.deliver(r#"{"ticket":{"id":"4711.0"},"message":{"id":"816.0","body_text":"y"}}"#).await;
    let plain = shop.deliver(r#"{"ticket":{"id":4711},"message":{"id":817,"body_text":"z"}}"#).await;
    assert_eq!(whole.field("ticket_id"), plain.field("ticket_id"));
    assert_eq!(text.field("ticket_id"), plain.field("ticket_id"));
    let deep = format!(r#"{{"ticket":{{"id":5,"custom":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    for body in [
        r#"{"ticket":{"id":5,"meta":{"weight":1e400}}}"#,
        r#"{"ticket":{"id":5,"meta":{"weight":1e400000,"other":-1e-400000}}}"#,
        r#"{"ticket":{"id":1,"id":2}}"#,
        &deep,
    ] {
        let answer = shop.deliver(body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{body}: {}", answer.text);
        shown(&shop, &answer).await;
    }
}

#[tokio::test]
async fn pictures_are_cut_out_and_words_stay() {
    let shop = shop(Mode::Hmac).await;
    for (ticket, megabytes) in [(1, 1.2), (2, 5.0)] {
        let picture = "iVBORw0KGgoAAAANSUhEUgAA".repeat((megabytes * 1_000_000.0 / 24.0) as usize);
        let body = format!(
            r#"{{"ticket":{{"id":{ticket}}},"message":{{"id":1,"from_agent":false,"body_text":"It arrived broken.",
            "body_html":"<p>It arrived broken.</p><img src=\"data:image/png;base64,{picture}\">"}}}}"#
        );
        let delivery = shown(&shop, &shop.deliver_signed(&body, SECRET).await).await;
        assert_eq!(remarked(&delivery), ["(body)"]);
        assert!(delivery.to_string().len() < 3_000);
        assert_eq!(text_of_message(&shop, &ticket.to_string()).await, "It arrived broken.");
    }
    let messages: Vec<String> = (0..30)
        .map(|id| format!(r#"{{"id":{id},"from_agent":false,"body_text":"{}"}}"#, "word ".repeat(12_000)))
        .collect();
    let body = format!(r#"{{"ticket":{{"id":3,"messages":[{}]}}}}"#, messages.join(","));
    let answer = shop.deliver_signed(&body, SECRET).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert_eq!(shop.count("support_app.message").await, 32);
    assert_eq!(text_of_message(&shop, "3").await.chars().count(), 50_000);
}

#[tokio::test]
async fn packed_bodies_are_unpacked_and_both_signatures_count() {
    let shop = shop(Mode::Hmac).await;
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("packed")
    };
    let send = |encoding: &'static str, packed: Vec<u8>, signed: String| {
        let request = request("POST", "/api/gorgias/webhook")
            .header("x-webhook-tenant", "shop")
            .header("content-encoding", encoding)
            .header("x-gorgias-signature", signed);
        shop.send(request.body(Body::from(packed)).expect("a request"))
    };
    let body = |ticket: u8| {
        format!(r#"{{"ticket":{{"id":{ticket}}},"message":{{"id":1,"body_text":"Where is it?"}}}}"#)
    };
    let plain = body(1);
    let over_plain = send("gzip", gzip(plain.as_bytes()), sign(SECRET, plain.as_bytes())).await;
    assert_eq!(over_plain.status, StatusCode::ACCEPTED, "{}", over_plain.text);
    let packed = gzip(body(2).as_bytes());
    let over_packed = send("GZIP", packed.clone(), sign(SECRET, &packed)).await;
    assert_eq!(over_packed.status, StatusCode::ACCEPTED, "{}", over_packed.text);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(body(3).as_bytes()).expect("packed");
    let deflated = zlib.finish().expect("packed");
    assert_eq!(send("deflate", deflated.clone(), sign(SECRET, &deflated)).await.status, StatusCode::ACCEPTED);
    assert_eq!(text_of_message(&shop, "3").await, "Where is it?");
    let wrong = send("gzip", packed.clone(), sign("another secret of anybody", &packed)).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let unknown = send("br", packed.clone(), sign(SECRET, &packed)).await;
    assert_eq!((unknown.status.as_u16(), unknown.field("field")), (415, "Content-Encoding"));
    let not_packed = send("gzip", plain.clone().into_bytes(), sign(SECRET, plain.as_bytes())).await;
    assert_eq!((not_packed.status.as_u16(), not_packed.field("field")), (400, "Content-Encoding"));
    // What counts is what comes out.
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 100_000);
    assert_eq!(send("gzip", bomb.clone(), sign(SECRET, &bomb)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn charsets_by_header_and_what_is_plainly_no_json() {
    let shop = shop(Mode::Token).await;
    let send = |content_type: &'static str, body: Vec<u8>| {
        let request = request("POST", "/api/gorgias/webhook")
            .header("x-webhook-tenant", "shop")
            .header("x-webhook-token", SECRET)
            .header("content-type", content_type);
        shop.send(request.body(Body::from(body)).expect("a request"))
    };
    let text =
        |ticket: u8| format!(r#"{{"ticket":{{"id":{ticket}}},"message":{{"id":1,"body_text":"Café"}}}}"#);
    let latin: Vec<u8> = text(1).chars().map(|c| u8::try_from(u32::from(c)).expect("Latin")).collect();
    let utf16: Vec<u8> = text(2).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content_type, body, ticket) in [
        ("application/json; charset=ISO-8859-1", latin, "1"),
        ("application/json; charset=UTF-16LE", utf16, "2"),
        ("application/x-www-form-urlencoded", text(3).into_bytes(), "3"),
    ] {
        let answer = send(content_type, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{content_type}: {}", answer.text);
        assert_eq!(text_of_message(&shop, ticket).await, "Café", "{content_type}");
    }
    for content_type in ["image/png", "multipart/form-data; boundary=x", "application/json; charset=klingon"]
    {
        let answer = send(content_type, text(4).into_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.field("field")), (415, "Content-Type"), "{content_type}");
    }
}

#[tokio::test]
async fn a_stored_body_that_was_mended_can_be_replayed() {
    let shop = shop(Mode::Token).await;
    let body = r#"{"ticket":{"id":9007199254740993,"w":1e4000},"message":{"id":1,"body_text":"cut \ud83d"}}"#;
    let first = shop.deliver(body).await;
    let path = format!("/api/webhooks/deliveries/{}/replay", first.field("delivery_id"));
    let replayed = shop.post(&path, "").await;
    assert_eq!(replayed.status, StatusCode::ACCEPTED, "{}", replayed.text);
    assert_eq!(replayed.field("ticket_id"), first.field("ticket_id"));
}
