//! Products as far as orders' lines need them: what category each is in. Lines that are stated from now on have the newest.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{DbError, Tx};

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The system's id.
    pub id: String,
    /// Its name.
    pub title: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// When the system changed it last.
    pub changed_at: DateTime<Utc>,
    /// Whether it is gone; what was sold of it keeps its category.
    pub is_deleted: bool,
}

#[derive(sqlx::FromRow)]
struct Stored {
    product_id: String,
    title: Option<String>,
    category: Option<String>,
    stated_at: DateTime<Utc>,
    is_deleted: bool,
}

/// The products of these ids that are known, also those that are known to be gone (platform role).
///
/// # Errors
/// The database failed.
pub async fn known(tx: &mut Tx, source: &str, ids: &[String]) -> Result<HashMap<String, Product>, DbError> {
    let stored: Vec<Stored> = sqlx::query_as(
        "select product_id, title, category, stated_at, deleted_at is not null as is_deleted
         from platform.shop_product
         where tenant_id = (select shared.current_tenant()) and source = $1 and product_id = any ($2)",
    )
    .bind(source)
    .bind(ids)
    .fetch_all(&mut **tx)
    .await?;
    Ok(stored
        .into_iter()
        .map(|row| {
            let Stored { product_id, title, category, stated_at, is_deleted } = row;
            (
                product_id.clone(),
                Product { id: product_id, title, category, changed_at: stated_at, is_deleted },
            )
        })
        .collect())
}

/// Stores products, unless something newer is known of them (platform role); how many were newer.
///
/// # Errors
/// The database failed.
pub async fn store(
    tx: &mut Tx,
    tenant: TenantId,
    source: &str,
    products: &[Product],
) -> Result<u64, DbError> {
    // The last word of each counts, and rows are locked in one order.
    let mut newest: HashMap<&str, &Product> = HashMap::new();
    for product in products {
        let known = newest.entry(&product.id).or_insert(product);
        if known.changed_at <= product.changed_at {
            *known = product;
        }
    }
    let mut products: Vec<&Product> = newest.into_values().collect();
    products.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let stored = sqlx::query(
        "insert into platform.shop_product as p (tenant_id, source, product_id, title, category, stated_at, deleted_at)
         select $1, $2, u.product_id, u.title, u.category, u.stated_at, case when u.is_deleted then u.stated_at end
         from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::boolean[])
             as u (product_id, title, category, stated_at, is_deleted)
         on conflict (tenant_id, source, product_id) do update
             set title = coalesce(excluded.title, p.title), category = coalesce(excluded.category, p.category),
                 stated_at = excluded.stated_at, deleted_at = excluded.deleted_at
             where p.stated_at <= excluded.stated_at",
    )
    .bind(tenant)
    .bind(source)
    .bind(products.iter().map(|product| product.id.as_str()).collect::<Vec<_>>())
    .bind(products.iter().map(|product| product.title.as_deref()).collect::<Vec<_>>())
    .bind(products.iter().map(|product| product.category.as_deref()).collect::<Vec<_>>())
    .bind(products.iter().map(|product| product.changed_at).collect::<Vec<_>>())
    .bind(products.iter().map(|product| product.is_deleted).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(stored.rows_affected())
}
