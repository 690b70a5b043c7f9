//! Brings up to date what follows from a ticket.

use std::sync::Arc;

use database::Role;
use database::ids::TicketId;
use support::kinds::SettleTicket;
use support::kinds::settle_ticket::SettleTicketOutput;
use support::order::place;
use support::{events, ratings, settle};

use super::refresh_rank;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done, done_then};
use crate::privacy::again;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SettleTicket) -> Outcome<SettleTicketOutput> {
    let ticket = TicketId(job.ticket_id);
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    events::acting(&mut tx, "job:settle_ticket", None).await?;
    let rated = ratings::from_deliveries(&mut tx, ctx.tenant, ticket, ctx.now()).await?;
    if again::keep_away(&app, ctx.tenant, &mut tx, ticket).await? {
        events::acting(&mut tx, "job:settle_ticket", None).await?;
    }
    // Here and not in a job of its own, which every new ticket would need.
    let (known, mut then) = refresh_rank::look_up(&mut tx, &ctx, ticket).await?;
    let settled = settle::settle_knowing(&mut tx, ctx.tenant, ticket, known, ctx.now()).await?;
    let Some(settled) = settled else {
        return Err(Stop::Cancel("the ticket is gone".to_owned()));
    };
    tx.commit().await?;
    app.dispatch.announce(settled.announcement);
    if rated > 0 {
        // What is known of a customer has their ratings in it.
        then.push(place::look_again(ctx.tenant, ticket)?.with_parent(ctx.job_id));
    }
    let output = SettleTicketOutput { version: settled.version };
    if then.is_empty() { done(output) } else { done_then(output, then) }
}
