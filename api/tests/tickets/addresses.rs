//! One address is the same one wherever it is written, and one that no mail server takes is refused by name where mail is to go.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{send, ticket};
use crate::shop::shop;

#[tokio::test]
async fn an_address_has_one_form_wherever_it_is_written() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let link = "MAILTO:Bob@Example.com?subject=Lamp";
    let body = json!({"customer": {"email": link}, "message": {"from": "customer", "text": "x"}});
    let made = send(&shop, "POST", "/api/tickets", &body).await;
    let path = format!("/api/tickets/{id}");
    let changed =
        send(&shop, "PATCH", &path, &json!({"customer": {"email": "mailto:bob@example.com"}})).await;
    assert_eq!((made.status.as_u16(), changed.status.as_u16()), (201, 200), "{} {}", made.text, changed.text);
    let told = shop
        .deliver(r#"{"ticket":{"id":1,"channel":"email","customer":{"email":"mailto:Bob@Example.com"}},"message":{"id":10,"body_text":"x"}}"#)
        .await;
    assert_eq!(told.status, 202, "{}", told.text);
    for ticket in [made.field("id"), &id, told.field("ticket_id")] {
        let shown = shop.get(&format!("/api/tickets/{ticket}")).await;
        assert_eq!(shown.json["customer"]["email"], "bob@example.com", "{}", shown.text);
    }
    let mailbox =
        send(&shop, "POST", "/api/mailboxes", &json!({"address": "mailto:Help@Shop.example"})).await;
    assert_eq!(
        (mailbox.status.as_u16(), mailbox.field("address")),
        (201, "help@shop.example"),
        "{}",
        mailbox.text
    );
    // Somebody may be known by an address that no mail server takes.
    for (written, known) in
        [("mailto:Bob@Example.com", "bob@example.com"), ("a..b@example.com", "a..b@example.com")]
    {
        let body = json!({"kind": "export", "email": written, "verification": "by mail"});
        let asked = send(&shop, "POST", "/api/privacy/requests", &body).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let shown = shop.get(&format!("/api/privacy/requests/{}", asked.field("id"))).await;
        assert_eq!(shown.field("email"), known, "{}", shown.text);
    }
}

#[tokio::test]
async fn an_address_that_no_mail_server_takes_is_refused_by_name() {
    let shop = shop(Mode::Token).await;
    let (id, _) = ticket(&shop, "hello").await;
    let path = format!("/api/tickets/{id}");
    for (address, why) in [
        ("a..b@example.com", "two dots in a row before the @"),
        ("mailto:.a@example.com", "a dot at the beginning or right before the @"),
        ("a@example..com", "two dots in a row behind the @"),
        ("a@exam!ple.com", "no name of a server"),
        ("nobody", "one e-mail address alone"),
        ("a@example.com, b@example.com", "one e-mail address alone"),
    ] {
        let customer = json!({"customer": {"email": address}});
        let made = send(&shop, "POST", "/api/tickets", &customer).await;
        let changed = send(&shop, "PATCH", &path, &customer).await;
        let mailbox = send(&shop, "POST", "/api/mailboxes", &json!({"address": address})).await;
        for (answer, field) in [(made, "customer.email"), (changed, "customer.email"), (mailbox, "address")] {
            assert_eq!((answer.status.as_u16(), answer.field("field")), (400, field), "{}", answer.text);
            assert!(answer.field("detail").contains(why), "{why}: {}", answer.text);
            assert!(
                !answer.text.contains("example..com") && !answer.text.contains("a..b"),
                "{}",
                answer.text
            );
        }
    }
    assert_eq!(shop.get(&path).await.json["customer"]["email"], "ann@example.com");
    let left = send(&shop, "GET", "/api/mailboxes", &Value::Null).await;
    assert!(!left.text.contains("example.com"), "{}", left.text);
}
