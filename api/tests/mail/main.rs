//! Mail over HTTP: mailboxes and their secrets, the door by key and by token, what came, and what is suspended.

#[allow(dead_code, reason = "this program takes what it needs of it")]
#[path = "../tickets/desk.rs"]
mod desk;
#[allow(dead_code, reason = "this program takes what it needs of it")]
#[path = "../it/shop/mod.rs"]
mod shop;

use accounts::api_keys::Scope;
use accounts::verify::Mode;
use axum::body::Body;
use database::ids::MessageId;
use desk::{call, key, send};
use serde_json::{Value, json};
use shop::{Answer, Shop, request, shop};
use support::mail::outbound;
use support::tickets::delivery;

async fn mailbox(shop: &Shop) -> (String, String) {
    let body = json!({
        "address": "Help@Shop.example", "display_name": "Lamp Shop", "is_default": true,
        "smtp": {"host": "smtp.shop.example", "port": 465, "security": "tls", "username": "help", "password": "hush hush"},
        "dkim": {"domain": "shop.example", "selector": "desk", "private_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
    });
    let made = send(shop, "POST", "/api/mailboxes", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.field("address"), "help@shop.example");
    for secret in ["hush", "AAAAAAAA"] {
        assert!(!made.text.contains(secret), "{}", made.text);
    }
    (made.field("id").to_owned(), made.field("token").to_owned())
}

async fn hand_in(shop: &Shop, query: &str, headers: &[(&str, &str)], raw: &str) -> Answer {
    let mut builder =
        request("POST", &format!("/api/mail/inbound{query}")).header("content-type", "message/rfc822");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    shop.send(builder.body(Body::from(raw.to_owned())).expect("a request")).await
}

fn mail(number: usize) -> String {
    format!("From: ann@x.example\r\nMessage-ID: <m{number}@x>\r\nSubject: Lamp\r\n\r\nHello\r\n")
}

#[tokio::test]
async fn a_mail_comes_in_by_token_or_key_once() {
    let shop = shop(Mode::Token).await;
    let (_, token) = mailbox(&shop).await;
    let by_token = [("x-mailbox-token", token.as_str())];
    let first = hand_in(&shop, "", &by_token, &mail(1)).await;
    assert_eq!((first.status.as_u16(), first.field("state")), (202, "waiting"), "{}", first.text);
    let again = hand_in(
        &shop,
        "?envelope_from=ann@x.example",
        &by_token,
        &format!("Received: from y\r\n{}", mail(1)),
    )
    .await;
    assert_eq!((again.status.as_u16(), again.field("mail_id")), (200, first.field("mail_id")));
    let by_key = [("x-api-key", shop.key.as_str())];
    let second = hand_in(&shop, "?mailbox=help@shop.example", &by_key, &mail(2)).await;
    assert_eq!(second.status, 202, "{}", second.text);

    let listed = send(&shop, "GET", "/api/mail/inbound?state=waiting&limit=1", &Value::Null).await;
    assert_eq!(listed.json["items"][0]["id"], second.json["mail_id"]);
    let next = listed.json["next_cursor"].as_str().expect("another page");
    let rest =
        send(&shop, "GET", &format!("/api/mail/inbound?state=waiting&limit=1&cursor={next}"), &Value::Null)
            .await;
    assert_eq!(rest.json["items"][0]["id"], first.json["mail_id"]);
    let raw =
        send(&shop, "GET", &format!("/api/mail/inbound/{}/raw", first.field("mail_id")), &Value::Null).await;
    assert_eq!((raw.status.as_u16(), raw.text), (200, mail(1)));
    let recovered =
        send(&shop, "POST", &format!("/api/mail/inbound/{}/recover", first.field("mail_id")), &json!({}))
            .await;
    assert_eq!(recovered.status, 409, "{}", recovered.text);
}

#[tokio::test]
async fn a_bounce_comes_with_the_null_reverse_path_however_that_is_written() {
    let shop = shop(Mode::Token).await;
    let (_, token) = mailbox(&shop).await;
    let by_token = [("x-mailbox-token", token.as_str())];
    for (number, query) in
        ["?envelope_from=", "?envelope_from", "?envelope_from=%3C%3E"].into_iter().enumerate()
    {
        let taken = hand_in(&shop, query, &by_token, &mail(number)).await;
        assert_eq!(taken.status, 202, "{query}: {}", taken.text);
    }
    assert_eq!(shop.count("support_app.mail where envelope_from = ''").await, 3);
    let twice = hand_in(&shop, "?envelope_from=&envelope_from=a@x.example", &by_token, &mail(9)).await;
    assert_eq!((twice.status.as_u16(), twice.field("field")), (400, "envelope_from"), "{}", twice.text);
}

#[tokio::test]
async fn what_is_no_mail_or_nobodys_is_refused_with_a_sentence() {
    let shop = shop(Mode::Token).await;
    let (id, token) = mailbox(&shop).await;
    let good = [("x-mailbox-token", token.as_str())];
    let spoilt = format!("{}A", &token[..token.len() - 1]);
    for (headers, query) in [
        (vec![], ""),
        (vec![("x-mailbox-token", "dsm_x")], ""),
        (vec![("x-mailbox-token", spoilt.as_str())], ""),
        (vec![], "?mailbox=help@shop.example"),
    ] {
        let answer = hand_in(&shop, query, &headers, &mail(1)).await;
        assert!(answer.status == 401 || token == spoilt, "{}", answer.text);
    }
    let reader = key(&shop, shop.tenant, &[Scope::TicketsRead]).await;
    let refused = hand_in(&shop, "?mailbox=help@shop.example", &[("x-api-key", &reader)], &mail(1)).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let stranger = hand_in(&shop, "?mailbox=who@shop.example", &[("x-api-key", &shop.key)], &mail(1)).await;
    assert_eq!((stranger.status.as_u16(), stranger.field("field")), (400, "mailbox"));
    let empty = hand_in(&shop, "", &good, " \r\n").await;
    assert_eq!((empty.status.as_u16(), empty.field("field")), (400, "body"), "{}", empty.text);
    let endless = hand_in(&shop, "", &good, &format!("X-A: {}\r\n\r\nx", "a".repeat(199_000))).await;
    assert_eq!(endless.status, 202, "long heads are taken up to a bound: {}", endless.text);
    let long = hand_in(&shop, "", &good, &"x".repeat(200_001)).await;
    assert_eq!(long.status, 413, "{}", long.text);
    let mut other = request("POST", "/api/mail/inbound").header("x-mailbox-token", &token);
    other = other.header("content-type", "application/json");
    let answer = shop.send(other.body(Body::from("{}")).expect("a request")).await;
    assert_eq!(answer.status, 415, "{}", answer.text);

    // A new token ends the old one, and a mailbox that was given up takes nothing.
    let renewed = send(&shop, "POST", &format!("/api/mailboxes/{id}/token"), &json!({})).await;
    assert_eq!(hand_in(&shop, "", &good, &mail(3)).await.status, 401);
    let new = renewed.field("token").to_owned();
    assert_eq!(hand_in(&shop, "", &[("x-mailbox-token", &new)], &mail(3)).await.status, 202);
    assert_eq!(send(&shop, "DELETE", &format!("/api/mailboxes/{id}"), &Value::Null).await.status, 204);
    assert_eq!(hand_in(&shop, "", &[("x-mailbox-token", &new)], &mail(4)).await.status, 401);
    assert_eq!(send(&shop, "GET", &format!("/api/mailboxes/{id}"), &Value::Null).await.status, 404);
}

#[tokio::test]
async fn mailboxes_are_changed_without_their_secrets_and_have_one_owner() {
    let shop = shop(Mode::Token).await;
    let (id, _) = mailbox(&shop).await;
    let path = format!("/api/mailboxes/{id}");
    let seen = send(&shop, "GET", &path, &Value::Null).await;
    let etag = seen.headers["etag"].to_str().expect("text").to_owned();
    let wanted = json!({
        "address": "help@shop.example", "acknowledgement": "We have your mail.", "is_default": true,
        "smtp": {"host": "smtp.shop.example", "port": 587, "security": "starttls", "username": "help"},
    });
    let changed = call(&shop, &shop.key, "PUT", &path, &wanted, &[("if-match", &etag)]).await;
    assert_eq!(
        (changed.status.as_u16(), changed.json["smtp"]["port"].as_i64()),
        (200, Some(587)),
        "{}",
        changed.text
    );
    let stale = call(&shop, &shop.key, "PUT", &path, &wanted, &[("if-match", &etag)]).await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    let twice = send(&shop, "POST", "/api/mailboxes", &json!({"address": "HELP@shop.example"})).await;
    assert_eq!(twice.status, 409, "{}", twice.text);
    let other = json!({"address": "other@shop.example", "is_default": true});
    assert_eq!(send(&shop, "POST", "/api/mailboxes", &other).await.status, 201);
    let listed = send(&shop, "GET", "/api/mailboxes", &Value::Null).await;
    let defaults: Vec<bool> = listed
        .json
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|mailbox| mailbox["is_default"].as_bool())
        .collect();
    assert_eq!(defaults, [false, true], "the default one is one");
    for (body, field) in [
        (json!({"address": "none"}), "address"),
        (
            json!({"address": "a@b.example", "smtp": {"host": "x/y", "port": 25, "security": "tls"}}),
            "smtp.host",
        ),
        (
            json!({"address": "a@b.example", "smtp": {"host": "x", "port": 25, "security": "maybe"}}),
            "smtp.security",
        ),
        (
            json!({"address": "a@b.example", "dkim": {"domain": "x", "selector": "y", "private_key": "z"}}),
            "dkim.private_key",
        ),
        (json!({"address": "a@b.example", "acknowledgement": " "}), "acknowledgement"),
    ] {
        let refused = send(&shop, "POST", "/api/mailboxes", &body).await;
        assert_eq!((refused.status.as_u16(), refused.field("field")), (400, field), "{}", refused.text);
    }
    let neighbour = desk::neighbour(&shop).await;
    for path in ["/api/mailboxes", "/api/mail/unsure"] {
        let seen = call(&shop, &neighbour, "GET", path, &Value::Null, &[]).await;
        assert!(!seen.text.contains("shop.example"), "{}", seen.text);
    }
    let seen = call(&shop, &neighbour, "GET", &path, &Value::Null, &[]).await;
    assert_eq!(seen.status, 404);
}

#[tokio::test]
async fn floods_are_suspended_listed_and_let_in() {
    let shop = shop(Mode::Token).await;
    let (_, token) = mailbox(&shop).await;
    let good = [("x-mailbox-token", token.as_str())];
    let set =
        send(&shop, "PUT", "/api/mail/settings", &json!({"flood_limit": 2, "flood_window_secs": 600})).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let bad =
        send(&shop, "PUT", "/api/mail/settings", &json!({"flood_limit": 0, "flood_window_secs": 600})).await;
    assert_eq!((bad.status.as_u16(), bad.field("field")), (400, "flood_limit"));
    let mut states = Vec::new();
    for number in 0..4 {
        states.push(hand_in(&shop, "", &good, &mail(number)).await.field("state").to_owned());
    }
    assert_eq!(states, ["waiting", "waiting", "suspended", "suspended"]);
    let listed =
        send(&shop, "GET", "/api/mail/inbound?state=suspended&sender=ANN@x.example", &Value::Null).await;
    let items = listed.json["items"].as_array().expect("a list").clone();
    assert_eq!(items.len(), 2);
    assert!(items[0]["reason"].as_str().is_some_and(|reason| reason.starts_with("a flood")));
    let one = format!("/api/mail/inbound/{}/recover", items[0]["id"].as_str().expect("an id"));
    assert_eq!(send(&shop, "POST", &one, &json!({})).await.status, 202);
    let rest = send(&shop, "POST", "/api/mail/recover", &json!({"sender": "ann@x.example"})).await;
    assert_eq!((rest.status.as_u16(), rest.json["recovered"].as_i64()), (202, Some(1)), "{}", rest.text);
    let rest = send(&shop, "POST", "/api/mail/recover", &json!({"sender": "ann@x.example"})).await;
    assert_eq!(rest.json["recovered"].as_i64(), Some(0));
    let unsure = send(&shop, "GET", "/api/mail/unsure", &Value::Null).await;
    assert_eq!((unsure.status.as_u16(), unsure.json["items"].as_array().map(Vec::len)), (200, Some(0)));
}

#[tokio::test]
async fn invitations_go_by_mail_when_the_shop_sends_any_and_say_so() {
    let shop = shop(Mode::Token).await;
    let body = json!({"name": "Ada", "email": "ada@shop.example", "role": "agent"});
    let without = send(&shop, "POST", "/api/agents", &body).await;
    assert_eq!(without.status, 201, "{}", without.text);
    assert!(without.json["invitation"]["delivery"].as_str().is_some_and(|text| text.starts_with("hand it")));
    mailbox(&shop).await;
    // Without DESK_PUBLIC_URL there is no page to send anybody to.
    let body = json!({"name": "Bea", "email": "bea@shop.example", "role": "agent"});
    let made = send(&shop, "POST", "/api/agents", &body).await;
    assert!(made.json["invitation"]["delivery"].as_str().is_some_and(|text| text.starts_with("hand it")));
    assert!(made.json["invitation"].get("by_mail").is_none() && made.json["invitation"]["token"].is_string());
}

#[tokio::test]
async fn a_mail_without_a_subject_has_one_in_the_customer_s_language() {
    let shop = shop(Mode::Token).await;
    mailbox(&shop).await;
    for (language, subject) in [
        (json!("de"), "Re: Ihre Nachricht"),
        (json!("no"), "Re: Meldingen din"),
        (json!("fi"), "Re: Your message"),
        (Value::Null, "Re: Your message"),
    ] {
        let body = json!({
            "customer": {"email": "ann@x.example"}, "language": language,
            "message": {"from": "customer", "text": "536365?"},
        });
        let made = send(&shop, "POST", "/api/tickets", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let came = "update support_app.message set mail_message_id = id || '@x.example' where not from_agent";
        sqlx::query(came).execute(&mut shop.admin().await).await.expect("it came by mail");
        let path = format!("/api/tickets/{}/messages", made.field("id"));
        let reply = send(&shop, "POST", &path, &json!({"text": "It left.", "force": true})).await;
        assert_eq!((reply.status.as_u16(), reply.field("delivery")), (201, "queued"), "{}", reply.text);
        let id = MessageId(reply.field("id").parse().expect("an id"));
        let mut tx = shop.tx().await;
        let reply = delivery::outbound(&mut tx, id).await.expect("readable").expect("it is on its way");
        let sheet = outbound::prepare(&mut tx, &reply).await.expect("prepared").expect("a mailbox");
        assert_eq!(sheet.subject, subject, "{language}");
    }
}
