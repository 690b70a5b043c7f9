//! Files: sent, named by messages, downloaded as what they are, and never shown.

use accounts::verify::Mode;
use axum::body::Body;
use serde_json::{Value, json};

use crate::desk::{call, neighbour, send, ticket};
use crate::shop::{Answer, Shop, request, shop};

async fn upload(shop: &Shop, name: &str, bytes: Vec<u8>) -> Answer {
    let request =
        request("POST", &format!("/api/tickets/attachments?name={name}")).header("x-api-key", &shop.key);
    shop.send(request.body(Body::from(bytes)).expect("a request")).await
}

#[tokio::test]
async fn a_file_goes_with_a_message_and_is_downloaded_as_what_it_is() {
    let shop = shop(Mode::Token).await;
    let (id, first) = ticket(&shop, "hello").await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    let sent = upload(&shop, "..%2Fpicture.svg", svg.clone()).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    assert_eq!((sent.field("name"), sent.field("content_type")), ("picture.svg", "application/octet-stream"));
    let photo = upload(&shop, "photo.png", b"\x89PNG\r\n\x1a\nrest".to_vec()).await;
    let ids = json!([sent.field("id"), photo.field("id")]);
    let reply = json!({"text": "see there", "last_seen_message_id": first, "attachment_ids": ids});
    let reply = send(&shop, "POST", &format!("/api/tickets/{id}/messages"), &reply).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json["attachments"].as_array().map(Vec::len)),
        (201, Some(2)),
        "{}",
        reply.text
    );
    let page = shop.get(&format!("/api/tickets/{id}/messages")).await;
    assert_eq!(page.json["items"][0]["attachments"][1]["content_type"], "image/png", "{}", page.text);

    let path = format!("/api/tickets/attachments/{}", sent.field("id"));
    let file = shop.get(&path).await;
    assert_eq!((file.status.as_u16(), file.text.as_bytes()), (200, svg.as_slice()));
    assert_eq!(file.headers["content-type"], "application/octet-stream");
    assert_eq!(file.headers["x-content-type-options"], "nosniff");
    assert!(file.headers["content-disposition"].to_str().is_ok_and(|text| text.starts_with("attachment; ")));

    // It belongs to that message now; nobody else's is taken, and nobody else sees it.
    let note = json!({"text": "again", "attachment_ids": ids});
    let refused = send(&shop, "POST", &format!("/api/tickets/{id}/notes"), &note).await;
    assert_eq!(
        (refused.status.as_u16(), refused.field("field")),
        (400, "attachment_ids"),
        "{}",
        refused.text
    );
    let other = neighbour(&shop).await;
    assert_eq!(call(&shop, &other, "GET", &path, &Value::Null, &[]).await.status, 404);
    let many =
        json!({"text": "x", "attachment_ids": (0..21).map(|_| uuid::Uuid::now_v7()).collect::<Vec<_>>()});
    assert_eq!(
        send(&shop, "POST", &format!("/api/tickets/{id}/notes"), &many).await.field("field"),
        "attachment_ids"
    );
}

#[tokio::test]
async fn what_is_too_large_empty_or_nameless_is_refused_and_leaves_nothing() {
    let shop = shop(Mode::Token).await;
    let large = upload(&shop, "large.bin", vec![7; 100_001]).await;
    assert_eq!((large.status.as_u16(), large.field("field")), (413, "body"), "{}", large.text);
    assert_eq!(upload(&shop, "empty", Vec::new()).await.field("field"), "body");
    assert_eq!(upload(&shop, "", vec![7]).await.field("field"), "name");
    assert_eq!(shop.count("support_app.attachment").await, 0);
    assert_eq!(shop.get("/api/tickets/attachments/7").await.field("field"), "id");

    // What nobody sends along for a day is forgotten at the next upload, with its bytes.
    let left = upload(&shop, "left.txt", b"text".to_vec()).await;
    let mut admin = shop.admin().await;
    sqlx::query("update support_app.attachment set created_at = now() - interval '2 days'")
        .execute(&mut admin)
        .await
        .expect("set back");
    assert_eq!(upload(&shop, "next.txt", b"text".to_vec()).await.status, 201);
    assert_eq!(shop.get(&format!("/api/tickets/attachments/{}", left.field("id"))).await.status, 404);
    assert_eq!(shop.count("support_app.attachment").await, 1);
}
