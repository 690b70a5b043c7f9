//! What a help desk tells by webhook obeys the same rules.

use accounts::verify::Mode;
use serde_json::json;

use crate::desk::send;
use crate::shop::shop;

#[tokio::test]
async fn a_told_message_opens_what_waits_and_a_told_status_keeps_what_is_finer() {
    let shop = shop(Mode::Token).await;
    let told = |message: u32, rest: &str| {
        format!(
            r#"{{"ticket":{{"id":5,"channel":"email","status":"open"{rest}}},"message":{{"id":{message},"body_text":"?"}}}}"#
        )
    };
    let delivered = shop.deliver(&told(1, "")).await;
    let path = format!("/api/tickets/{}", delivered.field("ticket_id"));
    assert_eq!(shop.get(&path).await.field("status"), "open");
    send(&shop, "PATCH", &path, &json!({"status": "pending"})).await;
    // The help desk calls it open, and tells of nothing new.
    shop.deliver(r#"{"ticket":{"id":5,"channel":"email","status":"open","tags":["x"]}}"#).await;
    assert_eq!(shop.get(&path).await.field("status"), "pending");
    shop.deliver(&told(2, "")).await;
    let opened = shop.get(&path).await;
    assert_eq!(opened.field("status"), "open", "{}", opened.text);
    send(&shop, "PATCH", &path, &json!({"status": "resolved"})).await;
    shop.deliver(r#"{"ticket":{"id":5,"channel":"email","status":"closed"}}"#).await;
    assert_eq!(shop.get(&path).await.field("status"), "resolved");
}
