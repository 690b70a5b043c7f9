//! What a shop asks for by law: a customer's data, their erasure, or the erasure of everything it has here.
//!
//! [`ask`] is the one place where such a request enters. It is kept with the time by which it has to be done; carrying it out
//! is for whatever exports and erases customers here to join.

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde_json::Value;
use uuid::Uuid;

use super::shopify::id_of;

/// The topics.
pub const TOPICS: [&str; 3] = ["customers/data_request", "customers/redact", "shop/redact"];

/// The law's month.
const DUE_AFTER: TimeDelta = TimeDelta::days(30);

/// Orders that a request names at most.
const ORDERS_LIMIT: usize = 1_000;

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which system's.
    pub source: &'static str,
    /// One of [`TOPICS`].
    pub topic: &'a str,
    /// What it is known by.
    pub event_id: &'a str,
    /// What was sent.
    pub body: &'a Value,
}

/// Keeps a request (platform role); false when it is known.
///
/// # Errors
/// The database failed.
pub async fn ask(
    tx: &mut Tx,
    tenant: TenantId,
    asked: Asked<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let customer = &asked.body["customer"];
    let named = ["orders_requested", "orders_to_redact"].iter().find_map(|name| asked.body[*name].as_array());
    let orders: Vec<String> = named.into_iter().flatten().filter_map(id_of).take(ORDERS_LIMIT).collect();
    let email = customer["email"].as_str().map(|email| email.chars().take(320).collect::<String>());
    let kept = sqlx::query(
        "insert into platform.shop_privacy_request
             (id, tenant_id, source, topic, event_id, customer_id, email, orders, received_at, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict on constraint shop_privacy_request_once do nothing",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(asked.source)
    .bind(asked.topic)
    .bind(asked.event_id)
    .bind(id_of(&customer["id"]))
    .bind(email)
    .bind(orders)
    .bind(now)
    .bind(now + DUE_AFTER)
    .execute(&mut **tx)
    .await?;
    Ok(kept.rows_affected() == 1)
}
