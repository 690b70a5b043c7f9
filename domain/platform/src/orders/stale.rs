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

/// Derives all profiles that are stale for one cause, in transactions of a bounded number of customers.
///
/// # Errors
/// The database failed. What was derived stays, and the rest is still noted.
pub async fn derive_all(db: &Db, tenant: TenantId, cause: Uuid) -> Result<(), DbError> {
    derive_many(db, tenant, cause).await?;
    loop {
        let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
        take_turn(&mut tx, tenant).await?;
        let step = derive_step(&mut tx, tenant, cause).await?;
        tx.commit().await?;
        if step == 0 {
            return Ok(());
        }
    }
}

/// Beyond so many stale customers their orders are read from end to end, which is less work than looking up each.
const MANY: i64 = 50_000;
/// Customers of one statement, which reads the orders of all customers: few parts, and each well within the time that a
/// statement may take.
const PART: i64 = 250_000;
/// Parts that are derived at the same time.
const LANES: i64 = 2;

/// Derives profiles from orders where very many are stale. Some may be left.
async fn derive_many(db: &Db, tenant: TenantId, cause: Uuid) -> Result<(), DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    let stale: i64 =
        sqlx::query_scalar("select count(*) from platform.stale_profile where tenant_id = $1 and cause = $2")
            .bind(tenant)
            .bind(cause)
            .fetch_one(&mut *tx)
            .await?;
    tx.commit().await?;
    if stale < MANY {
        return Ok(());
    }
    // A multiple of the lanes, so that each part is one lane's.
    let parts = stale.saturating_sub(1).div_euclid(PART * LANES).saturating_add(1) * LANES;
    for part in (0..parts).step_by(LANES as usize) {
        tokio::try_join!(
            derive_part(db, tenant, cause, parts, part),
            derive_part(db, tenant, cause, parts, part + 1)
        )?;
    }
    Ok(())
}

async fn derive_part(db: &Db, tenant: TenantId, cause: Uuid, parts: i64, part: i64) -> Result<(), DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    take_lane(&mut tx, tenant, part % LANES).await?;
    sqlx::query("set local work_mem = '96MB'").execute(&mut *tx).await?;
    sqlx::query(include_str!("bulk_profiles.sql"))
        .persistent(false)
        .bind(tenant)
        .bind(cause)
        .bind(parts)
        .bind(part)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
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
    for lane in 0..LANES {
        take_lane(tx, tenant, lane).await?;
    }
    Ok(())
}

/// Takes a turn for the customers of one lane.
async fn take_lane(tx: &mut Tx, tenant: TenantId, lane: i64) -> Result<(), DbError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('profiles:' || $1::text, $2))")
        .bind(tenant)
        .bind(lane)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn derive_step(tx: &mut Tx, tenant: TenantId, cause: Uuid) -> Result<u64, DbError> {
    let customers: Vec<String> = sqlx::query_scalar(
        // As an array, which the primary key finds: joined to what it selects, a table that was filled a moment ago and
        // has no statistics yet is read once for each of its rows.
        "delete from platform.stale_profile where tenant_id = $1 and cause = $2 and customer_id = any (array
             (select customer_id from platform.stale_profile where tenant_id = $1 and cause = $2
              order by customer_id limit $3))
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
