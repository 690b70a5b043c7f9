//! Macros: variables that do not exist, or are empty; preview; and use in one step.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{call, mailbox, neighbour, send, ticket};
use crate::shop::shop;

fn body(name: &str, text: &str, actions: &Value) -> Value {
    json!({"name": name, "folder": "Refunds", "default_language": "en", "texts": {"en": text, "de": "Hallo"},
        "actions": actions})
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let shop = shop(Mode::Token).await;
    for (wish, field, words) in [
        (body("a", "Hello {{customer.shoe}}", &json!([])), "texts.en", "customer.shoe"),
        (body("", "Hello", &json!([])), "name", "1 to 200"),
        (
            body(
                "a",
                "Hello",
                &json!([{"do": "assign_agent", "agent_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"}]),
            ),
            "actions",
            "There is no agent",
        ),
        (
            body("a", "Hello", &json!([{"do": "call_webhook", "url": "https://x.example/"}])),
            "actions[0].do",
            "for rules",
        ),
        (json!({"name": "a", "default_language": "fr", "texts": {"en": "x"}}), "default_language", "one of"),
        (
            json!({"name": "a", "default_language": "english", "texts": {"english": "x"}}),
            "texts.english",
            "two small",
        ),
    ] {
        let refused = send(&shop, "POST", "/api/macros", &wish).await;
        assert_eq!((refused.status.as_u16(), refused.field("field")), (422, field), "{}", refused.text);
        assert!(refused.field("detail").contains(words), "{}", refused.text);
    }
}

#[tokio::test]
async fn a_macro_is_previewed_and_used_in_one_step() {
    let shop = shop(Mode::Token).await;
    mailbox(&shop).await;
    let actions = json!([{"do": "add_tags", "tags": ["refund"]}, {"do": "set_status", "status": "pending"}]);
    let text = "Hello {{customer.first_name}}, ticket {{ticket.number}} of {{shop.name}}; order {{order.number | on file}}.";
    let made = send(&shop, "POST", "/api/macros", &body("Refund", text, &actions)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = send(&shop, "POST", "/api/macros", &body("REFUND", text, &actions)).await;
    assert_eq!((again.status.as_u16(), again.field("field")), (422, "name"), "{}", again.text);
    let path = format!("/api/macros/{}", made.field("id"));
    let (id, first) = ticket(&shop, "I want my money").await;
    let preview = send(&shop, "POST", &format!("{path}/preview"), &json!({"ticket_id": id})).await;
    assert_eq!(preview.status, 200, "{}", preview.text);
    assert!(
        preview.field("text").starts_with("Hello Ann, ticket ")
            && preview.field("text").ends_with("of A shop; order on file."),
        "{}",
        preview.text
    );
    assert_eq!(preview.json["empty"], json!([]));

    let used = send(
        &shop,
        "POST",
        &format!("{path}/apply"),
        &json!({"ticket_id": id, "last_seen_message_id": first}),
    )
    .await;
    assert_eq!(used.status, 200, "{}", used.text);
    let after = shop.get(&format!("/api/tickets/{id}")).await;
    assert_eq!(
        (after.field("status"), &after.json["tags"]),
        ("pending", &json!(["refund"])),
        "{}",
        after.text
    );
    let messages = shop.get(&format!("/api/tickets/{id}/messages")).await;
    assert_eq!(messages.json["items"][0]["text"], preview.json["text"]);
    assert_eq!(shop.get(&path).await.json["uses"], 1);

    // Somebody wrote meanwhile: nothing is done, and the text is kept.
    let met = send(
        &shop,
        "POST",
        &format!("{path}/apply"),
        &json!({"ticket_id": id, "last_seen_message_id": first}),
    )
    .await;
    assert_eq!((met.status.as_u16(), met.field("field")), (409, "last_seen_message_id"), "{}", met.text);
    let text = &preview.json["text"];
    assert_eq!(met.json["new_messages"][0]["text"], *text, "{}", met.text);
    assert_eq!(met.json["new_messages"][0]["id"], used.json["message_id"]);
    assert_eq!(met.json["last_message_id"], used.json["message_id"]);
    let kept = shop.get(&format!("/api/tickets/{id}/reply-text")).await;
    assert_eq!((kept.status.as_u16(), &kept.json["version"]), (200, &met.json["reply_text"]["version"]));
    assert_eq!(shop.get(&path).await.json["uses"], 1);

    let listed = shop.get("/api/macros?q=refund%20order&folder=Refunds").await;
    assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(1), "{}", listed.text);
    assert_eq!(
        shop.get("/api/macros/folders").await.json["items"],
        json!([{"name": "Refunds", "macros": 1}])
    );
    let other = neighbour(&shop).await;
    assert_eq!(call(&shop, &other, "GET", &path, &Value::Null, &[]).await.status, 404);
}

#[tokio::test]
async fn sent_twice_with_one_key_it_is_used_once() {
    let shop = shop(Mode::Token).await;
    mailbox(&shop).await;
    let made = send(&shop, "POST", "/api/macros", &body("Once", "It left today.", &json!([]))).await;
    let path = format!("/api/macros/{}/apply", made.field("id"));
    let (id, first) = ticket(&shop, "Where is it?").await;
    let wish = json!({"ticket_id": id, "last_seen_message_id": first});
    let key = [("idempotency-key", "one press")];
    let used = call(&shop, &shop.key, "POST", &path, &wish, &key).await;
    let again = call(&shop, &shop.key, "POST", &path, &wish, &key).await;
    assert_eq!((used.status.as_u16(), again.status.as_u16()), (200, 200), "{} {}", used.text, again.text);
    assert_eq!(used.json, again.json);
    assert_eq!((&used.json["not_sent_because"], &used.json["left_out"]), (&Value::Null, &json!([])));
    assert_eq!(shop.count("support_app.message where from_agent").await, 1);
    let forced = json!({"ticket_id": id, "force": true});
    let other = call(&shop, &shop.key, "POST", &path, &forced, &key).await;
    assert_eq!((other.status.as_u16(), other.field("field")), (422, "Idempotency-Key"), "{}", other.text);
}

#[tokio::test]
async fn empty_variables_are_named_and_nothing_is_sent() {
    let shop = shop(Mode::Token).await;
    let made = send(
        &shop,
        "POST",
        "/api/macros",
        &body("Order", "Order {{order.number}} of {{agent.name}}", &json!([])),
    )
    .await;
    let path = format!("/api/macros/{}", made.field("id"));
    let (id, first) = ticket(&shop, "Where is it?").await;
    let preview = send(&shop, "POST", &format!("{path}/preview"), &json!({"ticket_id": id})).await;
    assert_eq!(preview.json["empty"], json!(["order.number", "agent.name"]), "{}", preview.text);
    let wish = json!({"ticket_id": id, "last_seen_message_id": first});
    let refused = send(&shop, "POST", &format!("{path}/apply"), &wish).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json["empty"]),
        (422, &preview.json["empty"]),
        "{}",
        refused.text
    );
    assert_eq!(shop.count("support_app.message where from_agent").await, 0);
    let edited = json!({"ticket_id": id, "last_seen_message_id": first, "text": "It left today."});
    assert_eq!(send(&shop, "POST", &format!("{path}/apply"), &edited).await.status, 200);
    assert_eq!(shop.count("support_app.message where from_agent").await, 1);
    let stale =
        call(&shop, &shop.key, "PUT", &path, &body("Order", "x", &json!([])), &[("if-match", "\"7\"")]).await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    assert_eq!(send(&shop, "DELETE", &path, &Value::Null).await.status, 204);
    assert_eq!(shop.get(&path).await.status, 404);
}
