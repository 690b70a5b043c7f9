//! Takes an import back, in steps; another attempt goes on where this one ends.

use std::sync::Arc;

use chrono::Utc;
use database::Role;
use platform::kinds::{UndoImport, undo_import::UndoImportOutput};
use platform::orders::undo::{self, UndoError};

use crate::{
    app::App,
    context::Ctx,
    insight::changed,
    outcome::{Outcome, Stop, done_then},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: UndoImport) -> Outcome<UndoImportOutput> {
    let began = Utc::now();
    let on_step = |undone: &undo::Undone| {
        let orders = undone.orders_restored + undone.orders_removed;
        ctx.progress(orders.unsigned_abs(), None, &format!("{orders} orders"));
    };
    let undone = match undo::run(&app.db, ctx.tenant, job.import_id, began, on_step).await {
        Ok(undone) => undone,
        Err(UndoError::Db(error)) => return Err(error.into()),
        Err(error) => return Err(Stop::Cancel(error.to_string())),
    };
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let changed = changed::since(&mut tx, began).await?;
    tx.commit().await?;
    let output = UndoImportOutput {
        orders_restored: undone.orders_restored,
        orders_removed: undone.orders_removed,
        orders_newer: undone.orders_newer,
    };
    done_then(output, changed::follow_ups(ctx.tenant, ctx.job_id, changed.as_deref())?)
}
