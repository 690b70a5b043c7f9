//! Customers whose orders changed and whose profiles are still to be derived. An import touches a customer in many of its
//! batches and derives their profile once, at its end; what touched them is the `cause`, an import's id for example.

use chrono::{DateTime, Utc};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use uuid::Uuid;

/// Profiles that are derived in one transaction.
const STEP: i64 = 20_000;

/// Notes that customers' profiles are stale (platform role).
pub(crate) async fn mark<'c>(
    tx: &mut Tx,
    tenant: TenantId,
    cause: Uuid,
    customers: impl Iterator<Item = &'c str>,
) -> Result<(), DbError> {
    let mut customers: Vec<&str> = customers.collect();
    if customers.is_empty() {
        return Ok(());
    }
    customers.sort_unstable();
    customers.dedup();
    sqlx::query(
        "insert into platform.stale_profile (tenant_id, cause, customer_id) select $1, $2, * from unnest($3::text[])
         on conflict do nothing",
    )
    .bind(tenant)
    .bind(cause)
    .bind(customers)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Derives all profiles that are stale for one cause, in the caller's transaction: for few customers (platform role).
///
/// # Errors
/// The database failed.
pub async fn derive(tx: &mut Tx, tenant: TenantId, cause: Uuid) -> Result<(), DbError> {
    take_turn(tx, tenant).await?;
    while derive_step(tx, tenant, cause).await? > 0 {}
    Ok(())
}

/// Derives all profiles that are stale for one cause, in transactions of a bounded number of customers; answers how many.
///
/// # Errors
/// The database failed. What was derived stays, and the rest is still noted.
pub async fn derive_all(db: &Db, tenant: TenantId, cause: Uuid) -> Result<u64, DbError> {
    let mut derived = 0;
    loop {
        let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
        take_turn(&mut tx, tenant).await?;
        let step = derive_step(&mut tx, tenant, cause).await?;
        tx.commit().await?;
        if step == 0 {
            return Ok(derived);
        }
        derived += step;
    }
}

/// Derives what others left behind who ended before they had derived it: causes of which nothing was heard since then.
///
/// # Errors
/// The database failed.
pub async fn derive_left_behind(db: &Db, tenant: TenantId, since: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    let causes: Vec<Uuid> = sqlx::query_scalar(
        "select cause from (select distinct cause from platform.stale_profile) as causes
         where not exists (select from platform.import_run r
                           where r.id = cause and r.state in ('running', 'undoing') and r.updated_at >= $1)",
    )
    .bind(since)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    for cause in causes {
        derive_all(db, tenant, cause).await?;
    }
    Ok(())
}

/// Whoever derives later sees what was committed before: two at once could leave the older figures of a customer.
async fn take_turn(tx: &mut Tx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('profiles:' || $1::text, 0))")
        .bind(tenant)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn derive_step(tx: &mut Tx, tenant: TenantId, cause: Uuid) -> Result<u64, DbError> {
    let customers: Vec<String> = sqlx::query_scalar(
        "delete from platform.stale_profile where tenant_id = $1 and cause = $2 and customer_id in
             (select customer_id from platform.stale_profile where tenant_id = $1 and cause = $2
              order by customer_id limit $3)
         returning customer_id",
    )
    .bind(tenant)
    .bind(cause)
    .bind(STEP)
    .fetch_all(&mut **tx)
    .await?;
    if customers.is_empty() {
        return Ok(0);
    }
    sqlx::query(include_str!("refresh_profiles.sql"))
        .bind(tenant)
        .bind(&customers)
        .execute(&mut **tx)
        .await?;
    Ok(customers.len() as u64)
}
