//! What follows when a shop's words changed customers' orders: what is known of them is computed anew. The jobs enter in the
//! transaction of the change, so a worker that is killed behind it owes nobody anything.

use chrono::{DateTime, Utc};
use database::Tx;
use jobs::{Announcement, enqueue};
use platform::runs::published;

use crate::context::Ctx;
use crate::nightly::changed;
use crate::outcome::Stop;

/// Asks for the customers whose orders changed since then (platform role).
pub(crate) async fn since(ctx: &Ctx, tx: &mut Tx, since: DateTime<Utc>) -> Result<Announcement, Stop> {
    // Before the first run there is nothing to compare a few customers with.
    match published::exists(tx).await? {
        true => after_reading(ctx, tx, since).await,
        false => Ok(Announcement::default()),
    }
}

/// The same at the end of a reading of the whole shop: before its first run nobody is known, and all of them are asked for.
pub(crate) async fn after_reading(
    ctx: &Ctx,
    tx: &mut Tx,
    since: DateTime<Utc>,
) -> Result<Announcement, Stop> {
    let changed = changed::since(tx, since).await?;
    if changed.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Announcement::default());
    }
    let has_run = published::exists(tx).await?;
    let jobs = changed::follow_ups(ctx.tenant, ctx.job_id, changed.as_deref().filter(|_| has_run))?;
    Ok(enqueue(tx, &jobs).await?.1)
}

/// The database's time, which profiles are stamped with.
pub(crate) async fn now(tx: &mut Tx) -> Result<DateTime<Utc>, Stop> {
    Ok(sqlx::query_scalar("select now()").fetch_one(&mut **tx).await?)
}
