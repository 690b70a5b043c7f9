//! Brings what is known of customers onto their unfinished tickets, and places these anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::ids::TicketId;
use database::{Role, Tx, act_as};
use jobs::NewJob;
use platform::customers::{self, Contact, Found};
use platform::identities::desk::{self, Noted};
use platform::insights::standing;
use support::kinds::RefreshRank;
use support::kinds::refresh_rank::RefreshRankOutput;
use support::order::facts::{self, Base, Behind, Known, Look};

use crate::app::App;
use crate::context::Ctx;
use crate::nightly::writers;
use crate::outcome::{Outcome, Stop, done, done_then};

/// Tickets in a transaction.
const BATCH: i64 = 200;
/// More unfinished tickets of one customer than this are placed by the next run over all.
const OF_A_CUSTOMER: i64 = 200;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: RefreshRank) -> Outcome<RefreshRankOutput> {
    match (job.ticket_id, &job.customer_id) {
        (Some(ticket), _) => {
            let mut tx = app.steps.tenant_tx(Role::Support, ctx.tenant).await?;
            let Some(ticket) = facts::of_ticket(&mut tx, TicketId(ticket)).await? else {
                return Err(Stop::Cancel("the ticket is gone".to_owned()));
            };
            let id = ticket.id;
            let moved = look(&mut tx, vec![Behind { known_customer: None, ..ticket }]).await?;
            let then = writers::follow_up(&mut tx, &ctx, id).await?;
            tx.commit().await?;
            done_then(RefreshRankOutput { tickets: 1, moved }, then)
        }
        (None, Some(customer)) => {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let tickets = facts::of_customer(&mut tx, customer, OF_A_CUSTOMER).await?;
            let count = tickets.len() as u64;
            let moved = look(&mut tx, tickets).await?;
            tx.commit().await?;
            done(RefreshRankOutput { tickets: count, moved })
        }
        (None, None) => all(&ctx, &app, job).await,
    }
}

/// Every unfinished ticket, a batch at a time; the job remembers how far it came.
async fn all(ctx: &Ctx, app: &App, mut job: RefreshRank) -> Outcome<RefreshRankOutput> {
    let mut output = RefreshRankOutput::default();
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let base = facts::base(&mut tx).await?;
    if let Some(spread) = standing::spread(&mut tx, base.run).await? {
        facts::put_base(&mut tx, spread.run_id, spread.churn_median, &spread.ltv_percentiles).await?;
    }
    tx.commit().await?;
    loop {
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        let tickets = facts::page(&mut tx, job.after, BATCH).await?;
        let Some(last) = tickets.last().map(|ticket| ticket.id.0) else { return done(output) };
        output.tickets += tickets.len() as u64;
        output.moved += look(&mut tx, tickets).await?;
        job.after = Some(last);
        // The ledger of a running job is the queue's to write.
        act_as(&mut tx, Role::Queue, None).await?;
        ctx.remember(&mut tx, &job).await?;
        tx.commit().await?;
        ctx.progress(output.tickets, None, "tickets placed");
        if ctx.is_halted() {
            return Err(Stop::Snooze(Duration::ZERO));
        }
    }
}

/// Finds out who is behind these tickets and what is known of them, and places them anew; answers how many moved.
async fn look(tx: &mut Tx, tickets: Vec<Behind>) -> Result<u64, Stop> {
    let (base, looks) = find(tx, tickets).await?;
    Ok(facts::put(tx, &base, &looks, Utc::now()).await?)
}

/// The same for a ticket that nobody was looked up for with the contact details that it has, and that is settled after this,
/// which stores what was found (support role). Answers that, and the jobs that follow for its customer.
pub(super) async fn look_up(
    tx: &mut Tx,
    ctx: &Ctx,
    ticket: TicketId,
) -> Result<(Option<Known>, Vec<NewJob>), Stop> {
    let Some(behind) = facts::to_look_up(tx, ticket).await? else { return Ok((None, Vec::new())) };
    let (base, looks) = find(tx, vec![behind]).await?;
    let Some(look) = looks.first() else { return Ok((None, Vec::new())) };
    let then = writers::follow_up_of(tx, ctx, look.customer.clone()).await?;
    Ok((Some(Known::of(&base, look)), then))
}

/// Who is behind these tickets and what is known of them. What the help desk calls who was found by something else is noted.
async fn find(tx: &mut Tx, tickets: Vec<Behind>) -> Result<(Base, Vec<Look>), Stop> {
    let mut found = Vec::with_capacity(tickets.len());
    let mut news = Vec::new();
    for ticket in tickets {
        let customer = match ticket.is_known() {
            true => ticket.known_customer.clone(),
            false => who(tx, &ticket, &mut news).await?,
        };
        found.push((ticket, customer));
    }
    desk::note(tx, &news).await?;
    let customers: Vec<String> = found.iter().filter_map(|(_, customer)| customer.clone()).collect();
    let standings: HashMap<String, standing::Standing> = standing::of(tx, &customers)
        .await?
        .into_iter()
        .map(|standing| (standing.customer_id.clone(), standing))
        .collect();
    let base: Base = facts::base(tx).await?;
    let looks: Vec<Look> = found
        .into_iter()
        .map(|(ticket, customer)| {
            let standing = customer.as_ref().and_then(|customer| standings.get(customer));
            let facts = standing
                .map(|known| base.facts(known.churn, known.ltv, Some(known.orders)))
                .unwrap_or_default();
            Look { ticket, customer, facts }
        })
        .collect();
    Ok((base, looks))
}

/// The customer behind a ticket; nobody when several share the address.
async fn who(tx: &mut Tx, ticket: &Behind, news: &mut Vec<Noted>) -> Result<Option<String>, Stop> {
    let contact = Contact {
        customer_id: ticket.customer_id.as_deref(),
        email: ticket.customer_email.as_deref(),
        desk_id: ticket.customer_external_id.as_deref(),
    };
    let whom = customers::of_contact(tx, contact).await?;
    let Found::One(customer) = whom.found else { return Ok(None) };
    if let Some(desk_id) = contact.desk_id.filter(|_| whom.is_news) {
        news.push(Noted { desk_id: desk_id.to_owned(), customer_id: customer.clone() });
    }
    Ok(Some(customer))
}
