//! Looks through a help desk for what no webhook told, a page at a time: tickets that changed there later than is known
//! here, and those that are not known. Each is made the same on both sides by a job of its own.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use database::Role;
use database::ids::TicketId;
use serde_json::{Value, json};
use support::gorgias::PROVIDER;
use support::help_desk::{
    self, cursor,
    cursor::{Cursor, Listed},
};
use support::kinds::ReconcileGorgias;
use support::kinds::reconcile_gorgias::ReconcileGorgiasOutput;
use tokio::time::Instant;
use upstreams::CallContext;
use upstreams::gorgias::Ticket;

use super::draft_reply::gorgias_of;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

/// A little less than the kind's deadline.
const CALL_TIME: Duration = Duration::from_secs(50);
/// Pages of one run; the next goes on.
const PAGES: usize = 20;
/// How far back the first round looks.
const FIRST_DAYS: i64 = 7;
/// Clocks differ, and what changed just before a round may be seen late.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, _: ReconcileGorgias) -> Outcome<ReconcileGorgiasOutput> {
    let Some(client) = gorgias_of(&app, ctx.tenant).await? else {
        return done(ReconcileGorgiasOutput::default());
    };
    let call = CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    let mut output = ReconcileGorgiasOutput::default();
    for _ in 0..PAGES {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let known = cursor::get(&mut tx).await?;
        tx.commit().await?;
        let page = match client.tickets_by_change(&call, known.page_cursor.as_deref()).await {
            Ok(page) => page,
            Err(error) => {
                let failed =
                    Cursor { last_error: Some(error.to_string()), last_error_at: Some(Utc::now()), ..known };
                let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
                cursor::put(&mut tx, ctx.tenant, &failed).await?;
                tx.commit().await?;
                return Err(error.into());
            }
        };
        let (looked_at, differed, is_over) = take_page(&ctx, &app, known, page).await?;
        output.looked_at += looked_at;
        output.differed += differed;
        if is_over {
            break;
        }
    }
    done(output)
}

/// Asks for what a page's tickets lack and stores where the round stands, in one transaction.
async fn take_page(
    ctx: &Ctx,
    app: &App,
    known: Cursor,
    (tickets, next): (Vec<Ticket>, Option<String>),
) -> Result<(usize, usize, bool), Stop> {
    let now = Utc::now();
    let since = known.updated_through.map_or(now - TimeDelta::days(FIRST_DAYS), |through| through - OVERLAP);
    let newest = tickets.iter().filter_map(|ticket| ticket.updated_datetime).max();
    let round_newest = known.round_newest.or(newest);
    let is_new = |ticket: &&Ticket| ticket.updated_datetime.is_none_or(|at: DateTime<Utc>| at >= since);
    let fresh: Vec<&Ticket> = tickets.iter().filter(is_new).collect();
    let is_over = next.is_none() || fresh.len() < tickets.len();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let listed: Vec<Listed> = fresh
        .iter()
        .map(|ticket| Listed { external_id: ticket.id.to_string(), updated_at: ticket.updated_datetime })
        .collect();
    let missed = cursor::missed(&mut tx, &listed).await?;
    let mut jobs = Vec::with_capacity(missed.len());
    for (external_id, ours) in &missed {
        let told = fresh.iter().find(|ticket| ticket.id.to_string() == *external_id);
        let ticket = match (ours, told) {
            (Some(ticket), _) => *ticket,
            (None, Some(told)) => cursor::make(&mut tx, ctx.tenant, &document(told)).await?,
            (None, None) => continue,
        };
        jobs.push(help_desk::job(ctx.tenant, ticket)?);
    }
    let announcement = if jobs.is_empty() { None } else { Some(jobs::enqueue(&mut tx, &jobs).await?.1) };
    let stands = Cursor {
        updated_through: if is_over { round_newest.or(known.updated_through) } else { known.updated_through },
        round_newest: round_newest.filter(|_| !is_over),
        page_cursor: next.filter(|_| !is_over),
        looked_at: (if known.page_cursor.is_some() { known.looked_at } else { 0 })
            + i32::try_from(fresh.len()).unwrap_or(0),
        differed: (if known.page_cursor.is_some() { known.differed } else { 0 })
            + i32::try_from(missed.len()).unwrap_or(0),
        last_round_at: if is_over { Some(now) } else { known.last_round_at },
        last_error: None,
        last_error_at: None,
    };
    cursor::put(&mut tx, ctx.tenant, &stands).await?;
    tx.commit().await?;
    app.dispatch.announce(announcement.unwrap_or_default());
    Ok((fresh.len(), missed.len(), is_over))
}

/// A ticket as `support_app.upsert_ticket` reads it. Its time is left out: what is to be compared with it comes next.
pub(super) fn document(ticket: &Ticket) -> Value {
    let customer = ticket.customer.as_ref();
    json!({
        "id": TicketId::new(),
        "provider": PROVIDER,
        "external_id": ticket.id.to_string(),
        "subject": ticket.subject,
        "channel": ticket.channel,
        "status": ticket.status.as_deref().filter(|status| matches!(*status, "open" | "closed")),
        "customer_id": customer.and_then(|customer| customer.external_id.clone()),
        "customer_external_id": customer.and_then(|customer| customer.id.map(|id| id.to_string())),
        "customer_email": customer.and_then(|customer| customer.email.clone()),
        "customer_name": customer.and_then(|customer| customer.name.clone()),
        "tags": ticket.tags.iter().map(|tag| tag.name.clone()).collect::<Vec<_>>(),
    })
}
