//! Takes an import back: orders that it stated last go back to what they were before it. What something newer has stated
//! since stays as it is, and so does what another import states as well: that one has it then.

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use jobs::QueueError;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use super::state::{LANES, take_lane};
use super::{confirmed, stale, store};

/// What an import replaced is kept for so long, and so long it can be taken back.
pub const KEPT_FOR: TimeDelta = TimeDelta::days(30);
/// Orders of one transaction.
const STEP: i64 = 1_000;

/// What taking back came to, over all its tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct Undone {
    /// Orders that are what they were before.
    pub orders_restored: i64,
    /// Orders that are gone, because the import brought them.
    pub orders_removed: i64,
    /// Orders that stay, because another import that stands states the same.
    pub orders_confirmed: i64,
    /// Orders that stay, because something newer has stated them since.
    pub orders_newer: i64,
}

/// Why an import cannot be taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The tenant has no such import.
    #[error("there is no such import")]
    Unknown,
    /// It is under way.
    #[error("the import is under way; cancel its job first")]
    Running,
    /// It was taken back.
    #[error("the import was taken back at {0}")]
    Already(DateTime<Utc>),
    /// What it replaced is not kept any more.
    #[error("the import ended at {0}; what an import replaced is kept for 30 days")]
    TooOld(DateTime<Utc>),
    /// The ledger failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Whether an import can be taken back (platform or support role).
///
/// # Errors
/// Why it cannot.
pub async fn check(tx: &mut Tx, import: Uuid, now: DateTime<Utc>) -> Result<(), UndoError> {
    let found: Option<(String, Option<DateTime<Utc>>, DateTime<Utc>)> = sqlx::query_as(
        "select state, undone_at, coalesce(finished_at, updated_at) from platform.import_run where id = $1",
    )
    .bind(import)
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    match found {
        None => Err(UndoError::Unknown),
        // One whose job was cancelled or failed for good says so nowhere else.
        Some((state, _, _)) if state == "running" && jobs::read::is_unfinished(tx, import).await? => {
            Err(UndoError::Running)
        }
        Some((_, Some(at), _)) => Err(UndoError::Already(at)),
        Some((_, None, ended)) if now - ended > KEPT_FOR => Err(UndoError::TooOld(ended)),
        Some(_) => Ok(()),
    }
}

/// Takes an import back for a job, in steps; ended early, it goes on where it was when it is called again. `on_step` is
/// told how far it is.
///
/// # Errors
/// Why it cannot be taken back, or the database failed.
pub async fn run(
    db: &Db,
    tenant: TenantId,
    (import, job): (Uuid, Uuid),
    now: DateTime<Utc>,
    mut on_step: impl FnMut(&Undone),
) -> Result<Undone, UndoError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    // An earlier try of the job has done it all and did not live to say so.
    if let Some(undone) = done_by(&mut tx, import, job).await? {
        return Ok(undone);
    }
    check(&mut tx, import, now).await?;
    sqlx::query(
        "update platform.import_run set state = 'undoing', undone_by = $2, updated_at = now() where id = $1",
    )
    .bind(import)
    .bind(job)
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    tx.commit().await.map_err(DbError::from)?;

    let given = confirmed::hand_over(db, tenant, import, 0).await?;
    let mut after = String::new();
    while let Some((last, undone)) = step(db, tenant, import, &after).await? {
        after = last;
        on_step(&undone);
    }
    // What was confirmed meanwhile of what is replaced.
    confirmed::hand_over(db, tenant, import, given).await?;
    forget(db, tenant, import).await?;
    stale::derive_all(db, tenant, import).await?;
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    let undone = sqlx::query_as(
        "update platform.import_run set state = 'undone', undone_at = now(), updated_at = now() where id = $1
         returning orders_restored, orders_removed, orders_confirmed, orders_newer",
    )
    .bind(import)
    .fetch_one(&mut *tx)
    .await
    .map_err(DbError::from)?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(undone)
}

/// What came of it, when the job has taken the import back.
async fn done_by(tx: &mut Tx, import: Uuid, job: Uuid) -> Result<Option<Undone>, DbError> {
    Ok(sqlx::query_as(
        "select orders_restored, orders_removed, orders_confirmed, orders_newer from platform.import_run
         where id = $1 and state = 'undone' and undone_by = $2",
    )
    .bind(import)
    .bind(job)
    .fetch_optional(&mut **tx)
    .await?)
}

/// An order that the import stated last.
#[derive(FromRow)]
struct Stated {
    order_id: String,
    customer_id: String,
    lines_key: Uuid,
    lines: i32,
}

/// Takes back the next orders after one; answers the last of them and what came of it so far, or none at the end.
async fn step(
    db: &Db,
    tenant: TenantId,
    import: Uuid,
    after: &str,
) -> Result<Option<(String, Undone)>, DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    for lane in 0..LANES {
        take_lane(&mut tx, tenant, lane).await?;
    }
    let orders: Vec<Stated> = sqlx::query_as(
        "select order_id, customer_id, lines_key, lines from platform.order
         where tenant_id = $1 and order_id > $2 and import_id = $3 order by order_id limit $4",
    )
    .bind(tenant)
    .bind(after)
    .bind(import)
    .bind(STEP)
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<&str> = orders.iter().map(|order| order.order_id.as_str()).collect();
    let Some(last) = ids.last() else { return Ok(None) };
    let keys = store::keys_of(orders.iter().map(|order| (order.lines_key, order.lines)));
    store::delete_lines(&mut tx, tenant, &keys).await?;
    let restored: Vec<String> = sqlx::query_scalar(include_str!("restore_orders.sql"))
        .bind(tenant)
        .bind(import)
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
    let removed = sqlx::query(
        "delete from platform.order where tenant_id = $1 and import_id = $2 and order_id = any ($3)",
    )
    .bind(tenant)
    .bind(import)
    .bind(&ids)
    .execute(&mut *tx)
    .await?;
    // Counted with what was done, so that a try that was killed has counted what it did and nothing else.
    let undone = sqlx::query_as(
        "update platform.import_run
         set orders_restored = orders_restored + $2, orders_removed = orders_removed + $3, updated_at = now()
         where id = $1 returning orders_restored, orders_removed, orders_confirmed, orders_newer",
    )
    .bind(import)
    .bind(restored.len() as i64)
    .bind(removed.rows_affected() as i64)
    .fetch_one(&mut *tx)
    .await?;
    let touched =
        orders.iter().map(|order| order.customer_id.as_str()).chain(restored.iter().map(String::as_str));
    stale::mark(&mut tx, tenant, import, touched).await?;
    let last = (*last).to_owned();
    tx.commit().await?;
    Ok(Some((last, undone)))
}

/// Forgets what the import said where something newer replaced it: taken back, that one leaves what was before both.
async fn forget(db: &Db, tenant: TenantId, import: Uuid) -> Result<(), DbError> {
    let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
    let relinked = sqlx::query(
        "update platform.order_prior later set header = mine.header, lines = mine.lines, of_import = mine.of_import
         from platform.order_prior mine
         where later.tenant_id = $1 and later.of_import = $2 and mine.tenant_id = $1 and mine.import_id = $2
           and mine.order_id = later.order_id",
    )
    .bind(tenant)
    .bind(import)
    .execute(&mut *tx)
    .await?;
    let forgotten = sqlx::query("delete from platform.order_prior where tenant_id = $1 and of_import = $2")
        .bind(tenant)
        .bind(import)
        .execute(&mut *tx)
        .await?;
    sqlx::query("delete from platform.order_prior where tenant_id = $1 and import_id = $2")
        .bind(tenant)
        .bind(import)
        .execute(&mut *tx)
        .await?;
    confirmed::forget(&mut tx, tenant, import).await?;
    sqlx::query("update platform.import_run set orders_newer = orders_newer + $2 where id = $1")
        .bind(import)
        .bind((relinked.rows_affected() + forgotten.rows_affected()) as i64)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes what is kept for longer than it may be asked for, a bounded number (platform role).
pub(super) async fn forget_old(tx: &mut Tx, tenant: TenantId, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "delete from platform.order_prior where ctid = any (array(
             select ctid from platform.order_prior where tenant_id = $1 and replaced_at < $2 limit 20000))",
    )
    .bind(tenant)
    .bind(now - KEPT_FOR)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
