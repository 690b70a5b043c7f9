//! What the tests of tickets add to a shop: requests with headers, and tickets made in one line.

use accounts::api_keys::{self, Scope};
use accounts::tenants;
use axum::body::Body;
use database::ids::TenantId;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop, request};

/// Sends JSON with a key and more headers.
pub async fn call(
    shop: &Shop,
    key: &str,
    method: &str,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> Answer {
    let mut builder =
        request(method, path).header("x-api-key", key).header("content-type", "application/json");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    shop.send(builder.body(Body::from(body)).expect("a request")).await
}

/// The same with the shop's key and no more headers.
pub async fn send(shop: &Shop, method: &str, path: &str, body: &Value) -> Answer {
    call(shop, &shop.key, method, path, body, &[]).await
}

/// A ticket with a customer's message; its id and its first message.
pub async fn ticket(shop: &Shop, text: &str) -> (String, String) {
    let body = json!({
        "subject": "A question", "customer": {"email": "ann@example.com", "name": "Ann"},
        "message": {"from": "customer", "text": text},
    });
    let made = send(shop, "POST", "/api/tickets", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (made.field("id").to_owned(), made.field("message_id").to_owned())
}

/// A key of the shop with these scopes.
pub async fn key(shop: &Shop, tenant: TenantId, scopes: &[Scope]) -> String {
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let key = api_keys::create(&mut tx, tenant, "another", scopes, None).await.expect("a key");
    tx.commit().await.expect("committed");
    key.text.reveal().to_owned()
}

/// Another tenant's key that may do everything with tickets.
pub async fn neighbour(shop: &Shop) -> String {
    let mut tx = shop.state.db.gateway_tx().await.expect("a transaction");
    let tenant = tenants::create(&mut tx, "neighbour", "Neighbour", "UTC").await.expect("a tenant").id;
    tx.commit().await.expect("committed");
    let scopes = [
        Scope::TicketsRead,
        Scope::TicketsWrite,
        Scope::CustomersRead,
        Scope::CustomersWrite,
        Scope::SettingsWrite,
    ];
    key(shop, tenant, &scopes).await
}

/// A mailbox that replies leave from. Nobody listens at its server.
pub async fn mailbox(shop: &Shop) {
    let smtp = json!({"host": "127.0.0.1", "port": 2525, "security": "plain"});
    let mailbox = json!({"address": "help@shop.example", "is_default": true, "smtp": smtp});
    let made = send(shop, "POST", "/api/mailboxes", &mailbox).await;
    assert_eq!(made.status, 201, "{}", made.text);
}
