//! Tickets that become one, go on as one, and become two again; and a message that gets a ticket of its own.

use accounts::verify::Mode;
use chrono::{DateTime, Utc};
use database::ids::TicketId;
use serde_json::{Value, json};
use support::drafts::apart;

use crate::desk::{call, neighbour, send, ticket};
use crate::shop::{Shop, shop};

async fn texts(shop: &Shop, id: &str) -> Vec<String> {
    let page = shop.get(&format!("/api/tickets/{id}/messages")).await;
    let items = page.json["items"].as_array().expect("items").clone();
    let mut texts: Vec<String> =
        items.iter().filter_map(|item| item["text"].as_str().map(str::to_owned)).collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn merged_tickets_go_on_in_one_and_come_apart_again_in_any_order() {
    let shop = shop(Mode::Token).await;
    let mut ids = Vec::new();
    for text in ["a", "b", "c"] {
        ids.push(ticket(&shop, &format!("text {text}")).await.0);
    }
    let [a, b, c] = ids.as_slice() else { panic!("three") };
    let merge = async |from: &str, into: &str| {
        send(&shop, "POST", &format!("/api/tickets/{from}/merge"), &json!({"into": into})).await
    };
    let undo =
        async |id: &str| send(&shop, "POST", &format!("/api/tickets/{id}/merge/undo"), &Value::Null).await;
    let merged = merge(a, b).await;
    assert_eq!((merged.status.as_u16(), merged.field("target_id")), (200, b.as_str()), "{}", merged.text);
    // Into a ticket that was merged is into where it went; a circle is none.
    let into_a = merge(c, a).await;
    assert_eq!((into_a.status.as_u16(), into_a.field("target_id")), (200, b.as_str()), "{}", into_a.text);
    assert_eq!(undo(c).await.status, 200);
    assert_eq!(merge(b, a).await.field("field"), "into");
    assert_eq!(merge(b, b).await.field("field"), "into");
    assert_eq!(merge(a, c).await.status, 409);
    assert_eq!(merge(b, c).await.status, 200);
    let whole = shop.get(&format!("/api/tickets/{c}")).await;
    assert_eq!(
        (&whole.json["message_count"], whole.json["merged_from"].as_array().map(Vec::len)),
        (&json!(3), Some(2))
    );
    assert_eq!(texts(&shop, c).await, ["text a", "text b", "text c"]);
    let gone = shop.get(&format!("/api/tickets/{a}")).await;
    assert_eq!((gone.field("status"), gone.field("merged_into")), ("closed", c.as_str()), "{}", gone.text);
    assert_eq!(gone.json["waiting_since"], Value::Null);
    assert!(
        whole.json["waiting_since"].as_str() <= Some(whole.field("created_at")),
        "the older message waits"
    );

    // What the customer writes to the one that went is heard in the other; an agent is told where to go.
    let late = send(
        &shop,
        "POST",
        &format!("/api/tickets/{a}/messages"),
        &json!({"from": "customer", "text": "late"}),
    )
    .await;
    assert_eq!((late.status.as_u16(), late.field("ticket_id")), (201, c.as_str()), "{}", late.text);
    let reply =
        send(&shop, "POST", &format!("/api/tickets/{a}/messages"), &json!({"text": "x", "force": true}))
            .await;
    assert_eq!((reply.status.as_u16(), reply.field("merged_into")), (409, c.as_str()));
    assert_eq!(
        send(&shop, "PATCH", &format!("/api/tickets/{a}"), &json!({"status": "open"})).await.status,
        409
    );

    assert_eq!(undo(b).await.status, 200);
    // It came to the one that went, so it goes back with it, through whatever went on in between.
    assert_eq!(texts(&shop, b).await, ["late", "text a", "text b"]);
    assert_eq!(texts(&shop, c).await, ["text c"]);
    assert_eq!(shop.get(&format!("/api/tickets/{a}")).await.field("merged_into"), b);
    assert_eq!(undo(a).await.status, 200);
    assert_eq!(
        (texts(&shop, a).await, texts(&shop, b).await.len()),
        (vec!["late".into(), "text a".into()], 1)
    );
    let again = shop.get(&format!("/api/tickets/{a}")).await;
    assert_eq!((again.field("status"), &again.json["message_count"]), ("open", &json!(2)), "{}", again.text);
    assert_eq!(undo(a).await.status, 409);
    let merges = shop.get(&format!("/api/tickets/{b}/merges")).await;
    assert_eq!(merges.json.as_array().map(Vec::len), Some(3), "{}", merges.text);
}

#[tokio::test]
async fn what_a_help_desk_tells_of_a_merged_ticket_follows_and_comes_back() {
    let shop = shop(Mode::Token).await;
    let tell = async |ticket: u32, message: u32| {
        let body = format!(
            r#"{{"ticket":{{"id":{ticket},"channel":"email","customer":{{"email":"ann@example.com"}}}},"message":{{"id":{message},"body_text":"m{message}"}}}}"#
        );
        shop.deliver(&body).await.field("ticket_id").to_owned()
    };
    let (source, target) = (tell(1, 10).await, tell(2, 20).await);
    let merged = send(&shop, "POST", &format!("/api/tickets/{source}/merge"), &json!({"into": target})).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    tell(1, 11).await;
    tell(1, 10).await;
    assert_eq!(texts(&shop, &target).await, ["m10", "m11", "m20"]);
    assert_eq!(texts(&shop, &source).await, Vec::<String>::new());
    assert_eq!(shop.get(&format!("/api/tickets/{source}")).await.field("status"), "closed");
    send(&shop, "POST", &format!("/api/tickets/{source}/merge/undo"), &Value::Null).await;
    assert_eq!(texts(&shop, &source).await, ["m10", "m11"]);
    assert_eq!(texts(&shop, &target).await, ["m20"]);
}

#[tokio::test]
async fn another_customers_ticket_is_merged_only_when_that_is_confirmed() {
    let shop = shop(Mode::Token).await;
    let (ann, _) = ticket(&shop, "mine").await;
    let bob =
        json!({"customer": {"email": "bob@example.com"}, "message": {"from": "customer", "text": "his"}});
    let bob = send(&shop, "POST", "/api/tickets", &bob).await.field("id").to_owned();
    let path = format!("/api/tickets/{bob}/merge");
    assert_eq!(send(&shop, "POST", &path, &json!({"into": ann})).await.status, 409);
    let confirmed = send(&shop, "POST", &path, &json!({"into": ann, "confirm_other_customer": true})).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let other = neighbour(&shop).await;
    let foreign = json!({"message": {"from": "customer", "text": "x"}});
    let foreign = call(&shop, &other, "POST", "/api/tickets", &foreign, &[]).await.field("id").to_owned();
    let refused = send(&shop, "POST", &format!("/api/tickets/{ann}/merge"), &json!({"into": foreign})).await;
    assert_eq!((refused.status.as_u16(), refused.field("field")), (400, "into"), "{}", refused.text);
}

#[tokio::test]
async fn what_another_customer_wrote_to_the_ticket_that_went_goes_back_with_it_and_opens_it() {
    let shop = shop(Mode::Token).await;
    let (ann, _) = ticket(&shop, "hers").await;
    let bob =
        json!({"customer": {"email": "bob@example.com"}, "message": {"from": "customer", "text": "his"}});
    let bob = send(&shop, "POST", "/api/tickets", &bob).await.field("id").to_owned();
    send(&shop, "PATCH", &format!("/api/tickets/{bob}"), &json!({"status": "resolved"})).await;
    let into = json!({"into": ann, "confirm_other_customer": true});
    let merged = send(&shop, "POST", &format!("/api/tickets/{bob}/merge"), &into).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    let writes = async |id: &str, text: &str| {
        let body = json!({"from": "customer", "text": text});
        let added = send(&shop, "POST", &format!("/api/tickets/{id}/messages"), &body).await;
        assert_eq!((added.status.as_u16(), added.field("ticket_id")), (201, ann.as_str()), "{}", added.text);
    };
    writes(&bob, "his again").await;
    writes(&ann, "hers again").await;
    let shown = shop.get(&format!("/api/tickets/{ann}/messages")).await;
    let origins: Vec<&Value> = shown.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|item| item["text"].as_str().is_some_and(|text| text.starts_with("his")))
        .map(|item| &item["origin_ticket_id"])
        .collect();
    assert_eq!(origins, [&json!(bob), &json!(bob)], "{}", shown.text);
    // Her link shows her own words and not his.
    let link = shop.get(&format!("/api/tickets/{ann}/customer-link")).await;
    let page = shop.get(link.field("path")).await;
    assert!(page.text.contains("hers again") && !page.text.contains("his again"), "{}", page.text);
    let undone = send(&shop, "POST", &format!("/api/tickets/{bob}/merge/undo"), &Value::Null).await;
    assert_eq!(undone.status, 200, "{}", undone.text);
    assert_eq!(texts(&shop, &bob).await, ["his", "his again"]);
    assert_eq!(texts(&shop, &ann).await, ["hers", "hers again"]);
    let his = shop.get(&format!("/api/tickets/{bob}")).await;
    assert_eq!((his.field("status"), &his.json["message_count"]), ("open", &json!(2)), "{}", his.text);
}

/// What the shop's program is writing in a ticket; empty when it is nothing.
async fn writing(shop: &Shop, ticket: &str) -> String {
    let kept = shop.get(&format!("/api/tickets/{ticket}/reply-text")).await;
    if kept.status == 404 { String::new() } else { kept.field("text").to_owned() }
}

async fn writes(shop: &Shop, ticket: &str, text: &str) {
    let kept = send(shop, "PUT", &format!("/api/tickets/{ticket}/reply-text"), &json!({"text": text})).await;
    assert_eq!(kept.status, 200, "{}", kept.text);
}

#[tokio::test]
async fn half_written_texts_go_with_a_ticket_and_come_back_with_it() {
    let shop = shop(Mode::Token).await;
    let mut ids = Vec::new();
    for text in ["a", "b", "c"] {
        ids.push(ticket(&shop, text).await.0);
    }
    let [a, b, c] = ids.as_slice() else { panic!("three") };
    let merge = async |from: &str, into: &str| {
        let merged = send(&shop, "POST", &format!("/api/tickets/{from}/merge"), &json!({"into": into})).await;
        assert_eq!(merged.status, 200, "{}", merged.text);
    };
    let undo = async |id: &str| {
        let undone = send(&shop, "POST", &format!("/api/tickets/{id}/merge/undo"), &Value::Null).await;
        assert_eq!(undone.status, 200, "{}", undone.text);
    };
    let now = async || [writing(&shop, a).await, writing(&shop, b).await, writing(&shop, c).await];

    // Through two merges, and apart in the other order.
    for (id, text) in [(a, "to a"), (b, "to b"), (c, "to c")] {
        writes(&shop, id, text).await;
    }
    merge(a, b).await;
    merge(b, c).await;
    assert_eq!(writing(&shop, c).await, "to c\n\nto b\n\nto a");
    undo(a).await;
    assert_eq!(now().await, ["to a", "to c\n\nto b", "to c\n\nto b"]);
    undo(b).await;
    assert_eq!(now().await, ["to a", "to b", "to c"]);
    // In the order in which they came.
    merge(a, b).await;
    merge(b, c).await;
    undo(b).await;
    assert_eq!(now().await, ["to b\n\nto a", "to b\n\nto a", "to c"]);
    undo(a).await;
    assert_eq!(now().await, ["to a", "to b", "to c"]);

    // What was made of both is nobody's alone: it stays, and what was written before is there again.
    merge(a, b).await;
    writes(&shop, b, "to both of you").await;
    undo(a).await;
    assert_eq!(now().await, ["to a", "to both of you", "to c"]);
    // What was thrown away stays so, and what is begun after it is another text.
    merge(a, b).await;
    assert_eq!(
        send(&shop, "DELETE", &format!("/api/tickets/{b}/reply-text"), &Value::Null).await.status,
        204
    );
    writes(&shop, b, "anew").await;
    undo(a).await;
    assert_eq!(now().await, ["", "anew", "to c"]);
    // Where there was nothing else, all that was written goes on in the ticket that is back.
    assert_eq!(
        send(&shop, "DELETE", &format!("/api/tickets/{b}/reply-text"), &Value::Null).await.status,
        204
    );
    writes(&shop, a, "begun").await;
    merge(a, b).await;
    writes(&shop, b, "begun and gone on with").await;
    undo(a).await;
    assert_eq!(now().await, ["begun and gone on with", "", "to c"]);
    assert_eq!(shop.count("support_app.reply_text_part").await, 0);
}

#[tokio::test]
async fn a_draft_goes_back_with_the_message_that_it_answers_and_none_is_current() {
    let shop = shop(Mode::Token).await;
    let (a, _) = ticket(&shop, "a").await;
    let (b, _) = ticket(&shop, "b").await;
    let is_whole = async |id: &str, since: DateTime<Utc>| {
        let mut tx = shop.tx().await;
        apart::is_whole(&mut tx, TicketId(id.parse().expect("an id")), since).await.expect("looked for")
    };
    let asks = async |id: &str, text: &str| {
        let body = json!({"from": "customer", "text": text});
        let added = send(&shop, "POST", &format!("/api/tickets/{id}/messages"), &body).await;
        assert_eq!((added.status.as_u16(), added.field("ticket_id")), (201, b.as_str()), "{}", added.text);
    };
    let drafted = async |text: &str| {
        sqlx::query(
            "insert into support_app.draft (id, tenant_id, ticket_id, message_count, job_id, tone, length, style, reply, drafter,
                 created_at)
             select gen_random_uuid(), tenant_id, id, message_count, gen_random_uuid(), 'friendly', 'short', 'email', $2,
                 'template', clock_timestamp()
             from support_app.ticket where id = $1::uuid",
        )
        .bind(&b)
        .bind(text)
        .execute(&mut shop.admin().await)
        .await
        .expect("drafted");
    };
    drafted("before").await;
    let began = Utc::now();
    assert!(is_whole(&a, began).await && is_whole(&b, began).await);
    let merged = send(&shop, "POST", &format!("/api/tickets/{a}/merge"), &json!({"into": b})).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    assert!(!is_whole(&a, began).await && is_whole(&b, began).await);
    asks(&b, "b again").await;
    drafted("of b").await;
    asks(&a, "a again").await;
    drafted("of a").await;
    let undone = send(&shop, "POST", &format!("/api/tickets/{a}/merge/undo"), &Value::Null).await;
    assert_eq!(undone.status, 200, "{}", undone.text);
    assert!(is_whole(&a, began).await && !is_whole(&b, began).await, "messages were taken out of one");

    let drafts: Vec<(String, String, bool)> = sqlx::query_as(
        "select d.reply, d.ticket_id::text, d.message_count < t.message_count
         from support_app.draft d join support_app.ticket t on t.id = d.ticket_id order by d.created_at",
    )
    .fetch_all(&mut shop.admin().await)
    .await
    .expect("read");
    let expected = [("before", &b, true), ("of b", &b, true), ("of a", &a, true)];
    assert_eq!(drafts, expected.map(|(text, ticket, is_stale)| (text.to_owned(), ticket.clone(), is_stale)));
}

#[tokio::test]
async fn a_message_gets_a_ticket_of_its_own() {
    let shop = shop(Mode::Token).await;
    let (id, first) = ticket(&shop, "one thing").await;
    let split = format!("/api/tickets/{id}/split");
    assert_eq!(send(&shop, "POST", &split, &json!({"message_id": first})).await.status, 409);
    let second = send(
        &shop,
        "POST",
        &format!("/api/tickets/{id}/messages"),
        &json!({"from": "customer", "text": "another"}),
    )
    .await;
    let new =
        send(&shop, "POST", &split, &json!({"message_id": second.field("id"), "subject": "Another"})).await;
    assert_eq!((new.status.as_u16(), new.field("split_from")), (201, id.as_str()), "{}", new.text);
    assert_eq!((new.field("subject"), &new.json["message_count"]), ("Another", &json!(1)));
    assert_eq!(texts(&shop, new.field("id")).await, ["another"]);
    assert_eq!(texts(&shop, &id).await, ["one thing"]);
    assert_eq!(send(&shop, "POST", &split, &json!({"message_id": second.field("id")})).await.status, 404);
}
