//! Has the help desk forget a person. It is asked for each of their addresses who has it there, and for the tickets of
//! everybody who was found; the tickets are deleted first, then the customers. Deleting what is gone changes nothing, so an
//! attempt whose end nobody heard of is made again; that it was intended and happened is recorded as of every effect. What the
//! certificate says is counted while it is done; one thing that is refused keeps no other from being deleted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use database::Role;
use database::personal::Person;
use jobs::JobKind;
use jobs::effects::{self, Known};
use support::gorgias::PROVIDER;
use support::kinds::EraseInHelpDesk;
use support::kinds::erase_in_help_desk::{Counts, EraseInHelpDeskOutput, Left, Report};
use support::privacy::requests::HelpDesk;
use support::privacy::{find, requests};
use tokio::time::Instant;
use upstreams::gorgias::{Client, Deletion, Listed};
use upstreams::{CallContext, ClientError};

use super::draft_reply::gorgias_of;
use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done};

const CALL_TIME: Duration = Duration::from_secs(25);
/// What a certificate says between two attempts.
const STILL_TO_BE_DONE: &str = "still to be done: the help desk did not answer as it should; the job asks again by itself for a day \
                                and can be retried after that";

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: EraseInHelpDesk) -> Outcome<EraseInHelpDeskOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(request) = requests::get(&mut tx, job.request_id).await? else {
        return Err(Stop::Cancel("there is no such request".to_owned()));
    };
    let Some(whom) = requests::whom(&mut tx, &app.master_key, ctx.tenant, &request).await? else {
        return Err(Stop::Cancel("nothing is left to be erased there".to_owned()));
    };
    let person = whom.person;
    let (tickets, _) = find::in_help_desk(&mut tx, PROVIDER, &person.tickets).await?;
    tx.commit().await?;
    let mut errand = Errand::of(&person, &tickets);
    let erased = match gorgias_of(&app, ctx.tenant).await {
        Ok(Some(client)) => erase(&ctx, &app, &client, &job, &mut errand).await,
        Ok(None) => {
            let detail = "the shop has no help desk connected; connect it and retry the job";
            errand.leave_everything("no_connection", detail);
            Err(Stop::fail("no_help_desk", "the shop has no help desk connected"))
        }
        Err(stop) => Err(stop),
    };
    let state = match &erased {
        Ok(_) => HelpDesk::Done,
        Err(Stop::Fail(_)) => HelpDesk::Failed,
        Err(Stop::Retry { .. }) if ctx.attempt >= EraseInHelpDesk::POLICY.max_attempts => HelpDesk::Failed,
        Err(_) => HelpDesk::Waits,
    };
    if let Ok(output) = &erased {
        errand.report = output.report.clone();
    } else if let Err(Stop::Fail(failure) | Stop::Retry { failure, .. } | Stop::Wait { failure, .. }) =
        &erased
        && errand.report.left.is_empty()
    {
        errand.leave_everything("unavailable", &failure.message);
    }
    let what = match state {
        HelpDesk::Waits => format!("{STILL_TO_BE_DONE}; so far {}", sentence(&errand.report)),
        HelpDesk::Done | HelpDesk::Failed => sentence(&errand.report),
    };
    let report = serde_json::to_value(&errand.report).expect("counts and texts are JSON");
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    requests::in_help_desk(&mut tx, job.request_id, state, &what, report, Utc::now()).await?;
    tx.commit().await?;
    done(erased?)
}

/// What is to be done there, and what was.
struct Errand {
    addresses: Vec<String>,
    tickets: BTreeSet<u64>,
    customers: BTreeSet<u64>,
    report: Report,
}

impl Errand {
    fn of(person: &Person, tickets: &[String]) -> Errand {
        // What is no number is not the help desk's.
        let numbers = |ids: &[String]| ids.iter().filter_map(|id| id.parse().ok()).collect::<BTreeSet<u64>>();
        let (tickets, customers) = (numbers(tickets), numbers(&person.desk_ids));
        let looked_for = Counts {
            addresses: person.emails.len() as u64,
            customers: customers.len() as u64,
            tickets: tickets.len() as u64,
        };
        let report = Report { looked_for, ..Report::default() };
        Errand { addresses: person.emails.clone(), tickets, customers, report }
    }

    fn leave(&mut self, what: &str, reason: &str, detail: &str) {
        let is_same = |left: &&mut Left| left.what == what && left.reason == reason && left.detail == detail;
        match self.report.left.iter_mut().find(is_same) {
            Some(left) => left.count += 1,
            None => self.report.left.push(Left {
                what: what.to_owned(),
                count: 1,
                reason: reason.to_owned(),
                detail: detail.to_owned(),
            }),
        }
    }

    /// Nothing was reached: what was looked for is there still.
    fn leave_everything(&mut self, reason: &str, detail: &str) {
        let Counts { addresses, customers, tickets } = self.report.looked_for;
        let counted = [("addresses", addresses), ("customers", customers), ("tickets", tickets)];
        self.report.left = counted
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| Left {
                what: what.to_owned(),
                count,
                reason: reason.to_owned(),
                detail: detail.to_owned(),
            })
            .collect();
    }

    /// Notes that one thing was refused; anything else ends the attempt.
    fn refused(&mut self, what: &str, error: ClientError) -> Result<(), Stop> {
        let reason = match &error {
            ClientError::Unauthorised { .. } | ClientError::Rejected { status: 402 | 403, .. } => "forbidden",
            ClientError::Rejected { .. } => "refused",
            _ => return Err(error.into()),
        };
        self.leave(what, reason, &error.to_string());
        Ok(())
    }

    /// Takes what was found into what is to be deleted; answers how much of it was not known.
    fn learn(known: &mut BTreeSet<u64>, listed: &Listed) -> u64 {
        listed.ids.iter().filter(|id| known.insert(**id)).count() as u64
    }
}

async fn erase(
    ctx: &Ctx,
    app: &App,
    client: &Client,
    job: &EraseInHelpDesk,
    errand: &mut Errand,
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
    look(ctx, client, errand).await?;
    delete(ctx, client, errand).await?;
    let deleted = errand.report.deleted;
    let output = EraseInHelpDeskOutput {
        tickets: deleted.tickets,
        customers: deleted.customers,
        report: errand.report.clone(),
    };
    // What was refused is tried again when somebody retries the job.
    if let Some(left) = errand.report.left.first() {
        let problem = format!("{}: {}", sentence(&errand.report), left.detail);
        return Err(Stop::fail("help_desk_refused", &problem));
    }
    let happened = async {
        let mut conn = app.store.pool().acquire().await?;
        effects::happened(&mut conn, ctx.tenant.0, &key, &output).await
    };
    app.store.answers(happened).await?;
    Ok(output)
}

fn call(ctx: &Ctx) -> CallContext {
    CallContext { deadline: Instant::now() + CALL_TIME, traceparent: ctx.trace_parent.clone() }
}

/// Who has the addresses there, and which tickets they have.
async fn look(ctx: &Ctx, client: &Client, errand: &mut Errand) -> Result<(), Stop> {
    const CUT: &str = "there is more than is read of a list; search for what is left in the help desk itself";
    for address in errand.addresses.clone() {
        match client.customers_by_email(&call(ctx), &address).await {
            Ok(listed) => {
                errand.report.found.customers += Errand::learn(&mut errand.customers, &listed);
                if listed.is_cut {
                    errand.leave("addresses", "cut", CUT);
                }
            }
            Err(error) => errand.refused("addresses", error)?,
        }
    }
    for customer in errand.customers.clone() {
        match client.tickets_of_customer(&call(ctx), customer).await {
            Ok(listed) => {
                errand.report.found.tickets += Errand::learn(&mut errand.tickets, &listed);
                if listed.is_cut {
                    errand.leave("tickets", "cut", CUT);
                }
            }
            // Of who is not there any more there is nothing to be listed.
            Err(ClientError::Rejected { status: 404 | 410, .. }) => {}
            Err(error) => errand.refused("tickets", error)?,
        }
    }
    Ok(())
}

async fn delete(ctx: &Ctx, client: &Client, errand: &mut Errand) -> Result<(), Stop> {
    let total = (errand.tickets.len() + errand.customers.len()) as u64;
    let mut number = 0;
    for ticket in errand.tickets.clone() {
        match client.delete_ticket(&call(ctx), ticket).await {
            Ok(Deletion::Done) => errand.report.deleted.tickets += 1,
            Ok(Deletion::WasGone) => errand.report.was_gone.tickets += 1,
            Err(error) => errand.refused("tickets", error)?,
        }
        number += 1;
        ctx.progress(number, Some(total), "tickets");
    }
    for customer in errand.customers.clone() {
        match client.delete_customer(&call(ctx), customer).await {
            Ok(Deletion::Done) => errand.report.deleted.customers += 1,
            Ok(Deletion::WasGone) => errand.report.was_gone.customers += 1,
            Err(error) => errand.refused("customers", error)?,
        }
        number += 1;
        ctx.progress(number, Some(total), "customers");
    }
    Ok(())
}

/// What happened, for people.
fn sentence(report: &Report) -> String {
    let Report { looked_for, deleted, was_gone, left, .. } = report;
    let mut sentence = format!(
        "{} tickets and {} customers were deleted; {} addresses, {} customers and {} tickets were looked for",
        deleted.tickets, deleted.customers, looked_for.addresses, looked_for.customers, looked_for.tickets
    );
    if was_gone.tickets + was_gone.customers > 0 {
        let gone =
            format!("; {} tickets and {} customers were gone before", was_gone.tickets, was_gone.customers);
        sentence.push_str(&gone);
    }
    for left in left {
        sentence.push_str(&format!("; left: {} {} ({})", left.count, left.what, left.reason));
    }
    sentence
}
