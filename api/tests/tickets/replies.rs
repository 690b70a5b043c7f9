//! Replies: what their writer has seen, what is kept, what can be taken back, and races of two.

use accounts::verify::Mode;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::desk::{call, key, mailbox, send, ticket};
use crate::shop::shop;

#[tokio::test]
async fn a_reply_that_met_news_is_kept_and_not_sent() {
    let shop = shop(Mode::Token).await;
    mailbox(&shop).await;
    let (id, first) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let messages = format!("{path}/messages");
    send(&shop, "POST", &messages, &json!({"from": "customer", "text": "and where is it?"})).await;

    let met =
        send(&shop, "POST", &messages, &json!({"text": "Hello Ann", "last_seen_message_id": first})).await;
    assert_eq!(met.status, 409, "{}", met.text);
    assert_eq!(met.json["new_messages"][0]["text"], "and where is it?");
    assert_eq!(met.json["new_messages"].as_array().map(Vec::len), Some(1));
    let kept = shop.get(&format!("{path}/reply-text")).await;
    assert_eq!((kept.status.as_u16(), kept.field("text")), (200, "Hello Ann"));
    assert_eq!(shop.get(&path).await.json["reply_text"]["body_text"], "Hello Ann");

    let seen = met.field("last_message_id");
    let sent = send(
        &shop,
        "POST",
        &messages,
        &json!({"text": "Hello Ann, it left.", "last_seen_message_id": seen, "status": "pending"}),
    )
    .await;
    assert_eq!((sent.status.as_u16(), sent.field("delivery")), (201, "queued"), "{}", sent.text);
    let after = shop.get(&path).await;
    assert_eq!(
        (after.field("status"), &after.json["waiting_since"]),
        ("pending", &Value::Null),
        "{}",
        after.text
    );
    assert_eq!(after.json["reply_text"], Value::Null);
    let pending = after.json["pending"].as_array().expect("a list");
    assert!(
        pending.iter().any(|one| one["what"] == "reply" && one["because"] == Value::Null),
        "{}",
        after.text
    );
    assert!(!after.json["first_reply_at"].is_null());

    // A colleague's note stops a reply as well; forced, it goes out all the same.
    send(&shop, "POST", &format!("{path}/notes"), &json!({"text": "I called her"})).await;
    let last = sent.field("id");
    let met = send(&shop, "POST", &messages, &json!({"text": "again", "last_seen_message_id": last})).await;
    assert_eq!(
        (met.status.as_u16(), &met.json["new_messages"][0]["from"]),
        (409, &json!("note")),
        "{}",
        met.text
    );
    let forced = send(
        &shop,
        "POST",
        &messages,
        &json!({"text": "again", "last_seen_message_id": last, "force": true}),
    )
    .await;
    assert_eq!(forced.status, 201, "{}", forced.text);
    let mut admin = shop.admin().await;
    let was_forced: bool = sqlx::query_scalar(
        "select (detail ->> 'forced')::boolean from shared.audit where action = 'ticket.reply' order by at desc limit 1",
    )
    .fetch_one(&mut admin)
    .await
    .expect("it is in the trail");
    assert!(was_forced);

    let foreign = ticket(&shop, "another").await.1;
    let refused =
        send(&shop, "POST", &messages, &json!({"text": "x", "last_seen_message_id": foreign})).await;
    assert_eq!(
        (refused.status.as_u16(), refused.field("field")),
        (400, "last_seen_message_id"),
        "{}",
        refused.text
    );
    let long = send(&shop, "POST", &messages, &json!({"text": "x".repeat(20_001), "force": true})).await;
    assert_eq!((long.status.as_u16(), long.field("field")), (413, "text"), "{}", long.text);
    let empty = send(&shop, "POST", &messages, &json!({"text": " \n ", "force": true})).await;
    assert_eq!((empty.status.as_u16(), empty.field("field")), (400, "text"));
}

#[tokio::test]
async fn a_reply_is_taken_back_while_it_waits() {
    let shop = shop(Mode::Token).await;
    let (id, first) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let messages = format!("{path}/messages");
    let sent = send(&shop, "POST", &messages, &json!({"text": "Hello", "last_seen_message_id": first})).await;
    let withdraw = format!("{messages}/{}/withdraw", sent.field("id"));
    let withdrawn = send(&shop, "POST", &withdraw, &Value::Null).await;
    assert_eq!(
        (withdrawn.status.as_u16(), withdrawn.field("delivery")),
        (200, "withdrawn"),
        "{}",
        withdrawn.text
    );
    let after = shop.get(&path).await;
    assert_eq!((&after.json["first_reply_at"], &after.json["message_count"]), (&Value::Null, &json!(1)));
    assert!(!after.json["waiting_since"].is_null());
    assert_eq!(send(&shop, "POST", &withdraw, &Value::Null).await.status, 409);
    assert_eq!(send(&shop, "POST", &format!("{messages}/{first}/withdraw"), &Value::Null).await.status, 409);

    // What was taken back is no news; what is sent later is no answer yet.
    let later = json!({"text": "Later", "last_seen_message_id": first, "send_at": "2026-12-20T08:00:00Z"});
    let later = send(&shop, "POST", &messages, &later).await;
    if later.status == 201 {
        assert_eq!(later.field("delivery"), "scheduled");
        assert!(!shop.get(&path).await.json["waiting_since"].is_null());
    } else {
        // The day has come since this was written.
        assert_eq!(later.field("field"), "send_at", "{}", later.text);
    }
    let past = json!({"text": "x", "last_seen_message_id": first, "send_at": "2020-01-01T00:00:00Z"});
    assert_eq!(send(&shop, "POST", &messages, &past).await.field("field"), "send_at");
}

#[tokio::test]
async fn a_reply_that_no_mailbox_can_send_says_so_by_name_and_is_not_sent_again_in_vain() {
    let shop = shop(Mode::Token).await;
    let (id, first) = ticket(&shop, "hello").await;
    let messages = format!("/api/tickets/{id}/messages");
    let sent = send(&shop, "POST", &messages, &json!({"text": "Hello", "last_seen_message_id": first})).await;
    assert_eq!((sent.status.as_u16(), sent.field("not_sent_because")), (201, "no_mailbox"), "{}", sent.text);
    assert!(sent.field("error").contains("no mailbox connected"), "{}", sent.text);
    let again = format!("{messages}/{}/send-again", sent.field("id"));
    assert_eq!(send(&shop, "POST", &again, &Value::Null).await.status, 409, "it has not failed yet");
    sqlx::query("update support_app.message set delivery = 'failed' where from_agent")
        .execute(&mut shop.admin().await)
        .await
        .expect("as its job leaves it");
    let refused = send(&shop, "POST", &again, &Value::Null).await;
    assert_eq!((refused.status.as_u16(), refused.field("reason")), (409, "no_mailbox"), "{}", refused.text);
    let page = shop.get(&messages).await;
    assert_eq!(
        (&page.json["items"][0]["delivery"], &page.json["items"][0]["text"]),
        (&json!("failed"), &json!("Hello")),
        "nothing is lost: {}",
        page.text
    );

    mailbox(&shop).await;
    let queued = send(&shop, "POST", &again, &Value::Null).await;
    assert_eq!((queued.status.as_u16(), queued.field("delivery")), (200, "queued"), "{}", queued.text);
    assert_eq!((&queued.json["error"], &queued.json["not_sent_because"]), (&Value::Null, &Value::Null));
    assert_eq!(
        send(&shop, "POST", &format!("{messages}/{first}/send-again"), &Value::Null).await.status,
        409
    );

    // What no mail carries is as it was.
    let chat = json!({"channel": "chat", "message": {"from": "customer", "text": "hi"}});
    let chat = send(&shop, "POST", "/api/tickets", &chat).await;
    let messages = format!("/api/tickets/{}/messages", chat.field("id"));
    let sent = send(&shop, "POST", &messages, &json!({"text": "Hello", "force": true})).await;
    assert_eq!((sent.field("delivery"), &sent.json["not_sent_because"]), ("queued", &Value::Null));
}

#[tokio::test]
async fn a_text_that_is_being_written_has_a_version() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}/reply-text");
    assert_eq!(shop.get(&path).await.status, 404);
    let put = async |text: &str, tag: &str| {
        call(&shop, &shop.key, "PUT", &path, &json!({"text": text}), &[("if-match", tag)]).await
    };
    assert_eq!(put("Dear", "*").await.json["version"], 1);
    assert_eq!(put("Dear Ann", "\"1\"").await.json["version"], 2);
    let stale = put("Dear Bob", "\"1\"").await;
    assert_eq!(
        (stale.status.as_u16(), &stale.json["current"]["text"]),
        (412, &json!("Dear Ann")),
        "{}",
        stale.text
    );
    let other = key(&shop, shop.tenant, &[accounts::api_keys::Scope::TicketsWrite]).await;
    assert_eq!(
        call(&shop, &other, "GET", &path, &Value::Null, &[]).await.status,
        404,
        "another's text is their own"
    );
    let delete =
        async |tag: &str| call(&shop, &shop.key, "DELETE", &path, &Value::Null, &[("if-match", tag)]).await;
    assert_eq!(delete("\"1\"").await.status, 412);
    assert_eq!(delete("\"2\"").await.status, 204);
    assert_eq!(delete("*").await.status, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_races_of_two_agents_each_has_one_answer() {
    const TICKETS: usize = 1_000;
    // Few enough that each gets one of the process' four connections in time on a slow machine.
    const AT_ONCE: usize = 4;
    let shop = shop(Mode::Token).await;
    let other = key(&shop, shop.tenant, &[accounts::api_keys::Scope::TicketsWrite]).await;
    let mut double_answers = 0;
    for _ in 0..TICKETS / AT_ONCE {
        let races = (0..AT_ONCE).map(|_| async {
            let (id, first) = ticket(&shop, "hello").await;
            let path = format!("/api/tickets/{id}/messages");
            let body = json!({"text": "Here I am.", "last_seen_message_id": first});
            let answers = tokio::join!(
                call(&shop, &shop.key, "POST", &path, &body, &[]),
                call(&shop, &other, "POST", &path, &body, &[])
            );
            let statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
            assert!(
                statuses.iter().all(|status| [201, 409].contains(status)),
                "{} {}",
                answers.0.text,
                answers.1.text
            );
            statuses.iter().filter(|status| **status == 201).count()
        });
        double_answers += join_all(races).await.into_iter().filter(|answers| *answers != 1).count();
    }
    println!("figure: double_answers {double_answers} tickets");
    assert_eq!(double_answers, 0);
    let mut admin = shop.admin().await;
    let answers: i64 = sqlx::query_scalar("select count(*) from support_app.message where from_agent")
        .fetch_one(&mut admin)
        .await
        .expect("counted");
    assert_eq!(answers, i64::try_from(TICKETS).expect("a small number"));
}
