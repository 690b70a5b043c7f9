//! Takes an import back, in steps; another attempt goes on where this one ends.

use std::sync::Arc;

use chrono::Utc;
use database::Role;
use platform::kinds::{UndoImport, undo_import::UndoImportOutput};
use platform::orders::undo::{self, UndoError};
use platform::runs::published;

use crate::{
    app::App,
    context::Ctx,
    nightly::changed,
    outcome::{Outcome, Stop, done_then},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: UndoImport) -> Outcome<UndoImportOutput> {
    app.clone().while_answered(undo_all(ctx, app, job)).await
}

async fn undo_all(ctx: Ctx, app: Arc<App>, job: UndoImport) -> Outcome<UndoImportOutput> {
    let on_step = |undone: &undo::Undone| {
        let orders = undone.orders_restored + undone.orders_removed;
        ctx.progress(orders.unsigned_abs(), None, &format!("{orders} orders"));
    };
    let which = (job.import_id, ctx.job_id);
    let undone = match undo::run(&app.db, ctx.tenant, which, Utc::now(), on_step).await {
        Ok(undone) => undone,
        Err(UndoError::Db(error)) => return Err(error.into()),
        Err(UndoError::Queue(error)) => return Err(error.into()),
        Err(error) => return Err(Stop::Cancel(error.to_string())),
    };
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let has_run = published::exists(&mut tx).await?;
    tx.commit().await?;
    let output = UndoImportOutput {
        orders_restored: undone.orders_restored,
        orders_removed: undone.orders_removed,
        orders_confirmed: undone.orders_confirmed,
        orders_newer: undone.orders_newer,
    };
    // Whoever has no order left is in no list of those who changed: a run of the whole tenant leaves them out.
    let then = if has_run { changed::follow_ups(ctx.tenant, ctx.job_id, None)? } else { Vec::new() };
    done_then(output, then)
}
