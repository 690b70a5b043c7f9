//! Closes what was resolved long enough, a bounded number of tickets at a time.

use std::sync::Arc;

use chrono::Utc;
use database::Role;
use support::kinds::CloseResolved;
use support::kinds::close_resolved::CloseResolvedOutput;
use support::tickets::{closing, tags};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: CloseResolved) -> Outcome<CloseResolvedOutput> {
    let now = Utc::now();
    let mut tickets = 0;
    loop {
        if ctx.is_halted() {
            return Err(Stop::retry("halted", "it was asked to stop and goes on later"));
        }
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let closed = closing::step(&mut tx, now).await?;
        tx.commit().await?;
        tickets += closed;
        ctx.progress(tickets, None, "tickets");
        if closed < closing::AT_ONCE {
            // Changes of tags are added to their counts every hour as well.
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            tags::fold(&mut tx).await?;
            tx.commit().await?;
            return done(CloseResolvedOutput { tickets });
        }
    }
}
