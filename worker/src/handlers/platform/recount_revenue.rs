//! Brings all orders up to the tenant's rule of what is revenue, in steps that may be begun again.

use std::sync::Arc;

use database::Role;
use platform::kinds::{RecountRevenue, recount_revenue::RecountRevenueOutput};
use platform::orders::rule;

use crate::{
    app::App,
    context::Ctx,
    nightly::changed,
    outcome::{Outcome, done_then},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: RecountRevenue) -> Outcome<RecountRevenueOutput> {
    app.clone().while_answered(recount(ctx, app)).await
}

async fn recount(ctx: Ctx, app: Arc<App>) -> Outcome<RecountRevenueOutput> {
    let began = ctx.now();
    let orders = rule::recount(&app.db, ctx.tenant, ctx.job_id).await?;
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let changed = changed::since(&mut tx, began).await?;
    tx.commit().await?;
    let output = RecountRevenueOutput { orders_changed: i64::try_from(orders).unwrap_or(i64::MAX) };
    done_then(output, changed::follow_ups(ctx.tenant, ctx.job_id, changed.as_deref())?)
}
