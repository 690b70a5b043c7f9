//! Customers get numbers once, and the bands of risk in SQL are those of the program.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use accounts::anonymous_ids::AnonymousIds;
use accounts::seal::MasterKey;
use database::Role;
use outbound::customers;
use platform::risk::RiskBands;
use sqlx::{Connection, PgConnection};
use world::{add_tenant, world};

#[tokio::test]
async fn a_customer_keeps_its_name_and_no_two_have_one() {
    let world = world().await;
    let key: MasterKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".parse().expect("a key");
    let ids = AnonymousIds::of(&key, world.tenant);
    let all: Vec<String> = (0..50).map(|n| format!("customer-{n}")).collect();
    let name = async |customers: &[String]| {
        let mut tx = world.db.tenant_tx(Role::Outbound, world.tenant).await.expect("begins");
        let named = customers::names(&mut tx, world.tenant, &ids, customers).await.expect("named");
        tx.commit().await.expect("commits");
        named
    };
    // Halves that overlap, at once.
    let (first, second) = tokio::join!(name(&all[..30]), name(&all[20..]));
    let together = name(&all).await;
    assert_eq!(together.len(), 50);
    let distinct: std::collections::HashSet<&String> = together.values().collect();
    assert_eq!(distinct.len(), 50);
    for (customer, name) in first.iter().chain(&second) {
        assert_eq!(together.get(customer), Some(name));
    }
    let mut tx = world.db.tenant_tx(Role::Outbound, world.tenant).await.expect("begins");
    let found = customers::find(&mut tx, &ids, &together["customer-7"]).await.expect("answered");
    assert_eq!(found.as_deref(), Some("customer-7"));
    drop(tx);
    let other = add_tenant(&world.db, "other").await;
    let mut tx = world.db.tenant_tx(Role::Outbound, other).await.expect("begins");
    assert_eq!(customers::find(&mut tx, &ids, &together["customer-7"]).await.expect("answered"), None);
}

#[tokio::test]
async fn the_bands_of_events_are_those_of_the_program() {
    let world = world().await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    for churn in [0.0_f32, 0.29, 0.299_999_98, 0.3, 0.59, 0.6, 0.79, 0.8, 0.81, 1.0] {
        let band: Option<String> = sqlx::query_scalar("select outbound.risk_band($1)")
            .bind(churn)
            .fetch_one(&mut admin)
            .await
            .expect("answered");
        assert_eq!(band.as_deref(), Some(RiskBands::default().of(churn).name()), "{churn}");
    }
    let none: Option<String> = sqlx::query_scalar("select outbound.risk_band('nan'::real)")
        .fetch_one(&mut admin)
        .await
        .expect("answered");
    assert_eq!(none, None);
}
