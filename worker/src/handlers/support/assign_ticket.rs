//! Gives one ticket out, after those that come before it.

use std::sync::Arc;

use database::Role;
use database::ids::TicketId;
use support::assignment::drain::{Place, drain};
use support::assignment::read;
use support::kinds::AssignTicket;
use support::kinds::assign_ticket::AssignTicketOutput;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: AssignTicket) -> Outcome<AssignTicketOutput> {
    let ticket = TicketId(job.ticket_id);
    let mut place = Some(Place::default());
    while let Some(from) = place.take() {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let Some((status, assignee)) = read::standing(&mut tx, ticket).await? else {
            return Err(Stop::Cancel("the ticket is gone".to_owned()));
        };
        if let Some(agent) = assignee {
            return done(AssignTicketOutput { agent_id: Some(agent.0), waits: false });
        }
        if status != "open" {
            return Err(Stop::Cancel(format!("the ticket is {status}")));
        }
        let drained = drain(&mut tx, ctx.tenant, "job:assign_ticket", from, ctx.now()).await?;
        tx.commit().await?;
        app.dispatch.announce(drained.announcement);
        if let Some((_, agent)) = drained.assigned.iter().find(|(assigned, _)| *assigned == ticket) {
            return done(AssignTicketOutput { agent_id: Some(agent.0), waits: false });
        }
        place = drained.next;
    }
    done(AssignTicketOutput { agent_id: None, waits: true })
}
