//! Asks the shop, at the end of a reading, whether it still has the orders that are stored of it, and takes out those that it
//! deleted: the webhook that told of it may have been lost.

use chrono::{DateTime, TimeDelta, Utc};
use database::{Role, Tx};
use jobs::Announcement;
use platform::kinds::sync_shopify::Step;
use platform::shops::store::Heard;
use platform::shops::sync;
use platform::shops::{SHOPIFY, gone};
use upstreams::CallContext;
use upstreams::shopify::Resource;

use super::{Shop, follow, stop_of};
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// What came of a step.
pub(crate) struct Looked {
    /// Orders that were taken out.
    pub(crate) taken_out: i64,
    /// Where the next step goes on; none at the end, which is that of the reading.
    pub(crate) next: Option<Step>,
}

/// Looks at some orders.
pub(crate) async fn look(
    ctx: &Ctx,
    app: &App,
    shop: &Shop,
    call: &CallContext,
    step: &Step,
) -> Result<Looked, Stop> {
    // What is gone was gone at this moment, and nothing that was said before brings it back.
    let asked_at = Utc::now();
    let placed_since = gone::since(&shop.connection.scopes, asked_at);
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let ids = gone::stored(&mut tx, SHOPIFY, placed_since, step.after.as_deref().unwrap_or_default()).await?;
    tx.commit().await?;
    let missing = match shop.client.gone(call, Resource::Orders, &ids).await {
        Ok(missing) => missing,
        Err(error) => return Err(stop_of(ctx, app, shop, error).await),
    };
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let heard = Heard { at: asked_at, cause: step.run_id, erasure_key: app.erasure_key(ctx.tenant) };
    let taken_out = gone::take_out(&mut tx, ctx.tenant, SHOPIFY, (ids.len(), &missing), heard).await?;
    if taken_out.is_none() {
        tracing::warn!(
            orders = ids.len(),
            "the shop has none of these orders any more; they are kept, because it may only show us less than before"
        );
    }
    let is_last = (ids.len() as i64) < gone::AT_ONCE;
    let next = ids.last().filter(|_| !is_last).map(|last| Step { after: Some(last.clone()), ..step.clone() });
    let announcement = match reading_is_over(ctx, &mut tx, step, next.is_none()).await? {
        Some(started_at) => {
            // Clocks of database and worker may differ a little.
            follow::after_reading(ctx, &mut tx, started_at - TimeDelta::minutes(1)).await?
        }
        None => Announcement::default(),
    };
    tx.commit().await?;
    app.dispatch.announce(announcement);
    Ok(Looked { taken_out: taken_out.unwrap_or_default(), next })
}

/// When the reading began, if this was its end.
async fn reading_is_over(
    ctx: &Ctx,
    tx: &mut Tx,
    step: &Step,
    is_last: bool,
) -> Result<Option<DateTime<Utc>>, Stop> {
    if !is_last {
        return Ok(None);
    }
    Ok(sync::finish(tx, ctx.tenant, SHOPIFY, step.run_id, Utc::now()).await?)
}
