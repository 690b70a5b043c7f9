//! A ticket's life: made, opened, changed by the rules, listed, seen by nobody else.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{call, neighbour, send, ticket};
use crate::shop::{Shop, shop};

async fn make_final(shop: &Shop, id: &str) {
    let mut admin = shop.admin().await;
    sqlx::query("update support_app.ticket set resolved_at = now() - interval '8 days' where id = $1::uuid")
        .bind(id)
        .execute(&mut admin)
        .await
        .expect("set back");
}

#[tokio::test]
async fn a_ticket_is_about_something_or_somebody() {
    let shop = shop(Mode::Token).await;
    for about_nothing in
        [json!({}), json!({"customer": {}, "message": null}), json!({"priority": "high", "tags": ["vip"]})]
    {
        let refused = send(&shop, "POST", "/api/tickets", &about_nothing).await;
        let said = (refused.status.as_u16(), refused.field("field"));
        assert_eq!(said, (400, "subject"), "{about_nothing}: {}", refused.text);
        assert!(refused.field("detail").contains("a subject, a message or a customer"), "{}", refused.text);
    }
    assert_eq!(shop.count("support_app.ticket").await, 0);
    for enough in [
        json!({"subject": "A broken lamp"}),
        json!({"customer": {"name": "Ann"}}),
        json!({"message": {"from": "customer", "text": "hello"}}),
    ] {
        let made = send(&shop, "POST", "/api/tickets", &enough).await;
        assert_eq!(made.status, 201, "{enough}: {}", made.text);
    }
}

#[tokio::test]
async fn a_ticket_is_made_opened_and_found_in_lists() {
    let shop = shop(Mode::Token).await;
    let body = json!({
        "subject": "Where is my order?", "priority": "high", "tags": ["shipping", "shipping"], "language": "EN",
        "department": "returns", "customer": {"email": "Ann@Example.com", "name": "Ann"},
        "message": {"from": "customer", "text": "I ordered two weeks ago."},
    });
    let made = call(&shop, &shop.key, "POST", "/api/tickets", &body, &[("idempotency-key", "one")]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = call(&shop, &shop.key, "POST", "/api/tickets", &body, &[("idempotency-key", "one")]).await;
    assert_eq!(again.json, made.json);
    let id = made.field("id");
    assert_eq!(made.headers["location"], format!("/api/tickets/{id}"));
    assert_eq!(made.json["tags"], json!(["shipping"]));
    assert_eq!(
        (made.field("status"), made.field("provider"), made.field("language")),
        ("open", "desk", "en")
    );
    assert!(!made.json["waiting_since"].is_null(), "{}", made.text);

    let opened = shop.get(&format!("/api/tickets/{id}")).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    assert_eq!(opened.headers["etag"], format!("\"{}\"", opened.json["version"]));
    assert_eq!(opened.field("last_message_id"), made.field("message_id"));
    assert_eq!(opened.json["intelligence"]["available"], false);
    assert_eq!(opened.json["customer"]["email"], "ann@example.com");
    // The customer's message asked for a draft.
    let mut admin = shop.admin().await;
    let drafts: i64 = sqlx::query_scalar("select count(*) from jobs.live where kind = 'draft_reply'")
        .fetch_one(&mut admin)
        .await
        .expect("counted");
    assert_eq!(drafts, 1);

    for query in [
        "",
        "?order=newest",
        "?order=updated",
        "?order=due",
        "?order=oldest_waiting",
        "?status=open,pending",
        "?unassigned=true",
        "?department=returns",
        "?tag=shipping",
        "?priority=high,urgent",
        "?channel=email",
        "?snoozed=false",
        "?customer_email=ANN@example.com",
        "?updated_since=2026-01-01T00:00:00Z",
    ] {
        let list = shop.get(&format!("/api/tickets{query}")).await;
        assert_eq!(list.status, 200, "{query} {}", list.text);
        assert_eq!(list.json["items"][0]["id"], id, "{query}");
    }
    for query in ["?status=closed", "?department=sales", "?tag=x", "?snoozed=true", "?aside=spam"] {
        let list = shop.get(&format!("/api/tickets{query}")).await;
        assert_eq!(list.json["items"], json!([]), "{query} {}", list.text);
    }
    for (query, field) in [
        ("?order=best", "order"),
        ("?order=smart&status=closed", "order"),
        ("?status=gone", "status"),
        ("?status=", "status"),
        ("?status=open,,closed", "status"),
        ("?assignee=me", "assignee"),
        ("?assignee=7", "assignee"),
        ("?cursor=xyz", "cursor"),
        ("?colour=red", "colour"),
    ] {
        let refused = shop.get(&format!("/api/tickets{query}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.field("field")),
            (400, field),
            "{query} {}",
            refused.text
        );
    }
}

#[tokio::test]
async fn pages_lead_through_every_ticket_once() {
    let shop = shop(Mode::Token).await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(ticket(&shop, &format!("question {number}")).await.0);
    }
    made.sort();
    for order in ["smart", "newest", "updated", "oldest_waiting"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = shop.get(&format!("/api/tickets?limit=3&order={order}{cursor}")).await;
            assert_eq!(page.status, 200, "{}", page.text);
            seen.extend(page.json["items"].as_array().expect("items").iter().map(|item| item["id"].clone()));
            let Some(next) = page.json["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut ids: Vec<&str> = seen.iter().filter_map(Value::as_str).collect();
        ids.sort_unstable();
        assert_eq!(ids, made, "{order}");
        let other = if order == "newest" { "updated" } else { "newest" };
        if !cursor.is_empty() {
            assert_eq!(shop.get(&format!("/api/tickets?order={other}{cursor}")).await.status, 400);
        }
    }
}

#[tokio::test]
async fn a_change_meets_the_rules_and_the_version() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let tag = shop.get(&path).await.headers["etag"].to_str().expect("a tag").to_owned();
    let pending = json!({"status": "pending", "add_tags": ["a", "b"], "reason": "asked back"});
    let changed = call(&shop, &shop.key, "PATCH", &path, &pending, &[("if-match", &tag)]).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!((changed.field("status"), &changed.json["tags"]), ("pending", &json!(["a", "b"])));
    let stale =
        call(&shop, &shop.key, "PATCH", &path, &json!({"priority": "low"}), &[("if-match", &tag)]).await;
    assert_eq!(
        (stale.status.as_u16(), &stale.json["current"]["status"]),
        (412, &json!("pending")),
        "{}",
        stale.text
    );

    let history = shop.get(&format!("{path}/history")).await;
    let status =
        history.json["items"].as_array().expect("items").iter().find(|item| item["field"] == "status");
    let status = status.expect("the change of status is in the history");
    assert_eq!(
        (&status["old"], &status["new"], &status["reason"]),
        (&json!("open"), &json!("pending"), &json!("asked back"))
    );
    assert!(status["actor"].as_str().is_some_and(|actor| actor.starts_with("key:")), "{status}");

    let closed = send(&shop, "DELETE", &path, &Value::Null).await;
    assert_eq!(closed.field("status"), "closed", "{}", closed.text);
    let illegal = send(&shop, "PATCH", &path, &json!({"status": "resolved"})).await;
    assert_eq!(
        (illegal.status.as_u16(), &illegal.json["allowed"]),
        (409, &json!(["open"])),
        "{}",
        illegal.text
    );
    let reply = json!({"from": "agent", "text": "Hello", "force": true});
    let refused = send(&shop, "POST", &format!("{path}/messages"), &reply).await;
    let told = refused.field("detail").contains("takes no reply; make it open first");
    assert_eq!((refused.status.as_u16(), told), (409, true), "{}", refused.text);
    make_final(&shop, &id).await;
    let illegal = send(&shop, "PATCH", &path, &json!({"status": "open"})).await;
    assert_eq!((illegal.status.as_u16(), &illegal.json["allowed"]), (409, &json!([])), "{}", illegal.text);

    for (body, field) in [
        (json!({"status": "gone"}), "status"),
        (json!({"language": "english"}), "language"),
        (json!({"tags": ["x".repeat(101)]}), "tags"),
        (json!({"tags": [], "add_tags": ["a"]}), "tags"),
        (json!({"snoozed_until": "2020-01-01T00:00:00Z"}), "snoozed_until"),
        (json!({"snoozed_until": "2999-01-01T00:00:00Z"}), "snoozed_until"),
        (json!({"subject": ""}), "subject"),
        (json!({"custom": {"size": "m"}}), "custom.size"),
        (json!({"colour": 1}), "colour"),
        (json!({"reason": "x".repeat(501)}), "reason"),
    ] {
        let refused = send(&shop, "PATCH", &path, &body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.field("field")),
            (400, field),
            "{body} {}",
            refused.text
        );
    }
    let unknown = send(&shop, "PATCH", &path, &json!({"customer": {"id": "nobody"}})).await;
    assert_eq!((unknown.status.as_u16(), unknown.field("field")), (422, "customer.id"));
}

#[tokio::test]
async fn an_address_is_one_and_a_name_has_letters_whoever_names_a_customer() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "Where is it?").await;
    let path = format!("/api/tickets/{id}");
    for (customer, field) in [
        (json!({"email": "bad"}), "customer.email"),
        (json!({"email": "ann@"}), "customer.email"),
        (json!({"email": "ann example@x.example"}), "customer.email"),
        (json!({"email": "ann@x.example, bob@x.example"}), "customer.email"),
        (json!({"email": ""}), "customer.email"),
        (json!({"email": "ann@x.example", "name": ""}), "customer.name"),
        (json!({"email": "ann@x.example", "name": "  "}), "customer.name"),
        (json!({"id": " "}), "customer.id"),
    ] {
        let body = json!({"customer": customer});
        let changed = send(&shop, "PATCH", &path, &body).await;
        assert_eq!(
            (changed.status.as_u16(), changed.field("field")),
            (400, field),
            "{body}: {}",
            changed.text
        );
        let made = send(&shop, "POST", "/api/tickets", &body).await;
        assert_eq!((made.status.as_u16(), made.field("field")), (400, field), "{body}: {}", made.text);
    }
    let kept = shop.get(&path).await;
    assert_eq!(kept.json["customer"]["email"], "ann@example.com", "{}", kept.text);
    assert_eq!(kept.json["customer"]["name"], "Ann", "{}", kept.text);
    let body = json!({"customer": {"email": " Ann.B@Example.COM ", "name": "Ann B"}});
    let changed = send(&shop, "PATCH", &path, &body).await;
    assert_eq!(changed.json["customer"]["email"], "ann.b@example.com", "{}", changed.text);
}

#[tokio::test]
async fn a_customers_message_opens_and_of_a_final_ticket_makes_one_that_follows() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    let messages = format!("{path}/messages");
    for status in ["pending", "resolved", "closed"] {
        send(&shop, "PATCH", &path, &json!({"status": status})).await;
        let heard =
            send(&shop, "POST", &messages, &json!({"from": "customer", "text": "still there?"})).await;
        assert_eq!(heard.status, 201, "{}", heard.text);
        assert_eq!(heard.field("ticket_id"), id);
        assert_eq!(shop.get(&path).await.field("status"), "open", "{status}");
    }
    send(&shop, "PATCH", &path, &json!({"status": "resolved"})).await;
    make_final(&shop, &id).await;
    let heard = send(&shop, "POST", &messages, &json!({"from": "customer", "text": "once more"})).await;
    assert_eq!((heard.status.as_u16(), heard.field("follow_up_of")), (201, id.as_str()), "{}", heard.text);
    let follower = shop.get(&format!("/api/tickets/{}", heard.field("ticket_id"))).await;
    assert_eq!((follower.field("status"), follower.field("follow_up_of")), ("open", id.as_str()));
    assert_eq!(follower.json["customer"]["email"], "ann@example.com");
    assert_eq!(shop.get(&path).await.json["follow_ups"], json!([heard.field("ticket_id")]));
    let reply = json!({"text": "too late", "last_seen_message_id": null});
    assert_eq!(send(&shop, "POST", &messages, &reply).await.status, 409);
}

#[tokio::test]
async fn fields_of_the_shop_are_typed_and_settings_hold() {
    let shop = shop(Mode::Token).await;
    let size = json!({"label": "Size", "kind": "choice", "choices": ["s", "m"]});
    let put = send(&shop, "PUT", "/api/tickets/fields/size", &size).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let other =
        send(&shop, "PUT", "/api/tickets/fields/size", &json!({"label": "Size", "kind": "text"})).await;
    assert_eq!((other.status.as_u16(), other.field("field")), (400, "kind"));
    let (id, _) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    assert_eq!(
        send(&shop, "PATCH", &path, &json!({"custom": {"size": "m"}})).await.json["custom"]["size"],
        "m"
    );
    assert_eq!(
        send(&shop, "PATCH", &path, &json!({"custom": {"size": "xl"}})).await.field("field"),
        "custom.size"
    );
    assert_eq!(send(&shop, "DELETE", "/api/tickets/fields/size", &Value::Null).await.status, 204);
    assert_eq!(send(&shop, "PATCH", &path, &json!({"custom": {"size": "s"}})).await.status, 400);

    let wanted = json!({"final_after_days": 0, "undo_secs": 0, "search_languages": ["german"]});
    let set = call(&shop, &shop.key, "PUT", "/api/tickets/settings", &wanted, &[("if-match", "\"0\"")]).await;
    assert_eq!((set.status.as_u16(), &set.json), (200, &wanted), "{}", set.text);
    let stale =
        call(&shop, &shop.key, "PUT", "/api/tickets/settings", &wanted, &[("if-match", "\"0\"")]).await;
    assert_eq!(stale.status, 412);
    let klingon = json!({"final_after_days": 7, "undo_secs": 10, "search_languages": ["klingon"]});
    let refused = send(&shop, "PUT", "/api/tickets/settings", &klingon).await;
    assert_eq!(
        (refused.status.as_u16(), refused.field("field")),
        (400, "search_languages"),
        "{}",
        refused.text
    );
    // With no days at all, what is resolved is final at once.
    send(&shop, "PATCH", &path, &json!({"status": "resolved"})).await;
    assert_eq!(send(&shop, "PATCH", &path, &json!({"status": "open"})).await.status, 409);
}

#[tokio::test]
async fn nobody_else_sees_a_ticket() {
    let shop = shop(Mode::Token).await;
    let (id, message) = ticket(&shop, "hello").await;
    let other = neighbour(&shop).await;
    let text = json!({"text": "x", "last_seen_message_id": message});
    for (method, path, body) in [
        ("GET", format!("/api/tickets/{id}"), Value::Null),
        ("PATCH", format!("/api/tickets/{id}"), json!({"status": "closed"})),
        ("DELETE", format!("/api/tickets/{id}"), Value::Null),
        ("GET", format!("/api/tickets/{id}/history"), Value::Null),
        ("GET", format!("/api/tickets/{id}/messages"), Value::Null),
        ("POST", format!("/api/tickets/{id}/messages"), text.clone()),
        ("POST", format!("/api/tickets/{id}/messages"), json!({"from": "customer", "text": "x"})),
        ("POST", format!("/api/tickets/{id}/messages/{message}/withdraw"), Value::Null),
        ("GET", format!("/api/tickets/{id}/notes"), Value::Null),
        ("POST", format!("/api/tickets/{id}/notes"), json!({"text": "x"})),
        ("PUT", format!("/api/tickets/{id}/reply-text"), json!({"text": "x"})),
        ("GET", format!("/api/tickets/{id}/reply-text"), Value::Null),
        ("DELETE", format!("/api/tickets/{id}/reply-text"), Value::Null),
    ] {
        let answer = call(&shop, &other, method, &path, &body, &[]).await;
        assert_eq!(answer.status, 404, "{method} {path} {}", answer.text);
    }
    let list = call(&shop, &other, "GET", "/api/tickets?order=newest", &Value::Null, &[]).await;
    assert_eq!(list.json["items"], json!([]));
    let bad = send(&shop, "GET", "/api/tickets/7", &Value::Null).await;
    assert_eq!((bad.status.as_u16(), bad.field("field")), (400, "id"));
}
