//! Brings the clocks of all open tickets up to changed policies, a step a transaction.

use std::sync::Arc;

use database::Role;
use database::ids::TicketId;
use support::kinds::RecountSla;
use support::kinds::recount_sla::RecountSlaOutput;
use support::sla::{alerts, recount};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: RecountSla) -> Outcome<RecountSlaOutput> {
    app.clone().while_answered(recount_all(ctx, app, job)).await
}

async fn recount_all(ctx: Ctx, app: Arc<App>, job: RecountSla) -> Outcome<RecountSlaOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let total = recount::count(&mut tx, ctx.tenant).await?;
    tx.commit().await?;
    let mut output = RecountSlaOutput { tickets: 0, changed: 0 };
    let mut after = job.after.map(TicketId);
    loop {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let now = alerts::now(&mut tx).await?;
        let step = recount::step(&mut tx, ctx.tenant, after, now).await?;
        after = step.after;
        if let Some(TicketId(last)) = after {
            // Whoever goes on after a crash begins here; what was changed and told before is done.
            database::act_as(&mut tx, Role::Queue, None).await?;
            ctx.remember(&mut tx, &RecountSla { after: Some(last) }).await?;
        }
        tx.commit().await?;
        app.dispatch.announce(step.announcement);
        output.tickets += step.tickets;
        output.changed += step.changed;
        ctx.progress(output.tickets, u64::try_from(total).ok(), "tickets");
        if after.is_none() {
            return done(output);
        }
    }
}
