//! Wakes a ticket that was snoozed.

use std::sync::Arc;

use database::Role;
use database::ids::TicketId;
use support::kinds::WakeTicket;
use support::kinds::wake_ticket::WakeTicketOutput;
use support::tickets::change::{Woken, wake};
use support::tickets::{Acting, TicketError};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: WakeTicket) -> Outcome<WakeTicketOutput> {
    let now = ctx.now();
    if job.until > now {
        return Err(Stop::Cancel("the ticket is to sleep longer".to_owned()));
    }
    let acting = Acting {
        tenant: ctx.tenant,
        actor: "job:wake_ticket",
        agent: None,
        writer: ctx.job_id,
        name: "wake_ticket",
        correlation_id: &ctx.correlation_id,
        trace_parent: ctx.trace_parent.as_deref(),
        now,
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    match wake(&mut tx, &acting, TicketId(job.ticket_id), job.until).await {
        Ok(Woken::Awake(_, announcement)) => {
            tx.commit().await?;
            app.dispatch.announce(announcement);
            done(WakeTicketOutput { woken: true })
        }
        Ok(Woken::Otherwise) => done(WakeTicketOutput { woken: false }),
        Err(TicketError::Unknown(_)) => Err(Stop::Cancel("the ticket is gone".to_owned())),
        Err(error) => Err(error.into()),
    }
}
