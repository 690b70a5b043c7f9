//! Closes what was resolved long enough, a bounded number of tickets at a time; and wakes what slept through its time, since
//! nobody sees a ticket that sleeps.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use database::Role;
use support::kinds::CloseResolved;
use support::kinds::close_resolved::CloseResolvedOutput;
use support::tickets::change::{Woken, overslept, wake};
use support::tickets::{Acting, TicketError, closing, tags};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

/// How long a ticket's own job has to wake it.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// Tickets that are woken in one run.
const MOST_WOKEN: i64 = 500;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: CloseResolved) -> Outcome<CloseResolvedOutput> {
    app.clone().while_answered(close_all(ctx, app)).await
}

async fn close_all(ctx: Ctx, app: Arc<App>) -> Outcome<CloseResolvedOutput> {
    // The ledger's time: this machine's may be a year ahead.
    let now = ctx.now();
    let mut tickets = 0;
    loop {
        if ctx.is_halted() {
            return Err(Stop::Snooze(Duration::ZERO));
        }
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let (closed, announcement) = closing::step(&mut tx, ctx.tenant, now).await?;
        tx.commit().await?;
        app.dispatch.announce(announcement);
        tickets += closed as u64;
        ctx.progress(tickets, None, "tickets");
        if closed < closing::AT_ONCE {
            // Changes of tags are added to their counts every hour as well.
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            tags::fold(&mut tx).await?;
            tx.commit().await?;
            wake_overslept(&ctx, &app, now).await?;
            return done(CloseResolvedOutput { tickets });
        }
    }
}

async fn wake_overslept(ctx: &Ctx, app: &App, now: DateTime<Utc>) -> Result<(), Stop> {
    let acting = Acting {
        tenant: ctx.tenant,
        actor: "job:close_resolved",
        agent: None,
        writer: ctx.job_id,
        name: "close_resolved",
        correlation_id: &ctx.correlation_id,
        trace_parent: ctx.trace_parent.as_deref(),
        now,
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let sleepers = overslept(&mut tx, now - PATIENCE, MOST_WOKEN).await?;
    tx.commit().await?;
    for (ticket, until) in sleepers {
        if ctx.is_halted() {
            break;
        }
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        match wake(&mut tx, &acting, ticket, until).await {
            Ok(Woken::Awake(_, announcement)) => {
                tx.commit().await?;
                app.dispatch.announce(announcement);
            }
            // Somebody woke it, or it is gone.
            Ok(Woken::Otherwise) | Err(TicketError::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
