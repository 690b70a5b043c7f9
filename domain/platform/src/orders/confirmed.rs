//! Orders that a source states as they are stored. An order stays while anybody who states it stands, so an import that
//! finds one unchanged is noted as one that states it: a row for each batch. When the import that brought the order is
//! taken back, the order is given to one of those.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::TenantId;
use database::{Db, DbError, Role, Tx};
use sqlx::FromRow;
use uuid::Uuid;

use super::content::Content;
use super::state::{Before, LANES, Source, take_lane};
use super::undo::KEPT_FOR;

/// What was confirmed is of use for as long as the import that brought it may be taken back: for a time after its end, and
/// a little longer for the taking back itself.
const OF_USE_FOR: TimeDelta = TimeDelta::days(KEPT_FOR.num_days() + 2);

/// What a batch confirms.
#[derive(Debug, Default)]
pub(super) struct Confirmed<'c> {
    /// Orders that are stored as they are stated, and whose they are.
    same: Vec<(&'c str, Uuid, Content)>,
    /// Orders that are stated as they were before something newer.
    older: Vec<(&'c str, Content)>,
}

impl<'c> Confirmed<'c> {
    /// An order is stated as it is stored.
    pub(super) fn same(&mut self, before: &'c Before, content: Content, source: &Source) {
        if let Some(owner) = before.import_id
            && Some(owner) != source.import
        {
            self.same.push((&before.order_id, owner, content));
        }
    }

    /// An order is stated as it was once stored.
    pub(super) fn older(&mut self, before: &'c Before, content: Content) {
        self.older.push((&before.order_id, content));
    }

    /// Notes it (platform role). Whoever is not taken back, or whose predecessor is being taken back just now, has the
    /// orders at once.
    pub(super) async fn write(self, tx: &mut Tx, tenant: TenantId, source: &Source) -> Result<(), DbError> {
        let Confirmed { mut same, older } = self;
        let Some(import) = source.import else { return take_over(tx, tenant, source, &same).await };
        if !same.is_empty() {
            let owners = owners(tx, &same, source.taken_at).await?;
            same.retain(|(_, owner, _)| owners.contains_key(owner));
            let (at_once, noted) = same.into_iter().partition(|(_, owner, _)| owners[owner]);
            same = noted;
            take_over(tx, tenant, source, &at_once).await?;
        }
        let noted = same.iter().map(|(order, _, content)| (*order, *content)).chain(older);
        let (orders, contents): (Vec<&str>, Vec<Uuid>) =
            noted.map(|(order, content)| (order, Uuid::from(content))).unzip();
        if orders.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "insert into platform.order_confirmed (tenant_id, import_id, order_ids, contents) values ($1, $2, $3, $4)",
        )
        .bind(tenant)
        .bind(import)
        .bind(orders)
        .bind(contents)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// Those whose orders these are, as far as they may be taken back, and whether they are just now.
async fn owners(
    tx: &mut Tx,
    orders: &[(&str, Uuid, Content)],
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, bool>, DbError> {
    let owners: HashSet<Uuid> = orders.iter().map(|(_, owner, _)| *owner).collect();
    let known: Vec<(Uuid, bool)> = sqlx::query_as(
        "select id, state = 'undoing' from platform.import_run
         where id = any ($1) and (state = 'undoing' or coalesce(finished_at, updated_at) >= $2)",
    )
    .bind(owners.into_iter().collect::<Vec<_>>())
    .bind(now - OF_USE_FOR)
    .fetch_all(&mut **tx)
    .await?;
    Ok(known.into_iter().collect())
}

async fn take_over(
    tx: &mut Tx,
    tenant: TenantId,
    source: &Source,
    orders: &[(&str, Uuid, Content)],
) -> Result<(), DbError> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(include_str!("take_over.sql"))
        .bind(tenant)
        .bind(orders.iter().map(|(order, _, _)| *order).collect::<Vec<_>>())
        .bind(orders.iter().map(|(_, owner, _)| *owner).collect::<Vec<_>>())
        .bind(source.import)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[derive(FromRow)]
struct Given {
    id: i64,
    orders: i64,
}

/// Gives what an import stated, which is being taken back, to those who state the same: what was noted after a place.
/// Answers the last place. Each step counts what it gave with the import.
///
/// # Errors
/// The database failed. What was given stays so.
pub(super) async fn hand_over(db: &Db, tenant: TenantId, import: Uuid, after: i64) -> Result<i64, DbError> {
    let mut at = after;
    loop {
        let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
        // Batches that did not see that it is being taken back are noted when the lanes are free.
        for lane in 0..LANES {
            take_lane(&mut tx, tenant, lane).await?;
        }
        let given: Option<Given> = sqlx::query_as(include_str!("hand_over.sql"))
            .bind(tenant)
            .bind(import)
            .bind(at)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(given) = given else { return Ok(at) };
        sqlx::query(
            "update platform.import_run set orders_confirmed = orders_confirmed + $2, updated_at = now() where id = $1",
        )
        .bind(import)
        .bind(given.orders)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        at = given.id;
    }
}

/// Forgets what an import confirmed, which is taken back (platform role).
pub(super) async fn forget(tx: &mut Tx, tenant: TenantId, import: Uuid) -> Result<(), DbError> {
    sqlx::query("delete from platform.order_confirmed where tenant_id = $1 and import_id = $2")
        .bind(tenant)
        .bind(import)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes what was confirmed of imports that cannot be taken back any more, a bounded number (platform role).
pub(super) async fn forget_old(tx: &mut Tx, tenant: TenantId, now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query(
        "delete from platform.order_confirmed where tenant_id = $1 and id = any (array(
             select id from platform.order_confirmed where tenant_id = $1 and confirmed_at < $2 order by id limit 2000))",
    )
    .bind(tenant)
    .bind(now - OF_USE_FOR)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
