//! Opening a ticket asks the database twice: for the desk's side, and for what the shop knows of the customer.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::insights::{ARCHETYPES, published, see};
use crate::shop::{Shop, request};

/// The beginnings of the statements that were sent.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

/// What the client of the database tells of a statement.
struct Summary(String);

impl Visit for Summary {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut summary = Summary(String::new());
        event.record(&mut summary);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(summary.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn made(shop: &Shop, customer: &Value) -> String {
    let body = json!({
        "subject": "A question", "customer": customer, "message": {"from": "customer", "text": "Where is my order?"},
    });
    let request = request("POST", "/api/tickets")
        .header("x-api-key", &shop.key)
        .header("content-type", "application/json");
    let made = shop.send(request.body(Body::from(body.to_string())).expect("a request")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    format!("/api/tickets/{}", made.field("id"))
}

#[tokio::test]
async fn a_ticket_is_opened_by_two_statements_with_all_that_is_known_of_the_customer() {
    let (shop, _) = published().await;
    let name = format!("/api/intelligence/archetypes/{}/name", ARCHETYPES[2]);
    let named =
        request("PUT", &name).header("x-api-key", &shop.key).header("content-type", "application/json");
    let named = shop.send(named.body(Body::from(r#"{"name": "Our friends"}"#)).expect("a request")).await;
    assert_eq!(named.status, StatusCode::OK, "{}", named.text);

    let by_id = made(&shop, &json!({"id": "loyal"})).await;
    let by_address = made(&shop, &json!({"email": "Fading@Example.com"})).await;
    let nobody = made(&shop, &json!({"email": "nobody@example.com"})).await;
    let known = see(&shop, "/api/intelligence/customers/loyal").await.json;
    assert_eq!(known["archetype"]["name"], "Our friends");

    // The first one reads the version's catalogue, which does not change.
    assert_eq!(shop.get(&by_id).await.json["intelligence"], known);
    for (path, customer, available) in
        [(&by_id, json!("loyal"), true), (&by_address, json!("fading"), true), (&nobody, Value::Null, false)]
    {
        let statements = Statements::default();
        // Only while the request itself is polled: what else the process asks meanwhile is not its.
        let opened = shop.get(path).with_subscriber(statements.clone()).await;
        assert_eq!(opened.status, StatusCode::OK, "{}", opened.text);
        let intelligence = &opened.json["intelligence"];
        assert_eq!(
            (&intelligence["customer_id"], &intelligence["available"]),
            (&customer, &json!(available))
        );
        let sent = statements.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whose key it is was asked for before, and the beginning of a transaction tells role and tenant.
        let asked: Vec<&String> =
            sent.iter().filter(|summary| !summary.to_lowercase().contains("begin")).collect();
        assert_eq!(asked.len(), 2, "{sent:#?}");
        assert!(sent.len() <= 3, "{sent:#?}");
    }
}

#[tokio::test]
async fn several_who_share_an_address_are_told_and_nothing_of_either() {
    let (shop, _) = published().await;
    let mut tx = crate::insights::platform(&shop, shop.tenant).await;
    sqlx::query(
        "update platform.customer set email = 'both@example.com' where customer_id in ('loyal', 'fading')",
    )
    .execute(&mut *tx)
    .await
    .expect("updated");
    tx.commit().await.expect("committed");
    let opened = shop.get(&made(&shop, &json!({"email": "both@example.com"})).await).await;
    assert_eq!(
        opened.json["intelligence"],
        json!({
            "available": false, "reason": "several customers share the address", "customers": ["fading", "loyal"],
        }),
        "{}",
        opened.text
    );
}
