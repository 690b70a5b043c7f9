//! Has the help desk forget a person: their tickets, then the customer. Deleting what is gone changes nothing, so an attempt
//! whose end nobody heard of is made again; that it was intended and happened is recorded as of every effect.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::personal::Person;
use jobs::JobKind;
use jobs::effects::{self, Known};
use support::gorgias::PROVIDER;
use support::kinds::EraseInHelpDesk;
use support::kinds::erase_in_help_desk::EraseInHelpDeskOutput;
use support::privacy::{find, requests};
use tokio::time::Instant;
use upstreams::CallContext;
use upstreams::gorgias::Client;

use super::draft_reply::gorgias_of;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

const CALL_TIME: Duration = Duration::from_secs(25);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: EraseInHelpDesk) -> Outcome<EraseInHelpDeskOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(request) = requests::get(&mut tx, job.request_id).await? else {
        return Err(Stop::Cancel("there is no such request".to_owned()));
    };
    let Some(person) = requests::person(&mut tx, &app.master_key, ctx.tenant, &request).await? else {
        return Err(Stop::Cancel("nothing is left to be erased there".to_owned()));
    };
    let (tickets, _) = find::in_help_desk(&mut tx, PROVIDER, &person.tickets).await?;
    tx.commit().await?;
    let erased = match gorgias_of(&app, ctx.tenant).await? {
        Some(client) => erase(&ctx, &app, &client, &job, &tickets, &person).await,
        None => Err(Stop::fail("no_help_desk", "the shop has no help desk connected")),
    };
    let is_over = match &erased {
        Ok(_) | Err(Stop::Fail(_)) => true,
        Err(Stop::Retry { .. }) => ctx.attempt >= EraseInHelpDesk::POLICY.max_attempts,
        Err(_) => false,
    };
    if is_over {
        let outcome = match &erased {
            Ok(output) => format!("{} tickets and {} customers were deleted", output.tickets, output.customers),
            Err(Stop::Fail(failure) | Stop::Retry { failure, .. }) => failure.message.clone(),
            Err(_) => String::new(),
        };
        let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
        requests::in_help_desk(&mut tx, job.request_id, erased.is_ok(), &outcome, Utc::now()).await?;
        tx.commit().await?;
    }
    done(erased?)
}

async fn erase(
    ctx: &Ctx,
    app: &App,
    client: &Client,
    job: &EraseInHelpDesk,
    tickets: &[String],
    person: &Person,
) -> Result<EraseInHelpDeskOutput, Stop> {
    let key = format!("gorgias_erase:{}", job.request_id);
    let intend = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::intend(&mut conn, ctx.tenant.0, &key, ctx.job_id, ctx.lease()).await
    };
    let known: Known<EraseInHelpDeskOutput> = app.store.answers(intend).await?;
    match known {
        Known::Happened(output) => return Ok(output),
        Known::UnderWay => return Err(Stop::under_way()),
        Known::New | Known::Unsure => {}
    }
    let call = || CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() };
    // What is no number is not the help desk's.
    let tickets: Vec<u64> = tickets.iter().filter_map(|id| id.parse().ok()).collect();
    let customers: Vec<u64> = person.desk_ids.iter().filter_map(|id| id.parse().ok()).collect();
    let total = (tickets.len() + customers.len()) as u64;
    for (number, ticket) in tickets.iter().enumerate() {
        client.delete_ticket(&call(), *ticket).await?;
        ctx.progress(number as u64 + 1, Some(total), "tickets");
    }
    for customer in &customers {
        client.delete_customer(&call(), *customer).await?;
    }
    let output = EraseInHelpDeskOutput { tickets: tickets.len() as u64, customers: customers.len() as u64 };
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &output).await
    };
    app.store.answers(happened).await?;
    Ok(output)
}
