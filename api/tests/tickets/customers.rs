//! Customers: made, found, opened with their tickets, changed.

use accounts::verify::Mode;
use serde_json::{Value, json};

use crate::desk::{call, neighbour, send, ticket};
use crate::shop::shop;

#[tokio::test]
async fn a_customer_is_made_found_opened_and_changed() {
    let shop = shop(Mode::Token).await;
    let ann =
        json!({"id": "g-77", "email": "Ann@Example.com", "name": "Ann Lind", "phone": "+49 30 1234567"});
    let made = send(&shop, "POST", "/api/customers", &ann).await;
    assert_eq!((made.status.as_u16(), made.field("id")), (201, "g-77"), "{}", made.text);
    let again = send(&shop, "POST", "/api/customers", &json!({"email": "ann@example.com"})).await;
    assert_eq!((again.status.as_u16(), again.field("customer_id")), (409, "g-77"), "{}", again.text);
    let many = json!({"customers": [{"id": "g-78", "name": "Annabel"}, {"id": "g-77"}, {"name": "Nobody"}, {"email": "x"}]});
    let many = send(&shop, "POST", "/api/customers/import", &many).await;
    assert_eq!(
        (many.status.as_u16(), &many.json["created"], &many.json["known"]),
        (200, &json!(["g-78"]), &json!([[1, "g-77"]]))
    );
    assert_eq!(many.json["refused"].as_array().map(Vec::len), Some(2), "{}", many.text);

    // Mail cannot go to two dots in a row; what a link to an address begins with is none of it.
    let dots =
        send(&shop, "POST", "/api/customers", &json!({"id": "g-79", "email": "a..b@example.com"})).await;
    assert_eq!((dots.status.as_u16(), dots.field("field")), (400, "email"), "{}", dots.text);
    let link = send(&shop, "POST", "/api/customers", &json!({"email": "mailto:ANN@example.com"})).await;
    assert_eq!((link.status.as_u16(), link.field("customer_id")), (409, "g-77"), "{}", link.text);

    for (q, found) in [
        ("", vec!["g-77", "g-78"]),
        ("?q=g-77", vec!["g-77"]),
        ("?q=ANN@example.com", vec!["g-77"]),
        ("?q=%2B49301234567", vec!["g-77"]),
        ("?q=ann", vec!["g-77", "g-78"]),
        ("?q=annab", vec!["g-78"]),
        ("?q=Lin", vec!["g-77"]),
        ("?q=zz", vec![]),
    ] {
        let list = shop.get(&format!("/api/customers{q}")).await;
        let ids: Vec<&str> = list.json["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|item| item["id"].as_str())
            .collect();
        assert_eq!(ids, found, "{q} {}", list.text);
    }
    let first = shop.get("/api/customers?q=ann&limit=1").await;
    let rest = shop.get(&format!("/api/customers?q=ann&cursor={}", first.field("next_cursor"))).await;
    assert_eq!(
        (&first.json["items"][0]["id"], &rest.json["items"][0]["id"]),
        (&json!("g-77"), &json!("g-78"))
    );
    assert_eq!(shop.get("/api/customers?q=a").await.field("field"), "q");

    // A ticket by her address is hers.
    let (id, _) = ticket(&shop, "hello").await;
    assert_eq!(shop.get(&format!("/api/tickets/{id}")).await.json["customer"]["id"], "g-77");
    let opened = shop.get("/api/customers/g-77").await;
    assert_eq!(
        (opened.status.as_u16(), &opened.json["open_tickets"][0]["id"]),
        (200, &json!(id)),
        "{}",
        opened.text
    );
    assert_eq!(
        (&opened.json["emails"], &opened.json["intelligence"]["available"]),
        (&json!(["ann@example.com"]), &json!(false))
    );
    send(&shop, "DELETE", &format!("/api/tickets/{id}"), &Value::Null).await;
    assert_eq!(shop.get("/api/customers/g-77").await.json["open_tickets"], json!([]));
    assert_eq!(shop.get("/api/customers/g-77/tickets").await.json["items"][0]["id"], json!(id));

    let changed =
        send(&shop, "PATCH", "/api/customers/g-77", &json!({"email": "lind@example.com", "phone": null}))
            .await;
    assert_eq!(
        (changed.status.as_u16(), changed.field("email"), &changed.json["phone"]),
        (200, "lind@example.com", &Value::Null)
    );
    assert_eq!(shop.get("/api/customers?q=ann@example.com").await.json["items"], json!([]));
    assert_eq!(shop.get("/api/customers?q=lind@example.com").await.json["items"][0]["id"], "g-77");
    let refused = send(&shop, "PATCH", "/api/customers/g-77", &json!({"email": "no address"})).await;
    assert_eq!((refused.status.as_u16(), refused.field("field")), (400, "email"), "{}", refused.text);

    let other = neighbour(&shop).await;
    for (method, path, body) in [
        ("GET", "/api/customers/g-77", Value::Null),
        ("PATCH", "/api/customers/g-77", json!({"name": "x"})),
        ("GET", "/api/customers/g-77/tickets", Value::Null),
    ] {
        assert_eq!(call(&shop, &other, method, path, &body, &[]).await.status, 404, "{method} {path}");
    }
    assert_eq!(
        call(&shop, &other, "GET", "/api/customers?q=ann", &Value::Null, &[]).await.json["items"],
        json!([])
    );
}
