//! Who may have a delivery taken in once more, and that the trail and the repetition are one thing.

use crate::desk::{call, key};
use crate::shop::shop;
use accounts::{api_keys::Scope, verify::Mode};

#[tokio::test]
async fn whoever_may_only_read_deliveries_makes_no_jobs() {
    let shop = shop(Mode::Token).await;
    let delivered =
        shop.deliver(r#"{"id":1,"messages":[{"id":2,"from_agent":false,"body_text":"Hello?"}]}"#).await;
    assert_eq!(delivered.status, 202, "{}", delivered.text);
    let path = format!("/api/webhooks/deliveries/{}", delivered.field("delivery_id"));
    let reader = key(&shop, shop.tenant, &[Scope::WebhooksRead], None).await;
    assert_eq!(call(&shop, &reader, "GET", &path, "").await.status, 200);
    let refused = call(&shop, &reader, "POST", &format!("{path}/replay"), "").await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(refused.field("detail").contains("webhooks:write"), "{}", refused.text);
    assert_eq!(shop.count("support_app.inbox").await, 1);
    let writer = key(&shop, shop.tenant, &[Scope::WebhooksWrite], None).await;
    assert_eq!(call(&shop, &writer, "POST", &format!("{path}/replay"), "").await.status, 202);
    assert_eq!(shop.count("shared.audit where action = 'delivery.replay'").await, 1);
}

#[tokio::test]
async fn what_cannot_be_audited_is_not_replayed() {
    let shop = shop(Mode::Token).await;
    let delivered = shop.deliver(r#"{"id":1}"#).await;
    let mut admin = shop.admin().await;
    sqlx::query("revoke insert on shared.audit from desk_support")
        .execute(&mut admin)
        .await
        .expect("revoked");
    let replay = format!("/api/webhooks/deliveries/{}/replay", delivered.field("delivery_id"));
    assert_eq!(shop.post(&replay, "").await.status, 500);
    assert_eq!(shop.count("support_app.inbox").await, 1);
}
