//! What a shop asks for by law: a customer's data, their erasure, or the erasure of everything it has here.
//!
//! [`ask`] is the one place where such a request enters. It is kept with the time by which it has to be done; the worker makes
//! a request of the person of it ([`pass_on`]) and notes its end ([`done`]). That of a whole shop stays for people.

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

/// Whom a request names.
#[derive(Clone, sqlx::FromRow)]
pub struct Named {
    /// The request.
    pub id: Uuid,
    /// What the customer is known by here.
    pub customer_id: Option<String>,
    /// Their address.
    pub email: Option<String>,
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Named").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whom a request names that nobody has passed on yet, and notes that it is now (platform role); none when it names nobody. A
/// shop's id that is no customer's here may be another one of somebody's.
///
/// # Errors
/// The database failed.
pub async fn pass_on(
    tx: &mut Tx,
    source: &str,
    topic: &str,
    event_id: &str,
) -> Result<Option<Named>, DbError> {
    Ok(sqlx::query_as(
        "update platform.shop_privacy_request r set state = 'passed_on'
         where r.tenant_id = (select shared.current_tenant()) and r.source = $1 and r.topic = $2 and r.event_id = $3
           and r.state = 'received' and r.topic <> 'shop/redact' and (r.customer_id is not null or r.email is not null)
         returning r.id, r.email, coalesce(
             (select c.customer_id from platform.customer c
              where c.tenant_id = r.tenant_id and c.customer_id = r.customer_id),
             (select min(i.customer_id) from platform.customer_identity i
              where i.tenant_id = r.tenant_id and i.kind = 'shop' and i.value = r.customer_id having count(*) = 1),
             r.customer_id) as customer_id",
    )
    .bind(source)
    .bind(topic)
    .bind(event_id)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Notes that a request is done, if it is one of a shop's (platform role).
///
/// # Errors
/// The database failed.
pub async fn done(tx: &mut Tx, request: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "update platform.shop_privacy_request set state = 'done', done_at = $2 where id = $1 and state = 'passed_on'",
    )
    .bind(request)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
