//! Brings up to date what follows from a ticket.

use std::sync::Arc;

use chrono::Utc;
use database::Role;
use database::ids::TicketId;
use support::kinds::SettleTicket;
use support::kinds::settle_ticket::SettleTicketOutput;
use support::order::place;
use support::{events, ratings, settle};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done, done_then};
use crate::privacy::again;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SettleTicket) -> Outcome<SettleTicketOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    events::acting(&mut tx, "job:settle_ticket", None).await?;
    let rated = ratings::from_deliveries(&mut tx, ctx.tenant, TicketId(job.ticket_id), Utc::now()).await?;
    again::keep_away(&app, ctx.tenant, &mut tx, TicketId(job.ticket_id)).await?;
    events::acting(&mut tx, "job:settle_ticket", None).await?;
    let Some(settled) = settle::settle(&mut tx, ctx.tenant, TicketId(job.ticket_id), Utc::now()).await?
    else {
        return Err(Stop::Cancel("the ticket is gone".to_owned()));
    };
    tx.commit().await?;
    app.dispatch.announce(settled.announcement);
    let output = SettleTicketOutput { version: settled.version };
    if rated == 0 {
        return done(output);
    }
    // What is known of a customer has their ratings in it.
    done_then(output, vec![place::look_again(ctx.tenant, TicketId(job.ticket_id))?.with_parent(ctx.job_id)])
}
