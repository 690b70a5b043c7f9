//! What jobs of the same tenant want at the same time: a night run and the two trainings that it waits for read the same
//! orders and look at the same days of the past.

use std::sync::Arc;

use database::{Db, DbError, Role};
use platform::orders::export::Selection;

use super::orders::{self, Orders, OrdersKey};
use super::past::{self, Snapshots};
use super::shared::Shared;
use crate::context::Ctx;
use crate::outcome::Stop;

/// The shared things of a process.
#[derive(Default)]
pub struct Material {
    /// Order lines of a sample of a tenant's customers.
    orders: Shared<OrdersKey, Orders>,
    /// The snapshots that models are trained on, by their orders and the days of the horizon.
    snapshots: Shared<(OrdersKey, i32), Snapshots>,
}

impl Material {
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
    ) -> Result<Option<Arc<Orders>>, DbError> {
        let make = || async {
            let total = u64::try_from(expected).unwrap_or(0);
            let watch = |read| {
                ctx.progress(read, Some(total), "reading order lines");
                !ctx.is_halted()
            };
            let mut tx = db.tenant_tx(Role::Platform, key.tenant).await?;
            let sample = Selection::Sample(key.one_in);
            let loaded =
                orders::load(&mut tx, &sample, &key.currency, key.until, total as usize, watch).await?;
            tx.commit().await?;
            Ok(loaded)
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
            let Some(orders) = self.orders(ctx, db, key, expected).await? else { return Ok(None) };
            ctx.progress(0, None, "looking at days of the past");
            let take = move |_: &intelligence::stop::Stop| past::snapshots(&orders.lines, day, horizon);
            super::heavily("taking snapshots", take).await.map(Some)
        };
        self.snapshots.get((key.clone(), horizon), make).await
    }
}
