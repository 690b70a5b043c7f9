//! Erases a person everywhere, looks whether anything is left, and writes the certificate.

use std::sync::Arc;

use chrono::Utc;
use database::personal::Person;
use database::{Role, Tx};
use jobs::NewJob;
use platform::anonymous_ids;
use platform::identities::erased;
use serde_json::json;
use support::kinds::erase_customer::EraseCustomerOutput;
use support::kinds::{EraseCustomer, EraseInHelpDesk};
use support::privacy::requests::{self, Request, State, Whom};
use support::privacy::{find, tickets};
use uuid::Uuid;

use crate::app::App;
use crate::context::Ctx;
use crate::outcome::{Outcome, Stop, done, done_then};
use crate::privacy::{erase, whom};
use crate::shop::law;

/// What is written while it is erased is erased by another round; after so many the next attempt does.
const ROUNDS: usize = 3;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: EraseCustomer) -> Outcome<EraseCustomerOutput> {
    app.clone().while_answered(erase_all(ctx, app, job)).await
}

async fn erase_all(ctx: Ctx, app: Arc<App>, job: EraseCustomer) -> Outcome<EraseCustomerOutput> {
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    let Some(request) = requests::get(&mut tx, job.request_id).await? else {
        return Err(Stop::Cancel("there is no such request".to_owned()));
    };
    if request.state == State::Done {
        return done(EraseCustomerOutput { reached: request.reached.0 });
    }
    let mut whom = match whom::of_request(&mut tx, &app.master_key, ctx.tenant, &request).await {
        Ok(found) => found,
        Err(stop) => return Err(told(&ctx, &app, job.request_id, stop).await?),
    };
    requests::begin(&mut tx, &app.master_key, ctx.tenant, request.id, &whom, Utc::now()).await?;
    tx.commit().await?;
    for _ in 0..ROUNDS {
        if let Err(stop) = look_anew(&ctx, &app, request.id, &mut whom).await {
            return Err(told(&ctx, &app, job.request_id, stop).await?);
        }
        erase::once(&ctx, &app, request.id, &whom).await?;
        let left = erase::left(&ctx, &app, request.id, &whom.person).await?;
        if left.is_empty()
            && let Some(then) = finish(&ctx, &app, &request, &whom.person).await?
        {
            let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
            let reached = requests::get(&mut tx, request.id).await?.map(|request| request.reached.0);
            return done_then(EraseCustomerOutput { reached: reached.unwrap_or_default() }, then);
        }
        tracing::info!(request_id = %request.id, tables = ?left, "what was written meanwhile is erased too");
    }
    Err(Stop::retry("words_left", "words of the person are written while they are erased"))
}

/// Keeps the codes of the person, so that whoever names them is refused from now on, and then finds what names them by now:
/// everything that was written before is seen, because it was waited for.
async fn look_anew(ctx: &Ctx, app: &App, request: Uuid, whom: &mut Whom) -> Result<(), Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    erased::while_nobody_is_named(&mut tx, ctx.tenant).await?;
    if !whom.is_nobody {
        erased::keep(&mut tx, ctx.tenant, &app.erasure_key(ctx.tenant), &whom.person, Utc::now()).await?;
    }
    tx.commit().await?;
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    whom::again(&mut tx, whom).await?;
    requests::begin(&mut tx, &app.master_key, ctx.tenant, request, whom, Utc::now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Says that it is done, and answers the jobs that follow; none when a ticket names them by now that was not erased. The look
/// and the certificate are one transaction in which nobody is named, so what is written afterwards is new.
async fn finish(
    ctx: &Ctx,
    app: &App,
    request: &Request,
    person: &Person,
) -> Result<Option<Vec<NewJob>>, Stop> {
    ctx.progress(erase::STEPS, Some(erase::STEPS), "certificate");
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    erased::while_nobody_is_named(&mut tx, ctx.tenant).await?;
    let mut by_now = person.clone();
    find::tickets(&mut tx, &mut by_now).await?;
    if by_now.tickets.len() > person.tickets.len() {
        return Ok(None);
    }
    let announcement = tickets::close(&mut tx, ctx.tenant, &person.tickets, erase::ACTOR).await?;
    requests::finish(&mut tx, request.id, None, Utc::now()).await?;
    law::done(ctx, &mut tx, request.id, Utc::now()).await?;
    tell(ctx, app, &mut tx, request.id, &person.token).await?;
    tx.commit().await?;
    app.dispatch.announce(announcement);
    Ok(Some(match request.in_help_desk {
        true => {
            vec![
                NewJob::of(ctx.tenant, &EraseInHelpDesk { request_id: request.id })?
                    .with_dedup_key(&request.id.to_string())?,
            ]
        }
        false => Vec::new(),
    }))
}

/// Tells other systems, by what stands for the customer and by the anonymised id that tools named them with: they may know
/// the first from events, the second from answers, and nobody learns a name from either.
async fn tell(ctx: &Ctx, app: &App, tx: &mut Tx, request: Uuid, token: &str) -> Result<(), Stop> {
    let known = [token.to_owned()];
    let hidden = anonymous_ids::of_customers(tx, &app.anonymous_key(ctx.tenant), &known).await?;
    let data = json!({
        "customer_id": token,
        "anonymous_id": hidden.get(token).map(ToString::to_string),
        "request_id": request,
        "erased_at": Utc::now(),
    });
    outbound::tell::tell(tx, "customer.erased", &format!("customer:{token}"), &data).await?;
    Ok(())
}

/// Shows on the request why it cannot be fulfilled.
pub(super) async fn told(ctx: &Ctx, app: &App, request: Uuid, stop: Stop) -> Result<Stop, Stop> {
    let reason = match &stop {
        Stop::Fail(failure) => failure.message.clone(),
        Stop::Cancel(reason) => reason.clone(),
        _ => return Ok(stop),
    };
    let mut tx = app.db.tenant_tx(Role::Support, ctx.tenant).await?;
    requests::fail(&mut tx, request, &reason, Utc::now()).await?;
    tx.commit().await?;
    Ok(stop)
}
