//! Customers and times with orders in another currency than the shop's main one: they have orders, and it is said in which.

use chrono::{DateTime, Utc};
use database::Role;
use questions::text;
use questions::tools::{Call, ToolAnswer};
use questions::verifier::known::Known;
use questions::verifier::verify;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::world::{World, desk, publish, world};

/// Orders of ten dollars and some cents, the last in June 2027.
const ORDERS: &str = "
    insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category, quantity,
                                     amount, list_amount, currency, is_return)
    select $1, gen_random_uuid(), $2::text || k, $2, timestamptz '2026-06-10 12:00+00' + make_interval(years => k / 3), 'green', 'tea', 1,
           40, 40, 'USD', false
    from generate_series(1, $3) k";

/// A customer with so many orders in dollars; a new one if nobody has this id.
async fn buys_in_dollars(world: &World, customer: &str, orders: i32) {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("insert into platform.customer (tenant_id, customer_id, email) values ($1, $2, $2) on conflict do nothing")
        .bind(world.tenant)
        .bind(customer)
        .execute(&mut admin)
        .await
        .expect("a customer");
    sqlx::query(ORDERS)
        .bind(world.tenant)
        .bind(customer)
        .bind(orders)
        .execute(&mut admin)
        .await
        .expect("orders");
    let mut tx = world.desk.db().tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query(include_str!("../../../platform/src/orders/refresh_profiles.sql"))
        .bind(world.tenant)
        .bind(vec![customer.to_owned()])
        .execute(&mut *tx)
        .await
        .expect("profiles");
    tx.commit().await.expect("commits");
}

/// A run that was published after these orders counted none of them.
async fn counted_none(world: &World, customer: &str) {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("insert into platform.customer_fact (tenant_id, generation, customer_id, orders, spend_cents, marketing_opt_in) values ($1, 1, $2, 0, 0, true)")
        .bind(world.tenant)
        .bind(customer)
        .execute(&mut admin)
        .await
        .expect("a fact");
}

async fn look(world: &World, customer: &str, info: &str) -> ToolAnswer {
    world.ask("lookup_customer", json!({"customer_id": customer, "info_type": info})).await
}

fn told(answer: &ToolAnswer) -> String {
    let text = text::of(answer);
    assert_eq!(verify(&text, &Known::of([answer]), &[]).text, text);
    text
}

#[tokio::test]
async fn who_orders_in_another_currency_alone_has_orders() {
    for is_published in [false, true] {
        let world = world().await;
        buys_in_dollars(&world, "dollars@example.com", 2).await;
        if is_published {
            // The facts of who is counted come with the run; this customer's row says that there is no order.
            sqlx::query("delete from platform.customer_profile where customer_id = 'dollars@example.com'")
                .execute(&mut PgConnection::connect(&world.database.admin_url).await.expect("connects"))
                .await
                .expect("left out");
            publish(&world).await;
            buys_in_dollars(&world, "dollars@example.com", 0).await;
            counted_none(&world, "dollars@example.com").await;
        }
        let profile = look(&world, "dollars@example.com", "profile").await;
        let text = told(&profile);
        assert!(text.contains("They spent 80.00 USD in 2 orders."), "{text}");
        assert!(!text.contains("0 orders") && !text.contains("EUR") && !text.contains("No order"), "{text}");
        assert_eq!((&profile.figures["currency"], profile.currency.as_deref()), (&json!("USD"), Some("USD")));
        assert!(
            profile.caveats.iter().any(|caveat| caveat.contains("orders in USD only")),
            "{:?}",
            profile.caveats
        );
        for info in ["churn_risk", "ltv_forecast", "segment"] {
            let answer = look(&world, "dollars@example.com", info).await;
            let text = told(&answer);
            assert!(!answer.available && text.contains("has orders in USD only"), "{info}: {text}");
        }
        let history = look(&world, "dollars@example.com", "purchase_history").await;
        assert!(told(&history).contains("40.00 USD"), "{history:?}");
    }
}

#[tokio::test]
async fn who_orders_in_two_currencies_has_both() {
    let world = world().await;
    publish(&world).await;
    buys_in_dollars(&world, "person30@example.com", 1).await;
    let profile = look(&world, "person30@example.com", "profile").await;
    let text = told(&profile);
    // Fourteen orders of ten euros and 30 cents.
    assert!(text.contains("They spent 144.20 EUR in 14 orders and 40.00 USD in 1 order."), "{text}");
    assert!(profile.caveats.iter().any(|caveat| caveat.contains("USD too")), "{:?}", profile.caveats);
    // Who orders in one currency has no word of others.
    let other = look(&world, "person31@example.com", "profile").await;
    assert_eq!(other.figures["by_currency"], Value::Null);
    assert!(told(&other).contains("In 14 orders they spent 144.34 EUR."), "{}", told(&other));
}

#[tokio::test]
async fn a_time_without_orders_in_the_main_currency_is_not_told_to_have_none() {
    let world = world().await;
    let later: DateTime<Utc> = "2027-06-30T12:00:00Z".parse().expect("a time");
    let ask = async |tool: &str, arguments: Value| {
        let call = Call::parse(tool, &arguments).expect("a call");
        // A process of its own: one keeps answers for a while.
        desk(world.desk.db().clone()).call(world.asker(), &call, later).await.expect("an answer")
    };
    let calls = [
        ("analyze_behavior", json!({"analysis_type": "momentum_analysis"})),
        ("analyze_products", json!({"analysis_type": "revenue_by_category", "timeframe_months": 3})),
    ];
    for (tool, arguments) in &calls {
        let reason = ask(tool, arguments.clone()).await.reason.expect("a reason");
        assert!(reason.starts_with("nothing was ordered") && !reason.contains("EUR"), "{reason}");
    }
    buys_in_dollars(&world, "dollars@example.com", 3).await;
    for (tool, arguments) in &calls {
        let reason = ask(tool, arguments.clone()).await.reason.expect("a reason");
        assert!(reason.ends_with("in EUR, and orders in other currencies do not count here"), "{reason}");
    }
    let vips = world.ask("analyze_customers", json!({"analysis_type": "high_value"})).await;
    assert!(
        vips.caveats.iter().any(|caveat| caveat.contains("Only orders in EUR count here")),
        "{:?}",
        vips.caveats
    );
}
