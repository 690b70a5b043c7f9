//! What a shop's words do to the tables, whichever way and in whatever order they come.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use chrono::{DateTime, Utc};
use database::{Role, Tx};
use platform::identities::erased::ErasureKey;
use platform::shops::events::{self, Fate, NewEvent};
use platform::shops::gone;
use platform::shops::health::{self, Status};
use platform::shops::products::{self, Product};
use platform::shops::store::{self, Heard, Stored};
use platform::shops::sync::{self, After, First, Step};
use platform::shops::{SHOPIFY, customers, privacy, shopify};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;
use world::{World, world};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// An order as a webhook writes it: two lines, of one of which a piece was given back.
fn body(updated: &str, status: &str) -> Value {
    json!({
        "id": 9_007_199_254_740_995_u64, "name": "#1001", "created_at": "2026-10-01T10:00:00Z", "updated_at": updated,
        "processed_at": "2026-10-01T10:00:00+02:00", "currency": "EUR", "financial_status": status, "test": false,
        "cancelled_at": null, "email": "maya@example.com", "phone": null, "fulfillment_status": null, "fulfillments": [],
        "customer": {"id": 7, "email": "maya@example.com", "first_name": "Maya", "last_name": "Example", "phone": null},
        "line_items": [
            {"id": 1, "product_id": 71, "sku": "", "title": "Lamp", "quantity": 2, "current_quantity": 1, "price": "19.90",
             "price_set": {"shop_money": {"amount": "19.90", "currency_code": "EUR"},
                           "presentment_money": {"amount": "21.00", "currency_code": "USD"}},
             "discount_allocations": [{"amount": "1.80"}]},
            {"id": 2, "product_id": null, "sku": "B-1", "title": "Bulb", "quantity": 1, "price": "5.00"},
        ],
        "refunds": [{"id": 5, "created_at": "2026-10-03T10:00:00Z",
            "refund_line_items": [{"line_item_id": 1, "quantity": 1, "subtotal": "19.00"}], "order_adjustments": []}],
    })
}

/// The same order as a node of GraphQL.
fn node() -> Value {
    let money = |amount: &str| json!({ "shopMoney": { "amount": amount, "currencyCode": "EUR" } });
    json!({
        "id": "gid://shopify/Order/9007199254740995", "name": "#1001", "createdAt": "2026-10-01T10:00:00Z",
        "processedAt": "2026-10-01T08:00:00Z", "updatedAt": "2026-10-03T10:00:00Z", "cancelledAt": null, "test": false,
        "email": "maya@example.com", "phone": null, "currencyCode": "EUR", "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "displayFulfillmentStatus": "UNFULFILLED", "fulfillments": [],
        "customer": {"id": "gid://shopify/Customer/7", "firstName": "Maya", "lastName": "Example",
            "defaultEmailAddress": {"emailAddress": "maya@example.com"}, "defaultPhoneNumber": null},
        "lineItems": {"nodes": [
            {"id": "gid://shopify/LineItem/1", "title": "Lamp", "sku": "", "quantity": 2, "currentQuantity": 1,
             "product": {"id": "gid://shopify/Product/71"}, "originalTotalSet": money("39.80"),
             "discountAllocations": [{"allocatedAmountSet": money("1.80")}]},
            {"id": "gid://shopify/LineItem/2", "title": "Bulb", "sku": "B-1", "quantity": 1, "currentQuantity": 1,
             "product": null, "originalTotalSet": money("5.0"), "discountAllocations": []},
        ], "pageInfo": {"hasNextPage": false}},
        "refunds": [{"id": "gid://shopify/Refund/5", "createdAt": "2026-10-03T10:00:00Z",
            "refundLineItems": {"nodes": [{"quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/1"},
                "subtotalSet": money("19.0")}], "pageInfo": {"hasNextPage": false}},
            "orderAdjustments": {"nodes": []}}],
    })
}

fn key(world: &World) -> ErasureKey {
    ErasureKey::of(&[7; 32], world.tenant)
}

async fn tx(world: &World) -> Tx {
    world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins")
}

async fn tell(world: &World, body: &Value, at: &str) -> Stored {
    let order = shopify::order_of_webhook(body).expect("an order");
    let mut tx = tx(world).await;
    let heard = Heard { at: time(at), cause: Uuid::now_v7(), erasure_key: key(world) };
    let stored = store::orders(&mut tx, world.tenant, SHOPIFY, &[order], heard).await.expect("stored");
    tx.commit().await.expect("commits");
    stored
}

async fn text(world: &World, select: &'static str) -> String {
    let mut tx = tx(world).await;
    let text: Option<String> = sqlx::query_scalar(select).fetch_one(&mut *tx).await.expect("a text");
    text.unwrap_or_default()
}

const ORDER: &str = "select string_agg(concat_ws(' ', order_id, customer_id, payment, sold, given_back), '; ') from platform.order";

#[tokio::test]
async fn both_ways_of_writing_an_order_say_the_same() {
    let world = world().await;
    let told = body("2026-10-03T10:00:00Z", "partially_refunded");
    let (one, other) = (shopify::order_of_webhook(&told), shopify::order_of_node(&node(), 5));
    let statement = |order: Option<platform::shops::order::ShopOrder>| {
        order.expect("an order").statement(&Default::default()).expect("it states something")
    };
    assert_eq!(statement(one), statement(other.clone()));
    assert_eq!(tell(&world, &told, "2026-10-03T10:00:01Z").await.inserted, 1);
    let mut tx = tx(&world).await;
    let heard = Heard { at: time("2026-10-04T10:00:00Z"), cause: Uuid::now_v7(), erasure_key: key(&world) };
    let again = store::orders(&mut tx, world.tenant, SHOPIFY, &[other.expect("an order")], heard).await;
    tx.commit().await.expect("commits");
    assert_eq!(again.expect("stored").unchanged, 1);
    assert_eq!(text(&world, ORDER).await, "#1001 7 partly_refunded 43.00 19.00");
}

#[tokio::test]
async fn what_is_older_changes_nothing_in_whatever_order_it_comes() {
    let world = world().await;
    let (old, new) =
        (body("2026-10-02T10:00:00Z", "paid"), body("2026-10-03T10:00:00Z", "partially_refunded"));
    assert_eq!(tell(&world, &new, "2026-10-03T10:00:01Z").await.inserted, 1);
    assert_eq!(
        tell(&world, &old, "2026-10-05T10:00:00Z").await.older,
        1,
        "it came later and happened earlier"
    );
    assert!(text(&world, ORDER).await.contains("partly_refunded"));
    // Within one second of the shop's clock what was triggered later holds.
    let later = body("2026-10-03T10:00:00Z", "refunded");
    assert_eq!(tell(&world, &later, "2026-10-03T10:00:00.5Z").await.older, 1);
    assert_eq!(tell(&world, &later, "2026-10-03T10:00:02Z").await.replaced, 1);
    assert!(text(&world, ORDER).await.contains(" refunded"));
}

#[tokio::test]
async fn words_of_several_orders_are_stored_in_one_transaction() {
    let world = world().await;
    let order = |number: u64, updated: &str, status: &str| {
        let mut body = body(updated, status);
        body["id"] = number.into();
        body["name"] = format!("#{number}").into();
        shopify::order_of_webhook(&body).expect("an order")
    };
    let (first, second, third) = ("2026-10-03T10:00:00Z", "2026-10-04T10:00:00Z", "2026-10-05T10:00:00Z");
    let heard = Heard { at: time("2026-10-06T10:00:00Z"), cause: Uuid::now_v7(), erasure_key: key(&world) };
    let mut tx1 = tx(&world).await;
    // Each by itself, as webhooks come, and then two of one order together, as a page may have it.
    for (told, expected) in [
        (vec![order(1, first, "paid")], (1, 0)),
        (vec![order(2, first, "paid")], (1, 0)),
        (vec![order(1, second, "partially_refunded")], (0, 1)),
        (vec![order(2, second, "partially_refunded")], (0, 1)),
        (vec![order(2, third, "voided"), order(3, first, "pending"), order(3, second, "paid")], (1, 2)),
    ] {
        let stored = store::orders(&mut tx1, world.tenant, SHOPIFY, &told, heard).await.expect("stored");
        assert_eq!((stored.inserted, stored.replaced), expected);
    }
    tx1.commit().await.expect("commits");
    let orders = "select string_agg(concat_ws(' ', order_id, payment, lines), '; ' order by order_id) from platform.order";
    assert_eq!(text(&world, orders).await, "#1 partly_refunded 3; #2 voided 3; #3 paid 3");
    let lines = "select string_agg(concat_ws(' ', order_id, lines), '; ' order by order_id)
                 from (select order_id, count(*) as lines from platform.order_line group by order_id) as counted";
    assert_eq!(text(&world, lines).await, "#1 3; #2 3; #3 3");
}

#[tokio::test]
async fn what_cannot_be_stored_is_told_until_it_can() {
    let world = world().await;
    let mut nobody = body("2026-10-03T10:00:00Z", "paid");
    nobody["customer"] = Value::Null;
    nobody["email"] = Value::Null;
    assert_eq!(tell(&world, &nobody, "2026-10-03T10:00:00Z").await.refused, 1);
    let mut huge = body("2026-10-03T10:00:00Z", "paid");
    huge["line_items"][0]["price_set"] = Value::Null;
    huge["line_items"][0]["price"] = "99999999999999999999999999999999999".into();
    assert_eq!(tell(&world, &huge, "2026-10-03T10:00:00Z").await.refused, 1);
    let refusals = "select string_agg(external_id || ' ' || reason, '; ') from platform.shop_refusal";
    assert_eq!(text(&world, refusals).await, "9007199254740995 number_out_of_range", "the last word of each");
    tell(&world, &body("2026-10-03T10:00:00Z", "paid"), "2026-10-03T10:00:00Z").await;
    assert_eq!(text(&world, refusals).await, "");
}

#[tokio::test]
async fn categories_come_from_products_and_deleted_orders_count_no_more() {
    let world = world().await;
    let mut tx1 = tx(&world).await;
    let lamp = |category: &str, at: &str| Product {
        id: "71".to_owned(),
        title: None,
        category: Some(category.to_owned()),
        changed_at: time(at),
        is_deleted: false,
    };
    let told = [lamp("Lights", "2026-10-02T00:00:00Z"), lamp("Old", "2026-10-01T00:00:00Z")];
    products::store(&mut tx1, world.tenant, SHOPIFY, &told).await.expect("stored");
    tx1.commit().await.expect("commits");
    tell(&world, &body("2026-10-03T10:00:00Z", "paid"), "2026-10-03T10:00:00Z").await;
    let categories = "select string_agg(distinct category, ' ') from platform.order_line";
    assert_eq!(text(&world, categories).await, "Lights");
    let mut tx2 = tx(&world).await;
    let heard = Heard { at: time("2026-10-06T10:00:00Z"), cause: Uuid::now_v7(), erasure_key: key(&world) };
    let gone =
        store::deleted(&mut tx2, world.tenant, SHOPIFY, "9007199254740995", heard).await.expect("stored");
    let unknown = store::deleted(&mut tx2, world.tenant, SHOPIFY, "1", heard).await.expect("stored");
    tx2.commit().await.expect("commits");
    assert_eq!((gone, unknown), (true, false));
    let left = "select concat_ws(' ', payment, counts, lines) from platform.order";
    assert_eq!(text(&world, left).await, "voided f 0");
    // What was said before it was deleted comes late.
    assert_eq!(tell(&world, &body("2026-10-05T10:00:00Z", "paid"), "2026-10-07T10:00:00Z").await.older, 1);
}

#[tokio::test]
async fn customers_who_are_one_in_the_shop_are_one_here() {
    let world = world().await;
    tell(&world, &body("2026-10-03T10:00:00Z", "paid"), "2026-10-03T10:00:00Z").await;
    let mut tx1 = tx(&world).await;
    assert!(
        customers::merged(&mut tx1, world.tenant, SHOPIFY, ("8", "7"), &key(&world)).await.expect("merged")
    );
    assert!(
        !customers::merged(&mut tx1, world.tenant, SHOPIFY, ("8", "7"), &key(&world))
            .await
            .expect("one already")
    );
    tx1.commit().await.expect("commits");
    assert!(text(&world, ORDER).await.starts_with("#1001 8 "));
    tell(&world, &body("2026-10-04T10:00:00Z", "voided"), "2026-10-04T10:00:00Z").await;
    assert!(
        text(&world, ORDER).await.starts_with("#1001 8 voided"),
        "also what is said of the old one later"
    );
    let customer = |name: &str, at: &str| {
        let body = json!({"id": 9, "first_name": name, "email": "a@example.com", "updated_at": at});
        shopify::customer_of_webhook(&body).expect("a customer")
    };
    let mut tx2 = tx(&world).await;
    for (name, at, newer) in [("New", "2026-10-03T00:00:00Z", 1), ("Old", "2026-10-02T00:00:00Z", 0)] {
        let told = [customer(name, at)];
        assert_eq!(
            customers::store(&mut tx2, world.tenant, SHOPIFY, &told, &key(&world)).await.expect("stored"),
            newer
        );
    }
    tx2.commit().await.expect("commits");
    let name = "select name from platform.customer where customer_id = '9'";
    assert_eq!(text(&world, name).await, "New");
}

#[tokio::test]
async fn an_event_is_taken_once_and_its_body_forgotten() {
    let world = world().await;
    let raw = RawValue::from_string("{\"id\":1}".to_owned()).expect("JSON");
    let event = |topic: &'static str, event_id: &'static str| NewEvent {
        source: SHOPIFY,
        topic,
        event_id,
        triggered_at: time("2026-10-03T10:00:00Z"),
        body: &raw,
        correlation_id: "c-1",
        trace_parent: None,
    };
    let now = time("2026-10-03T10:00:05Z");
    let mut tx1 = tx(&world).await;
    assert!(
        events::take_in(&mut tx1, world.tenant, &event("orders/updated", "e-1"), now)
            .await
            .expect("in")
            .is_some()
    );
    assert!(
        events::take_in(&mut tx1, world.tenant, &event("orders/updated", "e-1"), now)
            .await
            .expect("in")
            .is_none()
    );
    assert!(
        events::take_in(&mut tx1, world.tenant, &event("orders/paid", "e-1"), now)
            .await
            .expect("in")
            .is_some()
    );
    let waiting = events::waiting(&mut tx1, SHOPIFY, 10).await.expect("read");
    assert_eq!(waiting.len(), 2);
    assert!(
        events::settle(&mut tx1, SHOPIFY, &waiting[0], (Fate::Applied, None), now).await.expect("settled")
    );
    assert!(
        !events::settle(&mut tx1, SHOPIFY, &waiting[0], (Fate::Applied, None), now).await.expect("settled")
    );
    let asked = privacy::Asked {
        source: SHOPIFY,
        topic: "customers/redact",
        event_id: "p-1",
        body: &json!({"customer": {"id": 7, "email": "maya@example.com"}, "orders_to_redact": [1, 2]}),
    };
    assert!(privacy::ask(&mut tx1, world.tenant, asked, now).await.expect("kept"));
    assert!(!privacy::ask(&mut tx1, world.tenant, asked, now).await.expect("kept"));
    tx1.commit().await.expect("commits");
    assert_eq!(text(&world, "select count(body)::text from platform.shop_event").await, "1");
    let request = "select concat_ws(' ', customer_id, array_to_string(orders, ','), state) from platform.shop_privacy_request";
    assert_eq!(text(&world, request).await, "7 1,2 received");
}

#[tokio::test]
async fn a_reading_goes_on_where_it_was_and_its_kinds_follow_each_other() {
    let world = world().await;
    let (run, now) = (Uuid::now_v7(), time("2026-11-01T00:00:00Z"));
    let first = First::Pages(time("2026-01-01T00:00:00Z"));
    let mut tx1 = tx(&world).await;
    let parts = sync::begin(&mut tx1, world.tenant, SHOPIFY, run, first, now).await.expect("begun");
    assert_eq!(parts.len(), 6, "products, customers, four times orders");
    for pair in parts[2..].windows(2) {
        assert_eq!(pair[0].until, pair[1].since, "no gap, nothing twice");
    }
    let after = sync::after(&mut tx1, SHOPIFY, run).await.expect("told");
    assert_eq!(after, After::Begin(vec![0]));
    let part = sync::held(&mut tx1, SHOPIFY, run, 0).await.expect("read").expect("there");
    let last_at = Some(time("2026-03-01T00:00:00Z"));
    let page = Step { read: 20_000, last_at, next: Some("c-1".to_owned()), ..Step::default() };
    assert!(sync::advance(&mut tx1, SHOPIFY, &part, &page, now).await.expect("moved"));
    assert!(
        !sync::advance(&mut tx1, SHOPIFY, &part, &page, now).await.expect("asked"),
        "it was moved before"
    );
    let moved = sync::held(&mut tx1, SHOPIFY, run, 0).await.expect("read").expect("there");
    assert_eq!(
        (Some(moved.since), moved.cursor.as_deref(), moved.in_window),
        (last_at, None, 0),
        "a new range"
    );
    let end = Step { is_last: true, ..Step::default() };
    assert!(sync::advance(&mut tx1, SHOPIFY, &moved, &end, now).await.expect("moved"));
    let after = sync::after(&mut tx1, SHOPIFY, run).await.expect("told");
    assert_eq!(after, After::Begin(vec![1]));
    for (number, next) in [
        (1, After::Begin(vec![2, 3, 4, 5])),
        (2, After::Others),
        (3, After::Others),
        (4, After::Others),
        (5, After::Read),
    ] {
        let part = sync::held(&mut tx1, SHOPIFY, run, number).await.expect("read").expect("there");
        assert!(sync::advance(&mut tx1, SHOPIFY, &part, &end, now).await.expect("moved"));
        assert_eq!(sync::after(&mut tx1, SHOPIFY, run).await.expect("told"), next);
    }
    let until = sync::read_until(&mut tx1, SHOPIFY, sync::Resource::Orders).await.expect("read");
    assert_eq!(until, None, "what is gone is looked for first");
    assert!(sync::finish(&mut tx1, world.tenant, SHOPIFY, run, now).await.expect("noted").is_some());
    let until = sync::read_until(&mut tx1, SHOPIFY, sync::Resource::Orders).await.expect("read");
    assert_eq!(until, Some(now));
    let again =
        sync::begin(&mut tx1, world.tenant, SHOPIFY, Uuid::now_v7(), first, time("2026-11-02T00:00:00Z"))
            .await;
    assert_eq!(again.expect("begun").len(), 3, "what changed since then, a part of each");
    tx1.commit().await.expect("commits");
}

#[tokio::test]
async fn what_the_shop_has_no_more_is_taken_out_once() {
    let world = world().await;
    let told = body("2026-10-03T10:00:00Z", "paid");
    tell(&world, &told, "2026-10-03T10:00:01Z").await;
    let mut tx1 = tx(&world).await;
    let placed_since = time("2026-10-01T00:00:00Z");
    let ids = gone::stored(&mut tx1, SHOPIFY, placed_since, "").await.expect("read");
    assert_eq!(ids, ["9007199254740995"]);
    let later = gone::stored(&mut tx1, SHOPIFY, time("2026-10-02T00:00:00Z"), "").await.expect("read");
    assert!(later.is_empty(), "it was placed before");
    assert!(gone::stored(&mut tx1, SHOPIFY, placed_since, &ids[0]).await.expect("read").is_empty());

    let heard = Heard { at: time("2026-10-09T00:00:00Z"), cause: Uuid::now_v7(), erasure_key: key(&world) };
    let many: Vec<String> = (0..20).map(|_| ids[0].clone()).collect();
    let none = gone::take_out(&mut tx1, world.tenant, SHOPIFY, (20, &many), heard).await.expect("asked");
    assert_eq!(none, None, "a shop that has nothing any more is not believed");
    let count = gone::take_out(&mut tx1, world.tenant, SHOPIFY, (5, &ids), heard).await.expect("taken out");
    assert_eq!(count, Some(1));
    assert!(
        gone::stored(&mut tx1, SHOPIFY, placed_since, "").await.expect("read").is_empty(),
        "and not asked for again"
    );
    tx1.commit().await.expect("commits");
    assert!(text(&world, ORDER).await.contains("voided"));
    // A word of before does not bring it back.
    assert_eq!(tell(&world, &told, "2026-10-03T10:00:01Z").await.older, 1);
}

#[tokio::test]
async fn another_shop_says_nothing_of_the_former_one_s_orders() {
    let world = world().await;
    let mut tx1 = tx(&world).await;
    let now = time("2026-10-09T00:00:00Z");
    let connected = (Status::Connected, None);
    health::set(&mut tx1, world.tenant, SHOPIFY, "one.myshopify.com", connected, now).await.expect("noted");
    tx1.commit().await.expect("commits");
    tell(&world, &body("2026-10-03T10:00:00Z", "paid"), "2026-10-03T10:00:01Z").await;
    let mut tx1 = tx(&world).await;
    let since = time("2026-10-01T00:00:00Z");
    let gone_away = (Status::Disconnected, None);
    health::set(&mut tx1, world.tenant, SHOPIFY, "one.myshopify.com", gone_away, now).await.expect("noted");
    health::set(&mut tx1, world.tenant, SHOPIFY, "one.myshopify.com", connected, now).await.expect("noted");
    assert_eq!(gone::stored(&mut tx1, SHOPIFY, since, "").await.expect("read").len(), 1, "the same shop");
    health::set(&mut tx1, world.tenant, SHOPIFY, "two.myshopify.com", connected, now).await.expect("noted");
    assert!(gone::stored(&mut tx1, SHOPIFY, since, "").await.expect("read").is_empty());
    tx1.commit().await.expect("commits");
    assert!(text(&world, ORDER).await.contains("paid"), "they stay as they are");
}
