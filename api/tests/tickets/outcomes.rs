//! What becomes of a ticket with a reply: resolved by one that leaves, as before when it is taken back, open when it has no
//! way to leave; and nothing unseen when tickets become one beside somebody who writes.

use accounts::verify::Mode;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::desk::{call, key, mailbox, send, ticket};
use crate::shop::{Shop, shop};

async fn one<T>(shop: &Shop, statement: &'static str, id: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(statement).bind(id).fetch_one(&mut shop.admin().await).await.expect("one value")
}

const REOPENED: &str = "select reopened_count from support_app.ticket where id = $1::uuid";

#[tokio::test]
async fn a_reply_that_has_no_way_to_leave_resolves_nothing_and_says_so() {
    let shop = shop(Mode::Token).await;
    let (id, first) = ticket(&shop, "hello").await;
    let messages = format!("/api/tickets/{id}/messages");
    let reply = json!({"text": "It left.", "last_seen_message_id": first, "status": "resolved"});
    let sent = send(&shop, "POST", &messages, &reply).await;
    assert_eq!(
        (sent.status.as_u16(), sent.field("not_sent_because"), sent.field("ticket_status")),
        (201, "no_mailbox", "open"),
        "{}",
        sent.text
    );
    assert_eq!(shop.get(&format!("/api/tickets/{id}")).await.field("status"), "open");

    // A macro neither.
    let actions = json!([{"do": "add_tags", "tags": ["done"]}, {"do": "set_status", "status": "resolved"}]);
    let of = json!({"name": "Over", "folder": "Ends", "default_language": "en", "texts": {"en": "All done."},
        "actions": actions});
    let made = send(&shop, "POST", "/api/macros", &of).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (other, _) = ticket(&shop, "hello").await;
    let used = json!({"ticket_id": other, "force": true});
    let used = send(&shop, "POST", &format!("/api/macros/{}/apply", made.field("id")), &used).await;
    assert_eq!((used.status.as_u16(), used.field("not_sent_because")), (200, "no_mailbox"), "{}", used.text);
    assert_eq!(used.json["left_out"], json!([{"do": "set_status", "status": "resolved"}]));
    let after = shop.get(&format!("/api/tickets/{other}")).await;
    assert_eq!((after.field("status"), &after.json["tags"]), ("open", &json!(["done"])), "{}", after.text);

    // What it is not allowed to become is refused all the same.
    send(&shop, "PATCH", &format!("/api/tickets/{id}"), &json!({"status": "closed"})).await;
    let late = json!({"text": "x", "force": true, "status": "resolved"});
    assert_eq!(send(&shop, "POST", &messages, &late).await.status, 409);
}

#[tokio::test]
async fn a_reply_that_is_taken_back_leaves_its_ticket_as_it_was_unless_somebody_changed_it_since() {
    let shop = shop(Mode::Token).await;
    mailbox(&shop).await;
    for (before, with) in
        [("open", "resolved"), ("pending", "resolved"), ("open", "pending"), ("open", "closed")]
    {
        let (id, first) = ticket(&shop, "hello").await;
        let path = format!("/api/tickets/{id}");
        send(&shop, "PATCH", &path, &json!({"status": before})).await;
        let reply = json!({"text": "It left.", "last_seen_message_id": first, "status": with});
        let sent = send(&shop, "POST", &format!("{path}/messages"), &reply).await;
        assert_eq!((sent.status.as_u16(), sent.field("ticket_status")), (201, with), "{}", sent.text);
        let withdraw = format!("{path}/messages/{}/withdraw", sent.field("id"));
        let back = send(&shop, "POST", &withdraw, &Value::Null).await;
        assert_eq!((back.status.as_u16(), back.field("ticket_status")), (200, before), "{}", back.text);
        let after = shop.get(&path).await;
        assert_eq!(
            (after.field("status"), &after.json["resolved_at"]),
            (before, &Value::Null),
            "{}",
            after.text
        );
        assert!(!after.json["waiting_since"].is_null());
        assert_eq!(one::<i32>(&shop, REOPENED, &id).await, 0, "nobody opened it again");
    }

    // A colleague decided meanwhile.
    let (id, first) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let reply = json!({"text": "It left.", "last_seen_message_id": first, "status": "resolved"});
    let sent = send(&shop, "POST", &format!("{path}/messages"), &reply).await;
    for status in ["open", "pending", "resolved"] {
        send(&shop, "PATCH", &path, &json!({"status": status})).await;
    }
    let withdraw = format!("{path}/messages/{}/withdraw", sent.field("id"));
    let back = send(&shop, "POST", &withdraw, &Value::Null).await;
    assert_eq!((back.status.as_u16(), back.field("ticket_status")), (200, "resolved"), "{}", back.text);
}

#[tokio::test]
async fn what_a_merge_brings_is_news_to_whoever_writes_there() {
    let shop = shop(Mode::Token).await;
    let (older, _) = ticket(&shop, "please cancel it").await;
    let (newer, seen) = ticket(&shop, "where is it?").await;
    let merged = send(&shop, "POST", &format!("/api/tickets/{older}/merge"), &json!({"into": newer})).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    let messages = format!("/api/tickets/{newer}/messages");
    let reply = json!({"text": "It is on its way.", "last_seen_message_id": seen});
    let met = send(&shop, "POST", &messages, &reply).await;
    assert_eq!(
        (met.status.as_u16(), &met.json["new_messages"][0]["text"]),
        (409, &json!("please cancel it")),
        "{}",
        met.text
    );
    let opened = shop.get(&format!("/api/tickets/{newer}")).await;
    assert_eq!(opened.field("last_message_id"), met.field("last_message_id"));
    assert_eq!(shop.get(&messages).await.field("last_message_id"), met.field("last_message_id"));
    let reply = json!({"text": "It is cancelled.", "last_seen_message_id": met.field("last_message_id")});
    assert_eq!(send(&shop, "POST", &messages, &reply).await.status, 201);
}

#[tokio::test]
async fn what_somebody_writes_goes_with_a_ticket_that_is_merged_and_so_does_the_way_back_of_a_reply() {
    let shop = shop(Mode::Token).await;
    let (source, first) = ticket(&shop, "one").await;
    let (target, _) = ticket(&shop, "two").await;
    let of = |ticket: &str| format!("/api/tickets/{ticket}/reply-text");
    send(&shop, "PUT", &of(&source), &json!({"text": "Half a sentence"})).await;
    let other = key(&shop, shop.tenant, &[accounts::api_keys::Scope::TicketsWrite]).await;
    for (ticket, text) in [(&source, "there"), (&target, "here")] {
        call(&shop, &other, "PUT", &of(ticket), &json!({ "text": text }), &[]).await;
    }
    let sent = json!({"text": "Too early.", "last_seen_message_id": first});
    let sent = call(&shop, &other, "POST", &format!("/api/tickets/{source}/messages"), &sent, &[]).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    call(&shop, &other, "PUT", &of(&source), &json!({"text": "there"}), &[]).await;
    let merged = send(&shop, "POST", &format!("/api/tickets/{source}/merge"), &json!({"into": target})).await;
    assert_eq!(merged.status, 200, "{}", merged.text);

    assert_eq!(shop.get(&of(&target)).await.field("text"), "Half a sentence");
    let both = call(&shop, &other, "GET", &of(&target), &Value::Null, &[]).await;
    assert_eq!(both.field("text"), "here\n\nthere");
    // A window that does not know of the merge yet goes on where the ticket does.
    send(&shop, "PUT", &of(&source), &json!({"text": "A whole sentence."})).await;
    assert_eq!(shop.get(&of(&target)).await.field("text"), "A whole sentence.");

    let withdraw = format!("/api/tickets/{source}/messages/{}/withdraw", sent.field("id"));
    let back = call(&shop, &other, "POST", &withdraw, &Value::Null, &[]).await;
    assert_eq!((back.status.as_u16(), back.field("ticket_id")), (200, target.as_str()), "{}", back.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_customer_adds_to_a_final_ticket_goes_on_in_one_that_follows() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    send(&shop, "PATCH", &format!("/api/tickets/{id}"), &json!({"status": "resolved"})).await;
    sqlx::query("update support_app.ticket set resolved_at = now() - interval '8 days' where id = $1::uuid")
        .bind(&id)
        .execute(&mut shop.admin().await)
        .await
        .expect("set back");
    let messages = format!("/api/tickets/{id}/messages");
    let wrote = (0..5).map(|n| json!({"from": "customer", "text": format!("once more {n}")}));
    let heard = join_all(wrote.map(|body| {
        let (shop, messages) = (&shop, &messages);
        async move { send(shop, "POST", messages, &body).await }
    }))
    .await;
    let places: std::collections::BTreeSet<&str> =
        heard.iter().map(|heard| heard.field("ticket_id")).collect();
    assert!(heard.iter().all(|heard| heard.status == 201), "{}", heard[0].text);
    assert_eq!(places.len(), 1, "{places:?}");
    let whole = shop.get(&format!("/api/tickets/{id}")).await;
    assert_eq!(whole.json["follow_ups"].as_array().map(Vec::len), Some(1), "{}", whole.text);
    let follower = shop.get(&format!("/api/tickets/{}", heard[0].field("ticket_id"))).await;
    assert_eq!(follower.json["message_count"], 5, "{}", follower.text);
}

#[tokio::test]
async fn whom_a_ticket_is_about_is_part_of_its_version() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let seen = shop.get(&path).await.headers["etag"].to_str().expect("text").to_owned();
    let bob = json!({"customer": {"email": "bob@example.com", "name": "Bob"}});
    let first = call(&shop, &shop.key, "PATCH", &path, &bob, &[("if-match", &seen)]).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let carl = json!({"customer": {"email": "carl@example.com", "name": "Carl"}});
    let second = call(&shop, &shop.key, "PATCH", &path, &carl, &[("if-match", &seen)]).await;
    assert_eq!(
        (second.status.as_u16(), &second.json["current"]["customer"]["email"]),
        (412, &json!("bob@example.com")),
        "{}",
        second.text
    );
    let told: bool = one(
        &shop,
        "select exists (select from (select ticket_id, payload from support_app.event_pending
                                     union all select ticket_id, payload from support_app.event) e
                        where e.ticket_id = $1::uuid and e.payload -> 'changed' ? 'customer'
                          and e.payload::text not like '%bob%')",
        &id,
    )
    .await;
    assert!(told, "others are told that it changed, and not to whom");
}

#[tokio::test]
async fn a_reply_that_waits_for_an_address_leaves_when_there_is_one_in_time() {
    let shop = shop(Mode::Token).await;
    mailbox(&shop).await;
    let made = json!({"channel": "email", "message": {"from": "customer", "text": "Hello?"}});
    let made = send(&shop, "POST", "/api/tickets", &made).await;
    let path = format!("/api/tickets/{}", made.field("id"));
    let messages = format!("{path}/messages");
    let sent = send(&shop, "POST", &messages, &json!({"text": "It left.", "force": true})).await;
    assert_eq!(sent.field("not_sent_because"), "no_address", "{}", sent.text);
    send(&shop, "PATCH", &path, &json!({"customer": {"email": "ann@example.com"}})).await;
    let page = shop.get(&messages).await;
    let reply = &page.json["items"][0];
    assert_eq!(
        (&reply["delivery"], &reply["not_sent_because"], &reply["error"]),
        (&json!("queued"), &Value::Null, &Value::Null),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn rows_say_when_the_customer_does_not_have_the_last_reply() {
    let shop = shop(Mode::Token).await;
    mailbox(&shop).await;
    let (id, first) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let messages = format!("{path}/messages");
    let reply = json!({"text": "It left.", "last_seen_message_id": first});
    let sent = send(&shop, "POST", &messages, &reply).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let told = async || {
        let row = |answer: crate::shop::Answer| answer.json["items"][0]["reply_fault"].clone();
        let in_list = row(shop.get("/api/tickets").await);
        let found = row(shop.get("/api/tickets/search?q=hello").await);
        let opened = shop.get(&path).await.json["reply_fault"].clone();
        assert_eq!(
            (&in_list, &in_list),
            (&found, &opened),
            "the list, the search and the ticket say the same"
        );
        in_list
    };
    assert_eq!(told().await, Value::Null, "it is on its way");
    for delivery in ["failed", "bounced", "unsure", "sent"] {
        sqlx::query("update support_app.message set delivery = $2 where id = $1::uuid")
            .bind(sent.field("id"))
            .bind(delivery)
            .execute(&mut shop.admin().await)
            .await
            .expect("written");
        let expected = if delivery == "sent" { Value::Null } else { json!(delivery) };
        assert_eq!(told().await, expected, "{delivery}");
    }
    sqlx::query("update support_app.message set delivery = 'failed' where id = $1::uuid")
        .bind(sent.field("id"))
        .execute(&mut shop.admin().await)
        .await
        .expect("written");
    // Another one stands for it, for as long as it is not taken back.
    let another = send(&shop, "POST", &messages, &json!({"text": "Once more.", "force": true})).await;
    assert_eq!(another.status, 201, "{}", another.text);
    assert_eq!(told().await, Value::Null);
    let withdraw = format!("{messages}/{}/withdraw", another.field("id"));
    assert_eq!(send(&shop, "POST", &withdraw, &Value::Null).await.status, 200);
    assert_eq!(told().await, json!("failed"));
}

#[tokio::test]
async fn a_draft_that_is_being_made_is_under_way_until_it_is_stored() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let (other, _) = ticket(&shop, "hello").await;
    let mut admin = shop.admin().await;
    sqlx::query("delete from jobs.live").execute(&mut admin).await.expect("nothing is under way");
    let drafts = async |ticket: &str| {
        let opened = shop.get(&format!("/api/tickets/{ticket}")).await;
        let pending = opened.json["pending"].as_array().expect("a list").clone();
        pending.into_iter().filter(|one| one["what"] == "draft").collect::<Vec<_>>()
    };
    assert_eq!(drafts(&id).await, Vec::<Value>::new());
    let draft = format!("/api/ai/tickets/{id}/draft");
    let asked = shop.get(&draft).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let wish = json!({"tone": "friendly"});
    let wished = send(&shop, "POST", &draft, &wish).await;
    assert_eq!(wished.status, 202, "{}", wished.text);
    let found = drafts(&id).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|one| one["since"].is_string() && one["because"].is_null()), "{found:?}");
    assert_eq!(drafts(&other).await, Vec::<Value>::new(), "it is another ticket's");
    // One waits for another attempt, the other one is stored, and its job ends a moment later.
    sqlx::query(
        "update jobs.live set state = 'retrying', due_at = now(), last_error = '{\"message\": \"the model is away\"}' where id = $1::uuid",
    )
    .bind(asked.field("job_id"))
    .execute(&mut admin)
    .await
    .expect("it waits");
    sqlx::query(
        "insert into support_app.draft (id, tenant_id, ticket_id, message_count, job_id, tone, length, style, reply, drafter)
         values (gen_random_uuid(), $1, $2::uuid, 1, $3::uuid, 'friendly', 'short', 'email', 'Hello', 'template')",
    )
    .bind(shop.tenant)
    .bind(&id)
    .bind(wished.field("job_id"))
    .execute(&mut admin)
    .await
    .expect("stored");
    let found = drafts(&id).await;
    assert_eq!((found.len(), &found[0]["because"]), (1, &json!("the model is away")), "{found:?}");
}
