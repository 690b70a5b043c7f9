//! Brings up to date what follows from a ticket.

use std::sync::Arc;

use chrono::Utc;
use database::Role;
use database::ids::TicketId;
use support::kinds::SettleTicket;
use support::kinds::settle_ticket::SettleTicketOutput;
use support::{events, ratings, settle};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: SettleTicket) -> Outcome<SettleTicketOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    events::acting(&mut tx, "job:settle_ticket", None).await?;
    ratings::from_deliveries(&mut tx, ctx.tenant, TicketId(job.ticket_id), Utc::now()).await?;
    let Some(settled) = settle::settle(&mut tx, ctx.tenant, TicketId(job.ticket_id), Utc::now()).await?
    else {
        return Err(Stop::Cancel("the ticket is gone".to_owned()));
    };
    tx.commit().await?;
    app.dispatch.announce(settled.announcement);
    done(SettleTicketOutput { version: settled.version })
}
