//! What jobs of the same tenant want at the same time: a night run and the two trainings that it waits for read the same
//! orders and look at the same days of the past.

use std::sync::Arc;

use database::ids::TenantId;
use database::{Db, DbError, Role};
use platform::orders::export::Selection;
use platform::roster::{self, Extent, Moment};

use super::kept::Kept;
use super::orders::{self, Orders, OrdersKey};
use super::past::{self, Snapshots};
use super::shared::Shared;
use crate::context::Ctx;
use crate::outcome::Stop;

/// The shared things of a process.
#[derive(Default)]
pub struct Material {
    /// What tenants' orders amount to.
    extents: Shared<TenantId, Extent>,
    /// Order lines of a sample of a tenant's customers.
    orders: Shared<OrdersKey, Read>,
    /// The snapshots that models are trained on, by their orders and the days of the horizon.
    snapshots: Shared<(OrdersKey, i32), Snapshots>,
    /// The lines of all customers, from a run's preparation to its last shard.
    pub kept: Kept,
}

/// Order lines as they were read.
pub struct Read {
    /// The lines.
    pub orders: Orders,
    /// Whatever was over at this moment is among them.
    pub at: Moment,
}

impl Material {
    /// What a tenant's orders amount to.
    ///
    /// # Errors
    /// The database failed.
    pub async fn extent(&self, db: &Db, tenant: TenantId) -> Result<Arc<Extent>, Stop> {
        let make = || async {
            let mut tx = db.tenant_tx(Role::Platform, tenant).await?;
            let extent = roster::extent(&mut tx).await?;
            tx.commit().await?;
            Ok::<_, DbError>(Some(extent))
        };
        self.extents.get(tenant, make).await?.ok_or(Stop::Snooze(std::time::Duration::ZERO))
    }

    /// The lines of a sample of customers, from another job that uses them at the moment or from the database.
    ///
    /// # Errors
    /// The database failed; `Ok(None)` when the job was halted.
    pub async fn orders(
        &self,
        ctx: &Ctx,
        db: &Db,
        key: &OrdersKey,
        expected: i64,
    ) -> Result<Option<Arc<Read>>, DbError> {
        let make = || async {
            let total = u64::try_from(expected).unwrap_or(0);
            let watch = |read| {
                ctx.progress(read, Some(total), "reading order lines");
                !ctx.is_halted()
            };
            let mut tx = db.tenant_tx(Role::Platform, key.tenant).await?;
            let at = roster::moment(&mut tx).await?;
            let sample = Selection::Sample(key.one_in);
            let loaded =
                orders::load(&mut tx, &sample, &key.currency, key.until, total as usize, watch).await?;
            tx.commit().await?;
            Ok(loaded.map(|orders| Read { orders, at }))
        };
        self.orders.get(key.clone(), make).await
    }

    /// The snapshots of these orders as of a day, for a horizon of so many days.
    ///
    /// # Errors
    /// The database failed, or taking them panicked; `Ok(None)` when the job was halted.
    pub async fn snapshots(
        &self,
        ctx: &Ctx,
        db: &Db,
        key: &OrdersKey,
        expected: i64,
        day: i32,
        horizon: i32,
    ) -> Result<Option<Arc<Snapshots>>, Stop> {
        let make = || async {
            let Some(read) = self.orders(ctx, db, key, expected).await? else { return Ok(None) };
            ctx.progress(0, None, "looking at days of the past");
            let take = move |_: &intelligence::stop::Stop| past::snapshots(&read.orders.lines, day, horizon);
            super::heavily("taking snapshots", take).await.map(Some)
        };
        self.snapshots.get((key.clone(), horizon), make).await
    }
}
