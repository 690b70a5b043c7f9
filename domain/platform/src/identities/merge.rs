//! Makes two customers one, and two again. Orders and identities of the one go to the other; what a source states later of
//! the one that is gone follows. The trail says what moved, so that it can be taken back.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::orders::stale;
use crate::orders::state::{LANES, take_lane};

/// Orders that move in one transaction; more of one customer are no person's.
const ORDERS_LIMIT: i64 = 10_000;

/// A merge as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Merge {
    /// What it is taken back by.
    pub id: Uuid,
    /// Who has all orders now.
    pub kept: String,
    /// Who is the same person.
    pub merged: String,
    /// How many orders moved.
    pub orders: i64,
    /// Who merged them.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who took it back.
    pub undone_by: Option<String>,
    /// When.
    pub undone_at: Option<DateTime<Utc>>,
}

/// Why customers are not merged, or a merge is not taken back.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    Unknown(String),
    /// Both are the same.
    #[error("a customer cannot be merged with itself")]
    Same,
    /// The customer is another one since an earlier merge.
    #[error("{0} was merged into {1}; merge {1}, or take that back first")]
    Merged(String, String),
    /// One of them has more orders than a person.
    #[error("{0} has more than {ORDERS_LIMIT} orders, which is no single person")]
    TooMany(String),
    /// There is no such merge.
    #[error("there is no such merge")]
    NoMerge,
    /// It was taken back.
    #[error("the merge was taken back at {0}")]
    Undone(DateTime<Utc>),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for MergeError {
    fn from(error: sqlx::Error) -> MergeError {
        MergeError::Db(error.into())
    }
}

/// An identity that moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Moved {
    kind: String,
    value: String,
    /// Whether the one who was kept had it as well.
    is_shared: bool,
}

const COLUMNS: &str = "id, kept, merged, orders, by, at, undone_by, undone_at";

/// Merges a customer into another (platform role).
///
/// # Errors
/// Why they are not merged.
pub async fn merge(
    tx: &mut Tx,
    tenant: TenantId,
    kept: &str,
    merged: &str,
    by: &str,
) -> Result<Merge, MergeError> {
    if kept == merged {
        return Err(MergeError::Same);
    }
    take_lanes(tx, tenant).await?;
    for customer in [kept, merged] {
        match into_whom(tx, tenant, customer).await? {
            None => return Err(MergeError::Unknown(customer.to_owned())),
            Some(Some(other)) => return Err(MergeError::Merged(customer.to_owned(), other)),
            Some(None) => {}
        }
    }
    let id = Uuid::now_v7();
    let before: Json<serde_json::Value> = sqlx::query_scalar(
        "select jsonb_build_object('email', email, 'name', name, 'phone', phone) from platform.customer
         where tenant_id = $1 and customer_id = $2",
    )
    .bind(tenant)
    .bind(kept)
    .fetch_one(&mut **tx)
    .await?;
    let identities = move_identities(tx, tenant, kept, merged).await?;
    let orders = move_orders(tx, tenant, kept, merged).await?;
    sqlx::query("update platform.customer set merged_into = $3 where tenant_id = $1 and customer_id = $2")
        .bind(tenant)
        .bind(merged)
        .bind(kept)
        .execute(&mut **tx)
        .await?;
    let insert = format!(
        "insert into platform.customer_merge (id, tenant_id, kept, merged, identities, orders, by, kept_before)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning {COLUMNS}"
    );
    let made = sqlx::query_as(sqlx::AssertSqlSafe(insert))
        .bind(id)
        .bind(tenant)
        .bind(kept)
        .bind(merged)
        .bind(Json(identities))
        .bind(orders)
        .bind(by)
        .bind(before)
        .fetch_one(&mut **tx)
        .await?;
    derive(tx, tenant, id, kept, merged).await?;
    Ok(made)
}

/// What of a merge is needed to take it back.
#[derive(FromRow)]
struct Trail {
    kept: String,
    merged: String,
    identities: Json<Vec<Moved>>,
    kept_before: Option<Json<serde_json::Value>>,
    at: DateTime<Utc>,
    undone_at: Option<DateTime<Utc>>,
}

/// Takes a merge back (platform role): orders that name the one who was merged are theirs again, also those that came since, and
/// so are addresses and numbers.
///
/// # Errors
/// Why it is not taken back.
pub async fn undo(tx: &mut Tx, tenant: TenantId, id: Uuid, by: &str) -> Result<Merge, MergeError> {
    take_lanes(tx, tenant).await?;
    let found: Option<Trail> = sqlx::query_as(
        "select kept, merged, identities, kept_before, at, undone_at from platform.customer_merge
         where tenant_id = $1 and id = $2 for update",
    )
    .bind(tenant)
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(Trail { kept, merged, identities: Json(identities), kept_before, at, undone_at }) = found else {
        return Err(MergeError::NoMerge);
    };
    if let Some(at) = undone_at {
        return Err(MergeError::Undone(at));
    }
    // Whoever was kept may have been merged since; then that one is taken back first.
    if let Some(Some(other)) = into_whom(tx, tenant, &kept).await? {
        return Err(MergeError::Merged(kept, other));
    }
    let (own, shared): (Vec<&Moved>, Vec<&Moved>) = identities.iter().partition(|moved| !moved.is_shared);
    for (moved, statement) in [
        (
            &own,
            "update platform.customer_identity i set customer_id = $3
                from unnest($4::text[], $5::text[]) as m (kind, value)
                where i.tenant_id = $1 and i.customer_id = $2 and i.kind = m.kind and i.value = m.value",
        ),
        (
            &shared,
            "insert into platform.customer_identity (tenant_id, kind, value, customer_id)
                   select $1, m.kind, m.value, $3::text from unnest($4::text[], $5::text[]) as m (kind, value)
                   where $2::text <> $3::text on conflict do nothing",
        ),
    ] {
        sqlx::query(statement)
            .bind(tenant)
            .bind(&kept)
            .bind(&merged)
            .bind(moved.iter().map(|moved| moved.kind.as_str()).collect::<Vec<_>>())
            .bind(moved.iter().map(|moved| moved.value.as_str()).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
    }
    sqlx::query(
        "delete from platform.customer_identity where tenant_id = $1 and kind = 'shop' and value = $2 and customer_id = $3",
    )
    .bind(tenant)
    .bind(&merged)
    .bind(&kept)
    .execute(&mut **tx)
    .await?;
    let named: Vec<&str> = identities
        .iter()
        // An order may name them by their address alone.
        .filter(|moved| moved.kind == "shop" || (!moved.is_shared && moved.kind != "desk"))
        .map(|moved| moved.value.as_str())
        .chain([merged.as_str()])
        .collect();
    sqlx::query(include_str!("give_back_orders.sql"))
        .bind(tenant)
        .bind(&kept)
        .bind(&merged)
        .bind(&named)
        .execute(&mut **tx)
        .await?;
    let came: Vec<String> = sqlx::query_scalar(include_str!("give_back_contacts.sql"))
        .bind(tenant)
        .bind(&kept)
        .bind(&merged)
        .bind(&named)
        .bind(at)
        .fetch_all(&mut **tx)
        .await?;
    sqlx::query(include_str!("give_back_names.sql"))
        .bind(tenant)
        .bind(&kept)
        .bind(&merged)
        .bind(named.iter().copied().chain(came.iter().map(String::as_str)).collect::<Vec<_>>())
        .bind(kept_before)
        .execute(&mut **tx)
        .await?;
    sqlx::query("update platform.customer set merged_into = null where tenant_id = $1 and customer_id = $2")
        .bind(tenant)
        .bind(&merged)
        .execute(&mut **tx)
        .await?;
    let close = format!(
        "update platform.customer_merge set undone_by = $3, undone_at = now() where tenant_id = $1 and id = $2 returning {COLUMNS}"
    );
    let undone = sqlx::query_as(sqlx::AssertSqlSafe(close))
        .bind(tenant)
        .bind(id)
        .bind(by)
        .fetch_one(&mut **tx)
        .await?;
    derive(tx, tenant, id, &kept, &merged).await?;
    Ok(undone)
}

/// The merges of a customer, newest first, at most 100 (platform, support or marketing role).
///
/// # Errors
/// The database failed.
pub async fn of_customer(tx: &mut Tx, customer: &str) -> Result<Vec<Merge>, DbError> {
    let select = format!(
        "select {COLUMNS} from platform.customer_merge where kept = $1 or merged = $1 order by at desc limit 100"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(customer).fetch_all(&mut **tx).await?)
}

async fn take_lanes(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    for lane in 0..LANES {
        take_lane(tx, tenant, lane).await?;
    }
    Ok(())
}

/// Into whom a customer was merged, if they are known and were.
async fn into_whom(tx: &mut Tx, tenant: TenantId, customer: &str) -> Result<Option<Option<String>>, DbError> {
    Ok(sqlx::query_scalar(
        "select merged_into from platform.customer where tenant_id = $1 and customer_id = $2 for update",
    )
    .bind(tenant)
    .bind(customer)
    .fetch_optional(&mut **tx)
    .await?)
}

async fn move_identities(
    tx: &mut Tx,
    tenant: TenantId,
    kept: &str,
    merged: &str,
) -> Result<Vec<Moved>, DbError> {
    let moved: Vec<(String, String, bool, Option<String>)> = sqlx::query_as(
        "delete from platform.customer_identity i where i.tenant_id = $1 and i.customer_id = $2
         returning i.kind, i.value, exists (select from platform.customer_identity k where k.tenant_id = $1 and k.kind = i.kind
                                            and k.value = i.value and k.customer_id = $3),
                   i.stated_customer",
    )
    .bind(tenant)
    .bind(merged)
    .bind(kept)
    .fetch_all(&mut **tx)
    .await?;
    let own = moved.iter().map(|(kind, value, _, stated)| (kind.as_str(), value.as_str(), stated.as_deref()));
    let all: Vec<(&str, &str, Option<&str>)> = own.chain([("shop", merged, None)]).collect();
    sqlx::query(
        "insert into platform.customer_identity (tenant_id, kind, value, stated_customer, customer_id)
         select $1, *, $2::text from unnest($3::text[], $4::text[], $5::text[]) on conflict do nothing",
    )
    .bind(tenant)
    .bind(kept)
    .bind(all.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, value, _)| *value).collect::<Vec<_>>())
    .bind(all.iter().map(|(.., stated)| *stated).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(moved.into_iter().map(|(kind, value, is_shared, _)| Moved { kind, value, is_shared }).collect())
}

async fn move_orders(tx: &mut Tx, tenant: TenantId, kept: &str, merged: &str) -> Result<i64, MergeError> {
    let orders: Vec<String> = sqlx::query_scalar(
        "select distinct order_id from platform.order_line where tenant_id = $1 and customer_id = $2 limit $3",
    )
    .bind(tenant)
    .bind(merged)
    .bind(ORDERS_LIMIT + 1)
    .fetch_all(&mut **tx)
    .await?;
    if orders.len() as i64 > ORDERS_LIMIT {
        return Err(MergeError::TooMany(merged.to_owned()));
    }
    sqlx::query(
        "update platform.order set customer_id = $3, stated_customer = coalesce(stated_customer, customer_id)
         where tenant_id = $1 and customer_id = $2 and order_id = any ($4)",
    )
    .bind(tenant)
    .bind(merged)
    .bind(kept)
    .bind(&orders)
    .execute(&mut **tx)
    .await?;
    sqlx::query("update platform.order_line set customer_id = $3 where tenant_id = $1 and customer_id = $2")
        .bind(tenant)
        .bind(merged)
        .bind(kept)
        .execute(&mut **tx)
        .await?;
    Ok(orders.len() as i64)
}

async fn derive(tx: &mut Tx, tenant: TenantId, cause: Uuid, kept: &str, merged: &str) -> Result<(), DbError> {
    stale::mark(tx, tenant, cause, [kept, merged].into_iter()).await?;
    stale::derive(tx, tenant, cause).await
}
