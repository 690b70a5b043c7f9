//! What a shop asks for by law is done as if the person had asked.

use database::Role;
use platform::kinds::ApplyShopEvents;
use platform::shops::SHOPIFY;
use platform::shops::events::{self, NewEvent};
use support::privacy::requests::{Asked, Kind, State};
use uuid::Uuid;

use super::shop::{Shop, ZOE};

async fn tell(shop: &Shop, topic: &str, event_id: &str, body: String) {
    let body = serde_json::value::RawValue::from_string(body).expect("JSON");
    let now = chrono::Utc::now();
    let event = NewEvent {
        source: SHOPIFY,
        topic,
        event_id,
        triggered_at: now,
        body: &body,
        correlation_id: "c",
        trace_parent: None,
    };
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("begins");
    events::take_in(&mut tx, shop.tenant, &event, now).await.expect("taken in");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn a_shop_asks_for_a_customers_data_and_for_their_erasure() {
    let shop = Shop::open().await;
    // The shop knows her by the id that was merged into the other.
    let who = format!("{{\"customer\": {{\"id\": \"{}\", \"email\": \"{}\"}}}}", "zq-0815", ZOE.email);
    tell(&shop, "customers/data_request", "d-1", who.clone()).await;
    shop.does(&ApplyShopEvents {}).await;
    let request = |topic: &str| {
        format!(
            "select id from platform.shop_privacy_request where topic = '{topic}' and state = 'done' and done_at is not null"
        )
    };
    let mut admin = shop.admin().await;
    let exported: Uuid = sqlx::query_scalar(sqlx::AssertSqlSafe(request("customers/data_request")))
        .fetch_one(&mut admin)
        .await
        .expect("done");
    let export = shop.request(exported).await;
    assert_eq!(
        (export.kind, export.state, export.requested_by.as_str()),
        (Kind::Export, State::Done, "shop:shopify")
    );
    assert_eq!(export.reached.0["support_app.message"], 9);

    tell(&shop, "customers/redact", "r-1", who.clone()).await;
    tell(&shop, "shop/redact", "s-1", "{\"shop_id\": 1}".to_owned()).await;
    shop.does(&ApplyShopEvents {}).await;
    let erased: Uuid = sqlx::query_scalar(sqlx::AssertSqlSafe(request("customers/redact")))
        .fetch_one(&mut admin)
        .await
        .expect("done");
    assert_eq!(shop.request(erased).await.state, State::Done);
    let left = shop.found(&ZOE.words()).await;
    assert!(left.is_empty(), "{left:#?}");
    // The erasure of everything is for people; and what is told again is known.
    let open = "select count(*) from platform.shop_privacy_request where topic = 'shop/redact' and state = 'received'";
    assert_eq!(shop.number(open).await, 1);
    tell(&shop, "customers/redact", "r-1", who.clone()).await;
    shop.does(&ApplyShopEvents {}).await;
    assert_eq!(shop.number("select count(*) from support_app.privacy_request").await, 2);

    // Asked once more by law, and by hand: one token stands for her, whoever asks and however often.
    tell(&shop, "customers/redact", "r-2", who).await;
    shop.does(&ApplyShopEvents {}).await;
    let asked = Asked {
        customer_id: Some("zq-0815".to_owned()),
        verification: "by mail".to_owned(),
        ..Asked::default()
    };
    shop.asks(Kind::Erase, asked, false).await;
    shop.drain().await;
    let done = "select count(*) from support_app.privacy_request where kind = 'erase' and state = 'done'";
    assert_eq!(shop.number(done).await, 3);
    for tokens in [
        "select count(distinct token) from platform.erased_identity",
        "select count(distinct certificate ->> 'subject') from support_app.privacy_request where kind = 'erase'",
    ] {
        assert_eq!(shop.number(tokens).await, 1, "{tokens}");
    }
}
