//! Announces what a ticket has due, and what follows from that.

use std::sync::Arc;

use database::Role;
use database::ids::TicketId;
use support::kinds::AnnounceSla;
use support::kinds::announce_sla::AnnounceSlaOutput;
use support::sla::alerts;
use support::{events, settle};

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: AnnounceSla) -> Outcome<AnnounceSlaOutput> {
    let ticket = TicketId(job.ticket_id);
    let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
    // The job was made ready by the same clock.
    let now = alerts::now(&mut tx).await?;
    let announced = alerts::announce_ticket(&mut tx, ticket, now).await?;
    let follow = match announced.and_then(|announced| announced.next_alert_at) {
        Some(at) => jobs::enqueue(&mut tx, &[alerts::job(ctx.tenant, ticket, at)?]).await?.1,
        None => jobs::Announcement::default(),
    };
    if announced.is_some() {
        events::acting(&mut tx, "job:announce_sla", None).await?;
        let Some(settled) = settle::settle(&mut tx, ctx.tenant, ticket, now).await? else {
            return Err(Stop::Cancel("the ticket is gone".to_owned()));
        };
        tx.commit().await?;
        app.dispatch.announce(settled.announcement);
    } else {
        tx.commit().await?;
    }
    app.dispatch.announce(follow);
    done(AnnounceSlaOutput { alerts: announced.map_or(0, |announced| announced.alerts) })
}
