//! Lets a run go on as soon as what it waits for is there. It looks for itself now and then, for what is lost on the way.

use database::Role;
use platform::runs::shards;
use uuid::Uuid;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::Stop;

/// Lets the run that asked for this job look at once whether it can go on.
///
/// # Errors
/// The database failed.
pub async fn run_of_job(ctx: &Ctx, app: &App) -> Result<(), Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let announcement = jobs::bring_parent_forward(&mut tx, ctx.job_id).await?;
    tx.commit().await?;
    app.dispatch.announce(announcement);
    Ok(())
}

/// The same where this was the run's last shard.
///
/// # Errors
/// The database failed.
pub async fn run_after_last_shard(ctx: &Ctx, app: &App, run: Uuid) -> Result<(), Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let is_last = shards::are_done(&mut tx, run).await?;
    tx.commit().await?;
    if is_last { run_of_job(ctx, app).await } else { Ok(()) }
}
